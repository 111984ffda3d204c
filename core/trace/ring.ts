/**
 * The ring of segment files. Writing here may fail and may take its time; who must neither fail nor
 * wait stands in front of it (recorder.ts).
 */
import { chmod, open, rm, statfs, type FileHandle } from 'node:fs/promises'
import { makeOwnDirectory } from '../own-directory.ts'
import { listSegments, segmentPath, type Segment } from './segments.ts'

export interface RingOptions {
  readonly directory: string
  /** Bytes that all segments together may take. */
  readonly maxBytes: number
  /** Free bytes on the disk below which nothing is written. */
  readonly minFreeBytes: number
  /** Free bytes of the disk the directory is on; for tests. */
  readonly freeBytes?: (directory: string) => Promise<number>
}

/** Why nothing was written: the disk is short, and the segments that could go have gone. */
export class DiskShort extends Error {
  override readonly name = 'DiskShort'
}

const SEGMENTS = 16
const LARGEST_SEGMENT = 16 * 1024 * 1024
/** Written bytes after which free space is looked at again. */
const LOOK_EVERY = 1024 * 1024

export class Ring {
  readonly #options: RingOptions
  readonly #segmentBytes: number
  #segments: Segment[] = []
  #file: FileHandle | undefined
  /** False until the directory has been read, and again after a failure. */
  #ready = false
  #sinceLook = Infinity

  constructor(options: RingOptions) {
    this.#options = options
    this.#segmentBytes = Math.max(1, Math.min(LARGEST_SEGMENT, Math.floor(options.maxBytes / SEGMENTS)))
  }

  /** Bytes one append should have at most, and fills a segment with; a single longer line is taken, up to the size of the whole ring. */
  get segmentBytes(): number {
    return this.#segmentBytes
  }

  /** Appends whole lines. Rejects with DiskShort or the file system's error; after that the next append begins afresh. */
  async append(lines: Buffer): Promise<void> {
    try {
      if (!this.#ready) await this.#start()
      if (this.#sinceLook >= LOOK_EVERY) await this.#lookAtDisk()
      if (this.#file === undefined || this.#current.size > 0 && this.#current.size + lines.length > this.#segmentBytes) await this.#next()
      await this.#trim(lines.length)
      await this.#write(lines)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#ready = false
    this.#sinceLook = Infinity
    // A failed close of a trace file loses at most trace.
    await file?.close().catch(() => undefined)
  }

  get #current(): Segment {
    return this.#segments.at(-1)!
  }

  /** Continues the newest segment; a line that a crash cut short is ended first, so that it spoils no other. */
  async #start(): Promise<void> {
    await makeOwnDirectory(this.#options.directory)
    await chmod(this.#options.directory, 0o700)
    this.#segments = await listSegments(this.#options.directory)
    this.#ready = true
    const newest = this.#segments.at(-1)
    if (newest === undefined || newest.size >= this.#segmentBytes) return
    this.#file = await open(newest.path, 'a', 0o600)
    if (newest.size > 0) await this.#write(Buffer.from('\n'))
  }

  async #next(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    const path = segmentPath(this.#options.directory, number)
    this.#file = await open(path, 'ax', 0o600)
    this.#segments.push({ number, path, size: 0 })
  }

  async #write(lines: Buffer): Promise<void> {
    await this.#file!.appendFile(lines)
    this.#current.size += lines.length
    this.#sinceLook += lines.length
  }

  /** Deletes the oldest segments until `coming` more bytes fit. */
  async #trim(coming: number): Promise<void> {
    let total = this.#segments.reduce((sum, { size }) => sum + size, 0)
    while (total + coming > this.#options.maxBytes && this.#segments.length > 1) total -= await this.#deleteOldest()
  }

  async #deleteOldest(): Promise<number> {
    const oldest = this.#segments[0]!
    await rm(oldest.path, { force: true })
    this.#segments.shift()
    return oldest.size
  }

  /** The trace is the first to go when the disk is short: its old segments, then its recording. */
  async #lookAtDisk(): Promise<void> {
    const { directory, minFreeBytes } = this.#options
    const freeBytes = this.#options.freeBytes ?? bytesFree
    let free = await freeBytes(directory)
    while (free < minFreeBytes && this.#segments.length > 1) {
      await this.#deleteOldest()
      free = await freeBytes(directory)
    }
    if (free < minFreeBytes) throw new DiskShort(`${free} bytes are free on its disk, and it is set to leave ${minFreeBytes}`)
    this.#sinceLook = 0
  }
}

async function bytesFree(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}
