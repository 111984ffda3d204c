import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { added, current, endOf, slotOf, SLOTS, sumOf, type Slots } from './window.ts'

const window = fc.integer({ min: 1, max: 40 * 86_400_000 })
const start = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 })

it('sums everything of the window, and nothing older than a slot more', () => {
  fc.assert(fc.property(window, start, fc.array(fc.tuple(fc.double({ min: 0, max: 3, noNaN: true }), fc.integer({ min: 1, max: 9 })), { maxLength: 60 }), (length, from, steps) => {
    let slots: Slots = []
    const seen: { readonly at: number; readonly amount: number }[] = []
    const width = Math.max(Math.ceil(length / SLOTS), 1)
    let now = from
    for (const [step, amount] of steps) {
      now += Math.floor(step * width * 4)
      slots = added(current(slots, slotOf(now, length)), slotOf(now, length), amount)
      seen.push({ at: now, amount })
      const sum = sumOf(slots)
      const within = (span: number): number => seen.filter(({ at }) => at > now - span).reduce((total, each) => total + each.amount, 0)
      assert.ok(sum >= within(length), `${sum} is less than the window saw`)
      assert.ok(sum <= within(width * (SLOTS + 1)), `${sum} is more than a window one slot longer saw`)
      assert.ok(slots.length <= SLOTS + 1)
      assert.ok(endOf(slots, length) > now)
    }
  }))
})

it('is over at its end, and not before', () => {
  fc.assert(fc.property(window, start, (length, now) => {
    const slots = added([], slotOf(now, length), 1)
    const end = endOf(slots, length)
    assert.equal(sumOf(current(slots, slotOf(end, length))), 0)
    assert.equal(sumOf(current(slots, slotOf(end - 1, length))), 1)
  }))
})

it('counts what a clock that was set back left in the near future, and forgets the far one', () => {
  const slots = added([], slotOf(10_000_000, 60_000), 5)
  assert.equal(sumOf(current(slots, slotOf(9_990_000, 60_000))), 5)
  assert.equal(sumOf(current(slots, slotOf(5_000_000, 60_000))), 0)
})
