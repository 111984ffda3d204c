/** What the main process of a server and the processes that serve its sessions say to one another: JSON lines on a pipe (core/host/children/channel.ts). */
import type { Problem } from '../../../config/problem.ts'
import type { Settings } from '../../../config/settings.ts'
import type { Counted, Guess, Sieges } from '../../smtp/login-throttle.ts'
import type { Full, Most } from '../limits.ts'
import type { QueuedEnvelope } from '../../queue/item.ts'

/** Descriptors of a process that serves sessions; its listeners' sockets follow in the order of the settings. */
export const CHANNEL_FD = 3
export const TRACE_FD = 4
export const FIRST_LISTENER_FD = 5

/** Bytes of one line. */
export const MAX_LINE = 256 * 1024
/** Units of an envelope that may go into one: a character has at most three bytes. */
export const MOST_ENVELOPE = 64 * 1024

/** Where the main process stands with the files. */
export interface Lead {
  /** Of the generation in force. */
  readonly number: number
  /** The files as they are make no generation; the one in force goes on. */
  readonly failed: boolean
  /** False: somebody goes on writing them, and nothing is known yet. */
  readonly settled: boolean
  /** What it looks at besides the control directory. */
  readonly files: readonly string[]
}

/** Main process to one that serves sessions. */
export type Order =
  | {
    readonly order: 'begin'
    readonly settings: Settings
    /** From 1. */
    readonly number: number
    /** What the ids of its messages end in. */
    readonly mark: string
    /** Base64: what all processes need for the same answers about users that are not there. */
    readonly pepper: string
    /** Base64: the secret of TLS session tickets. */
    readonly tickets: string
  }
  | { readonly order: 'tickets'; readonly secret: string }
  | { readonly order: 'look'; readonly ask: number }
  | { readonly order: 'lead'; readonly to: number; readonly lead: Lead }
  | { readonly order: 'taken'; readonly to: number; readonly full?: Full }
  | { readonly order: 'try'; readonly to: number; readonly wait: number; readonly counted: Counted; readonly sieges?: Sieges }
  | { readonly order: 'finish' }

export interface MemberState {
  readonly sessions: number
  readonly generation: number
  /** Lines whose breaker is open, as `restingKey` has them. */
  readonly resting: readonly string[]
}

/** A process that serves sessions to the main process. */
export type Notice =
  | { readonly notice: 'ready' }
  | { readonly notice: 'failed'; readonly reasons: readonly string[] }
  | { readonly notice: 'state'; readonly state: MemberState }
  | { readonly notice: 'accepted'; readonly id: string; readonly size: number; readonly envelope: QueuedEnvelope }
  /** As `accepted`, with an envelope too long for a line: it stands in the file. */
  | { readonly notice: 'stored'; readonly id: string }
  | { readonly notice: 'lead'; readonly ask: number }
  | { readonly notice: 'looked'; readonly to: number; readonly problems: readonly Problem[] }
  /** A connection of this network. */
  | { readonly notice: 'take'; readonly ask: number; readonly network: string; readonly most: Most }
  | { readonly notice: 'release'; readonly taken: number }
  /** A login is tried (core/smtp/login-throttle.ts); it was right, or wrong, or is none. */
  | { readonly notice: 'try'; readonly ask: number; readonly guess: Guess }
  | { readonly notice: 'right' | 'wrong' | 'undo'; readonly counted: Counted }
