/** What is loaded into a sandbox: a plugin's text together with the control files it has read. */
import type { Problem } from '../../../../config/problem.ts'
import { Restarts } from './restarts.ts'
import type { PluginText } from './bundle.ts'
import type { Group } from './group.ts'
import type { SandboxLimits } from './limits.ts'
import { SourceMap } from './source-map.ts'
import type { Description, Thrown } from './wire.ts'

/** A text, shared by all units that differ in control files or group only. */
export class KnownText {
  readonly hash: string
  readonly text: string
  readonly description: Description
  readonly restarts: Restarts
  readonly #map: SourceMap

  constructor({ hash, text, map }: PluginText, description: Description, limits: SandboxLimits) {
    this.hash = hash
    this.text = text
    this.description = description
    this.#map = new SourceMap(map)
    this.restarts = new Restarts({ most: limits.restarts, windowMs: limits.restartWindowMs, restMs: limits.restMs })
  }

  /** What was thrown, with the line of the operator's file that threw it: `no such thing (plugins/mine.ts:12)`. */
  explain(thrown: Thrown): string {
    return explain(thrown, this.#map)
  }
}

export function explain({ name, message, at }: Thrown, map: SourceMap): string {
  const said = name === 'Error' || name === '' ? message : message === '' ? name : `${name}: ${message}`
  const place = map.first(at)
  return place === undefined ? said : `${said} (${place.file}:${place.line})`
}

export interface Unit {
  readonly key: string
  readonly text: KnownText
  /** Contents of its control files by name, as the process is given them (JSON of `LoadControl`). */
  readonly control: string
  readonly controlProblems: readonly Problem[]
  /** Whose process it is asked in: another one once it has ended a process that it shared. */
  group: Group
}

/** Somebody's right to ask a unit: held by the lines of a generation, and let go with them. */
export class Lease {
  readonly unit: Unit
  readonly #ended: (lease: Lease) => void

  constructor(unit: Unit, ended: (lease: Lease) => void) {
    this.unit = unit
    this.#ended = ended
  }

  get description(): Description {
    return this.unit.text.description
  }

  /** Optional: what nobody refers to any more is let go when its memory is. */
  release(): void {
    this.#ended(this)
  }
}
