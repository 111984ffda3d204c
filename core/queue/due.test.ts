import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Due } from './due.ts'

test('property: takes what is due, earliest first, and keeps the rest', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 }))), (steps) => {
    const due = new Due<number>()
    let model: number[] = []
    for (const [at, now] of steps) {
      due.add(at, at)
      model.push(at)
      if (now % 3 > 0) continue
      const expected = model.filter((time) => time <= now).toSorted((a, b) => a - b)
      model = model.filter((time) => time > now)
      assert.deepEqual(due.take(now), expected)
      assert.equal(due.next, model.length === 0 ? undefined : Math.min(...model))
      assert.equal(due.size, model.length)
    }
  }))
})
