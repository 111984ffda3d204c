import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import { delay, LONGEST, secondsAt } from './delay.ts'
import tarpit from './index.ts'

const ask = (accepted: number, env: Record<string, string>, options: Partial<TestOptions> = {}) => {
  const recipients = Array.from({ length: accepted }, (_, n) => `u${n}@local.example`)
  return testPlugin(tarpit, { hook: 'rcpt', session: { recipients }, env, ...options })
}
const slept = async (accepted: number, TARPITCOUNT: string, TARPITDELAY: string, random = 0.5) =>
  (await ask(accepted, { TARPITCOUNT, TARPITDELAY }, { random })).slept

describe('the formulas', () => {
  const n = fc.nat(10_000)
  const never = (): number => assert.fail('no number is drawn')

  it('wait nothing before the count is reached', () => {
    fc.assert(fc.property(n, n, fc.constantFrom(7, 'NORMAL', 'MEDIUM', 'HARD', 'RAND'), (at, more, kind) => {
      assert.equal(secondsAt(at, at + 1 + more, kind as 7, never), 0)
    }))
  })

  it('grow by 2, by 5, by the square from there on, up to four minutes', () => {
    fc.assert(fc.property(n, n, (from, over) => {
      const at = from + over
      assert.equal(secondsAt(at, from, 'NORMAL', never), Math.min((at - from + 1) * 2, 240))
      assert.equal(secondsAt(at, from, 'MEDIUM', never), Math.min((at - from + 1) * 5, 240))
      assert.equal(secondsAt(at, from, 'HARD', never), Math.min((at - from + 1) ** 2, 240))
    }))
  })

  it('take a number as it is, up to four minutes', () => {
    fc.assert(fc.property(n, n, fc.nat(), (from, over, seconds) => {
      assert.equal(secondsAt(from + over, from, seconds, never), Math.min(seconds, LONGEST))
    }))
  })

  it('draw whole seconds from 1 to 50, both included', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
      const seconds = secondsAt(0, 0, 'RAND', () => chance)
      assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 50)
    }))
    assert.equal(secondsAt(0, 0, 'RAND', () => 0), 1)
    assert.equal(secondsAt(0, 0, 'RAND', () => 1 - Number.EPSILON), 50)
  })
})

describe('TARPITDELAY', () => {
  const setting = delay('')

  it('is whole seconds or a word, in any case', () => {
    assert.deepEqual(setting.parse('15'), { ok: true, value: 15 })
    for (const text of ['', 'off', 'Off']) assert.deepEqual(setting.parse(text), { ok: true, value: 0 })
    assert.deepEqual(setting.parse('normal'), { ok: true, value: 'NORMAL' })
    assert.deepEqual(setting.parse('RAND'), { ok: true, value: 'RAND' })
  })

  it('is nothing else', () => {
    for (const text of ['-1', '1.5', '2s', 'SLOW', ' 2', 'NORMAL ']) assert.equal(setting.parse(text).ok, false, text)
  })
})

describe('the plugin', () => {
  it('delays recipients after TARPITCOUNT, and refuses none', async () => {
    assert.deepEqual([await slept(4, '5', 'NORMAL'), await slept(5, '5', 'NORMAL'), await slept(6, '5', 'NORMAL')], [0, 2, 4])
    assert.deepEqual([await slept(5, '5', 'MEDIUM'), await slept(7, '5', 'HARD'), await slept(9, '5', '30')], [5, 9, 30])
    assert.deepEqual((await ask(5, { TARPITCOUNT: '5', TARPITDELAY: '30' })).commands, [])
  })

  it('draws RAND from the world', async () => {
    assert.equal(await slept(5, '5', 'RAND', 0), 1)
    assert.equal(await slept(5, '5', 'RAND', 0.99), 50)
  })

  it('delays from the first recipient on with a count of 0', async () => {
    assert.equal(await slept(0, '0', 'NORMAL'), 2)
  })

  it('is off without TARPITCOUNT, without TARPITDELAY, and with a delay of 0', async () => {
    assert.equal((await ask(9, { TARPITDELAY: 'HARD' })).slept, 0)
    assert.equal((await ask(9, { TARPITCOUNT: '1' })).slept, 0)
    assert.equal(await slept(9, '1', '0'), 0)
    assert.equal(await slept(9, '1', ''), 0)
  })

  it('ends when the client leaves, without a fault', async () => {
    const result = await ask(9, { TARPITCOUNT: '0', TARPITDELAY: 'HARD' }, { clientLeavesAfter: 3 })
    assert.deepEqual([result.slept, result.fault, result.commands], [3, undefined, []])
  })

  it('fails on a delay it cannot read', async () => {
    const { fault } = await ask(9, { TARPITCOUNT: '0', TARPITDELAY: 'SLOW' })
    assert.match(fault?.detail ?? '', /TARPITDELAY: "SLOW" is no delay \(write seconds in digits, or one of NORMAL, /)
  })
})
