import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StartBreaker, MOST_FAILURES } from './start-breaker.ts'

/** Fails at these times; which of them opened it. */
function fail(breaker: StartBreaker, times: readonly number[]): readonly boolean[] {
  return times.map((time) => breaker.failed(time))
}

test('six failures in a minute open it, once', () => {
  const breaker = new StartBreaker()
  assert.deepEqual(fail(breaker, [0, 1, 2, 3, 4, 5, 6]), [false, false, false, false, false, true, false])
  assert.equal(breaker.state(60_004), 'open')
  assert.equal(breaker.state(60_005), 'half-open')
})

test('failures far apart do not', () => {
  const breaker = new StartBreaker()
  for (let time = 0; time < 1_000_000; time += 12_001) assert.equal(breaker.failed(time), false)
  assert.equal(breaker.state(1_000_000), 'closed')
})

test('a probe that is answered closes it, one that is not doubles the rest up to five minutes', () => {
  const breaker = new StartBreaker()
  fail(breaker, [0, 0, 0, 0, 0, 0])
  let now = 0
  for (const rest of [60, 120, 240, 300, 300]) {
    assert.equal(breaker.restMs, rest * 1000)
    now += rest * 1000
    assert.equal(breaker.state(now - 1), 'open')
    assert.equal(breaker.state(now), 'half-open')
    assert.equal(breaker.failed(now), false)
  }
  now += 300_000
  assert.equal(breaker.answered(now), true)
  assert.equal(breaker.state(now), 'closed')
  assert.equal(breaker.answered(now), false)
  assert.deepEqual(fail(breaker, [now, now, now, now, now, now]).filter(Boolean).length, 1)
  assert.equal(breaker.restMs, 60_000)
})

test('an answer of an older request does not close it', () => {
  const breaker = new StartBreaker()
  fail(breaker, [0, 0, 0, 0, 0, 0])
  assert.equal(breaker.answered(10), false)
  assert.equal(breaker.state(10), 'open')
})

test('the waits before a start, and what sets them back', () => {
  const breaker = new StartBreaker()
  const waits = [breaker.wait]
  for (let time = 0; time < 7; time++) {
    breaker.failed(time * 20_000)
    waits.push(breaker.wait)
  }
  assert.deepEqual(waits, [0, 0, 100, 200, 400, 800, 1600, 1600])
  breaker.answered(0)
  assert.equal(breaker.wait, 0)
  breaker.failed(200_000)
  breaker.failed(200_000)
  assert.equal(breaker.reset(), false)
  assert.equal(breaker.wait, 0)
})

test('never more failures in a minute than it allows, while it is obeyed', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(40_000), fc.boolean()), { maxLength: 200 }), (events) => {
    const breaker = new StartBreaker()
    const failures: number[] = []
    let now = 0
    for (const [gap, good] of events) {
      now += gap
      if (breaker.state(now) === 'open') continue
      if (good) breaker.answered(now)
      else {
        breaker.failed(now)
        failures.push(now)
      }
    }
    for (const start of failures) assert.ok(failures.filter((time) => time >= start && time < start + 60_000).length <= MOST_FAILURES)
  }))
})
