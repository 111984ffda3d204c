/** A plugin's first run, in a process that serves nobody: what it says of itself, and what it finds in its control files. */
import type { Child, Down } from './child.ts'
import { readControlReport, readDescription, parseThrown } from './read.ts'
import type { ControlReport, Description, Thrown, Told } from './wire.ts'

export type Proved =
  | { readonly ok: true; readonly description: Description; readonly control: string; readonly report: ControlReport }
  | { readonly ok: false; readonly thrown: Thrown }
  | { readonly ok: false; readonly down: Down }

/**
 * Loads the text, asks it for its description, and lets it read its control files. Never rejects; the process is
 * ended afterwards, whatever came of it.
 * @param control the contents of the named control files: JSON of `LoadControl`
 */
export async function prove(child: Child, text: string, controlOf: (declared: Description['control']) => string): Promise<Proved> {
  const told = new Listening(child)
  child.begin(true)
  try {
    child.send({ k: 'load', p: 1, text })
    const loaded = await told.next()
    if ('down' in loaded) return { ok: false, down: loaded.down }
    const description = loaded.k === 'loaded' ? readDescription(loaded.v) : undefined
    if (description === undefined) return { ok: false, thrown: parseThrown(loaded.v) }
    const control = controlOf(description.control)
    child.send({ k: 'control', p: 1, v: control })
    const controlled = await told.next()
    if ('down' in controlled) return { ok: false, down: controlled.down }
    const report = controlled.k === 'controlled' ? readControlReport(controlled.v) : undefined
    return report === undefined ? { ok: false, thrown: parseThrown(controlled.v) } : { ok: true, description, control, report }
  } finally {
    child.end()
    await child.gone
  }
}

type Outcome = Told | { readonly down: Down }

/** What the process tells of its one plugin, one thing after the other. */
class Listening {
  #waiting: ((outcome: Outcome) => void) | undefined
  #down: Down | undefined

  constructor(child: Child) {
    child.owner = {
      heard: (notice) => {
        if (notice.k === 'loaded' || notice.k === 'controlled' || notice.k === 'broken') this.#settle(notice)
      },
      down: (_child, down) => {
        this.#down = down
        this.#settle({ down })
      },
    }
  }

  next(): Promise<Outcome> {
    if (this.#down !== undefined) return Promise.resolve({ down: this.#down })
    return new Promise((resolve) => { this.#waiting = resolve })
  }

  #settle(outcome: Outcome): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(outcome)
  }
}
