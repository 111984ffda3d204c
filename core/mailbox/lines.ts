/** The two lines a mailbox delivery puts on top, and the search for an old one of them (qmail-control 7.5, 7.6). */
import { bytesOf } from '../../protocol/text.ts'

/** `Return-Path: <sender>` with its line end; the null sender is `<>`. The local part is quoted where RFC 5321 section 4.1.2 wants it. */
export function returnPathLine(sender: string): Buffer {
  return bytesOf(`Return-Path: <${oneLine(quoted(sender))}>\n`)
}

/** `Delivered-To: recipient` with its line end. */
export function deliveredToLine(recipient: string): Buffer {
  return bytesOf(`Delivered-To: ${oneLine(recipient)}\n`)
}

/** Looks for a line in the header of a message that arrives in chunks: byte by byte the same, before the first empty line. */
export class HeaderLineSearch {
  readonly #needle: Buffer
  /** The end of what was seen, long enough to find a line across two chunks. Begins as if a line had just ended. */
  #seen = Buffer.from('\n')
  #over = false

  /** @param line with its line end */
  constructor(line: Uint8Array) {
    this.#needle = Buffer.concat([Buffer.from('\n'), line])
  }

  /** True once the line was found. */
  push(chunk: Uint8Array): boolean {
    if (this.#over) return false
    const bytes = Buffer.concat([this.#seen, chunk])
    const end = bytes.indexOf('\n\n')
    const found = (end < 0 ? bytes : bytes.subarray(0, end + 1)).includes(this.#needle)
    this.#over = found || end >= 0
    this.#seen = bytes.subarray(Math.max(0, bytes.length - this.#needle.length))
    return found
  }
}

/** An address could carry a line end into the header; qmail writes `_` there. */
function oneLine(address: string): string {
  return address.replace(/[\r\n\0]/g, '_')
}

function quoted(address: string): string {
  const at = address.lastIndexOf('@')
  const local = at < 0 ? address : address.slice(0, at)
  if (address === '' || /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)) return address
  return `"${local.replace(/["\\]/g, '\\$&')}"${at < 0 ? '' : address.slice(at)}`
}
