/** xtext (RFC 3461 4): ASCII without blanks, `=` and `+`, other characters as `+` and two hexadecimal digits. */

/** The value, one character for each byte; undefined when it is none. */
export function decodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(text)) return undefined
  return text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
