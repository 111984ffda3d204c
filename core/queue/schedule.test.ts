import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isLastAttempt, LIFETIME_SECONDS, LOCAL, nextAttempt } from './schedule.ts'

const seconds = (birth: number, k: number, count: number): number[] => {
  const attempts = [0]
  while (attempts.length < count) attempts.push((nextAttempt(birth, birth + attempts.at(-1)! * 1000, k) - birth) / 1000)
  return attempts
}

test('attempts fall on squares of tens for local and of twenties for remote mail', () => {
  assert.deepEqual(seconds(1_700_000_000_123, LOCAL, 5), [0, 100, 400, 900, 1600])
  assert.deepEqual(seconds(1_700_000_000_123, 20, 5), [0, 400, 1600, 3600, 6400])
})

test('property: the next attempt is later, but not by much, and a week has 78 local ones', () => {
  fc.assert(fc.property(fc.nat({ max: 2e12 }), fc.integer({ min: -1e9, max: 1e10 }), fc.constantFrom(LOCAL, 20), (birth, age, k) => {
    const now = birth + age
    const next = nextAttempt(birth, now, k)
    assert.ok(next > now)
    assert.ok(next - now <= (2 * Math.sqrt(Math.max(0, age) / 1000) * k + k * k + 1) * 1000)
  }))
  assert.equal(seconds(0, LOCAL, 79).filter((at) => at <= LIFETIME_SECONDS).length, 78)
})

test('the attempt after the lifetime is the last', () => {
  assert.equal(isLastAttempt(0, LIFETIME_SECONDS * 1000, LIFETIME_SECONDS), false)
  assert.equal(isLastAttempt(0, LIFETIME_SECONDS * 1000 + 1, LIFETIME_SECONDS), true)
})
