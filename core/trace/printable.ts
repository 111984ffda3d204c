/** Text on a terminal: what a client sent must not move the cursor, colour the screen or hide a line. */

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu

/** The text with control characters, directions and bytes outside UTF-8 as `\xNN` or `\u{N}`. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!
    // protocol/text.ts: U+DC80..U+DCFF stand for the bytes 80..FF.
    const byte = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code
    return byte < 0x100 ? `\\x${byte.toString(16).padStart(2, '0')}` : `\\u{${byte.toString(16)}}`
  })
}
