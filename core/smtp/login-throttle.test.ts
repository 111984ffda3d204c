import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginThrottle } from './login-throttle.ts'

test('the first failure costs nothing, each further one twice the time, up to 20 seconds', () => {
  const throttle = new LoginThrottle(() => 0)
  assert.deepEqual(Array.from({ length: 8 }, () => throttle.begin('a').wait), [0, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000])
  assert.equal(throttle.begin('b').wait, 0, 'another network is another matter')
})

test('a right password does not count, and does not make the wrong ones before it forgotten', () => {
  const throttle = new LoginThrottle(() => 0)
  throttle.begin('a').right()
  assert.equal(throttle.size, 0)
  throttle.begin('a')
  throttle.begin('a')
  const third = throttle.begin('a')
  assert.equal(third.wait, 2000)
  third.right()
  assert.equal(throttle.begin('a').wait, 2000)
})

test('tries at the same time wait as if the others had failed', () => {
  const throttle = new LoginThrottle(() => 0)
  const tries = Array.from({ length: 3 }, () => throttle.begin('a'))
  assert.deepEqual(tries.map(({ wait }) => wait), [0, 1000, 2000])
  for (const one of tries) one.right()
  assert.equal(throttle.begin('a').wait, 0)
})

test('a network is forgotten after a quarter of an hour, and memory is bounded', () => {
  let now = 0
  const throttle = new LoginThrottle(() => now)
  throttle.begin('a')
  now = 15 * 60 * 1000
  assert.equal(throttle.begin('a').wait, 1000)
  now += 15 * 60 * 1000 + 1
  assert.equal(throttle.begin('a').wait, 0)
  for (let network = 0; network < 20_000; network++) throttle.begin(String(network))
  assert.equal(throttle.size, 10_000)
})
