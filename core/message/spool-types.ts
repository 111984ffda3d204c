/** What the dialogue sees of the spool. The implementation is spool.ts. */
import type { Message } from '../plugin/message.ts'
import type { Envelope } from './types.ts'

export interface SpoolWriter {
  readonly id: string
  /** Bytes written so far. */
  readonly size: number
  /** Appends content in queue form (LF lines). The chunk is the spool's afterwards. A returned promise asks the caller to wait. */
  write(chunk: Uint8Array): void | Promise<void>
  /** The message as written so far, without edits, for `+message`. Only after the last write. */
  message(): Message
  /** Envelope and content on disk, file and directory synced, the message in the queue. Rejects with HeliosError (reply 451/452…); then nothing was promised. */
  commit(envelope: Envelope): Promise<void>
  /** Forgets the message. Never rejects. */
  abort(): Promise<void>
}

export interface Spool {
  /** A place for one incoming message. Rejects with HeliosError when the disk refuses. */
  create(): Promise<SpoolWriter> | SpoolWriter
}
