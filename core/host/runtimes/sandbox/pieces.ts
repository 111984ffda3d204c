/** A message's content on its way into a sandbox: one piece for each question, so that the plugin sets the pace. */
import type { Message } from '../../../plugin/message.ts'
import { PIECE } from './wire.ts'

/** Readers that one call may have at once. */
const MOST_STREAMS = 8

interface Stream {
  readonly chunks: AsyncIterator<Uint8Array>
  rest: Uint8Array
}

export class Pieces {
  readonly #message: Message
  readonly #streams = new Map<unknown, Stream>()

  constructor(message: Message) {
    this.#message = message
  }

  /** The next piece of a stream, one character for each byte; null at its end. Rejects as the message does. */
  async next(name: unknown): Promise<string | null> {
    const stream = this.#streams.get(name) ?? this.#open(name)
    while (stream.rest.length === 0) {
      const { done, value } = await stream.chunks.next()
      if (done === true) {
        this.#streams.delete(name)
        return null
      }
      stream.rest = value
    }
    const piece = stream.rest.subarray(0, PIECE)
    stream.rest = stream.rest.subarray(piece.length)
    return Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
  }

  /** A reader that stopped early. */
  async end(name: unknown): Promise<undefined> {
    const stream = this.#streams.get(name)
    this.#streams.delete(name)
    await stream?.chunks.return?.()
    return undefined
  }

  close(): void {
    for (const name of [...this.#streams.keys()]) this.end(name).catch(() => undefined)
  }

  #open(name: unknown): Stream {
    if (this.#streams.size >= MOST_STREAMS) throw new Error(`a call reads its message ${MOST_STREAMS} times at once at most`)
    const stream: Stream = { chunks: this.#message.content()[Symbol.asyncIterator](), rest: NOTHING }
    this.#streams.set(name, stream)
    return stream
  }
}

const NOTHING = new Uint8Array(0)
