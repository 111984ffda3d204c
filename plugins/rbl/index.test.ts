import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { error } from '../../core/plugin/index.ts'
import { testMemory, testPlugin, testSelfTest, type Environment, type FakeDns, type TestOptions } from '../../core/plugin/testing/index.ts'
import { judge } from './verdict.ts'
import rbl from './index.ts'

const LISTED = '2.0.192'
/** The client is 192.0.2.1. */
const dns: FakeDns = {
  [`1.${LISTED}.zen.example`]: { A: ['127.0.0.2', '127.0.0.10'], TXT: ['reason one', 'reason two'] },
  [`1.${LISTED}.quiet.example`]: { A: ['127.0.0.4'] },
  [`1.${LISTED}.refusing.example`]: { A: ['127.255.255.254'] },
  [`1.${LISTED}.gone.example`]: { A: ['203.0.113.9'] },
  [`1.${LISTED}.self.example`]: { A: ['127.0.0.1'] },
  [`1.${LISTED}.mixed.example`]: { A: ['127.0.0.2', '127.255.255.252'] },
  [`1.${LISTED}.white.example`]: { A: ['127.0.5.1'] },
  [`1.${LISTED}.slow.example`]: 'timeout',
  [`1.${LISTED}.broken.example`]: 'servfail',
  [`1.${LISTED}.odd.example`]: { A: ['127.0.0.2'], TXT: ['line\r\n250 injected é'] },
  [`1.${LISTED}.long.example`]: { A: ['127.0.0.2'], TXT: ['x'.repeat(2000)] },
  'spam.example.dbl.example': { A: ['127.0.1.2'], TXT: ['bad name'] },
  'clean.example.dbl.example': { A: ['127.0.1.2'] },
  '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.example': { A: ['127.0.0.2'] },
}
const ask = (env: Environment, options: Partial<TestOptions> = {}) => testPlugin(rbl, { hook: 'mail', dns, env, ...options })
const said = async (env: Environment, options: Partial<TestOptions> = {}): Promise<string | undefined> => {
  const { commands: [command], fault } = await ask(env, options)
  assert.equal(fault, undefined)
  return command === undefined ? undefined : (command as { readonly text: string }).text
}
const IN_ZEN = '550 sorry, 192.0.2.1 is listed in zen.example: reason one (#5.7.1)'

describe('a client', () => {
  it('is not looked up until a list is named', async () => {
    for (const env of [{}, { SMTPRBLS: '' }]) {
      const { commands, facts } = await ask(env)
      assert.deepEqual([commands, facts], [[], []])
    }
  })

  it('is refused when a list has it, with the reason of the list', async () => {
    assert.equal(await said({ SMTPRBLS: 'zen.example' }), IN_ZEN)
    assert.equal(await said({ SMTPRBLS: 'none.example quiet.example' }), '550 sorry, 192.0.2.1 is listed in quiet.example (#5.7.1)')
    assert.equal(await said({ SMTPRBLS: 'none.example' }), undefined)
  })

  it('is refused at CONNECT and RCPT alike', async () => {
    for (const hook of ['connection', 'rcpt'] as const) assert.equal(await said({ SMTPRBLS: 'zen.example' }, { hook }), IN_ZEN)
  })

  it('is looked up in nibbles when it has an IPv6 address', async () => {
    const session = { client: { ip: '2001:db8::25', port: 1, host: undefined } }
    assert.equal(await said({ SMTPRBLS: 'zen.example' }, { session }), '550 sorry, 2001:db8::25 is listed in zen.example (#5.7.1)')
    assert.equal(await said({ SMTPRBLS: 'quiet.example' }, { session }), undefined)
  })

  it('is told what the operator wrote', async () => {
    assert.equal(await said({ SMTPRBLS: 'zen.example:"see http://x.example/?ip=%IP%"' }), '550 see http://x.example/?ip=192.0.2.1 (#5.7.1)')
  })

  it('may come back where the operator says so', async () => {
    assert.equal(await said({ SMTPRBLS: 'quiet.example', RBLREPLY: 'temporary' }), '451 sorry, 192.0.2.1 is listed in quiet.example (#4.7.1)')
  })

  it('is not looked up when it may relay or has logged in', async () => {
    for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
      const { commands, facts } = await ask({ SMTPRBLS: 'zen.example', RBLSMTPD: '-no' }, { session })
      assert.deepEqual([commands, facts], [[], []])
    }
  })

  it('gets rblsmtpd\'s own answer where the variable has one', async () => {
    const SMTPRBLS = 'zen.example'
    assert.equal(await said({ SMTPRBLS, RBLSMTPD: '' }), undefined)
    assert.equal(await said({ SMTPRBLS, RBLSMTPD: '-go away' }), '553 go away (#5.7.1)')
    assert.equal(await said({ RBLSMTPD: 'not\nnow' }), '451 not?now (#4.7.1)')
  })
})

describe('a list\'s words', () => {
  it('cannot leave the reply', async () => {
    assert.equal(await said({ SMTPRBLS: 'odd.example' }), '550 sorry, 192.0.2.1 is listed in odd.example: line??250 injected ? (#5.7.1)')
  })

  it('are cut', async () => {
    assert.equal(await said({ SMTPRBLS: 'long.example' }), `550 sorry, 192.0.2.1 is listed in long.example: ${'x'.repeat(200)} (#5.7.1)`)
  })

  it('are no reason to fail when nobody knows them', async () => {
    const half: FakeDns = { [`1.${LISTED}.half.example`]: { A: ['127.0.0.2'], TXT: 'timeout' } }
    assert.equal(await said({ SMTPRBLS: 'half.example' }, { dns: half }), '550 sorry, 192.0.2.1 is listed in half.example (#5.7.1)')
  })

  it('are never a listing outside 127/8, at 127.0.0.1, or in 127.255.255/24', async () => {
    for (const SMTPRBLS of ['refusing.example', 'gone.example', 'self.example', 'mixed.example']) {
      const { commands, fault } = await ask({ SMTPRBLS })
      assert.deepEqual([commands, fault], [[], undefined], SMTPRBLS)
    }
    const byte = fc.nat({ max: 255 })
    fc.assert(fc.property(fc.array(fc.tuple(byte, byte, byte, byte), { minLength: 1, maxLength: 4 }), (codes) => {
      const good = codes.every(([a, b, c, d]) => a === 127 && !(b === 255 && c === 255) && !(b === 0 && c === 0 && d === 1))
      const list = { zone: 'x', allow: false, codes: [], score: 1, text: undefined }
      assert.equal(judge(list, { kind: 'answer', records: codes.map((code) => code.join('.')) }).kind, good ? 'listed' : 'unknown')
    }))
  })
})

describe('return codes and scores', () => {
  it('count as the operator says', async () => {
    assert.equal(await said({ SMTPRBLS: 'zen.example=127.0.0.3..9' }), undefined)
    assert.equal(await said({ SMTPRBLS: 'zen.example=127.0.0.3,127.0.0.10' }), IN_ZEN)
    assert.equal(await said({ SMTPRBLS: 'quiet.example;score=2 zen.example;score=3', RBLTHRESHOLD: '5' }), IN_ZEN, 'the highest score speaks')
    assert.equal(await said({ SMTPRBLS: 'quiet.example;score=2 zen.example;score=3', RBLTHRESHOLD: '6' }), undefined)
    assert.equal(await said({ SMTPRBLS: 'zen.example;score=3 white.example;score=-3' }), undefined)
  })

  it('may stand several times for one list', async () => {
    const SMTPRBLS = 'zen.example=127.0.0.2;score=2 zen.example=127.0.0.10;score=1'
    assert.equal(await said({ SMTPRBLS, RBLTHRESHOLD: '3' }), IN_ZEN)
    assert.equal(await said({ SMTPRBLS, RBLTHRESHOLD: '4' }), undefined)
  })

  it('give way to a list behind -a', async () => {
    assert.equal(await said({ SMTPRBLS: 'zen.example;score=100 -a white.example' }), undefined)
    assert.equal(await said({ SMTPRBLS: 'zen.example -a none.example' }), IN_ZEN)
  })
})

describe('a list of names', () => {
  const SMTPDBLS = 'dbl.example'

  it('is asked for the sender\'s domain and the HELO name', async () => {
    assert.equal(await said({ SMTPDBLS }, { session: { reversePath: 'x@Spam.example' } }), '550 sorry, Spam.example is listed in dbl.example: bad name (#5.7.1)')
    assert.equal(await said({ SMTPDBLS }, { session: { helo: 'clean.example' } }), '550 sorry, clean.example is listed in dbl.example (#5.7.1)')
    assert.equal(await said({ SMTPDBLS }), undefined)
  })

  it('counts once, whatever it has', async () => {
    const session = { reversePath: 'x@spam.example', helo: 'clean.example' }
    assert.equal(await said({ SMTPDBLS, RBLTHRESHOLD: '2' }, { session }), undefined)
    assert.equal(await said({ SMTPDBLS, SMTPRBLS: 'zen.example', RBLTHRESHOLD: '2' }, { session }), IN_ZEN)
  })

  it('is not asked for addresses, bare words and nothing', async () => {
    for (const helo of ['[192.0.2.1]', '192.0.2.1', 'localhost', 'x y.example\n', '', 'é.example', undefined]) {
      assert.deepEqual((await ask({ SMTPDBLS }, { session: { helo, reversePath: '' } })).facts, [], String(helo))
    }
  })
})

describe('a list that does not answer', () => {
  it('has not said anything', async () => {
    assert.equal(await said({ SMTPRBLS: 'slow.example broken.example refusing.example none.example' }), undefined)
    assert.equal(await said({ SMTPRBLS: 'slow.example zen.example' }), IN_ZEN)
  })

  it('puts mail off where the operator wants to know, and only where it could decide', async () => {
    const RBLUNKNOWN = 'later'
    assert.equal(await said({ SMTPRBLS: 'none.example slow.example', RBLUNKNOWN }), '451 sorry, I cannot ask slow.example now whether you are listed (#4.7.1)')
    assert.equal(await said({ SMTPRBLS: 'slow.example', RBLUNKNOWN, RBLTHRESHOLD: '2' }), undefined)
    assert.equal(await said({ SMTPRBLS: 'zen.example slow.example', RBLUNKNOWN }), IN_ZEN)
    assert.equal(await said({ SMTPRBLS: 'zen.example -a slow.example', RBLUNKNOWN }), '451 sorry, I cannot ask slow.example now whether you are listed (#4.7.1)')
    assert.equal(await said({ SMTPRBLS: 'zen.example slow.example;score=-1', RBLUNKNOWN }), '451 sorry, I cannot ask slow.example now whether you are listed (#4.7.1)')
    assert.equal(await said({ SMTPRBLS: '-a white.example slow.example', RBLUNKNOWN }), undefined)
  })
})

describe('a list that keeps failing', () => {
  const SMTPRBLS = 'slow.example quiet.example;score=1 zen.example;score=5'
  const START = 1_790_000_000_000

  it('is left out for a while, said once, and asked again', async () => {
    const memory = testMemory()
    const warned: string[] = []
    const questions = async (now: number): Promise<readonly string[]> => {
      const { commands, facts, logged } = await ask({ SMTPRBLS }, { memory, now })
      assert.deepEqual(commands, [error(IN_ZEN)], 'the others are asked all the same')
      warned.push(...logged.filter(({ level }) => level === 'warn').map(({ message }) => message))
      return facts.filter(({ question }) => question.startsWith('dns A')).map(({ question }) => question.split('.').at(-2)!)
    }
    for (let mail = 1; mail <= 10; mail++) assert.deepEqual(await questions(START + mail * 1000), ['slow', 'quiet', 'zen'])
    assert.match(warned.join('|'), /^the list slow\.example keeps failing and is left out for some minutes: ask "helios dns 2\.0\.0\.127\.slow\.example", [^|]*$/)
    for (let mail = 11; mail <= 20; mail++) assert.deepEqual(await questions(START + mail * 1000), ['quiet', 'zen'])
    assert.equal(warned.length, 1)
    assert.deepEqual(await questions(START + 400_000), ['slow', 'quiet', 'zen'])
  })

  it('is still a list that has not said', async () => {
    const memory = testMemory()
    const given = { SMTPRBLS: 'slow.example', RBLUNKNOWN: 'later' }
    for (let mail = 1; mail <= 12; mail++) assert.match(await said(given, { memory }) ?? '', /^451 /)
  })

  it('does not hold up mail when failures cannot be counted', async () => {
    assert.equal(await said({ SMTPRBLS }, { memory: testMemory({ unavailable: 'locked' }) }), IN_ZEN)
    assert.equal(await said({ SMTPRBLS: 'slow.example' }, { memory: testMemory({ unavailable: 'locked' }) }), undefined)
  })
})

it('any sender and HELO name leave a reply that is one', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 300 }), async (sender, helo) => {
    const all: FakeDns = { '*.dbl.example': { A: ['127.0.1.2'], TXT: [sender] } }
    const { commands, fault } = await ask({ SMTPDBLS: 'dbl.example:%DOMAIN% dbl.example' }, { dns: all, session: { reversePath: `a@${sender}`, helo } })
    assert.equal(fault, undefined)
    for (const command of commands) assert.match((command as { readonly text: string }).text, /^550 [ -~]{1,500}$/)
  }))
})

it('says which text of a setting is wrong', () => {
  for (const [name, text] of [['RBLTHRESHOLD', '0'], ['RBLTHRESHOLD', '-1'], ['RBLREPLY', 'x'], ['RBLSERVERS', 'dns.example'], ['RBLENGINE', 'y'], ['SMTPRBLS', '-x']] as const) {
    assert.equal(rbl.settings![name].parse(text).ok, false, `${name}=${text}`)
  }
  const chosen = rbl.settings!.RBLENGINE.parse('dnsbl')
  assert.match(chosen.ok ? chosen.doubt!.reason : '', /takes every answer for a listing/)
  assert.deepEqual(rbl.settings!.RBLENGINE.parse('helios'), { ok: true, value: 'helios' })
})

describe('the test of the lists', () => {
  const good = (zone: string): FakeDns => ({ [`2.0.0.127.${zone}`]: { A: ['127.0.0.2'] } })
  const test = (SMTPRBLS: string, zones: FakeDns, SMTPDBLS?: string) => testSelfTest(rbl, { env: { SMTPRBLS, SMTPDBLS }, dns: zones })

  it('has nothing to say of lists that have what they must and nothing more', async () => {
    assert.deepEqual(await test('a.example -a b.example', { ...good('a.example'), ...good('b.example') }, 'n.example'), [
      'the list n.example has no test entry TEST, which each list of names must have: it may be empty, given up or no such list (ask "helios dns test.n.example"; correct the name or take it out)',
    ])
    assert.deepEqual(await test('a.example', good('a.example')), [])
    assert.deepEqual(await testSelfTest(rbl, {}), [])
  })

  it('names the others, each once', async () => {
    const found = await test('empty.example empty.example=127.0.0.2 all.example down.example shut.example', {
      '*.all.example': { A: ['127.0.0.2'] }, '2.0.0.127.down.example': 'timeout', '2.0.0.127.shut.example': { A: ['127.255.255.254'] },
    })
    assert.deepEqual(found.map((sentence) => sentence.replace(/[:(,].*/, '').trim()), [
      'the list empty.example has no test entry 127.0.0.2', 'the list all.example has the entry 127.0.0.1',
      'the list down.example does not say whether it has its test entry 127.0.0.2', 'the list shut.example does not say whether it has its test entry 127.0.0.2',
    ])
    assert.match(found[3]!, /it answers 127\.255\.255\.254, which is an error and no listing/)
  })
})

it('keeps error and refusal apart in its commands', async () => {
  assert.deepEqual((await ask({ SMTPRBLS: 'zen.example' })).commands, [error(IN_ZEN)])
})
