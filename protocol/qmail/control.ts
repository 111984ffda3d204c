/**
 * qmail's three readers of control files (qmail-control 1), on Text. They never throw: what a reader
 * makes of a file is what the original makes of it, and doubts are the business of whoever checks.
 */

export interface ListLine {
  readonly text: string
  /** 1-based line in the file. */
  readonly line: number
}

/** First line without trailing blanks; `fallback` for a missing file, '' for an empty one. A `#` is an ordinary character. */
export function readLine<F>(content: string | undefined, fallback: F): string | F {
  if (content === undefined) return fallback
  const end = content.indexOf('\n')
  return trimEnd(end === -1 ? content : content.slice(0, end))
}

/** Leading decimal digits of the first line; `fallback` when there are none. At most Number.MAX_SAFE_INTEGER. */
export function readNumber(content: string | undefined, fallback: number): number {
  const digits = /^[0-9]+/.exec(readLine(content, ''))
  return digits === null ? fallback : Math.min(Number(digits[0]), Number.MAX_SAFE_INTEGER)
}

/**
 * Every line without trailing blanks, except empty lines and lines that begin with `#`. Leading blanks are kept.
 * A NUL inside a line ends an entry too: the original keeps its lines NUL-separated in memory.
 */
export function readList(content: string | undefined): ListLine[] {
  if (content === undefined) return []
  const entries: ListLine[] = []
  let line = 0
  for (const raw of content.split('\n')) {
    line += 1
    const text = trimEnd(raw)
    if (text === '' || text.startsWith('#')) continue
    for (const part of text.split('\0')) if (part !== '') entries.push({ text: part, line })
  }
  return entries
}

/** Spaces, tabs and newlines, as qmail strips them: a CR stays. A loop, because a regular expression is quadratic on long blanks. */
export function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\n'.includes(text[end - 1]!)) end -= 1
  return text.slice(0, end)
}
