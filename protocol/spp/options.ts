/** The options of one line of the plugin list: `@timeout=5s,onerror=open,shadow plugins/x`. */
import { nearest } from '../nearest.ts'

export type OnError = 'tempfail' | 'open' | 'refuse'

/** Options of one line: `@timeout=5s,onerror=open,shadow plugins/x`. */
export interface LineOptions {
  /** Milliseconds. */
  readonly timeout?: number
  readonly onerror?: OnError
  readonly shadow?: boolean
  readonly workers?: number
  readonly group?: string
  readonly protocol?: 'spp1' | 'spp2' | 'reply'
  readonly trusted?: boolean
  readonly allow?: readonly string[]
  readonly name?: string
}

export interface OptionFault {
  readonly reason: string
  readonly mend: string
}

export type ParsedOptions = { readonly ok: true; readonly options: LineOptions } | ({ readonly ok: false } & OptionFault)

/** The effects `allow=` can name. */
export const EFFECTS: readonly string[] = ['sleep', 'mailbox', 'run', 'connect', 'store']

/** Longest `timeout=` in milliseconds: a day. */
const MAX_TIMEOUT = 24 * 60 * 60 * 1000
const MAX_WORKERS = 1000

/** The option with its value, or what would be right. */
type Reader = (value: string) => LineOptions | string

const FLAGS: ReadonlySet<string> = new Set(['shadow', 'trusted'])

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['timeout', (value) => {
    const timeout = parseTime(value)
    return timeout === undefined ? 'a time of at most a day, such as 5s, 500ms or 2m' : { timeout }
  }],
  ['onerror', oneOf(['tempfail', 'open', 'refuse'], (onerror) => ({ onerror }))],
  ['shadow', () => ({ shadow: true })],
  ['workers', (value) => {
    const workers = /^[1-9][0-9]{0,3}$/.test(value) ? Number(value) : Infinity
    return workers > MAX_WORKERS ? `a number from 1 to ${MAX_WORKERS}` : { workers }
  }],
  ['group', word((group) => ({ group }))],
  ['protocol', oneOf(['spp1', 'spp2', 'reply'], (protocol) => ({ protocol }))],
  ['trusted', () => ({ trusted: true })],
  ['allow', (value) => {
    const allow = value.split('+')
    const wrong = allow.some((effect) => !EFFECTS.includes(effect)) || new Set(allow).size < allow.length
    return wrong ? `effects joined by "+", out of ${EFFECTS.join(', ')}` : { allow }
  }],
  ['name', word((name) => ({ name }))],
])

/** Reads the token behind the `@`: options joined by commas, without blanks. Never throws. */
export function parseOptions(token: string): ParsedOptions {
  const found = new Map<string, LineOptions>()
  for (const part of token.split(',')) {
    const equals = part.indexOf('=')
    const key = equals === -1 ? part : part.slice(0, equals)
    if (found.has(key)) return { ok: false, reason: `the option ${key} is given twice`, mend: 'keep one of them' }
    const read = readOption(key, equals === -1 ? undefined : part.slice(equals + 1))
    if ('reason' in read) return { ok: false, ...read }
    found.set(key, read)
  }
  return { ok: true, options: Object.assign({}, ...found.values()) as LineOptions }
}

/** The token with its `@`, as `parseOptions` reads it; empty without options. */
export function printOptions(options: LineOptions): string {
  const parts: string[] = []
  for (const key of READERS.keys()) {
    const value = options[key as keyof LineOptions]
    if (value === undefined || value === false) continue
    if (value === true) parts.push(key)
    else if (key === 'timeout') parts.push(printTime(value as number))
    else parts.push(`${key}=${Array.isArray(value) ? value.join('+') : String(value)}`)
  }
  return parts.length === 0 ? '' : `@${parts.join(',')}`
}

function readOption(key: string, value: string | undefined): LineOptions | OptionFault {
  const reader = READERS.get(key)
  if (reader === undefined) return unknownOption(key)
  if (FLAGS.has(key) && value !== undefined) {
    return { reason: `the option ${key} takes no value`, mend: `write ${key} alone, or leave it out` }
  }
  const read = reader(value ?? '')
  if (typeof read !== 'string') return read
  return value === undefined || value === ''
    ? { reason: `the option ${key} has no value`, mend: `write ${key}=VALUE: ${read}` }
    : { reason: `${quoted(value)} is no value for ${key}`, mend: `write ${read}` }
}

function unknownOption(key: string): OptionFault {
  const all = [...READERS.keys()]
  if (key === '') return { reason: 'an option is missing around a comma or behind the "@"', mend: `known options: ${all.join(', ')}` }
  const near = nearest(key, all)
  const mend = near === undefined ? `known options: ${all.join(', ')}` : `did you mean ${near}?`
  return { reason: `there is no option ${quoted(key)}`, mend }
}

function oneOf<const W extends string>(words: readonly W[], option: (value: W) => LineOptions): Reader {
  return (value) => {
    const known = words.find((candidate) => candidate === value)
    return known === undefined ? `one of ${words.join(', ')}` : option(known)
  }
}

function word(option: (value: string) => LineOptions): Reader {
  return (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
    ? option(value)
    : 'at most 64 letters, digits, dots, hyphens and underscores'
}

function parseTime(text: string): number | undefined {
  const match = /^([0-9]{1,9})(ms|s|m|)$/.exec(text)
  if (match === null) return undefined
  const time = Number(match[1]) * (match[2] === 'ms' ? 1 : match[2] === 'm' ? 60_000 : 1000)
  return time > 0 && time <= MAX_TIMEOUT ? time : undefined
}

function printTime(time: number): string {
  return time % 1000 === 0 ? `timeout=${time / 1000}s` : `timeout=${time}ms`
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text)
}
