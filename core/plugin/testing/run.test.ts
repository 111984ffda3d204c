import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  count, definePlugin, DeliveryError, done, drop, error, header, insertField, ok, patterns, print, WorldUnavailable,
  type Context, type Message, type MessageContext,
} from '../index.ts'
import { testAccount, testPlugin, testTakes } from './index.ts'

const plugin = (rcpt: (context: Context) => Promise<void> | void, needs: readonly ('sleep' | 'mailbox')[] = []) =>
  definePlugin({ name: 'probe', summary: 'Does what a test says.', needs, rcpt })

describe('an answer', () => {
  const answering = (answer: ReturnType<typeof ok> | readonly ReturnType<typeof ok>[] | undefined) =>
    testPlugin(definePlugin({ name: 'probe', summary: '', rcpt: () => answer }), { hook: 'rcpt' })

  it('is nothing, one command or several', async () => {
    assert.deepEqual((await answering(undefined)).commands, [])
    assert.deepEqual((await answering(ok())).commands, [ok()])
    assert.deepEqual((await answering([print('250-a'), header('X: y')])).commands, [print('250-a'), header('X: y')])
  })

  it('ends with the first command that ends a hook', async () => {
    assert.deepEqual((await answering([print('250-a'), done(), error('550 no')])).commands, [print('250-a'), done()])
  })

  it('has commands and edits apart in +message', async () => {
    const edit = insertField('X-Seen', 'yes')
    const both = definePlugin({ name: 'probe', summary: '', message: () => [edit, drop()] })
    const { commands, edits } = await testPlugin(both, { hook: 'message' })
    assert.deepEqual([commands, edits], [[drop()], [edit]])
  })
})

describe('a fault', () => {
  it('is what a handler throws', async () => {
    const { fault, commands } = await testPlugin(plugin(() => { throw new TypeError('no such thing') }), { hook: 'rcpt' })
    assert.deepEqual([fault, commands], [{ kind: 'threw', detail: 'no such thing' }, []])
  })

  it('is of its own kind when a fact could not be had', async () => {
    const { fault } = await testPlugin(plugin(() => { throw new WorldUnavailable('no answer') }), { hook: 'rcpt' })
    assert.deepEqual(fault, { kind: 'unavailable', detail: 'no answer' })
  })

  it('is a setting that does not parse, once the handler looks at it', async () => {
    const limited = definePlugin({
      name: 'probe', summary: '', settings: { LIMIT: count('') }, rcpt: ({ settings }) => void settings.LIMIT,
    })
    const { fault } = await testPlugin(limited, { hook: 'rcpt', env: { LIMIT: 'x' } })
    assert.deepEqual(fault, { kind: 'threw', detail: 'LIMIT: "x" is not a whole number (write digits only, such as 10)' })
  })

  it('is a command that no client should be sent', async () => {
    for (const command of [error('no code'), print('250 no hyphen'), header(''), error('550 two\r\n250 lines')]) {
      const { fault, commands } = await testPlugin(definePlugin({ name: 'probe', summary: '', rcpt: () => command }), { hook: 'rcpt' })
      assert.deepEqual([fault?.kind, commands], ['bad-command', []], JSON.stringify(command))
    }
  })

  it('is an effect that the plugin does not declare', async () => {
    const { fault, slept } = await testPlugin(plugin(({ world }) => world.sleep(1)), { hook: 'rcpt' })
    assert.match(fault?.detail ?? '', /"sleep" without declaring it \(add needs: \['sleep'\]\)/)
    assert.equal(slept, 0)
  })
})

describe('a delivery that fails', () => {
  it('is answered with its text, also when the plugin does not catch it', async () => {
    const delivering = definePlugin({
      name: 'probe', summary: '', needs: ['mailbox'],
      deliver: async ({ world, message }) => {
        await world.mailbox.deliver(testAccount('joe@local.example'), message, { reversePath: '', recipient: 'joe@local.example' })
      },
    })
    const { commands, facts } = await testPlugin(delivering, { hook: 'deliver', deliveryError: new DeliveryError('452 full (#4.2.2)') })
    assert.deepEqual(commands, [error('452 full (#4.2.2)')])
    assert.deepEqual(facts, [{ question: 'mailbox.deliver joe@local.example', answer: 'DeliveryError: 452 full (#4.2.2)' }])
  })
})

describe('a wrong test', () => {
  it('is told so', async () => {
    const listing = definePlugin({ name: 'probe', summary: '', control: { list: patterns('') }, rcpt: () => undefined })
    await assert.rejects(testPlugin(listing, { hook: 'mail' }), /the plugin probe has no handler for the hook "mail"/)
    await assert.rejects(testPlugin(listing, { hook: 'rcpt', control: { lists: '' } }), /declares no control file "lists"/)
    const strict = definePlugin({
      name: 'probe', summary: '', rcpt: () => undefined,
      control: { list: { about: '', parse: () => ({ value: 0, problems: [{ line: 3, reason: 'no number', mend: 'write one' }] }) } },
    })
    await assert.rejects(testPlugin(strict, { hook: 'rcpt', control: { list: 'x' } }), /control\/list:3: no number \(write one\)/)
  })
})

describe('the world', () => {
  it('has a clock that stands still and numbers in order', async () => {
    const seen: number[] = []
    const asking = plugin(({ world }) => void seen.push(world.now(), world.random(), world.now(), world.random(), world.random()))
    const { facts } = await testPlugin(asking, { hook: 'rcpt', now: 1000, random: [0.1, 0.2] })
    assert.deepEqual(seen, [1000, 0.1, 1000, 0.2, 0.2])
    assert.deepEqual(facts.map(({ question, answer }) => `${question} ${answer}`), ['now 1000', 'random 0.1', 'random 0.2', 'random 0.2'])
    assert.equal((await testPlugin(asking, { hook: 'rcpt', random: 1 })).fault?.kind, 'threw')
  })

  it('adds up sleep, and the client may leave in the midst of it', async () => {
    let aborted: boolean | undefined
    const sleeping = plugin(async ({ world, signal }) => {
      try {
        for (let i = 0; i < 3; i++) await world.sleep(10)
      } finally {
        aborted = signal.aborted
      }
    }, ['sleep'])
    const patient = await testPlugin(sleeping, { hook: 'rcpt' })
    assert.deepEqual([patient.slept, patient.fault, aborted], [30, undefined, false])
    const leaving = await testPlugin(sleeping, { hook: 'rcpt', clientLeavesAfter: 15 })
    assert.deepEqual([leaving.slept, leaving.fault?.detail, aborted], [15, 'the client has left', true])
  })

  it('records what was asked about accounts, in order', async () => {
    const asking = plugin(async ({ world }) => {
      await world.accounts.hasDomain('Local.Example')
      assert.equal((await world.accounts.find('JOE@local.example'))?.maildir, '/mail/local.example/joe/Maildir')
      assert.equal(await world.accounts.find('jim@local.example'), undefined)
    })
    const { facts, fault } = await testPlugin(asking, { hook: 'rcpt', accounts: { mailboxes: ['joe@local.example'] } })
    assert.equal(fault, undefined)
    assert.deepEqual(facts, [
      { question: 'accounts.hasDomain Local.Example', answer: 'true' },
      { question: 'accounts.find JOE@local.example', answer: 'joe@local.example' },
      { question: 'accounts.find jim@local.example', answer: 'none' },
    ])
  })
})

async function chunksOf(message: Message): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of message.content()) chunks.push(chunk)
  return chunks
}

describe('the message', () => {
  const inspecting = (inspect: (context: MessageContext) => Promise<void>) => definePlugin({ name: 'probe', summary: '', message: inspect })

  it('has a header, a content and a file that is gone afterwards', async () => {
    let file = ''
    const content = 'Subject: one\n two\nX-Empty:\nnonsense\nto:  joe\n\nbody: text\n'
    const { fault } = await testPlugin(inspecting(async ({ message }) => {
      assert.deepEqual(await message.header(), [
        { name: 'Subject', value: ' one\n two' }, { name: 'X-Empty', value: '' }, { name: 'to', value: '  joe' },
      ])
      const chunks = await chunksOf(message)
      assert.ok(chunks.length > 0)
      assert.equal(Buffer.concat(chunks).toString(), content)
      file = await message.file()
      assert.equal(await message.file(), file)
      assert.equal(readFileSync(file, 'utf8'), content)
      assert.equal(message.size, content.length)
    }), { hook: 'message', message: content })
    assert.equal(fault, undefined)
    assert.equal(existsSync(file), false)
  })

  it('may be empty, without a body, or without a header', async () => {
    for (const [message, fields] of [['', 0], ['Subject: x\n', 1], ['Subject: x', 1], ['\nSubject: x\n', 0]] as const) {
      const { fault } = await testPlugin(inspecting(async (context) => {
        assert.equal((await context.message.header()).length, fields, JSON.stringify(message))
      }), { hook: 'message', message })
      assert.equal(fault, undefined)
    }
  })

  it('keeps bytes that are not UTF-8', async () => {
    const bytes = Buffer.from([0x41, 0x3a, 0xe9, 0x0a, 0x0a, 0xff])
    const { fault } = await testPlugin(inspecting(async ({ message }) => {
      assert.deepEqual(await message.header(), [{ name: 'A', value: '\udce9' }])
      assert.deepEqual(Buffer.concat(await chunksOf(message)), bytes)
    }), { hook: 'message', message: bytes })
    assert.equal(fault, undefined)
  })
})

describe('takes', () => {
  it('is every domain for a plugin that delivers and does not say', async () => {
    assert.equal(await testTakes(definePlugin({ name: 'probe', summary: '', deliver: () => ok() }), 'x.example'), true)
    assert.equal(await testTakes(definePlugin({ name: 'probe', summary: '', rcpt: () => ok() }), 'x.example'), false)
  })
})
