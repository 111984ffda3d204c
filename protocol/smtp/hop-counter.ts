/** Counts the hops of a message (qmail-control 6), which stops a mail loop, and the bytes of its header. */

const LF = 10
const RECEIVED = Buffer.from('received')
const DELIVERED = Buffer.from('delivered')
const BOTH = 3
/** Rests of lines up to this long are scanned byte by byte: cheaper than a call. */
const SHORT = 16

/**
 * Header lines that begin, in any case, with `received` or `delivered`, up to the first empty line.
 * Takes the decoded content (LF line ends) in chunks of any size.
 */
export class HopCounter {
  /** Lines found so far. */
  hops = 0
  /** Bytes of the header so far, the empty line behind it included. */
  headerBytes = 0
  #inHeader = true
  /** Bytes of the current line seen so far; of no meaning once `#maybe` is 0. */
  #seen = 0
  /** Bit 0: the current line may still begin with `received`; bit 1: with `delivered`. */
  #maybe = BOTH

  /** Never throws; neither changes nor keeps the chunk. Costs nothing behind the header. */
  add(content: Uint8Array): void {
    if (!this.#inHeader) return
    let seen = this.#seen
    let maybe = this.#maybe
    // A line is taken to be as long as the one before.
    let short = false
    let at = 0
    while (at < content.length) {
      if (maybe === 0) {
        const end = lineEnd(content, at, short)
        short = end - at <= SHORT
        at = end + 1
        if (end === content.length) break
        seen = 0
        maybe = BOTH
        continue
      }
      const byte = content[at++]!
      if (byte === LF) {
        if (seen === 0) {
          this.#inHeader = false
          this.headerBytes += at
          return
        }
        seen = 0
        maybe = BOTH
        continue
      }
      const lower = byte | 0x20
      if (RECEIVED[seen] !== lower) maybe &= 2
      if (DELIVERED[seen] !== lower) maybe &= 1
      seen++
      if ((maybe === 1 && seen === RECEIVED.length) || (maybe === 2 && seen === DELIVERED.length)) {
        this.hops++
        maybe = 0
      }
    }
    this.headerBytes += content.length
    this.#seen = seen
    this.#maybe = maybe
  }
}

/** Place of the next LF, or the length. */
function lineEnd(content: Uint8Array, from: number, short: boolean): number {
  const near = short ? Math.min(from + SHORT, content.length) : from
  for (let at = from; at < near; at++) if (content[at] === LF) return at
  const end = content.indexOf(LF, near)
  return end === -1 ? content.length : end
}
