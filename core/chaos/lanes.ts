/** The order of the cells: what may run at the same time, and what must not meet. */
import type { Cell } from './cell.ts'

export interface Lane {
  readonly cells: readonly Cell[]
  /** Cells of the lane that run at the same time. */
  readonly width: number
}

const WIDTH = 6
const HEAVY_WIDTH = 2

/**
 * Lanes run beside one another. Heavy cells have one to themselves. Those that take a sandbox's process
 * with them come one after the other, for two of them in one would answer for each other; other sandboxed cells come after them.
 * @param sessions of each cell; where there are many, a cell is crowd enough
 */
export function lanesOf(cells: readonly Cell[], sessions: number): readonly (readonly Lane[])[] {
  const width = sessions > 1 ? 1 : WIDTH
  const sandbox = cells.filter(({ runtime }) => runtime === 'sandbox')
  const others = cells.filter(({ runtime }) => runtime !== 'sandbox')
  return [
    ...[...new Set(sandbox.map(({ group }) => group))].map((group) => {
      const ofGroup = sandbox.filter((cell) => cell.group === group)
      return [
        { cells: ofGroup.filter(({ form }) => form.endsProcess === true), width: 1 },
        { cells: ofGroup.filter(({ form }) => form.endsProcess !== true), width },
      ]
    }),
    [{ cells: others.filter(({ form }) => form.heavy !== true), width }],
    [{ cells: others.filter(({ form }) => form.heavy === true), width: HEAVY_WIDTH }],
  ]
}

/** Plays the lanes; ends early, between two cells, once the signal is aborted. */
export async function playLanes(
  lanes: readonly (readonly Lane[])[], play: (cell: Cell) => Promise<void>, signal?: AbortSignal,
): Promise<void> {
  await Promise.all(lanes.map(async (parts) => {
    for (const { cells, width } of parts) {
      const waiting = cells.values()
      await Promise.all(Array.from({ length: width }, async () => {
        // One iterator for all: each takes what comes next.
        for (const cell of waiting) {
          if (signal?.aborted === true) return
          await play(cell)
        }
      }))
    }
  }))
}
