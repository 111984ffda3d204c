/**
 * libpq's connection strings: `user=helios password='two words' dbname=userdb` (PostgreSQL documentation 34.1.1.1). Pairs of
 * keyword and value, blanks round the `=` allowed; a value with blanks stands in single quotes; `\'` and `\\` within a value.
 */

export type ConnInfo =
  | { readonly ok: true; readonly pairs: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly reason: string }

const BLANKS = ' \t\r\n\f\v'

/** The pairs of a connection string; of a keyword written twice the last value counts. Never throws. */
export function parseConnInfo(text: string): ConnInfo {
  const pairs = new Map<string, string>()
  let at = skipBlanks(text, 0)
  while (at < text.length) {
    const keyword = /[^=\s]*/y
    keyword.lastIndex = at
    const name = keyword.exec(text)![0]
    at = skipBlanks(text, at + name.length)
    // The value may hold a password, so only the keyword is repeated.
    if (name === '') return { ok: false, reason: 'there is a "=" without a keyword before it' }
    if (text[at] !== '=') return { ok: false, reason: `a "=" is missing after the keyword "${name}"` }
    const value = readValue(text, skipBlanks(text, at + 1))
    if (value === undefined) return { ok: false, reason: `the quote that begins the value of "${name}" does not end` }
    pairs.set(name, value.text)
    at = skipBlanks(text, value.end)
  }
  return { ok: true, pairs }
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length && BLANKS.includes(text[at]!)) at += 1
  return at
}

function readValue(text: string, from: number): { readonly text: string; readonly end: number } | undefined {
  const quoted = text[from] === "'"
  let value = ''
  for (let at = quoted ? from + 1 : from; at < text.length; at += 1) {
    const char = text[at]!
    if (char === '\\' && at + 1 < text.length) {
      at += 1
      value += text[at]!
    } else if (quoted && char === "'") return { text: value, end: at + 1 }
    else if (!quoted && BLANKS.includes(char)) return { text: value, end: at }
    else value += char
  }
  return quoted ? undefined : { text: value, end: text.length }
}
