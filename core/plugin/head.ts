import type { Message } from './message.ts'

/** How large a header may be. */
export interface HeadBounds {
  readonly bytes: number
  readonly lines: number
}

/** Whether the header of a message, up to its empty line, keeps within bounds. Reads no more than it must. */
export async function headWithin(message: Message, { bytes, lines }: HeadBounds): Promise<boolean> {
  let length = 0
  let ends = 0
  // As if a line had ended before the first: a message may begin with the empty line.
  let atLineStart = true
  for await (const chunk of message.content()) {
    for (const byte of chunk) {
      if (byte === LF && atLineStart) return true
      atLineStart = byte === LF
      if (atLineStart) ends++
      if (++length > bytes || ends > lines) return false
    }
  }
  return true
}

const LF = 0x0a

/** Of a message whose lines `linesWithin` bounds. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
}

/**
 * Content with no line longer than so many bytes: where one is, reading fails with `LineTooLong`. For packages that gather a line
 * piece by piece and look at all of it again each time: their work grows with the square of its length.
 */
export async function* linesWithin(content: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const chunk of content) {
    let start = 0
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      if (length + end - start > bytes) throw new LineTooLong(`a line is longer than ${bytes} bytes`)
      length = 0
      start = end + 1
    }
    length += chunk.length - start
    if (length > bytes) throw new LineTooLong(`a line is longer than ${bytes} bytes`)
    yield chunk
  }
}
