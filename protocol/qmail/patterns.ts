/**
 * Address and host patterns (qmail-control 5.3), the lines of badmailfrom, badrcptto and badhelo:
 *
 *   user@dom.ain   that text, whole          *spam*@?.dom.ain   a glob over the whole text (glob.ts)
 *   @dom.ain       that domain               .dom.ain           everything below that domain
 *   !…             an exception to what stands above it
 *
 * No case; the last line that matches decides. A text without `@`, such as a HELO name, is its own domain
 * for `.dom.ain` and has none for `@dom.ain`.
 */
import { asciiLower } from '../text.ts'
import { readList, type ListLine } from './control.ts'
import { codePoints, compileGlob, type Glob } from './glob.ts'
import { hostKeys } from './rcpthosts.ts'

export interface Patterns {
  /** The line that decides about this text, or undefined when no line or an exception decides. */
  match(text: string): { readonly line: number; readonly pattern: string } | undefined
  /** Patterns in force. */
  readonly size: number
}

interface Entry extends ListLine {
  readonly exception: boolean
}

interface PatternProblem {
  readonly line: number
  readonly reason: string
  readonly mend: string
  readonly warning?: boolean
}

/** Reads a list of patterns. Never throws; every problem is a warning, as every line means something. */
export function parsePatterns(content: string): { readonly value: Patterns; readonly problems: readonly PatternProblem[] } {
  const plain = new Map<string, Entry>()
  const globs: (Entry & { readonly glob: Glob })[] = []
  const problems: PatternProblem[] = []
  let size = 0
  for (const { text, line } of readList(content)) {
    const exception = text.startsWith('!')
    const body = exception ? text.slice(1) : text
    const entry = { text, line, exception }
    const glob = /[*?[]/.test(body) ? compileGlob(body) : undefined
    const doubt = body === '' ? NOTHING : doubtAbout(body, glob)
    if (doubt !== undefined) problems.push({ line, ...doubt, warning: true })
    if (body === '') continue
    size += 1
    if (glob === undefined) plain.set(asciiLower(body), entry)
    else globs.push({ ...entry, glob })
  }
  return { value: { size, match: (text) => decide(text, plain, globs) }, problems }
}

function decide(text: string, plain: ReadonlyMap<string, Entry>, globs: readonly (Entry & { readonly glob: Glob })[]) {
  let last: Entry | undefined
  for (const key of plainKeys(asciiLower(text))) {
    const entry = plain.get(key)
    if (entry !== undefined && (last === undefined || entry.line > last.line)) last = entry
  }
  const codes = globs.length === 0 ? [] : codePoints(text)
  for (let i = globs.length - 1; i >= 0; i--) {
    const entry = globs[i]!
    if (last !== undefined && entry.line < last.line) break
    if (!entry.glob.matches(codes)) continue
    last = entry
    break
  }
  return last === undefined || last.exception ? undefined : { line: last.line, pattern: last.text }
}

/** Every entry without wildcards that could match: one lookup each keeps ten thousand plain lines cheap. */
function plainKeys(text: string): readonly string[] {
  const at = text.lastIndexOf('@')
  const suffixes = hostKeys(text.slice(at + 1)).filter((key) => key.startsWith('.'))
  // An entry that begins with `@` or `.` is never an equality with the whole text (rules 3 and 4 come before 5).
  const whole = text.startsWith('@') || text.startsWith('.') ? [] : [text]
  return at === -1 ? [...whole, ...suffixes] : [...whole, text.slice(at), ...suffixes]
}

type Doubt = Omit<PatternProblem, 'line' | 'warning'>

const NOTHING: Doubt = { reason: 'an exception of nothing', mend: 'write the text to except after the "!", or delete the line' }

function doubtAbout(body: string, glob: Glob | undefined): Doubt | undefined {
  if (body.endsWith('\r')) return {
    reason: 'the line ends in a carriage return, which no address has', mend: 'save the file with Unix line ends',
  }
  if (/[ \t]/.test(body)) return {
    reason: `"${body}" has a blank inside, which no address or host name has`,
    mend: 'one pattern a line, remarks on lines that begin with "#"',
  }
  if (/^[!]/.test(body)) return { reason: `"${body}" begins with a second "!", which is taken literally`, mend: 'write one "!"' }
  if (/^\^|\$$|^\.\*|\\\.|^\/.*\/$|\([^()]*\|[^()]*\)/.test(body)) {
    return {
      reason: `"${body}" looks like a regular expression, but is read as ${glob ? 'a shell pattern' : 'plain text'}`,
      mend: 'use * for anything, ? for one character, [a-z] for one of a set',
    }
  }
  if (/@\[[0-9.]+\]$/.test(body) || /^\[[0-9.]+\]$/.test(body)) {
    return {
      reason: `in "${body}" the brackets mean one character of a set, not an address literal`, mend: `write ${body.replace('[', '\\[')}`,
    }
  }
  if (glob?.fault === 'open-set') return {
    reason: `"${body}" has a "[" without its "]", which is taken literally`, mend: 'close the set, or write \\[',
  }
  if (glob?.fault === 'empty-range') return {
    reason: `"${body}" has a range from high to low, which no character is in`, mend: 'write the lower character first',
  }
  return undefined
}
