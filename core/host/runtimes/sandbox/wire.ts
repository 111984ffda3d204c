/**
 * What server and sandbox say to each other: one JSON value a line. A payload `v` is JSON once more, as a string: the
 * process passes it between the pipe and the plugin's realm as it is, for only strings and numbers cross that
 * boundary. What comes from the process is believed in nothing: read.ts takes it apart.
 */

import type { Hook } from '../../../plugin/plugin.ts'
import type { Effect } from '../../../plugin/world.ts'

/** To the process. `p` is a plugin loaded there, `i` a call. */
export type Order =
  /** With its control files (`LoadControl`), where it is known which it reads. */
  | { readonly k: 'load'; readonly p: number; readonly text: string; readonly v?: string }
  /** Control files by themselves. */
  | { readonly k: 'control'; readonly p: number; readonly v: string }
  | { readonly k: 'drop'; readonly p: number }
  /** A handler is asked (`AskPayload`). */
  | { readonly k: 'ask'; readonly p: number; readonly i: number; readonly v: string }
  /** What the world says to question `q` of a call: `FactPayload`. */
  | { readonly k: 'fact'; readonly p: number; readonly i: number; readonly v: string }
  /** Nobody waits for the call any more; it is still answered, at once. `v` is the reason, a plain text. */
  | { readonly k: 'abort'; readonly p: number; readonly i: number; readonly v: string }
  | { readonly k: 'ping'; readonly n: number }

/** From the process. */
export type Notice = Told | Said
  | { readonly k: 'ready' }
  /** From here this call's code runs, or with `i: 0` a timer of the plugin's; said only where it is not plain. */
  | { readonly k: 'run'; readonly p: number; readonly i: number }
  | { readonly k: 'pong'; readonly n: number }

/** Of a plugin. */
export interface Told {
  /**
   * `loaded`: it is there (`Description`). `controlled`: it has read control files (`ControlReport`). `broken`: either
   * failed (`Thrown`). `stray`: a timer of it threw, or a promise nobody looked at was rejected (`Thrown`).
   */
  readonly k: 'loaded' | 'controlled' | 'broken' | 'stray'
  readonly p: number
  readonly v: string
}

/** Of a call. */
export interface Said {
  /** `answer`: exactly one (`AnswerPayload`). `question`: `QuestionPayload`. `log`: `LogPayload`, `i` 0 where no call is known. */
  readonly k: 'answer' | 'question' | 'log'
  readonly p: number
  readonly i: number
  readonly v: string
}

export interface LoadControl {
  readonly files: Readonly<Record<string, string>>
}

export interface AskPayload {
  readonly hook: string
  /** `takes` is asked instead of the hook's handler. */
  readonly domain?: string
  /** Asked instead: how the plugin's declarations read these variables; null, or `reason` and `mend`, for each. */
  readonly settings?: readonly (readonly [string, string])[]
  readonly session: unknown
  readonly now: number
  readonly seed: number
  readonly message?: { readonly id: string; readonly size: number }
}

/** Something thrown, as much of it as crosses a pipe. */
export interface Thrown {
  readonly name: string
  readonly message: string
  /** Lines and columns in the plugin's text, innermost first. */
  readonly at: readonly (readonly [number, number])[]
  /** A DeliveryError's. */
  readonly text?: string
  readonly permanent?: boolean
}

export interface AnswerPayload {
  readonly answer?: unknown
  readonly thrown?: Thrown
  /** The answer was larger than `ANSWER_LIMIT`. */
  readonly tooLarge?: boolean
  /** `world.now()` was looked at. */
  readonly now?: boolean
  /** How many numbers were drawn. */
  readonly drawn?: number
}

export interface QuestionPayload {
  /** 1, 2, … within a call. */
  readonly q: number
  readonly ask: string
  readonly args: readonly unknown[]
}

export type FactPayload =
  | { readonly q: number; readonly value?: unknown }
  | { readonly q: number; readonly error: { readonly name: string; readonly message: string; readonly permanent?: boolean } }

export interface LogPayload {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What a plugin says of itself. */
export interface Description {
  readonly name: string
  readonly summary: string
  readonly hooks: readonly Hook[]
  readonly takes: boolean
  readonly settings: readonly { readonly name: string; readonly about: string; readonly form: string }[]
  readonly control: readonly { readonly name: string; readonly about: string }[]
  readonly needs: readonly Effect[]
  readonly replaces: readonly string[]
}

export interface ControlReport {
  readonly problems: readonly {
    readonly file: string
    readonly line: number
    readonly reason: string
    readonly mend: string
    readonly warning?: boolean
  }[]
}

/** Longest line that the server takes, in bytes. */
export const MAX_LINE = 2 * 1024 * 1024
/** Longest answer of a handler, in characters of its JSON. Each may become six bytes, twice escaped. */
export const ANSWER_LIMIT = 128 * 1024
/** Bytes of a message in one piece. */
export const PIECE = 64 * 1024
