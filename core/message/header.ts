/**
 * A message header in queue form, cut into fields without changing a byte: the pieces put together are
 * what was read. The header ends before the first empty line.
 */
import type { HeaderField } from '../plugin/message.ts'
import type { Source } from './source.ts'
import { textOf } from '../../protocol/text.ts'

/** The part of a header that is parsed and can be edited; fields behind it travel as they are. */
export const HEADER_BYTES = 256 * 1024

export interface Piece {
  /** Bytes as they stand, with all line ends. */
  readonly bytes: Uint8Array
  /** Field name as written, or undefined for lines that are no field. */
  readonly name: string | undefined
}

export interface Header {
  readonly pieces: readonly Piece[]
  /** Bytes of all pieces: where the empty line, or what was not parsed, begins. */
  readonly length: number
}

const LF = 0x0a
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09

/** Reads the header of a message, at most the first HEADER_BYTES of it. Rejects as the source does. */
export async function readHeader(source: Source): Promise<Header> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of source.chunks(0)) {
    parts.push(chunk)
    length += chunk.length
    if (length >= HEADER_BYTES || Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).includes('\n\n')) break
  }
  const whole = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  return splitHeader(whole.subarray(0, HEADER_BYTES), length >= source.size && length <= HEADER_BYTES)
}

/**
 * Cuts the header at the beginning of `bytes` into pieces.
 *
 * @param complete whether the message ends where `bytes` end; if not, and no empty line is among them, the last field
 *   may go on behind them and is left out
 */
export function splitHeader(bytes: Uint8Array, complete: boolean): Header {
  const pieces: Piece[] = []
  let start = 0
  let at = 0
  const close = (end: number): void => {
    if (end > start) pieces.push(pieceOf(bytes.subarray(start, end)))
    start = end
  }
  while (at < bytes.length) {
    if (bytes[at] === LF) {
      close(at)
      return { pieces, length: at }
    }
    if (!isBlank(bytes[at])) close(at)
    const end = bytes.indexOf(LF, at)
    at = end < 0 ? bytes.length : end + 1
  }
  if (complete) close(bytes.length)
  return { pieces, length: start }
}

/** The fields among the pieces. */
export function fieldsOf(pieces: readonly Piece[]): HeaderField[] {
  return pieces.flatMap(({ name, bytes }) => {
    if (name === undefined) return []
    const end = bytes.at(-1) === LF ? bytes.length - 1 : bytes.length
    return [{ name, value: textOf(bytes.subarray(bytes.indexOf(0x3a) + 1, end)) }]
  })
}

/** Field names compare without case, and blanks before the colon do not count (RFC 5322 section 4.5). */
export function sameName(written: string | undefined, name: string): boolean {
  return written !== undefined && written.trimEnd().toLowerCase() === name.toLowerCase()
}

function pieceOf(bytes: Uint8Array): Piece {
  const colon = bytes.indexOf(0x3a)
  if (colon < 1) return { bytes, name: undefined }
  const name = textOf(bytes.subarray(0, colon))
  // RFC 5322 section 3.6.8, with the blanks of section 4.5.
  return { bytes, name: /^[!-9;-~]+[ \t]*$/.test(name) ? name : undefined }
}
