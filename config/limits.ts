/**
 * What a client may do before it is refused or cut off: the `limits` of the settings file, and the variable `LIMITS` of
 * smtpconfig and of TCP rules, which changes them for some clients. Where each default comes from: docs/limits.md.
 */
import type { Control } from './control.ts'
import type { Problem } from './problem.ts'
import { nearest } from '../protocol/nearest.ts'

/** Of numbers, 0 means no limit. */
export interface Limits {
  /** Recipients of one message. */
  readonly recipients: number
  /** Refused commands since the session began or its last message was accepted. */
  readonly errors: number
  /** Commands that bring no mail, such as NOOP, since the session began or its last message was accepted. */
  readonly junkCommands: number
  /** Connections at a time from one network. */
  readonly connections: number
  /** Connections at a time to the whole server. */
  readonly allConnections: number
  /** Bits of an address that are its network. */
  readonly ipv4Network: number
  readonly ipv6Network: number
  /** `Received` and `Delivered-To` lines in a message. */
  readonly hops: number
  /** Bytes of a command line with its line end. */
  readonly lineBytes: number
  /** Bytes of a message's header. */
  readonly headerBytes: number
  /** Seconds from a reply to the end of the next command, and in which a client must have read its replies. */
  readonly commandSeconds: number
  /** Seconds that a client may lag behind `dataRate` while it sends a message. */
  readonly dataSeconds: number
  /** Bytes a second in the long run while it sends a message. */
  readonly dataRate: number
  /** Seconds of a session, to the end of what goes on then. */
  readonly sessionSeconds: number
  /** Milliseconds the greeting waits, in which early talkers show. */
  readonly greetingDelay: number
  /** A client that speaks before the greeting. */
  readonly earlyTalkers: Strictness
  /** Commands sent together where RFC 2920 wants the client to wait. */
  readonly pipelining: Strictness
}

/** `note`: plugins are told by a variable, and nothing else happens. */
export type Strictness = 'refuse' | 'note'

export const DEFAULT_LIMITS: Limits = {
  recipients: 1000, errors: 20, junkCommands: 100, connections: 50, allConnections: 5000, ipv4Network: 32, ipv6Network: 64, hops: 100, lineBytes: 4096,
  headerBytes: 102_400, commandSeconds: 300, dataSeconds: 300, dataRate: 500, sessionSeconds: 3600, greetingDelay: 0,
  earlyTalkers: 'refuse', pipelining: 'refuse',
}

/** A listener with `compat` has those of the original: hops and, as a bound on memory, the length of a line. */
export const COMPAT_LIMITS: Limits = {
  ...DEFAULT_LIMITS, recipients: 0, errors: 0, junkCommands: 0, lineBytes: 65_536, headerBytes: 0, commandSeconds: 0, dataSeconds: 0, dataRate: 0,
  sessionSeconds: 0, earlyTalkers: 'note', pipelining: 'note',
}

type Key = keyof Limits

interface Range {
  readonly least: number
  readonly most: number
  /** 0 is allowed, though it is less than the least. */
  readonly zero: boolean
}

const MILLIONS: Range = { least: 0, most: 1_000_000_000, zero: true }
/** Of seconds, so that milliseconds fit a timer. */
const DAYS: Range = { least: 0, most: 86_400 * 20, zero: true }
/** Ranges whose lower end is what standards ask of every server; words stand in order of preference. */
const VALUES: Readonly<Record<Key, Range | readonly Strictness[]>> = {
  // RFC 5321 4.5.3.1.8 and 4.5.3.1.4.
  recipients: { least: 100, most: 10_000, zero: true },
  lineBytes: { least: 512, most: 65_536, zero: false },
  errors: MILLIONS, junkCommands: MILLIONS, connections: MILLIONS, allConnections: MILLIONS, headerBytes: MILLIONS, dataRate: MILLIONS,
  ipv4Network: { least: 8, most: 32, zero: false }, ipv6Network: { least: 16, most: 128, zero: false },
  hops: { least: 10, most: 1000, zero: false },
  commandSeconds: DAYS, dataSeconds: DAYS, sessionSeconds: DAYS,
  greetingDelay: { least: 0, most: 60_000, zero: true },
  earlyTalkers: ['refuse', 'note'], pipelining: ['refuse', 'note'],
}
export const LIMIT_KEYS = Object.keys(VALUES) as readonly Key[]

/** Told of each value that is not used: its key, what is wrong, and the mend. */
export type Wrong = (key: string, reason: string, mend: string) => void

/** `base` with the values that are right. Keys that are not known are passed over. Never throws. */
export function readLimits(given: Readonly<Record<string, unknown>>, base: Limits, wrong: Wrong): Limits {
  const read: Partial<Record<Key, number | string>> = {}
  for (const key of LIMIT_KEYS) {
    const value = given[key]
    if (value === undefined) continue
    const fault = faultOf(VALUES[key], value)
    if (fault === undefined) read[key] = value as number | string
    else wrong(key, `this must be ${fault}, not ${JSON.stringify(value) ?? String(value)}`, 'correct the value, or leave it out')
  }
  return { ...base, ...(read as Partial<Limits>) }
}

function faultOf(allowed: Range | readonly Strictness[], value: unknown): string | undefined {
  if ('most' in allowed) {
    const { least, most, zero } = allowed
    if (typeof value === 'number' && Number.isInteger(value) && value <= most && (value >= least || (zero && value === 0))) return undefined
    return `a whole number from ${least} to ${most}${zero && least > 0 ? ', or 0 for none' : ''}`
  }
  return allowed.some((word) => word === value) ? undefined : allowed.map((word) => JSON.stringify(word)).join(' or ')
}

/** `base` with the changes of a variable LIMITS: `recipients=5000 pipelining=note`. What is wrong in it changes nothing. */
export function limitsOf(variable: string | undefined, base: Limits, wrong: Wrong = () => {}): Limits {
  if (variable === undefined) return base
  const given: Record<string, unknown> = {}
  for (const word of variable.split(/[ \t,]+/)) {
    if (word === '') continue
    const [name, value] = split(word)
    if (!LIMIT_KEYS.some((known) => known === name)) {
      const meant = nearest(name, LIMIT_KEYS)
      wrong(name, `there is no such limit${meant === undefined ? '' : `; did you mean "${meant}"?`}`, `the limits are ${LIMIT_KEYS.join(', ')}`)
    }
    given[name] = /^[0-9]{1,15}$/.test(value) ? Number(value) : value
  }
  return readLimits(given, base, wrong)
}

function split(word: string): [name: string, value: string] {
  const equals = word.indexOf('=')
  return equals === -1 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)]
}

/** What is wrong in the variables LIMITS of smtpconfig and of TCP rules. */
export function checkLimits({ smtpconfig, tcprules }: Pick<Control, 'smtpconfig' | 'tcprules'>): Problem[] {
  const problems: Problem[] = []
  const check = (variables: Control['smtpconfig'], file: string, line?: number): void => {
    for (const [name, value] of variables) {
      if (name === 'LIMITS') limitsOf(value, DEFAULT_LIMITS, (key, reason, mend) => {
        problems.push({ severity: 'error', file, ...(line === undefined ? {} : { line }), reason: `LIMITS: ${key}: ${reason}`, mend })
      })
    }
  }
  check(smtpconfig, 'control/smtpconfig')
  // A range of addresses makes several rules of one line.
  const lines = new Map(tcprules.rules.map((rule) => [rule.line, rule]))
  for (const { line, variables } of lines.values()) check(variables, 'control/smtp-tcprules', line)
  return problems
}
