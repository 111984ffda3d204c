/**
 * What server and broker say to each other: one JSON value a line, in UTF-8. A Text with bytes that are not
 * UTF-8 has lone surrogates, which JSON writes as \udcXX, so it arrives as it was.
 */
import type { SpawnResult } from './types.ts'

/** To the broker. */
export type Order =
  | { readonly order: 'run'; readonly id: number; readonly job: WireJob }
  /** Kill the run's process group and report. */
  | { readonly order: 'stop'; readonly id: number }
  /** Start a program that stays, with a socket to the server for its descriptors. */
  | { readonly order: 'start'; readonly id: number; readonly job: WireStart }
  | { readonly order: 'ping' }

/** `SpawnJob` with everything decided. */
export interface WireJob {
  readonly form: 'shell' | 'path'
  readonly text: string
  readonly cwd: string
  /** `NAME=value`, Text. */
  readonly env: readonly string[]
  readonly stdin?: string
  readonly timeoutMs: number
  readonly outputLimit: number
}

/** `StartJob` with everything decided. */
export interface WireStart {
  readonly form: 'shell' | 'path' | 'exec'
  readonly text: string
  readonly args: readonly string[]
  readonly cwd: string
  /** `NAME=value`, Text. */
  readonly env: readonly string[]
  readonly duplex: 'stdio' | 'fd3'
  /** Path of the socket where the server waits, and the line to say there. */
  readonly socket: string
  readonly token: string
}

/** From the broker. */
export type Notice =
  | { readonly notice: 'ready' }
  /** The process group to kill should the broker die. Sent at once. */
  | { readonly notice: 'started'; readonly id: number; readonly pid: number }
  | { readonly notice: 'ended'; readonly id: number; readonly result: WireResult }
  /** Lines of standard error of a program that stays. */
  | { readonly notice: 'complaint'; readonly id: number; readonly lines: readonly string[] }
  | { readonly notice: 'pong' }

/** `SpawnResult` with its output in base64 and without what only the server knows. */
export type WireResult = Omit<SpawnResult, 'stdout' | 'ms' | 'fault' | 'exit' | 'signal'> & {
  readonly stdout: string
  readonly exit: number | null
  readonly signal: string | null
}

/** Longest line either side takes, in bytes: a full `OUTPUT_LIMIT.max` in base64, or the largest environment, all of it escapes. */
export const MAX_LINE = 48 * 1024 * 1024
