/**
 * Content that comes in counted chunks (BDAT, RFC 3030): CRLF becomes LF as in the queue, and nothing else is touched. The
 * count ends a chunk and never what stands in it, so a dot means nothing here.
 */
import { HopCounter } from './hop-counter.ts'

const LF = 10
const CR = 13
const NOTHING = Buffer.alloc(0)

/** Decodes the content of one message, piece by piece, in place. Pieces need not be chunks. */
export class ChunkDecoder {
  /** A LF without CR before it was seen. In the queue it could not be told from a line end, so such a message is refused. */
  bareLf = false
  readonly #hops = new HopCounter()
  #heldCr = false
  #lineOpen = false

  get hops(): number {
    return this.#hops.hops
  }

  get headerBytes(): number {
    return this.#hops.headerBytes
  }

  /** The piece is a gift: its bytes are overwritten. Never throws. */
  decode(piece: Buffer): Buffer {
    if (piece.length === 0) return NOTHING
    const heldCr = this.#heldCr
    const bareCr = heldCr && piece[0] !== LF
    this.#heldCr = piece.at(-1) === CR
    const length = this.#heldCr ? piece.length - 1 : piece.length
    let write = 0
    for (let read = 0; read < length;) {
      const found = piece.subarray(0, length).indexOf(LF, read)
      const end = found === -1 ? length : found
      const crlf = found !== -1 && (found === 0 ? heldCr : found > read && piece[found - 1] === CR)
      const stop = crlf && found > read ? end - 1 : end
      if (write !== read) piece.copyWithin(write, read, stop)
      write += stop - read
      if (found !== -1) {
        piece[write++] = LF
        if (!crlf) this.bareLf = true
      }
      read = end + 1
    }
    const own = piece.subarray(0, write)
    return this.#seen(bareCr ? Buffer.concat([Buffer.of(CR), own]) : own)
  }

  /** What still belongs to the message at its end: a line that was left open is closed, as it would be in DATA. */
  end(): Buffer {
    const held = this.#heldCr ? '\r' : ''
    this.#heldCr = false
    return this.#seen(Buffer.from(this.#lineOpen || held !== '' ? `${held}\n` : ''))
  }

  #seen(content: Buffer): Buffer {
    if (content.length > 0) this.#lineOpen = content.at(-1) !== LF
    this.#hops.add(content)
    return content
  }
}
