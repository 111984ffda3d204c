/** Whose code ran when a process ended, as far as can be told from outside. */

export interface Guilty<Unit, Call> {
  /** The plugin; undefined when nobody was asked. */
  readonly unit: Unit | undefined
  /** Its calls that end with the process. A call that was given up is nobody's any more. */
  readonly calls: readonly Call[]
}

export interface Scene<Unit, Call> {
  /** What the process said last; `i: 0` is a timer, or the loading, of plugin `p`. */
  readonly running: { readonly p: number; readonly i: number } | undefined
  /** By number, oldest first. */
  readonly calls: ReadonlyMap<number, Call>
  /** Calls that nobody waits for and that are not answered yet, with their plugin's number. */
  readonly givenUp: ReadonlyMap<number, number>
  readonly unitOf: (p: number) => Unit | undefined
}

export const NOBODY: Guilty<never, never> = { unit: undefined, calls: [] }

/**
 * What the process said last, where that is still open; else the oldest call, for a process says whose turn it is
 * wherever more than one call is open.
 */
export function whoIsGuilty<Unit, Call extends { readonly unit: Unit }>(scene: Scene<Unit, Call>): Guilty<Unit, Call> {
  const { running, calls, givenUp, unitOf } = scene
  if (running?.i === 0) {
    const unit = unitOf(running.p)
    return { unit, calls: [...calls.values()].filter((call) => call.unit === unit) }
  }
  const named = running !== undefined && (calls.has(running.i) || givenUp.has(running.i)) ? running.i : undefined
  const i = named ?? Math.min(...calls.keys(), ...givenUp.keys())
  const call = calls.get(i)
  if (call !== undefined) return { unit: call.unit, calls: [call] }
  const p = givenUp.get(i)
  return p === undefined ? NOBODY : { unit: unitOf(p), calls: [] }
}
