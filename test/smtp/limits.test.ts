/** Each limit of docs/limits.md against a dialogue in memory, with a clock of its own, and what a compat listener makes of it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DEFAULT_LIMITS, type Limits } from '../../config/limits.ts'
import { Talk } from '../../core/smtp/talk.ts'
import { fakeDialogue, type Fake, type FakeOptions } from './fakes.ts'

interface Conversation extends Fake {
  readonly talk: Talk
  readonly closed: boolean
  /** Sends this, and gives what came back since the last time. */
  say(bytes: string): Promise<string>
  /** Lets so many seconds go by, in steps of one. */
  pass(seconds: number): string
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

async function converse(options: FakeOptions & { readonly early?: boolean } = {}): Promise<Conversation> {
  const fake = fakeDialogue({ ...options, limits: { ...DEFAULT_LIMITS, ...options.limits } })
  let now = 0
  let out = ''
  let closed = false
  const talk = new Talk({
    write: (bytes) => {
      out += bytes.toString('latin1')
      return true
    },
    drained: () => Promise.resolve(),
    startTls: () => {},
    close: () => { closed = true },
    early: () => options.early === true,
  }, fake.dialogue, () => now)
  const taken = (): string => {
    const text = out
    out = ''
    return text
  }
  talk.begin()
  await turn()
  return {
    ...fake, talk,
    get closed() { return closed },
    say: async (bytes) => {
      await talk.receive(Buffer.from(bytes, 'latin1'))
      await turn()
      return taken()
    },
    pass: (seconds) => {
      for (let second = 0; second < seconds; second++) talk.tick(now += 1000)
      return taken()
    },
  }
}

const limits = (own: Partial<Limits>): { readonly limits: Partial<Limits> } => ({ limits: own })
const MAIL = 'MAIL FROM:<a@b.example>\r\n'
const RCPT = 'RCPT TO:<u@local.example>\r\n'
const WAIT = '554 you must wait for my reply before you go on (#5.5.0)\r\n'

async function greeted(options: FakeOptions = {}): Promise<Conversation> {
  const client = await converse(options)
  await client.say('EHLO x\r\n')
  return client
}

describe('counts', () => {
  test('recipients: the 1,001st is told to come later, the others are served', async () => {
    const client = await greeted()
    await client.say(MAIL)
    assert.equal(await client.say(RCPT.repeat(1001)), `${'250 ok\r\n'.repeat(1000)}452 too many recipients (#4.5.3)\r\n`)
    assert.match(await client.say('DATA\r\n'), /^354 /)
    assert.match(await client.say('x\r\n.\r\n'), /^250 ok /)
    assert.equal(client.spool.stored[0]!.envelope.recipients.length, 1000)
  })

  test('errors: 20 have their replies, and the next command is the last', async () => {
    const client = await greeted()
    assert.equal(await client.say('FOO\r\n'.repeat(20)), '502 unimplemented (#5.5.1)\r\n'.repeat(20))
    assert.equal(await client.say(`NOOP\r\n${MAIL}`), '421 too many errors (#4.7.0)\r\n')
    assert.ok(client.closed)
  })

  test('errors count anew behind a message that was accepted', async () => {
    const client = await greeted()
    for (let round = 0; round < 3; round++) {
      await client.say(`${'FOO\r\n'.repeat(19)}${MAIL}${RCPT}DATA\r\n`)
      assert.match(await client.say('x\r\n.\r\n'), /^250 ok /)
    }
  })

  test('over-long lines are errors, too', async () => {
    const client = await greeted(limits({ errors: 2 }))
    await client.say(`${'x'.repeat(5000)}\r\n`.repeat(2))
    assert.match(await client.say('NOOP\r\n'), /^421 too many errors/)
  })

  test('junk: 100 commands without mail, and the next is the last', async () => {
    const client = await converse()
    await client.say('EHLO x\r\n')
    assert.equal(await client.say('NOOP\r\n'.repeat(99)), '250 ok\r\n'.repeat(99))
    assert.equal(await client.say('RSET\r\n'), '421 too many commands without mail (#4.7.0)\r\n')
    assert.ok(client.closed)
  })

  test('a line of 4,096 bytes is one, a longer one is not', async () => {
    const client = await greeted()
    assert.equal(await client.say(`NOOP ${'x'.repeat(4096 - 7)}\r\n`), '250 ok\r\n')
    assert.equal(await client.say(`NOOP ${'x'.repeat(4096 - 6)}\r\nNOOP\r\n`), '500 line too long (#5.5.2)\r\n250 ok\r\n')
  })

  test('a header of 102,400 bytes is one, a longer one is not, and its body is not looked at', async () => {
    const client = await greeted()
    const send = async (content: string): Promise<string> => {
      await client.say(`${MAIL}${RCPT}DATA\r\n`)
      return client.say(`${content}\r\n.\r\n`)
    }
    const header = (bytes: number): string => `${'X: y\r\n'.repeat(10)}${'z'.repeat(bytes - 52)}\r\n\r\n`
    assert.match(await send(`${header(102_400)}${'body\r\n'.repeat(100_000)}`), /^250 ok /)
    assert.equal(await send(header(102_401)), "552 sorry, that message's header is too long (#5.3.4)\r\n")
    assert.equal(await send('no end of it '.repeat(10_000)), "552 sorry, that message's header is too long (#5.3.4)\r\n")
    assert.equal(await client.say('NOOP\r\n'), '250 ok\r\n')
    assert.equal(client.spool.stored.length, 1)
  })

  test('hops: 99 are enough', async () => {
    const client = await greeted()
    const send = async (hops: number): Promise<string> => {
      await client.say(`${MAIL}${RCPT}DATA\r\n`)
      return client.say(`${'Received: x\r\n'.repeat(hops)}\r\n.\r\n`)
    }
    assert.match(await send(99), /^250 ok /)
    assert.equal(await send(100), '554 too many hops, this message is looping (#5.4.6)\r\n')
  })
})

describe('times', () => {
  const TIMEOUT = '451 timeout (#4.4.2)\r\n'

  test('a command line that trickles in', async () => {
    const client = await greeted()
    for (let second = 0; second < 300; second++) {
      assert.equal(client.pass(1), '')
      await client.say('x')
    }
    assert.equal(client.pass(1), TIMEOUT)
    assert.ok(client.closed)
  })

  test('whole commands may take their time each', async () => {
    const client = await greeted()
    for (let round = 0; round < 10; round++) {
      assert.equal(client.pass(299), '')
      assert.equal(await client.say('NOOP\r\n'), '250 ok\r\n')
    }
  })

  test('content that trickles in', async () => {
    const client = await greeted()
    await client.say(`${MAIL}${RCPT}DATA\r\n`)
    let out = ''
    let seconds = 0
    for (; out === '' && seconds < 1000; seconds++) {
      await client.say('x')
      out = client.pass(1)
    }
    assert.equal(out, TIMEOUT)
    assert.ok(seconds > 300 && seconds < 310, `${seconds}`)
    assert.ok(client.closed)
    client.talk.gone('closed')
    assert.equal(client.spool.aborted, 1)
  })

  test('content at a good pace may take longer than a session lasts, and then it is over', async () => {
    const client = await greeted()
    await client.say(`${MAIL}${RCPT}DATA\r\n`)
    for (let second = 0; second < 4000; second++) {
      await client.say('x'.repeat(600))
      assert.equal(client.pass(1), '')
    }
    assert.match(await client.say('\r\n.\r\n'), /^552 /, 'all that was one line of the header')
    assert.ok(client.closed)
  })

  test('a session ends when it has lasted an hour', async () => {
    const client = await greeted()
    for (let second = 0; second < 3598; second += 100) {
      await client.say(second === 2000 ? `${MAIL}${RCPT}DATA\r\n` : second === 2100 ? 'x\r\n.\r\n' : 'HELP\r\n')
      assert.equal(client.pass(99), '')
      client.pass(1)
    }
    assert.equal(client.closed, false)
    assert.equal(client.pass(1), '421 this session has lasted too long, come again (#4.4.2)\r\n')
    assert.ok(client.closed)
  })

  test('a client that does not read its replies', async () => {
    const { dialogue } = fakeDialogue({ limits: DEFAULT_LIMITS })
    let now = 0
    let closed = false
    const talk = new Talk({ write: () => false, drained: () => new Promise(() => {}), close: () => { closed = true }, startTls: () => {} }, dialogue, () => now)
    talk.begin()
    await turn()
    void talk.receive(Buffer.from('EHLO x\r\n'))
    await turn()
    void talk.receive(Buffer.from('NOOP\r\n'))
    await turn()
    talk.tick(now += 300_000)
    assert.equal(closed, false)
    talk.tick(now += 1)
    assert.equal(closed, true)
  })

  test('a plugin that takes its time is not the client\'s fault', async () => {
    let answer = (): void => {}
    const slow = new Promise<void>((resolve) => { answer = resolve }).then(() => ({ commands: [] }))
    const client = await greeted({ lines: { mail: [() => slow] } })
    const said = client.say(MAIL)
    assert.equal(client.pass(3000), '')
    answer()
    assert.equal(await said, '250 ok\r\n')
    assert.equal(client.pass(300), '')
    assert.equal(client.pass(1), TIMEOUT)
  })
})

describe('out of turn', () => {
  test('before the greeting: refused, and the plugins of [connection] know', async () => {
    const seen: unknown[] = []
    const client = await converse({ early: true, lines: { connection: [({ session }) => {
      seen.push(session.env['SMTPEARLYTALKER'])
      return { commands: [] }
    }] } })
    assert.equal(await client.say(`EHLO x\r\n${MAIL}`), WAIT)
    assert.ok(client.closed)
    assert.deepEqual(seen, ['1'])
  })

  test('while a plugin lets the greeting wait: the plugins behind it know', async () => {
    let greet = (): void => {}
    const waits = new Promise<void>((resolve) => { greet = resolve }).then(() => ({ commands: [] }))
    const seen: unknown[] = []
    const client = await converse({ lines: { connection: [() => waits, ({ session }) => {
      seen.push(session.env['SMTPEARLYTALKER'])
      return { commands: [] }
    }] } })
    const said = client.say('EHLO x\r\n')
    greet()
    assert.equal(await said, WAIT)
    assert.deepEqual(seen, ['1'])
  })

  test('a plugin may let it be, by LIMITS', async () => {
    const allow = { commands: [{ kind: 'S', name: 'LIMITS', value: 'earlyTalkers=note' }] } as const
    const client = await converse({ early: true, lines: { connection: [() => allow] } })
    assert.match(await client.say('EHLO x\r\n'), /^220 .*\r\n250-/s)
  })

  test('a polite client is nothing of the kind', async () => {
    const client = await converse()
    assert.match(await client.say('EHLO x\r\n'), /^220 .*\r\n250-/s)
    assert.equal(client.dialogue.session.env['SMTPEARLYTALKER'], undefined)
    assert.match(await client.say(`${MAIL}${RCPT}DATA\r\n`), /354 go ahead\r\n$/)
    assert.match(await client.say(`x\r\n.\r\n${MAIL}${RCPT}NOOP\r\nRSET\r\nQUIT\r\n`), /^250 ok [^]*221 test\.example\r\n$/)
    assert.equal(client.dialogue.session.env['SMTPBADPIPELINING'], undefined)
  })

  for (const [name, before, bytes] of [
    ['behind EHLO', '', `EHLO x\r\n${MAIL}`], ['behind HELO', '', `HELO x\r\n${MAIL}`], ['without EHLO', 'HELO x\r\n', `${MAIL}${RCPT}`],
    ['before any HELO', '', `${MAIL}${RCPT}`], ['content behind DATA', `EHLO x\r\n|${MAIL}${RCPT}`, 'DATA\r\nx\r\n.\r\n'],
    ['content behind a DATA that is refused', 'EHLO x\r\n', 'DATA\r\nRSET\r\nx\r\n.\r\n'],
  ] as const) {
    test(`${name}: refused, and nothing of it is done`, async () => {
      const client = await converse()
      for (const bytesBefore of before.split('|')) await client.say(bytesBefore)
      assert.ok((await client.say(bytes)).endsWith(WAIT))
      assert.ok(client.closed)
      assert.equal(client.dialogue.session.env['SMTPBADPIPELINING'], '1')
      assert.equal(client.spool.created, 0)
    })

    test(`${name}: done, and plugins know, where the limit is to take note`, async () => {
      const client = await converse(limits({ pipelining: 'note' }))
      for (const bytesBefore of before.split('|')) await client.say(bytesBefore)
      assert.ok(!(await client.say(bytes)).includes(WAIT))
      assert.equal(client.dialogue.session.env['SMTPBADPIPELINING'], '1')
    })
  }
})

test('a compat listener has the original\'s limits only', async () => {
  const client = await converse({ compat: true, early: true })
  assert.match(await client.say(`EHLO x\r\n${MAIL}${RCPT.repeat(2000)}DATA\r\nx\r\n.\r\n`), /250 ok [0-9]+ qp/)
  for (const line of ['FOO\r\n', 'NOOP\r\n']) assert.equal((await client.say(line.repeat(500))).split('\r\n').length, 501)
  assert.equal(await client.say(`NOOP ${'x'.repeat(60_000)}\r\n`), '250 ok\r\n')
  assert.equal(client.pass(20_000), '')
  assert.deepEqual(Object.keys(client.dialogue.session.env).filter((name) => /EARLY|PIPELIN/.test(name)), [])
})
