/**
 * One message on its way in. Small ones wait in memory and reach the disk in one write at commit; bigger ones are
 * written to `queue/tmp/<id>` as they come. The order at commit is what a 250 stands on: write, sync the file,
 * rename to `queue/msg/<id>`, sync the directory.
 */
import { join } from 'node:path'
import type { Message } from '../plugin/message.ts'
import type { DirectorySync } from './directory-sync.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import type { Logger } from './logger.ts'
import type { QueuePlaces } from './places.ts'
import type { Source } from './source.ts'
import type { SpoolWriter } from './spool-types.ts'
import type { Envelope } from './types.ts'
import { HeliosError } from '../error.ts'
import { editEnvelope } from './edits.ts'
import { unlinkIfThere } from './file-system.ts'
import { fileSource, memorySource } from './source.ts'
import { printTrailer } from './trailer.ts'
import { plainView } from './view.ts'

/** Content up to this size is held in memory until commit; above it, this much is gathered for each write. */
const HELD_BYTES = 64 * 1024
/** Pieces that are put together into one: a client that sends byte by byte must not cost an object of some hundred bytes for each. */
const HELD_PIECES = 64

const DONE = Promise.resolve()

export interface WriterDoors {
  readonly fs: FileSystem
  readonly directories: DirectorySync
  readonly places: QueuePlaces
  readonly log: Logger
  /** Told of each message once it is durable. Must not throw: the promise is made. */
  readonly accepted: (id: string, envelope: Envelope, size: number) => void
}

export class FileSpoolWriter implements SpoolWriter {
  readonly id: string
  readonly #doors: WriterDoors
  readonly #path: string
  #held: Uint8Array[] = []
  #heldBytes = 0
  /** How many of those in front are put together already. */
  #packed = 0
  #size = 0
  #file: OpenFile | undefined
  #created = false
  #draining: Promise<void> | undefined
  #error: HeliosError | undefined
  #ending: Promise<void> | undefined

  constructor(id: string, doors: WriterDoors) {
    this.id = id
    this.#doors = doors
    // No name to be made sense of: `join` costs more than all the rest of this.
    this.#path = `${doors.places.tmp}/${id}`
  }

  get size(): number {
    return this.#size
  }

  /** As SpoolWriter. The promise never rejects: a disk that refused is told by `commit`, and by what `message` gives. */
  write(chunk: Uint8Array): void | Promise<void> {
    this.#size += chunk.length
    if (this.#error !== undefined || this.#ending !== undefined) return
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    this.#pack()
    if (this.#heldBytes <= HELD_BYTES) return
    if (this.#draining !== undefined) return this.#draining
    void this.#startDrain(HELD_BYTES)
    return this.#heldBytes > HELD_BYTES ? this.#draining : undefined
  }

  #pack(): void {
    this.#packed = Math.min(this.#packed, this.#held.length)
    if (this.#held.length - this.#packed < HELD_PIECES) return
    this.#held.push(Buffer.concat(this.#held.splice(this.#packed)))
    this.#packed += 1
  }

  /** As SpoolWriter. Its methods reject with the HeliosError of a disk that refused. */
  message(): Message {
    const { id } = this
    const size = this.#size
    return {
      id,
      size,
      file: async () => {
        await this.#flush()
        return this.#path
      },
      header: async () => plainView(await this.#source()).header(),
      content: () => this.#chunks(),
    }
  }

  async commit(envelope: Envelope): Promise<void> {
    if (this.#ending !== undefined) throw new Error(`message ${this.id} was committed or aborted before`)
    const storing = this.#store(envelope)
    this.#ending = storing.catch(() => undefined)
    await storing
    this.#doors.accepted(this.id, editEnvelope(envelope), this.#size)
  }

  /** As SpoolWriter. Once `commit` was called this only waits for it: a promise under way is not taken back. */
  abort(): Promise<void> {
    this.#ending ??= this.#draining === undefined && !this.#created ? this.#forget() : this.#discard()
    return this.#ending
  }

  /** Of what never reached the disk. */
  #forget(): Promise<void> {
    this.#held = []
    return DONE
  }

  async #store(envelope: Envelope): Promise<void> {
    const { directories, fs, places } = this.#doors
    const accepted = join(places.msg, this.id)
    let renamed = false
    try {
      while (this.#draining !== undefined) await this.#draining
      if (this.#error !== undefined) throw this.#error
      this.#held.push(printTrailer({ contentLength: this.#size, envelope }))
      const file = await this.#startDrain(0)
      if (file === undefined) throw this.#error
      await file.sync()
      this.#file = undefined
      await file.close()
      try {
        await fs.rename(this.#path, accepted)
      } catch (error) {
        throw this.#creationError(error)
      }
      renamed = true
      await directories.sync(places.msg)
    } catch (error) {
      // A file whose sync failed is not trusted, even if the next sync would succeed: the kernel may have dropped its pages.
      if (renamed) await this.#remove(accepted)
      await this.#discard()
      throw error instanceof HeliosError ? error : this.#writeError(error)
    }
  }

  /** To be called when nothing is being written, without an await since that was seen: two drains at a time would mix. */
  #startDrain(keep: number): Promise<OpenFile | undefined> {
    const drain = this.#drain(keep)
    this.#draining = drain.then(() => {
      this.#draining = undefined
    })
    return drain
  }

  /** Writes what is held until at most `keep` bytes are; creates the file. Never rejects: undefined after an error, which is kept. */
  async #drain(keep: number): Promise<OpenFile | undefined> {
    try {
      this.#file ??= await this.#create()
      while (this.#held.length > 0 && (keep === 0 || this.#heldBytes > keep)) {
        const data = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
        this.#held = []
        this.#heldBytes = 0
        await this.#file.write(data)
      }
      return this.#file
    } catch (error) {
      this.#error = error instanceof HeliosError ? error : this.#writeError(error)
      this.#held = []
      this.#heldBytes = 0
      return undefined
    }
  }

  /** All content so far is in the file. Rejects with the HeliosError of the disk. */
  async #flush(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining
    this.#mustBeOpen()
    if (this.#error === undefined) await this.#startDrain(0)
    if (this.#error !== undefined) throw this.#error
  }

  #mustBeOpen(): void {
    if (this.#ending !== undefined) throw new Error(`message ${this.id} was committed or aborted; what message() gave is no longer good`)
  }

  async #source(): Promise<Source> {
    this.#mustBeOpen()
    if (!this.#created && this.#draining === undefined && this.#error === undefined) {
      const whole = Buffer.concat(this.#held)
      this.#held = [whole]
      return memorySource(whole)
    }
    await this.#flush()
    return fileSource(this.#doors.fs, this.#path, this.#size)
  }

  async* #chunks(): AsyncGenerator<Uint8Array> {
    yield* (await this.#source()).chunks(0)
  }

  async #create(): Promise<OpenFile> {
    try {
      const file = await this.#doors.fs.open(this.#path, 'create')
      this.#created = true
      return file
    } catch (error) {
      throw this.#creationError(error)
    }
  }

  async #discard(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining
    this.#held = []
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => undefined)
    if (this.#created) await this.#remove(this.#path)
  }

  async #remove(path: string): Promise<void> {
    try {
      await unlinkIfThere(this.#doors.fs, path)
    } catch (error) {
      this.#doors.log.warn({ event: 'left over', message: this.id, path, err: error },
        `msg ${this.id}: refused, but ${path} could not be removed: ${String(error)}; `
        + 'at the next start it is removed if it is in queue/tmp and delivered if it is in queue/msg')
    }
  }

  // The texts are those of qmail-qfilter 2 for a queue that could not create (62 to 66) or write (53).
  #creationError(cause: unknown): HeliosError {
    const { tmp, msg } = this.#doors.places
    return new HeliosError('queue-create', `cannot create a file in ${tmp} or ${msg}: ${String(cause)}`, {
      fault: 'system', cause, reply: '451 qq trouble creating files in queue (#4.3.0)',
      mend: 'make sure the directories exist and belong to the user Helios runs as, and that neither space, inodes nor open files '
        + 'have run out',
    })
  }

  #writeError(cause: unknown): HeliosError {
    return new HeliosError('queue-write', `cannot write message ${this.id} in ${this.#doors.places.tmp}: ${String(cause)}`, {
      fault: 'system', cause, reply: '451 qq write error or disk full (#4.3.0)',
      mend: 'make room on the disk of the queue; on EIO look at the disk itself',
    })
  }
}
