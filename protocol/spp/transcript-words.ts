/** The words that begin a line of a test file, and what their lines mean. */
import { parseSpan } from '../span.ts'
import { SECTIONS, type Section } from './list.ts'
import type { Expected, Given } from './transcript.ts'
import { DNS_FORMS, readDns } from './transcript-dns.ts'

/** How a run can fail, in the words of the trace. */
export const FAULT_WORDS = [
  'crashed', 'cannot-execute', 'cannot-start', 'timed-out', 'too-much-output', 'bad-command', 'threw', 'unavailable',
] as const
export type FaultWord = (typeof FAULT_WORDS)[number]

export interface Wrong {
  readonly reason: string
  readonly mend: string
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }

/** A block while it is read. */
export interface Draft {
  /** Nothing but remarks so far. */
  empty: boolean
  title: string | undefined
  always: boolean
  readonly given: Mutable<Omit<Given, 'control'>>
  readonly control: Map<string, string>
  readonly answer: string[]
  /** `> (nothing)` was read. */
  nothing: boolean
  readonly expected: Mutable<Omit<Expected, 'answer'>>
}

export function newDraft(): Draft {
  return {
    empty: true, title: undefined, always: false, given: { env: [], accepted: [], accounts: [], domains: [], dns: [], counted: [], stored: [] }, control: new Map(),
    answer: [], nothing: false, expected: {},
  }
}

/** Reads a line that begins with one of the words. */
export function readWord(draft: Draft, text: string): Wrong | undefined {
  const [, word = '', rest = ''] = /^([^ \t]*)[ \t]*(.*)$/s.exec(text)!
  const known = WORDS.get(word)
  if (known === undefined) {
    const mend = `write NAME=value, "> " and a command, "| " and a line of the message, or one of ${[...WORDS.keys()].join(', ')}`
    return { reason: `a line of a test file does not begin with "${word}"`, mend }
  }
  // A line of a control file may end in blanks; nothing else may.
  const reason = known.read(draft, word === 'control' ? rest : rest.replace(/[ \t]+$/, ''))
  return reason === undefined ? undefined : { reason: `${word}: ${reason}`, mend: `write it so: ${known.form}` }
}

/** How a hook is written, here and in the list. */
export function printHook(hook: Section): string {
  return hook === 'message' || hook === 'deliver' ? `+${hook}` : hook
}

interface Word {
  readonly form: string
  /** Puts the value into the draft, or says what is wrong with it. */
  readonly read: (draft: Draft, rest: string) => string | undefined
}

const ADDRESS = /^[^\s@]+@[^\s@]+$/
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Seconds that a plugin can be told to remember: a leap year. */
const LONGEST_MEMORY = 366 * 86_400
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

const WORDS: ReadonlyMap<string, Word> = new Map<string, Word>([
  ['always', { form: 'always', read: (draft, rest) => {
    draft.always = true
    return rest === '' ? undefined : 'it stands alone on its line'
  } }],
  ['hook', { form: 'hook rcpt', read: ({ given }, rest) => {
    const hook = SECTIONS.find((section) => rest === section || rest === printHook(section))
    if (hook === undefined) return `there is no hook "${rest}"; hooks are ${SECTIONS.map(printHook).join(', ')}`
    return once(given, 'hook', hook)
  } }],
  ['unset', { form: 'unset NAME', read: ({ given }, rest) => {
    if (!VARIABLE.test(rest)) return `"${rest}" is no name of a variable`
    given.env.push([rest, undefined])
    return undefined
  } }],
  ['accepted', { form: 'accepted joe@local.example', read: ({ given }, rest) => add(given.accepted, ADDRESS, rest) }],
  ['account', { form: 'account joe@local.example [inactive] [quota=BYTES]', read: ({ given }, rest) => {
    const [, address = '', inactive, quota] = /^([^ ]+)( inactive)?(?: quota=([0-9]{1,15}))?$/.exec(rest) ?? []
    if (!ADDRESS.test(address)) return `"${rest}" is no account`
    const more = quota === undefined ? {} : { quota: Number(quota) }
    given.accounts.push({ address, ...(inactive === undefined ? {} : { inactive: true }), ...more })
    return undefined
  } }],
  ['domain', { form: 'domain local.example', read: ({ given }, rest) => add(given.domains, /^[^\s@]+$/, rest) }],
  ['unavailable', { form: 'unavailable accounts, or unavailable store', read: ({ given }, rest) =>
    once(given, rest === 'store' ? 'storeUnavailable' : 'accountsUnavailable', rest === 'accounts' || rest === 'store' ? true : undefined) }],
  ['counted', { form: 'counted 5/1h KEY', read: ({ given }, rest) => {
    const [, amount, time = '', key] = /^([0-9]{1,9})\/([0-9]+[smhd])[ \t]+(.+)$/s.exec(rest) ?? []
    const seconds = parseSpan(time, LONGEST_MEMORY)
    if (key === undefined || Number(amount) < 1 || seconds === undefined) return `"${rest}" is no count of something within a time`
    given.counted.push({ key, amount: Number(amount), seconds })
    return undefined
  } }],
  ['stored', { form: 'stored KEY = VALUE', read: ({ given }, rest) => {
    const [, key, value] = /^(\S|\S.*?\S)[ \t]+=(?:[ \t](.*)|)$/s.exec(rest) ?? []
    if (key === undefined) return `"${rest}" is no key with its value`
    if (given.stored.some(([known]) => known === key)) return 'it is said twice in one block'
    given.stored.push([key, value ?? ''])
    return undefined
  } }],
  ['dns', { form: `dns ${DNS_FORMS}`, read: ({ given }, rest) => readDns(given.dns, rest) }],
  ['control', { form: 'control FILE: a line of it; or control FILE, for an empty one', read: ({ control }, rest) => {
    const [, name = '', line] = /^([^\s:]+)(?:: ?(.*)|[ \t]*)$/s.exec(rest) ?? []
    if (!FILE_NAME.test(name)) return `"${rest}" names no control file`
    control.set(name, (control.get(name) ?? '') + (line === undefined ? '' : `${line}\n`))
    return undefined
  } }],
  ['now', { form: 'now 2026-01-31T08:00:00Z', read: ({ given }, rest) => once(given, 'now', readNow(rest)) }],
  ['random', { form: 'random 0.5, or several numbers from 0 to below 1', read: ({ given }, rest) =>
    once(given, 'random', readRandom(rest)) }],
  ['timeout', { form: 'timeout 2s, or timeout 500ms', read: ({ given }, rest) => once(given, 'timeout', readTime(rest)) }],
  ['leaves', { form: 'leaves 5 (seconds)', read: ({ given }, rest) => once(given, 'leaves', readSeconds(rest)) }],
  ['fault', { form: `fault, or fault and one of ${FAULT_WORDS.join(', ')}`, read: ({ expected }, rest) =>
    once(expected, 'fault', rest === '' ? 'any' : FAULT_WORDS.find((word) => word === rest)) }],
  ['slept', { form: 'slept 5 (seconds)', read: ({ expected }, rest) => once(expected, 'slept', readSeconds(rest)) }],
  ['delivered', { form: 'delivered joe@local.example, or delivered nothing', read: ({ expected }, rest) => {
    const accounts = rest === 'nothing' ? [] : rest.split(/[ \t]+/)
    return once(expected, 'delivered', accounts.every((address) => ADDRESS.test(address)) ? accounts : undefined)
  } }],
])

function once<T extends object, K extends keyof T>(into: T, key: K, value: T[K] | undefined): string | undefined {
  if (value === undefined) return 'the value cannot be read'
  if (into[key] !== undefined) return 'it is said twice in one block'
  into[key] = value
  return undefined
}

function add(list: string[], form: RegExp, text: string): string | undefined {
  if (!form.test(text)) return `"${text}" cannot be read`
  list.push(text)
  return undefined
}

/** ISO 8601 in UTC, from 1970 to 9999: what `toISOString` writes back. */
function readNow(text: string): number | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?Z$/.test(text)) return undefined
  const time = Date.parse(text)
  return time >= 0 ? time : undefined
}

function readRandom(text: string): number[] | undefined {
  const numbers = text.split(/[ \t]+/).map((part) => (/^(?:0?\.[0-9]+|0|[0-9](?:\.[0-9]+)?e-[0-9]+)$/.test(part) ? Number(part) : 1))
  return numbers.every((number) => number < 1) ? numbers : undefined
}

/** Milliseconds, at least one and at most a day. */
function readTime(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]{1,8})(ms|s)$/.exec(text) ?? []
  const time = Number(digits) * (unit === 's' ? 1000 : 1)
  return time > 0 && time <= 86_400_000 ? time : undefined
}

function readSeconds(text: string): number | undefined {
  return /^[0-9]{1,6}(?:\.[0-9]{1,3})?$/.test(text) ? Number(text) : undefined
}
