import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { hangUp, set } from '../../core/plugin/index.ts'
import { testMemory, testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import earlytalker from './index.ts'
import { DEFAULT_MANNERS, manners } from './manners.ts'

const NOW = 1_790_000_000_000
const EARLY = { SMTPEARLYTALKER: '1' }
const ask = (EARLYTALKER: string | undefined, env: Record<string, string> = {}, options: Partial<TestOptions> = {}) =>
  testPlugin(earlytalker, { hook: 'connection', env: { EARLYTALKER, ...env }, ...options })

describe('the plugin', () => {
  it('lets a stranger wait, and a client that has waited in silence in at once, for a day', async () => {
    const memory = testMemory()
    const first = await ask('', {}, { memory, now: NOW })
    assert.deepEqual([first.slept, first.commands], [5, []])
    assert.equal((await ask('', {}, { memory, now: NOW + 86_399_000 })).slept, 0)
    assert.equal((await ask('', {}, { memory, now: NOW + 86_400_000 })).slept, 5)
    assert.equal((await ask('', {}, { memory, now: NOW, session: { client: { ip: '192.0.2.2', port: 1, host: undefined } } })).slept, 5)
  })

  it('turns away who speaks before the greeting, and does not know it afterwards', async () => {
    const memory = testMemory()
    const { commands, logged } = await ask('', EARLY, { memory })
    assert.deepEqual(commands, [hangUp('554 sorry, you must wait for my greeting (#5.5.0)')])
    assert.deepEqual(logged, [{ level: 'info', message: 'spoke before the greeting', fields: { answer: 'refuse' } }])
    assert.equal((await ask('', {}, { memory })).slept, 5)
    assert.deepEqual((await ask('later', EARLY)).commands, [hangUp('421 sorry, you must wait for my greeting: please try again (#4.5.0)')])
  })

  it('turns a known client away all the same', async () => {
    const memory = testMemory()
    await ask('', {}, { memory })
    assert.deepEqual((await ask('', EARLY, { memory })).commands, [hangUp('554 sorry, you must wait for my greeting (#5.5.0)')])
  })

  it('leaves the decision to others with note, and the other limits as they are', async () => {
    assert.deepEqual((await ask('note', EARLY)).commands, [set('LIMITS', 'earlyTalkers=note')])
    assert.deepEqual((await ask('note', { ...EARLY, LIMITS: 'errors=5 earlyTalkers=refuse' })).commands, [set('LIMITS', 'errors=5 earlyTalkers=refuse earlyTalkers=note')])
    assert.deepEqual((await ask('note')).commands, [])
  })

  it('answers who does not wait for replies, at MAIL and DATA', async () => {
    for (const hook of ['mail', 'data'] as const) {
      const judge = async (EARLYTALKER: string | undefined, env: Record<string, string> = { SMTPBADPIPELINING: '1' }, session = {}) =>
        (await testPlugin(earlytalker, { hook, env: { EARLYTALKER, ...env }, session })).commands
      assert.deepEqual(await judge(''), [hangUp('554 sorry, you must wait for my replies (#5.5.0)')])
      assert.deepEqual(await judge('later'), [hangUp('421 sorry, you must wait for my replies: please try again (#4.5.0)')])
      assert.deepEqual([await judge('note'), await judge(undefined), await judge('', {}), await judge('', undefined, { relayClient: true })], [[], [], [], []])
    }
  })

  it('keeps nobody waiting who is ours, or where it is told nothing', async () => {
    assert.equal((await ask('', EARLY, { session: { relayClient: true } })).slept, 0)
    assert.equal((await ask('wait=0')).slept, 0)
    const { slept, commands, facts } = await ask(undefined, EARLY)
    assert.deepEqual([slept, commands, facts], [0, [], []])
  })

  it('ends when the client leaves, without a fault', async () => {
    const { slept, fault, commands } = await ask('', {}, { clientLeavesAfter: 2 })
    assert.deepEqual([slept, fault, commands], [2, undefined, []])
  })

  it('lets everybody wait when it cannot remember', async () => {
    const { slept, fault, commands } = await ask('', {}, { memory: testMemory({ unavailable: 'the disk is full' }) })
    assert.deepEqual([slept, fault, commands], [5, undefined, []])
  })
})

describe('EARLYTALKER', () => {
  const setting = manners('')

  it('is what differs from the defaults, in any order and case', () => {
    assert.deepEqual(setting.parse(''), { ok: true, value: DEFAULT_MANNERS })
    assert.deepEqual(setting.parse('WAIT=0, later'), { ok: true, value: { answer: 'later', wait: 0, keep: 86_400 } })
    fc.assert(fc.property(fc.constantFrom('refuse', 'later', 'note'), fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 366 }), (answer, wait, keep) => {
      assert.deepEqual(setting.parse(`keep=${keep}d ${answer} wait=${wait}s`), { ok: true, value: { answer, wait, keep: keep * 86_400 } })
    }))
  })

  it('is refused with a reason and a mend where it is anything else', () => {
    for (const text of ['wait', 'wait=', 'wait=3m', 'wait=-1', 'keep=367d', 'yes', 'refuse=1', 'toString']) {
      const parsed = setting.parse(text)
      assert.ok(!parsed.ok && parsed.reason !== '' && parsed.mend !== '', text)
    }
    assert.deepEqual(setting.parse('refus'), { ok: false, reason: '"refus" is not known here', mend: 'did you mean refuse?' })
    fc.assert(fc.property(fc.string(), (text) => typeof setting.parse(text).ok === 'boolean'))
  })
})
