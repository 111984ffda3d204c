import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { error, hangUp, type Hook } from '../../core/plugin/index.ts'
import { testMemory, testPlugin, type SessionFields, type TestMemory } from '../../core/plugin/testing/index.ts'
import ratelimit from './index.ts'
import { limits } from './limits.ts'

const NOW = 1_790_000_000_000
const HOUR = 3600_000
const REFUSAL = error('451 sorry, too many recipients from you for now (#4.7.1)')

/** Questions of several sessions, one after another, to what they share. */
function sessions(env: Record<string, string>, hook: Hook = 'pass', memory: TestMemory = testMemory()) {
  const ask = (session: SessionFields = {}, now = NOW) => testPlugin(ratelimit, { hook, session, env, memory, now })
  const passes = async (session: SessionFields = {}, now = NOW): Promise<boolean> => {
    const { commands, fault } = await ask(session, now)
    assert.equal(fault, undefined)
    return commands.length === 0
  }
  return { ask, passes }
}

const from = (ip: string): SessionFields => ({ client: { ip, port: 1, host: undefined } })

describe('the plugin', () => {
  it('lets so many pass and refuses the next, until the window has moved on', async () => {
    const { ask, passes } = sessions({ RATELIMIT: 'client=3/1h' })
    assert.deepEqual([await passes(), await passes(), await passes()], [true, true, true])
    const { commands, logged } = await ask()
    assert.deepEqual(commands, [REFUSAL])
    assert.deepEqual(logged, [{ level: 'info', message: 'over a rate limit', fields: { limit: 'client=3/1h', counted: 'recipient client 192.0.2.1' } }])
    assert.equal(await passes({}, NOW + HOUR - 1), false)
    assert.equal(await passes({}, NOW + 2 * HOUR), true)
  })

  it('counts each client, network, user, sender and domain by itself', async () => {
    const cases: readonly (readonly [string, SessionFields, SessionFields, SessionFields])[] = [
      ['client', from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')],
      ['network', from('192.0.2.1'), from('192.0.2.77'), from('192.0.3.1')],
      ['network', from('2001:db8::1'), from('2001:db8::ffff'), from('2001:db8:0:1::1')],
      ['user', { auth: { user: 'Joe@local.example', method: 'plain' } }, { auth: { user: 'joe@LOCAL.example', method: 'login' } }, { auth: { user: 'ann@local.example', method: 'plain' } }],
      ['sender', { reversePath: 'a@far.example' }, { reversePath: 'A@far.example' }, { reversePath: 'b@far.example' }],
      ['rcptdomain', { recipient: 'a@local.example' }, { recipient: 'b@LOCAL.example' }, { recipient: 'a@other.example' }],
    ]
    for (const [who, first, same, other] of cases) {
      const { passes } = sessions({ RATELIMIT: `${who}=1/1h` })
      assert.deepEqual([await passes(first), await passes(same), await passes(other)], [true, false, true], who)
    }
  })

  it('says which domain has had enough', async () => {
    const { ask } = sessions({ RATELIMIT: 'rcptdomain=0/1h' })
    assert.deepEqual((await ask()).commands, [error('451 sorry, too much mail for that domain for now (#4.7.1)')])
  })

  it('does not limit who has no name: bounces, and clients without a user', async () => {
    const { passes } = sessions({ RATELIMIT: 'sender=0/1h user=0/1h' })
    assert.equal(await passes({ reversePath: '' }), true)
  })

  it('counts nothing that it refuses, under any of its limits', async () => {
    const { passes } = sessions({ RATELIMIT: 'client=2/1d network=100/1d sender=1/1h' })
    assert.deepEqual([await passes({ reversePath: 'a@far.example' }), await passes({ reversePath: 'a@far.example' }), await passes({ reversePath: 'a@far.example' })], [true, false, false])
    assert.deepEqual([await passes({ reversePath: 'b@far.example' }), await passes({ reversePath: 'c@far.example' })], [true, false])
  })

  it('counts connections, messages and recipients apart', async () => {
    const memory = testMemory()
    const env = { RATELIMIT: 'client=1/1h', RATELIMITMAIL: 'client=1/1h', RATELIMITCONN: 'client=1/1h' }
    for (const hook of ['connection', 'mail', 'rcpt', 'pass'] as const) assert.equal(await sessions(env, hook, memory).passes(), true, hook)
    assert.deepEqual((await sessions(env, 'connection', memory).ask()).commands, [hangUp('421 sorry, too many connections from you for now (#4.7.0)')])
    assert.deepEqual((await sessions(env, 'mail', memory).ask()).commands, [error('451 sorry, too many messages from you for now (#4.7.1)')])
    assert.deepEqual((await sessions(env, 'rcpt', memory).ask()).commands, [REFUSAL])
  })

  it('is off until it is told what to limit', async () => {
    for (const env of [{}, { RATELIMIT: '' }]) {
      const { facts, commands } = await sessions(env as Record<string, string>).ask()
      assert.deepEqual([facts, commands], [[], []])
    }
  })

  it('is unavailable, and not a yes, when what was counted cannot be had', async () => {
    const { ask } = sessions({ RATELIMIT: 'client=3/1h' }, 'pass', testMemory({ unavailable: 'the disk is full' }))
    const { commands, fault } = await ask()
    assert.deepEqual([commands, fault?.kind], [[], 'unavailable'])
  })

  it('never lets more through any window than its limits say, whoever asks and when', async () => {
    const step = fc.record({ after: fc.integer({ min: 0, max: 20 * 60_000 }), ip: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1') })
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { passes } = sessions({ RATELIMIT: 'client=2/1h network=3/1h client=1/10m' })
      const kept: { readonly at: number; readonly ip: string }[] = []
      let now = NOW
      for (const { after, ip } of steps) {
        now += after
        if (await passes(from(ip), now)) kept.push({ at: now, ip })
      }
      for (const { at, ip } of kept) {
        const within = (span: number, net: string): number => kept.filter((each) => each.at <= at && each.at > at - span && each.ip.startsWith(net)).length
        assert.ok(within(HOUR, ip) <= 2 && within(HOUR, ip.slice(0, -1)) <= 3 && within(600_000, ip) <= 1)
      }
    }), { numRuns: 25 })
  })

  it('counts any sender, user and domain that a client can say', async () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('\u{dcff}', '@', ' ', '\0'), fc.string({ minLength: 1, maxLength: 1 })), minLength: 1, maxLength: 500 })
    await fc.assert(fc.asyncProperty(text, text, text, async (sender, user, domain) => {
      const { passes } = sessions({ RATELIMIT: 'sender=1/1h user=1/1h rcptdomain=1/1h' })
      const mail: SessionFields = { reversePath: sender, auth: { user, method: 'plain' }, recipient: `x@${domain}` }
      assert.deepEqual([await passes(mail), await passes(mail)], [true, false])
    }), { numRuns: 60 })
  })

  it('lets only as many pass as there are places, when all ask at once', async () => {
    const { passes } = sessions({ RATELIMIT: 'client=5/1h' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => passes()))
    assert.equal(answers.filter(Boolean).length, 5)
  })
})

describe('RATELIMIT', () => {
  const subjects = ['client', 'network', 'user', 'sender', 'rcptdomain'] as const
  const setting = limits('', subjects)
  const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

  it('is limits, in any order, with blanks and commas', () => {
    const limit = fc.record({
      who: fc.constantFrom(...subjects), most: fc.nat(1_000_000_000),
      time: fc.oneof(fc.constantFrom('s', 'm', 'h', 'd').map((unit) => ({ unit, n: undefined })), fc.record({ unit: fc.constantFrom('s', 'm', 'h', 'd'), n: fc.integer({ min: 1, max: 31 }) })),
    })
    fc.assert(fc.property(fc.array(limit, { maxLength: 20 }), fc.constantFrom(' ', ',', ' , ', '\t'), (list, between) => {
      const texts = list.map(({ who, most, time }) => `${who}=${most}/${time.n ?? ''}${time.unit}`)
      const parsed = setting.parse(texts.join(between))
      assert.deepEqual(parsed, {
        ok: true,
        value: list.map(({ who, most, time }, index) => ({ subject: who, most, seconds: (time.n ?? 1) * SECONDS[time.unit as 's'], text: texts[index] })),
      })
    }))
  })

  it('is refused with a reason and a mend where it is anything else', () => {
    for (const text of ['client', 'client=', 'client=5', 'client=5/', 'client=5/1w', 'client=5/0s', 'client=5/32d', 'client=-1/1h', 'client=1.5/1h', 'client 5/1h', '5/1h', 'client=99999999999/1h', 'clients=5/1h', 'toString=1/1h']) {
      const parsed = setting.parse(text)
      assert.ok(!parsed.ok && parsed.reason !== '' && parsed.mend !== '', text)
    }
    assert.deepEqual(setting.parse('clent=5/1h'), { ok: false, reason: '"clent=5/1h" counts nobody known here', mend: 'did you mean client?' })
    assert.equal(setting.parse('client=1/1h '.repeat(21)).ok, false)
    fc.assert(fc.property(fc.string(), (text) => typeof setting.parse(text).ok === 'boolean'))
  })
})
