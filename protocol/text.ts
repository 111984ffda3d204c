/**
 * Text is how Helios holds bytes that people wrote: a JavaScript string in which every
 * well-formed UTF-8 sequence is its character, and every other byte b (0x80..0xff) is the
 * lone surrogate U+DC00+b. The way back is exact, so a HELO name with byte E9 reaches a
 * plugin's environment, a trace and a reply as byte E9. (The scheme of Python's PEP 383.)
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
// oxlint-disable-next-line no-control-regex -- the whole of ASCII is meant
const ascii = /^[\x00-\x7f]*$/

/** The text that stands for these bytes. Never throws. */
export function textOf(bytes: Uint8Array): string {
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (ascii.test(latin1)) return latin1
  try {
    return utf8.decode(bytes)
  } catch {
    return decodeMixed(bytes)
  }
}

/** The bytes that a text stands for: `bytesOf(textOf(b))` equals b for every b. */
export function bytesOf(text: string): Buffer {
  if (ascii.test(text)) return Buffer.from(text, 'latin1')
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0xdc80 || unit > 0xdcff || isSecondOfPair(text, i)) continue
    parts.push(Buffer.from(text.slice(start, i), 'utf8'), Buffer.of(unit - 0xdc00))
    start = i + 1
  }
  parts.push(Buffer.from(text.slice(start), 'utf8'))
  return Buffer.concat(parts)
}

/** How many bytes a text stands for. */
export function byteLength(text: string): number {
  return ascii.test(text) ? text.length : bytesOf(text).length
}

/** True when every byte of the text is part of well-formed UTF-8. */
export function isUtf8(text: string): boolean {
  return text.isWellFormed()
}

/** True when the text has only 7-bit bytes. */
export function isAscii(text: string): boolean {
  return ascii.test(text)
}

/** ASCII lower case only, as qmail compares: other characters stay as they are. */
export function asciiLower(text: string): string {
  return !/[A-Z]/.test(text) ? text : text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase())
}

function isSecondOfPair(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1)
  return index > 0 && before >= 0xd800 && before <= 0xdbff
}

function decodeMixed(bytes: Uint8Array): string {
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length > 0) {
      out += utf8.decode(bytes.subarray(at, at + length))
      at += length
    } else {
      out += String.fromCharCode(0xdc00 + bytes[at]!)
      at += 1
    }
  }
  return out
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const second = bytes[at + 1]!
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0
  return length
}
