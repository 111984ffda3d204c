/**
 * A plugin's test file: what goes in, what must come out, in plain text that fits a plugin in any language. Its manual
 * page is docs/testing-plugins.md. Blocks of lines parted by empty lines; each block is one case:
 *
 *   # sales has moved
 *   hook rcpt
 *   SMTPRCPTTO=sales@local.example
 *   > E550 sorry, sales has moved (#5.1.6)
 */
import type { Section } from './list.ts'
import { givenDns, type GivenDns } from './transcript-dns.ts'
import { newDraft, readWord, type Draft, type FaultWord, type Wrong } from './transcript-words.ts'
import { checkExpectedLine, NOTHING } from './transcript-expected.ts'
import { isEnvironmentValue } from './environment.ts'

export type { FaultWord } from './transcript-words.ts'

/** What a case gives its plugin. Texts are Text. */
export interface Given {
  readonly hook?: Section
  /** In order, the last of a name counts; `undefined` unsets a variable that the hook implies. */
  readonly env: readonly (readonly [name: string, value: string | undefined])[]
  /** Recipients accepted before, in this transaction. */
  readonly accepted: readonly string[]
  readonly accounts: readonly GivenAccount[]
  /** Local domains with nobody in them. */
  readonly domains: readonly string[]
  /** The accounts cannot be asked. */
  readonly accountsUnavailable?: true
  /** What there is in DNS. */
  readonly dns: readonly GivenDns[]
  /** What was added to counters just before. */
  readonly counted: readonly GivenCount[]
  /** What the store holds; each key once. */
  readonly stored: readonly (readonly [key: string, value: string])[]
  /** Neither counters nor store can be asked. */
  readonly storeUnavailable?: true
  /** Whole texts of control files, each line ended by LF; each name once. */
  readonly control: readonly (readonly [name: string, content: string])[]
  /** Milliseconds since 1970. */
  readonly now?: number
  readonly random?: readonly number[]
  /** Milliseconds the plugin may take. */
  readonly timeout?: number
  /** Seconds of being kept waiting after which the client leaves. */
  readonly leaves?: number
  /** In queue form, each line ended by LF. */
  readonly message?: string
}

export interface GivenAccount {
  readonly address: string
  readonly inactive?: true
  /** Bytes. */
  readonly quota?: number
}

export interface GivenCount {
  readonly key: string
  readonly amount: number
  /** Of the window. */
  readonly seconds: number
}

/** What must come out. */
export interface Expected {
  /** Commands as a program prints them, and edits; all of them, in order. Empty with a fault. */
  readonly answer: readonly string[]
  /** The run must fail so, or in any way. */
  readonly fault?: FaultWord | 'any'
  /** Seconds slept in all; not looked at when absent. */
  readonly slept?: number
  /** Accounts into whose mailboxes the message went; not looked at when absent. */
  readonly delivered?: readonly string[]
}

export interface TranscriptCase {
  /** Of its first line, 1-based. */
  readonly line: number
  readonly title?: string
  readonly given: Given
  readonly expected: Expected
}

export interface Transcript {
  /** What every case is given before its own lines. */
  readonly always: Given
  readonly cases: readonly TranscriptCase[]
}

export interface TranscriptProblem {
  /** 1-based. */
  readonly line: number
  readonly reason: string
  readonly mend: string
}

export const NOTHING_GIVEN: Given = { env: [], accepted: [], accounts: [], domains: [], dns: [], counted: [], stored: [], control: [] }

/** Reads a whole test file, as Text. Blocks with a problem are left out. Never throws. */
export function parseTranscript(content: string): { readonly transcript: Transcript; readonly problems: readonly TranscriptProblem[] } {
  const problems: TranscriptProblem[] = []
  const cases: TranscriptCase[] = []
  let always: Given | undefined
  for (const { line, lines } of blocksOf(content)) {
    const draft = newDraft()
    const found: TranscriptProblem[] = []
    for (const [index, text] of lines.entries()) {
      const wrong = readLine(draft, text)
      if (wrong !== undefined) found.push({ line: line + index, ...wrong })
    }
    const wrong = draft.empty ? undefined : blockFault(draft, always, cases.length)
    // A line that was not understood may be the one that seems to be missing.
    if (wrong !== undefined && found.length === 0) found.push({ line, ...wrong })
    problems.push(...found)
    if (draft.empty || found.length > 0) continue
    const given: Given = { ...draft.given, control: [...draft.control] }
    if (draft.always) always = given
    else {
      const title = draft.title === undefined ? {} : { title: draft.title }
      cases.push({ line, ...title, given, expected: { answer: draft.answer, ...draft.expected } })
    }
  }
  return { transcript: { always: always ?? NOTHING_GIVEN, cases }, problems }
}

/** What a case is given in all: single values of its own win, control files of one name, values of one key and records of one name and type are replaced, everything else adds up. */
export function givenTo({ always }: Transcript, { given }: TranscriptCase): Given {
  return {
    ...always, ...given,
    env: [...always.env, ...given.env],
    accepted: [...always.accepted, ...given.accepted],
    accounts: [...always.accounts, ...given.accounts],
    domains: [...always.domains, ...given.domains],
    dns: givenDns(always.dns, given.dns),
    counted: [...always.counted, ...given.counted],
    stored: [...new Map([...always.stored, ...given.stored])],
    control: [...new Map([...always.control, ...given.control])],
  }
}

interface Block {
  readonly line: number
  readonly lines: readonly string[]
}

/** Runs of lines that are not blank. A CR at the end of a line is an editor's, and dropped. */
function blocksOf(content: string): readonly Block[] {
  const blocks: Block[] = []
  let lines: string[] = []
  for (const [index, raw] of content.split('\n').entries()) {
    const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (/^[ \t]*$/.test(text)) lines = []
    else if (lines.push(text) === 1) blocks.push({ line: index + 1, lines })
  }
  return blocks
}

function readLine(draft: Draft, text: string): Wrong | undefined {
  if (text.startsWith('#')) {
    if (draft.empty) draft.title ??= text.slice(1).trim() || undefined
    return undefined
  }
  draft.empty = false
  if (text.startsWith('>')) return readExpected(draft, text)
  if (text.startsWith('|')) return readMessage(draft, text)
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) return readWord(draft, text)
  if (!isEnvironmentValue(value)) return { reason: `the value of ${name} holds a NUL or a CR, which is never in one`, mend: 'take it out' }
  draft.given.env.push([name, value])
  return undefined
}

function readExpected(draft: Draft, text: string): Wrong | undefined {
  if (text.trimEnd() === `> ${NOTHING}`) {
    draft.nothing = true
    return undefined
  }
  if (!text.startsWith('> ')) return { reason: 'what must come out stands behind ">" and a blank', mend: `write > ${text.slice(1)}` }
  const line = text.slice(2)
  draft.answer.push(line)
  return checkExpectedLine(line)
}

function readMessage(draft: Draft, text: string): Wrong | undefined {
  draft.given.message = `${draft.given.message ?? ''}${text.slice(2)}\n`
  if (text === '|' || text.startsWith('| ')) return undefined
  return { reason: 'a line of the message stands behind "|" and a blank', mend: `write | ${text.slice(1)}` }
}

/** What is wrong with a block as a whole. */
function blockFault(draft: Draft, always: Given | undefined, cases: number): Wrong | undefined {
  const { answer, nothing, expected, given } = draft
  const outcomes = Number(answer.length > 0) + Number(nothing) + Number(expected.fault !== undefined)
  if (draft.always) {
    if (always !== undefined || cases > 0) {
      return { reason: 'there is one "always" block, and it stands before all cases', mend: 'join it with the first block' }
    }
    if (outcomes === 0 && expected.slept === undefined && expected.delivered === undefined) return undefined
    return { reason: 'an "always" block says what goes in, not what comes out', mend: 'move the lines about what comes out into the cases' }
  }
  if (given.hook === undefined && always?.hook === undefined) {
    return { reason: 'this case does not say which hook is asked', mend: 'add a line such as "hook rcpt"' }
  }
  if (outcomes === 0) {
    const mend = 'add a line with "> " and the command for each one, or "> (nothing)", or "fault"'
    return { reason: 'this case does not say what must come out', mend }
  }
  return outcomes === 1 ? undefined : { reason: 'this case expects several of: commands, nothing, a fault', mend: 'keep one of them' }
}
