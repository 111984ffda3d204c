/**
 * The data decoder: finds the end of data and removes the dots (RFC 5321 4.5.2, qmail-control 6).
 *
 * Only CRLF `.` CRLF ends a message, and `.` CRLF as the very first line. A bare LF, a bare CR or a NUL
 * beside a dot is text: where one server ends a message and another goes on, a client smuggles a second
 * message past the checks of the first. A dot is removed behind a true CRLF only.
 */
import { HopCounter } from './hop-counter.ts'

const LF = 10
const CR = 13
const DOT = 46

/** What the bytes before the current one were; a held byte is not yet part of the content. */
type State =
  /** At the start of the data or behind a CRLF. */
  | 'line-start'
  | 'text'
  /** A CR is held. */
  | 'cr'
  /** A dot at the start of a line has been dropped. */
  | 'dot'
  /** Behind such a dot a CR is held: an LF ends the data. */
  | 'dot-cr'
  | 'end'

export interface Decoded {
  /** Content bytes of this chunk, LF line ends; often the front of the chunk itself. May be empty. */
  readonly content: Buffer
  /** Bytes behind the end of data, a view of the chunk; undefined while there is no end. */
  readonly rest: Buffer | undefined
  readonly end: boolean
}

export interface DataDecoderOptions {
  /**
   * `keep`: a bare LF is content. `refuse`: the message will not be accepted once `bareLf` is true, and so
   * `content` is empty from the chunk with the first bare LF on; figures and the search for the end go on.
   */
  readonly bareLf: 'refuse' | 'keep'
}

const NOTHING = Buffer.alloc(0)
const HELD_CR = Buffer.of(CR)
/** Runs up to this long are scanned and moved byte by byte: cheaper than a call. */
const SHORT = 16

/** Decodes the data of one message, chunk by chunk, in place. */
export class DataDecoder {
  /** A LF without CR before it was seen. */
  bareLf = false
  /** A CR without LF behind it was seen. */
  bareCr = false
  /** A NUL was seen. */
  nul = false
  /** Line ends in the content, bare LFs included. */
  lines = 0
  /** Bytes of content so far, as stored: CRLF counts 1, removed dots 0. */
  size = 0
  readonly #hops = new HopCounter()
  readonly #refuse: boolean
  #state: State = 'line-start'

  constructor(options: DataDecoderOptions) {
    this.#refuse = options.bareLf === 'refuse'
  }

  /** Header lines beginning (no case) with `received` or `delivered`; 100 or more are a loop. */
  get hops(): number {
    return this.#hops.hops
  }

  /** Bytes of the header as stored, the empty line behind it included. */
  get headerBytes(): number {
    return this.#hops.headerBytes
  }

  /** The chunk is a gift: its bytes are overwritten. After the end everything is `rest`. Never throws. */
  decode(chunk: Buffer): Decoded {
    if (this.#state === 'end') return { content: NOTHING, rest: chunk, end: true }
    // A CR held from the last chunk has no room in this one should it prove bare.
    const heldCr = this.#resolveHeldCr(chunk)
    const { read, write } = this.#decodeInPlace(chunk)
    const own = chunk.subarray(0, write)
    const content = heldCr ? Buffer.concat([HELD_CR, own]) : own
    this.size += content.length
    // Every CR that is still there has no LF behind it.
    if (!this.bareCr) this.bareCr = content.includes(CR)
    if (!this.nul) this.nul = content.includes(0)
    this.#hops.add(content)
    // `as`: the state changed in the calls above, which the compiler does not follow.
    const end = (this.#state as State) === 'end'
    return { content: this.#refuse && this.bareLf ? NOTHING : content, rest: end ? chunk.subarray(read) : undefined, end }
  }

  #resolveHeldCr(chunk: Buffer): boolean {
    if (this.#state !== 'cr' && this.#state !== 'dot-cr') return false
    if (chunk.length === 0 || chunk[0] === LF) return false
    this.#state = 'text'
    return true
  }

  #decodeInPlace(chunk: Buffer): { readonly read: number; readonly write: number } {
    const length = chunk.length
    let state = this.#state
    let lines = 0
    // A line is taken to be as long as the one before.
    let short = false
    let read = 0
    let write = 0
    while (read < length) {
      if (state !== 'text') {
        // One byte at a time: the start of a chunk, and a dot too close to its end to look ahead.
        const next = step(state, chunk[read]!)
        if (next.take) read++
        if (next.emit !== undefined) chunk[write++] = next.emit
        if (next.emit === LF) lines++
        state = next.state
        if (state === 'end') break
        continue
      }
      const lf: number = short ? findNear(chunk, read) : find(chunk, read)
      short = lf - read <= SHORT
      const crlf = lf > read && lf < length && chunk[lf - 1] === CR
      const hold = lf === length && chunk[length - 1] === CR
      write = move(chunk, read, crlf || hold ? lf - 1 : lf, write)
      read = lf + 1
      if (lf === length) {
        if (hold) state = 'cr'
        break
      }
      chunk[write++] = LF
      lines++
      if (!crlf) {
        this.bareLf = true
        continue
      }
      if (chunk[read] !== DOT) {
        if (read === length) state = 'line-start'
        continue
      }
      if (read + 2 >= length) {
        state = 'line-start'
        continue
      }
      if (chunk[read + 1] === CR && chunk[read + 2] === LF) {
        read += 3
        state = 'end'
        break
      }
      read++
    }
    this.#state = state
    this.lines += lines
    return { read, write }
  }
}

interface Step {
  readonly state: State
  /** The byte has been used up. */
  readonly take: boolean
  readonly emit?: number
}

const TEXT: Step = { state: 'text', take: false }
const BARE_CR: Step = { state: 'text', take: false, emit: CR }
const LINE_END: Step = { state: 'line-start', take: true, emit: LF }
const DROP_DOT: Step = { state: 'dot', take: true }
const HOLD_CR: Step = { state: 'dot-cr', take: true }
const END: Step = { state: 'end', take: true }

function step(state: State, byte: number): Step {
  if (state === 'line-start') return byte === DOT ? DROP_DOT : TEXT
  if (state === 'dot') return byte === CR ? HOLD_CR : TEXT
  if (byte !== LF) return BARE_CR
  return state === 'cr' ? LINE_END : END
}

/** Place of the next LF, or the length. */
function find(chunk: Buffer, from: number): number {
  const at = chunk.indexOf(LF, from)
  return at === -1 ? chunk.length : at
}

/** The same for a short line. */
function findNear(chunk: Buffer, from: number): number {
  const near = Math.min(from + SHORT, chunk.length)
  for (let at = from; at < near; at++) if (chunk[at] === LF) return at
  return near === chunk.length ? near : find(chunk, near)
}

/** Moves the run [from, to) down to `write`; returns the place behind it. */
function move(chunk: Buffer, from: number, to: number, write: number): number {
  if (write === from) return to
  if (to - from > SHORT) {
    chunk.copyWithin(write, from, to)
    return write + to - from
  }
  while (from < to) chunk[write++] = chunk[from++]!
  return write
}
