/** A message of the queue, read from its spool file with its edits applied. */
import { join } from 'node:path'
import type { HeaderField, Message } from '../plugin/message.ts'
import type { FileSystem } from './file-system.ts'
import type { QueuePlaces } from './places.ts'
import type { Source } from './source.ts'
import type { Envelope } from './types.ts'
import type { View } from './view.ts'
import { editEnvelope } from './edits.ts'
import { unlinkIfThere } from './file-system.ts'
import { fileSource, memorySource } from './source.ts'
import { parseSpoolFile, readTrailer } from './trailer.ts'
import { viewOf } from './view.ts'

/** A spool file up to this size is read at once and stays in memory while the message is open. */
const READ_AT_ONCE = 96 * 1024

let views = 0

export class StoredMessage implements Message {
  readonly id: string
  /** As accepted, with its `reversePath` and `recipients` edits applied. */
  readonly envelope: Envelope
  readonly #fs: FileSystem
  readonly #tmp: string
  readonly #view: View
  #file: Promise<string> | undefined

  private constructor(fs: FileSystem, places: QueuePlaces, id: string, envelope: Envelope, view: View) {
    this.#fs = fs
    this.#tmp = places.tmp
    this.#view = view
    this.id = id
    this.envelope = envelope
  }

  /** Opens `queue/msg/<id>`. Rejects with the system's error, or with HeliosError `spool-file-corrupt`. Call `release` in the end. */
  static async open(fs: FileSystem, places: QueuePlaces, id: string): Promise<StoredMessage> {
    const { source, envelope } = await readSpoolFile(fs, join(places.msg, id))
    return new StoredMessage(fs, places, id, editEnvelope(envelope), await viewOf(source, envelope.edits))
  }

  get size(): number {
    return this.#view.size
  }

  header(): Promise<readonly HeaderField[]> {
    return this.#view.header()
  }

  content(): AsyncGenerator<Uint8Array> {
    return this.#view.content()
  }

  /**
   * A copy beside the queue that has neither envelope nor unapplied edits, made once and shared by all who ask until
   * `release`. Rejects with the system's error; then the next call tries again.
   */
  file(): Promise<string> {
    this.#file ??= this.#materialise()
    return this.#file
  }

  /** Removes the copy that `file` made. Never rejects: what is left over goes at the next start. */
  async release(): Promise<void> {
    const path = await this.#file?.catch(() => undefined)
    this.#file = undefined
    if (path !== undefined) await this.#fs.unlink(path).catch(() => undefined)
  }

  async #materialise(): Promise<string> {
    views += 1
    const path = join(this.#tmp, `${this.id}.view${views}`)
    try {
      const file = await this.#fs.open(path, 'create')
      try {
        for await (const chunk of this.content()) await file.write(chunk)
      } finally {
        await file.close()
      }
      return path
    } catch (error) {
      this.#file = undefined
      await unlinkIfThere(this.#fs, path).catch(() => undefined)
      throw error
    }
  }
}

async function readSpoolFile(fs: FileSystem, path: string): Promise<{ readonly source: Source; readonly envelope: Envelope }> {
  const file = await fs.open(path, 'read')
  try {
    const size = await file.size()
    if (size > READ_AT_ONCE) {
      const { contentLength, envelope } = await readTrailer(file, size)
      return { source: fileSource(fs, path, contentLength), envelope }
    }
    const buffer = Buffer.allocUnsafe(size)
    const whole = buffer.subarray(0, await file.read(buffer, 0))
    const { contentLength, envelope } = parseSpoolFile(whole)
    return { source: memorySource(whole.subarray(0, contentLength)), envelope }
  } finally {
    await file.close().catch(() => undefined)
  }
}
