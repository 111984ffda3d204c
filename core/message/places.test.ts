import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createIds, isMessageId, timeOfId } from './places.ts'

test('property: ids are unique and sort in the order they were made, however the clock moves', () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 4e12 }), { minLength: 1 }), (times) => {
    let at = 0
    const next = createIds(() => times[at++ % times.length]!)
    const ids = Array.from({ length: 200 }, next)
    assert.equal(new Set(ids).size, ids.length)
    assert.deepEqual(ids.toSorted(), ids)
    assert.ok(ids.every(isMessageId))
  }))
})

test('an id tells its time, also after more ids than a millisecond has room for', () => {
  const next = createIds(() => 1_700_000_000_000)
  assert.equal(timeOfId(next()), 1_700_000_000_000)
  const ids = Array.from({ length: 50_000 }, next)
  assert.equal(timeOfId(ids.at(-1)!), 1_700_000_000_001)
  assert.deepEqual(ids.toSorted(), ids)
})

test('two sources at the same time do not meet', () => {
  assert.notEqual(createIds(() => 5)(), createIds(() => 5)())
})

test('other names are not ids', () => {
  const others = ['', '..', 'lost+found', '0'.repeat(17), '0'.repeat(19), 'A'.repeat(18), `${'0'.repeat(17)}/`]
  for (const name of others) assert.equal(isMessageId(name), false)
})
