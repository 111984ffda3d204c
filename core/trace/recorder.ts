/**
 * Records what sessions do, in a bounded ring on disk, and never at mail's expense: adding is a push, a
 * flush is one JSON text put in a bounded buffer, and writing goes on behind. When the writer cannot keep
 * up or the disk refuses, trace is dropped and counted, and the log says so once.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Settings } from '../../config/settings.ts'
import { Ring } from './ring.ts'
import { hookEvent, type AskedLine, type NewTraceEvent, type SessionTrace, type TraceRecorder } from './types.ts'

export interface RecorderOptions {
  readonly home: string
  readonly settings: Settings['trace']
  /** Told in one sentence when recording stops and when it goes on. */
  warn(message: string): void
  /** Milliseconds since 1970. */
  now?(): number
  /** Free bytes of the disk a directory is on; for tests. */
  freeBytes?(directory: string): Promise<number>
  /** Milliseconds to leave a refusing disk alone, 5000 when absent. */
  readonly pause?: number
  /** Where lines go instead of a ring of this process' own. */
  readonly sink?: TraceSink
}

/** Takes whole lines, one call at a time. May fail and may take its time. */
export interface TraceSink {
  /** Bytes that one call should have at most; a single longer line is taken. */
  readonly segmentBytes: number
  append(lines: Buffer): Promise<void>
  close(): Promise<void>
}

/** The recorder of the process that owns the ring. */
export interface HomeRecorder extends TraceRecorder {
  /** Whole lines that the recorder of another process made. Never throws, never waits. */
  take(lines: Buffer): void
}

/** Bytes that may wait for the writer. */
const MAX_WAITING = 16 * 1024 * 1024
/** Bytes of one write, about. */
const BATCH = 512 * 1024
/** How long a record may wait for others that go into the same write. */
const GATHER_MS = 20
/** Events after which a session flushes by itself: one that never ends a transaction must not gather for ever. */
const MAX_GATHERED = 256
/** Milliseconds between two complaints that the writer cannot keep up. */
const SAY_AGAIN = 60_000
const LF = 0x0a

/** A recorder for `<home>/trace`; one that keeps nothing when the trace is switched off. */
export function createTraceRecorder(options: RecorderOptions): HomeRecorder {
  return options.settings.enabled ? new Recorder(options) : NOTHING
}

const NOTHING: HomeRecorder = {
  session: (id) => ({ id, add: () => undefined, asked: () => undefined, flush: () => undefined }),
  take: () => undefined,
  close: () => Promise.resolve(),
}

/**
 * A session's events until they are recorded, as pieces of JSON: a list of them takes half the room of a text that grows, and
 * is put together once.
 */
class Gathered implements SessionTrace {
  readonly id: string
  readonly #now: () => number
  readonly #record: (events: string) => void
  readonly #drop: () => void
  #pieces: string[] = []
  #count = 0

  constructor(id: string, now: () => number, record: (events: string) => void, drop: () => void) {
    this.id = id
    this.#now = now
    this.#record = record
    this.#drop = drop
  }

  add(event: NewTraceEvent): void {
    const at = this.#pieces.length
    try {
      this.#begin()
      // The two of which there are most.
      if (event.event === 'command') this.#pieces.push(',"event":"command","line":', JSON.stringify(event.line), '}')
      else if (event.event === 'reply' && event.decidedBy === undefined) this.#pieces.push(',"event":"reply","text":', JSON.stringify(event.text), '}')
      else this.#pieces.push(',', JSON.stringify(event).slice(1))
    } catch {
      // A value that JSON cannot say is a defect of the caller's, and no reason to stop mail.
      this.#pieces.length = at
      return this.#drop()
    }
    this.#end()
  }

  asked(line: AskedLine, ms: number, commands: readonly string[]): void {
    const half = halfOf(line)
    const said = commands.length === 0 ? '[]' : JSON.stringify(commands)
    this.#begin()
    this.#pieces.push(half, said, ',"ms":', String(Math.round(ms * 1000) / 1000), '}')
    this.#end()
  }

  flush(): void {
    if (this.#count === 0) return
    const events = this.#pieces.join('')
    this.#pieces = []
    this.#count = 0
    this.#record(events)
  }

  #begin(): void {
    this.#pieces.push(this.#count === 0 ? '{"t":' : ',{"t":', textOfTime(this.#now()))
  }

  #end(): void {
    if (++this.#count >= MAX_GATHERED) this.flush()
  }
}

class Recorder implements HomeRecorder {
  readonly #ring: TraceSink
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #warn: (message: string) => void
  readonly #pause: number
  #waiting: (string | Buffer)[] = []
  #waitingBytes = 0
  #dropped = 0
  /** Milliseconds since 1970 until which the disk is left alone; 0 while all is well. */
  #refusedUntil = 0
  /** Milliseconds since 1970 until which nothing is said about records that found no room. */
  #quietUntil = 0
  #writing: Promise<void> | undefined
  #closed = false

  constructor({ home, settings, warn, now, freeBytes, pause, sink }: RecorderOptions) {
    this.#ring = sink ?? new Ring({
      directory: join(home, 'trace'), maxBytes: settings.maxBytes, minFreeBytes: settings.minFreeBytes, ...(freeBytes && { freeBytes }),
    })
    this.#maxBytes = settings.maxBytes
    this.#warn = warn
    this.#now = now ?? Date.now
    this.#pause = pause ?? 5000
  }

  session(id: string): SessionTrace {
    return new Gathered(id, this.#now, (events) => this.#record(id, events), () => this.#drop(1))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#ring.close()
  }

  #record(session: string, events: string): void {
    const at = this.#now()
    if (this.#closed || at < this.#refusedUntil) return this.#drop(1)
    this.#put(`{"session":${JSON.stringify(session)},"at":${at},"events":[${events}]}\n`)
  }

  take(lines: Buffer): void {
    if (this.#closed || this.#now() < this.#refusedUntil) return this.#drop(recordsIn(lines))
    this.#put(lines)
  }

  #put(lines: string | Buffer): void {
    if (this.#waitingBytes + lines.length > MAX_WAITING) return this.#drop(recordsIn(lines))
    this.#waiting.push(lines)
    this.#waitingBytes += lines.length
    this.#writing ??= this.#write()
  }

  #drop(records: number): void {
    this.#dropped += records
  }

  async #write(): Promise<void> {
    // Each write costs the thread pool more than its bytes do.
    await delay(GATHER_MS)
    while (this.#waiting.length > 0) {
      const lines = this.#next()
      try {
        await this.#append(lines)
      } catch (error) {
        this.#refused(sum(lines), error)
      }
    }
    this.#writing = undefined
  }

  #next(): readonly (string | Buffer)[] {
    const room = Math.min(BATCH, this.#ring.segmentBytes)
    let bytes = this.#waiting[0]!.length
    let count = 1
    while (count < this.#waiting.length && bytes + this.#waiting[count]!.length <= room) bytes += this.#waiting[count++]!.length
    const lines = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    this.#waitingBytes -= bytes
    return lines
  }

  async #append(lines: readonly (string | Buffer)[]): Promise<void> {
    const bytes = bytesOf(lines)
    if (bytes.length > this.#maxBytes) return this.#drop(sum(lines))
    await this.#ring.append(bytes)
    if (this.#refusedUntil !== 0) {
      this.#refusedUntil = 0
      this.#warn(`the trace records again; ${this.#dropped} records were left out`)
      this.#dropped = 0
    } else if (this.#dropped > 0 && this.#now() >= this.#quietUntil) {
      this.#warn(`the trace could not keep up; ${this.#dropped} records were left out`)
      this.#quietUntil = this.#now() + SAY_AGAIN
      this.#dropped = 0
    }
  }

  #refused(records: number, error: unknown): void {
    if (this.#refusedUntil === 0) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#warn(`the trace stops for now: ${reason}. Mail goes on; make room or mend the trace directory, and recording goes on by itself`)
    }
    this.#refusedUntil = this.#now() + this.#pause
    this.#drop(records + sum(this.#waiting))
    this.#waiting = []
    this.#waitingBytes = 0
  }
}

function bytesOf(lines: readonly (string | Buffer)[]): Buffer {
  if (lines.every((each) => typeof each === 'string')) return Buffer.from(lines.join(''))
  return Buffer.concat(lines.map((each) => (typeof each === 'string' ? Buffer.from(each) : each)))
}

function sum(lines: readonly (string | Buffer)[]): number {
  return lines.reduce((total, each) => total + recordsIn(each), 0)
}

/** Lines of other processes come many at a time; only what is dropped is counted. */
function recordsIn(lines: string | Buffer): number {
  if (typeof lines === 'string') return 1
  let count = 0
  for (let at = lines.indexOf(LF); at !== -1; at = lines.indexOf(LF, at + 1)) count += 1
  return count
}

let lastTime = 0
let lastText = '0'

/** Most events of a busy server share their millisecond with others. */
function textOfTime(time: number): string {
  if (time !== lastTime) {
    lastTime = time
    lastText = String(time)
  }
  return lastText
}

/** All of a line's events but for the times and the answers. */
const halves = new WeakMap<AskedLine, string>()

function halfOf(line: AskedLine): string {
  const known = halves.get(line)
  if (known !== undefined) return known
  const { ms: _, commands: __, ...event } = hookEvent(line, 0, [])
  const half = `,${JSON.stringify(event).slice(1, -1)},"commands":`
  halves.set(line, half)
  return half
}
