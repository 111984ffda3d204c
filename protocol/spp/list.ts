/** The plugin list: qmail-spp's grammar (spp-protocol 2.2) with our line options and `[+…]` sections. */
import { parseOptions, printOptions, type LineOptions } from './options.ts'

export type { LineOptions, OnError } from './options.ts'

/** The sections that are ever run, in the order of the hooks. */
export const SECTIONS = ['connection', 'helo', 'auth', 'mail', 'rcpt', 'pass', 'data', 'message', 'deliver'] as const
export type Section = (typeof SECTIONS)[number]

/** One enabled line. */
export interface ListEntry {
  readonly section: Section
  /** Where it stands, 1-based. */
  readonly line: number
  /** The line without its options, to the byte: what a failure reply quotes and `exec` or the shell is given. Never empty. */
  readonly text: string
  readonly options: LineOptions
  /** `shell`: `text` begins with a colon, the rest is for `/bin/sh -c`. `path`: the whole text is a file name, or a plugin's name. */
  readonly form: 'shell' | 'path'
}

export interface ListProblem {
  /** 1-based. */
  readonly line: number
  readonly reason: string
  readonly mend: string
  /** A warning does not fail a load. */
  readonly warning?: true
}

export interface PluginList {
  /** In file order; lines of several headers for one section accumulate. Lines with an error are left out. */
  readonly entries: readonly ListEntry[]
  /** In line order. */
  readonly problems: readonly ListProblem[]
}

/** Reads a whole list, as Text. Whatever the original read without complaint is at most a warning. Never throws. */
export function parsePluginList(content: string): PluginList {
  const reader = new ListReader()
  content.split('\n').forEach((raw, index) => reader.line(raw, index + 1))
  return reader.end()
}

/**
 * A list that `parsePluginList` reads back as these entries (line numbers aside), each run of a section under its
 * header. A text that begins with `#` can only come from behind a NUL, and would be a comment.
 */
export function printPluginList(entries: readonly Pick<ListEntry, 'section' | 'text' | 'options'>[]): string {
  let out = ''
  let section: Section | undefined
  for (const entry of entries) {
    if (entry.section !== section) out += `[${OURS.has(entry.section) ? '+' : ''}${entry.section}]\n`
    section = entry.section
    const options = printOptions(entry.options)
    out += options === '' ? `${entry.text}\n` : `${options} ${entry.text}\n`
  }
  return out
}

/** The original looks at the second character of a header only. `a` exists in its builds with AUTH, `p` in one of its relatives. */
const BUCKETS: ReadonlyMap<string, Section> = new Map([
  ['c', 'connection'], ['h', 'helo'], ['m', 'mail'], ['r', 'rcpt'], ['d', 'data'], ['a', 'auth'], ['p', 'pass'],
])
const OURS: ReadonlySet<string> = new Set<Section>(['message', 'deliver'])

/** Where lines go that are never run. */
interface NeverRun {
  readonly line: number
  readonly reason: string
  readonly mend: string
}

const BEFORE_FIRST_HEADER: NeverRun = {
  line: 0,
  reason: 'this line stands before the first section header and is never run',
  mend: 'put a header such as [rcpt] above it, or a # in front of it',
}

class ListReader {
  readonly #entries: ListEntry[] = []
  readonly #problems: ListProblem[] = []
  /** `reported`: never run, and the operator has been told. */
  #section: Section | NeverRun | 'reported' = BEFORE_FIRST_HEADER
  #carriageReturns = 0
  #firstCarriageReturn = 0

  line(raw: string, number: number): void {
    const text = trimEnd(raw)
    if (text === '' || text.startsWith('#')) return
    if (text.endsWith('\r') && this.#carriageReturns++ === 0) this.#firstCarriageReturn = number
    if (!text.includes('\0')) {
      this.#item(text, number)
      return
    }
    this.#warn(number, 'the line holds a NUL byte, which ends it; what follows is read as a line of its own', 'remove the NUL byte')
    for (const part of text.split('\0')) if (part !== '') this.#item(part, number)
  }

  end(): PluginList {
    if (this.#carriageReturns > 0) {
      const many = this.#carriageReturns === 1 ? 'the line ends' : `${this.#carriageReturns} lines, this one first, end`
      this.#warn(
        this.#firstCarriageReturn,
        `${many} in a carriage return, which is read as part of the file name or command`,
        'save the file with Unix line ends (LF)',
      )
    }
    return { entries: this.#entries, problems: this.#problems.toSorted((a, b) => a.line - b.line) }
  }

  #item(text: string, number: number): void {
    if (text.startsWith('[')) this.#section = this.#header(text, number)
    else this.#plugin(text, number)
  }

  #header(text: string, number: number): Section | NeverRun | 'reported' {
    if (text[1] === '+') return this.#ourHeader(text, number)
    const section = BUCKETS.get(text[1] ?? '')
    const word = /^\[([^\]]*)/.exec(text)![1]!
    if (section !== undefined) {
      if (word === section || word === `${section}\r`) return section
      const mend = OURS.has(word) ? `write [+${word}] if that is meant, else [${section}]` : `write [${section}]`
      this.#warn(number, `${quoted(text)} is read as [${section}]: only the first letter of a section's name counts`, mend)
      return section
    }
    const meant = BUCKETS.get((text[1] ?? '').toLowerCase())
    if (meant !== undefined) {
      const reason = `${quoted(text)} is no section, because upper and lower case differ: lines under it are never run`
      this.#warn(number, reason, `write [${meant}]`)
      return 'reported'
    }
    return { line: number, reason: `${quoted(text)} is no section: the lines under it are never run`, mend: `known sections: ${headers()}` }
  }

  #ourHeader(text: string, number: number): Section | 'reported' {
    const word = /^\[\+([a-z]+)\]/.exec(text)?.[1]
    if (word === 'message' || word === 'deliver') return word
    this.#problems.push({ line: number, reason: `there is no section ${quoted(text)}`, mend: 'write [+message] or [+deliver]' })
    return 'reported'
  }

  #plugin(line: string, number: number): void {
    const section = this.#section
    if (section === 'reported') return
    if (typeof section !== 'string') {
      this.#warn(section.line === 0 ? number : section.line, section.reason, section.mend)
      this.#section = 'reported'
      return
    }
    const split = line.startsWith('@') ? splitOptions(line) : { ok: true as const, options: {}, text: line }
    if (!split.ok) {
      this.#problems.push({ line: number, reason: split.reason, mend: split.mend })
      return
    }
    const { options, text } = split
    if (/^[ \t]/.test(text)) {
      this.#warn(number, `a blank stands in front of ${quoted(text.trimStart())} and is read as part of the file name`, 'remove the blank')
    }
    this.#entries.push({ section, line: number, text, options, form: text.startsWith(':') ? 'shell' : 'path' })
  }

  #warn(line: number, reason: string, mend: string): void {
    this.#problems.push({ line, reason, mend, warning: true })
  }
}

type Split =
  | { readonly ok: true; readonly options: LineOptions; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly mend: string }

/** `@options`, exactly one blank, the rest. The original could only read this as the name of a file. */
function splitOptions(line: string): Split {
  const blank = line.search(/[ \t]/)
  const token = blank === -1 ? line.slice(1) : line.slice(1, blank)
  const parsed = parseOptions(token)
  if (!parsed.ok) return { ok: false, reason: `in the options ${quoted(`@${token}`)}: ${parsed.reason}`, mend: parsed.mend }
  if (blank === -1) return { ok: false, reason: 'nothing follows the options', mend: 'write one blank and the plugin behind them' }
  if (line[blank] === '\t') return { ok: false, reason: 'a tab follows the options', mend: 'write one blank instead' }
  const text = line.slice(blank + 1)
  if (text.startsWith('@')) {
    return { ok: false, reason: 'a second group of options follows the first', mend: 'join them with commas behind one "@"' }
  }
  return { ok: true, options: parsed.options, text }
}

/** Blanks and tabs only: a CR stays, as in the original. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
  return text.slice(0, end)
}

function headers(): string {
  return SECTIONS.map((section) => `[${OURS.has(section) ? '+' : ''}${section}]`).join(', ')
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
}
