import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { error } from '../../core/plugin/index.ts'
import { testMemory, testPlugin, type SessionFields, type TestOptions } from '../../core/plugin/testing/index.ts'
import greylist from './index.ts'
import { DEFAULT_TERMS, terms, type Terms } from './terms.ts'

const NOW = 1_790_000_000_000
const MINUTE = 60_000
const DAY = 86_400_000

/** Mails one after another, at minutes from the first on. */
function server(GREYLIST = '', options: Partial<TestOptions> = {}) {
  const memory = testMemory()
  const ask = (session: SessionFields = {}, minutes = 0, env: Record<string, string> = {}) =>
    testPlugin(greylist, { hook: 'rcpt', session, env: { GREYLIST, ...env }, memory, now: NOW + minutes * MINUTE, ...options })
  const passes = async (session?: SessionFields, minutes?: number, env?: Record<string, string>): Promise<boolean> => {
    const { commands, fault } = await ask(session, minutes, env)
    assert.equal(fault, undefined)
    return commands.length === 0
  }
  return { ask, passes }
}

const from = (ip: string, more: SessionFields = {}): SessionFields => ({ client: { ip, port: 1, host: undefined }, ...more })

describe('the plugin', () => {
  it('delays a stranger, counts from the first attempt, and knows it from then on', async () => {
    const { ask, passes } = server()
    const { commands, logged } = await ask()
    assert.deepEqual(commands, [error('451 sorry, I do not know you yet: please come back in 300 seconds (#4.7.1)')])
    assert.deepEqual(logged, [{ level: 'info', message: 'greylisted', fields: { network: '192.0.2.0/24', seconds: 300 } }])
    assert.deepEqual((await ask({}, 4)).commands, [error('451 sorry, I do not know you yet: please come back in 60 seconds (#4.7.1)')])
    assert.deepEqual([await passes({}, 5), await passes({}, 5), await passes({}, 30 * 1440)], [true, true, true])
  })

  it('forgets who does not come back in time, and who stays away too long', async () => {
    const late = server()
    assert.deepEqual([await late.passes(), await late.passes({}, 1440), await late.passes({}, 1445)], [false, false, true])
    const away = server()
    assert.deepEqual([await away.passes(), await away.passes({}, 5), await away.passes({}, 5 + 36 * 1440)], [false, true, false])
  })

  it('remembers from the last mail on', async () => {
    const { passes } = server()
    assert.deepEqual([await passes(), await passes({}, 5), await passes({}, 5 + 30 * 1440), await passes({}, 60 * 1440)], [false, true, true, true])
  })

  it('takes a network, a sender and a recipient together', async () => {
    const { passes } = server()
    await passes()
    assert.equal(await passes(from('192.0.2.99'), 5), true)
    assert.equal(await passes(from('192.0.3.1'), 5), false)
    assert.equal(await passes({ reversePath: 'other@far.example' }, 5), false)
    assert.equal(await passes({ recipient: 'other@local.example' }, 5), false)
    assert.equal(await passes({ reversePath: 'SENDER@far.example', recipient: 'USER@local.example' }, 5), true)
  })

  it('sees through numbers and tags that change with each message', async () => {
    const { passes } = server()
    await passes({ reversePath: 'bounce-123-4@list.example' })
    assert.equal(await passes({ reversePath: 'bounce-77-5@list.example' }, 5), true)
    await passes({ reversePath: 'list+joe=local.example@list.example' })
    assert.equal(await passes({ reversePath: 'list+ann=local.example@list.example' }, 5), true)
    assert.equal(await passes({ reversePath: 'list@list2.example' }, 5), false)
    assert.deepEqual([await passes({ reversePath: '' }, 5), await passes({ reversePath: '' }, 10)], [false, true])
  })

  it('knows a network as a whole once it has come back often enough', async () => {
    const { passes } = server('network=2')
    const mail = (n: number): SessionFields => ({ reversePath: `${'abc'[n]}@far.example` })
    assert.deepEqual([await passes(mail(0)), await passes(mail(0), 5), await passes(mail(1), 5), await passes(mail(1), 10)], [false, true, false, true])
    assert.equal(await passes(mail(2), 10), true)
    assert.equal(await passes(from('192.0.3.1'), 10), false)
    const never = server('network=0')
    assert.deepEqual([await never.passes(mail(0)), await never.passes(mail(0), 5), await never.passes(mail(1), 5)], [false, true, false])
  })

  it('spares senders that SPF permits, when told to', async () => {
    assert.equal(await server('spf').passes({}, 0, { SPFRESULT: 'pass' }), true)
    assert.equal(await server('spf').passes({}, 0, { SPFRESULT: 'neutral' }), false)
    assert.equal(await server('spf').passes(), false)
    assert.equal(await server('').passes({}, 0, { SPFRESULT: 'pass' }), false)
  })

  it('spares relay clients and authenticated users', async () => {
    assert.equal(await server().passes({ relayClient: true }), true)
    assert.equal(await server().passes({ auth: { user: 'joe@local.example', method: 'plain' } }), true)
  })

  it('leaves recipients that are not ours to the built-in check', async () => {
    const { commands, facts } = await server().ask({ recipientAllowed: false })
    assert.deepEqual([commands, facts], [[], []])
  })

  it('spares what control/greylistexcept lists: clients by address or name, senders, recipients', async () => {
    const { passes } = server('', { control: { greylistexcept: '192.0.2.7\n.big.example\n@friend.example\npostmaster@local.example\n' } })
    assert.equal(await passes(from('192.0.2.7')), true)
    assert.equal(await passes({ client: { ip: '198.51.100.1', port: 1, host: 'mx7.big.example' } }), true)
    assert.equal(await passes({ reversePath: 'joe@friend.example' }), true)
    assert.equal(await passes({ recipient: 'postmaster@local.example' }), true)
    assert.equal(await passes(), false)
  })

  it('does nothing where it is off or was told nothing', async () => {
    for (const env of [{}, { GREYLIST: 'off' }] as readonly Record<string, string>[]) {
      const { commands, facts } = await testPlugin(greylist, { hook: 'rcpt', env })
      assert.deepEqual([commands, facts], [[], []])
    }
  })

  it('is unavailable, and neither yes nor no, when it cannot remember', async () => {
    const { fault, commands } = await testPlugin(greylist, { hook: 'rcpt', env: { GREYLIST: '' }, memory: testMemory({ unavailable: 'the disk is full' }) })
    assert.deepEqual([fault?.kind, commands], ['unavailable', []])
  })

  it('never asks for more than the delay, whatever the clock does', async () => {
    const { ask } = server()
    await ask({}, 100)
    assert.deepEqual((await ask({}, 0)).commands, [error('451 sorry, I do not know you yet: please come back in 300 seconds (#4.7.1)')])
  })

  it('takes any sender and recipient that a client can say', async () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('\u{dcff}', '@', '+', '"', ' ', '7', '|'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 500 })
      .filter((each) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udc7f\udd00-\udfff]/.test(each))
    await fc.assert(fc.asyncProperty(text, text, fc.constantFrom('192.0.2.1', '2001:db8::1', 'nonsense', ''), async (reversePath, recipient, ip) => {
      const { passes } = server()
      const mail = from(ip, { reversePath, recipient })
      assert.deepEqual([await passes(mail), await passes(mail, 5), await passes(mail, 6)], [false, true, true])
    }), { numRuns: 60 })
  })

  it('lets a mail pass exactly when it was first tried at least the delay ago and within retry', async () => {
    const step = fc.integer({ min: 0, max: DAY / 4 })
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const { passes } = server('delay=1h retry=6h keep=12h network=0')
      let at = 0
      let first: number | undefined
      let known: number | undefined
      for (const after of steps) {
        at += after
        if (known !== undefined && at - known >= DAY / 2) known = undefined
        if (first !== undefined && at - first >= DAY / 4) first = undefined
        if (known === undefined) {
          first ??= at
          if (at - first >= 3600_000) known = at
        } else if (at - known >= DAY / 20) known = at
        assert.equal(await passes({}, at / MINUTE), known !== undefined)
        if (known !== undefined) first = undefined
      }
    }), { numRuns: 60 })
  })
})

describe('GREYLIST', () => {
  const setting = terms('')
  const parse = (text: string): Terms | 'off' => {
    const parsed = setting.parse(text)
    assert.ok(parsed.ok, text)
    return parsed.value
  }

  it('is what differs from the defaults, or off', () => {
    assert.deepEqual(parse(''), DEFAULT_TERMS)
    assert.equal(parse(' OFF '), 'off')
    fc.assert(fc.property(fc.integer({ min: 1, max: 3600 }), fc.integer({ min: 2, max: 168 }), fc.integer({ min: 1, max: 366 }), fc.nat(1000), fc.boolean(), fc.constantFrom(' ', ', '), (delay, retry, keep, network, spf, between) => {
      const text = [`delay=${delay}`, `Retry=${retry}h`, `keep=${keep}d`, `network=${network}`, ...(spf ? ['SPF'] : [])].toReversed().join(between)
      assert.deepEqual(parse(text), { delay, retry: retry * 3600, keep: keep * 86_400, network, spf })
    }))
  })

  it('is refused with a reason and a mend where it is anything else', () => {
    for (const text of ['delay', 'delay=', 'delay=0', 'delay=2d', 'delay=1h retry=1h', 'retry=8d', 'keep=367d', 'network=-1', 'network=1001', 'network', 'spf=1', 'on', 'off spf', 'yes']) {
      const parsed = setting.parse(text)
      assert.ok(!parsed.ok && parsed.reason !== '' && parsed.mend !== '', text)
    }
    assert.deepEqual(setting.parse('dely=5m'), { ok: false, reason: '"dely=5m" is not known here', mend: 'did you mean delay=?' })
    fc.assert(fc.property(fc.string(), (text) => typeof setting.parse(text).ok === 'boolean'))
  })
})
