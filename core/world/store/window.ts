/**
 * A sliding window as counts in slots. A window has `SLOTS` of them, and a sum takes the slot that the window's beginning
 * falls in whole: it is never less than what the window saw, and never more than what a window one slot longer saw.
 * So a limit holds for every window, wherever it begins, and a counter stays small however busy it is.
 */

export const SLOTS = 24

/** Slot number and count, oldest first. */
export type Slots = readonly (readonly [slot: number, count: number])[]

/** The number of the slot that `now` falls in; both in milliseconds. */
export function slotOf(now: number, window: number): number {
  return Math.floor(now / width(window))
}

/** What still counts at `slot`. A clock set back leaves counts in the future: they count until they would have, and no longer. */
export function current(slots: Slots, slot: number): Slots {
  return slots.filter(([at]) => Math.abs(slot - at) <= SLOTS)
}

export function sumOf(slots: Slots): number {
  return slots.reduce((sum, [, count]) => sum + count, 0)
}

/** With so much more in `slot`. */
export function added(slots: Slots, slot: number, amount: number): Slots {
  const before = slots.find(([at]) => at === slot)?.[1] ?? 0
  return [...slots.filter(([at]) => at !== slot), [slot, before + amount] as const].toSorted(([a], [b]) => a - b)
}

/** When nothing of these counts any more, in milliseconds. */
export function endOf(slots: Slots, window: number): number {
  return ((slots.at(-1)?.[0] ?? 0) + SLOTS + 1) * width(window)
}

/** Whole milliseconds, so that slots of short windows have their place; the last millisecond of rounding makes a window longer, not shorter. */
function width(window: number): number {
  return Math.max(Math.ceil(window / SLOTS), 1)
}
