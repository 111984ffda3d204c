/** One connection to a database server, whichever kind, and how to make one. */
import type { Connection } from '../../../protocol/qmail/qmailconfig.ts'

export type Value = string | number | bigint | null | Uint8Array
export type Row = Readonly<Record<string, unknown>>

export interface Answer {
  readonly rows: readonly Row[]
  /** Rows that a change has met; undefined for a SELECT. */
  readonly affected: number | undefined
}

export interface Wire {
  /**
   * Rejects with the driver's error. `prepared`: parsed by the server once for each connection.
   * Dates come as text in UTC, integers of every size as numbers, bytes as a Buffer; bytes are given as one, too.
   */
  query(sql: string, parameters: readonly unknown[], prepared: boolean): Promise<Answer>
  /** Ends at once; running questions fail. Twice does no harm. */
  destroy(): void
}

export interface Limits {
  /** Milliseconds, 0 for no limit. */
  readonly connect: number
  readonly query: number
}

/** Makes a connection. `lost` is called once when it is no more, for whatever reason. Rejects with the driver's error, or when the time is up. */
export type OpenWire = (to: Connection, limits: Limits, lost: () => void) => Promise<Wire>

/** What `work` brings, or a rejection with `late()` after `ms` milliseconds; 0 waits for ever. `late` also ends the work. */
export async function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  if (ms === 0) return work
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  // What the work says after its time is nobody's concern.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, timeout])
  } finally {
    clearTimeout(timer)
  }
}
