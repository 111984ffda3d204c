/** Is a record of a file fit to be a row? What can be said without looking at the database. */
import { isAbsolute } from 'node:path'
import { HeliosError } from '../../error.ts'
import { parseDotqmail } from '../../../protocol/qmail/dotqmail.ts'
import { asciiLower } from '../../../protocol/text.ts'
import { printDate, readDate } from '../dates.ts'
import { checkAddress, checkDomain } from '../names.ts'
import { checkJid, notifyOwner } from '../notify.ts'
import { ALIAS, DOMAIN, DOTQMAIL, LOCAL, NOTIFY, USER, type Field, type Kind } from './kinds.ts'
import type { Value, Values } from './record.ts'

/** Something of a file that is to be mended. */
export interface Complaint {
  readonly reason: string
  readonly mend: string
}

/** By columns of the table. Flags are 0 and 1, as the tables have them. */
export type Row = Readonly<{ [column: string]: string | number | null }>

export interface CheckOptions {
  /** Domains count: without `check_host` users have none. */
  readonly checkHost: boolean
}

/** The row, or what keeps the record from being one. Names come out in lower case. */
export function checkRecord(kind: Kind, values: Values, options: CheckOptions): { readonly row: Row } | { readonly complaints: readonly Complaint[] } {
  const complaints: Complaint[] = []
  const row: Record<string, string | number | null> = {}
  const unknown = Object.entries(values).find(([name, value]) => value !== null && !kind.fields.some((field) => field.name === name))
  if (unknown !== undefined) complaints.push({ reason: `a ${kind.name} has no ${shown(unknown[0])}`, mend: `it may have ${kind.fields.map(({ name }) => name).join(', ')}` })
  for (const field of kind.fields) {
    const read = readValue(field, values[field.name])
    if ('reason' in read) complaints.push(read)
    else row[field.column] = read.value
  }
  if (complaints.length > 0) return { complaints }
  try {
    return { row: RULES.get(kind)?.(row, options) ?? row }
  } catch (error) {
    if (!(error instanceof HeliosError)) throw error
    return { complaints: [{ reason: error.message, mend: error.mend }] }
  }
}

/** A word of the file in a message to a terminal: a part of it at most, and nothing that the terminal obeys. */
export function shown(text: string): string {
  return /^[\w.@-]{1,40}$/.test(text) ? text : JSON.stringify(text.slice(0, 40)).replace(/[^\x20-\x7e]/g, '?')
}

function readValue({ name, type, missing, length }: Field, value: Value | undefined): { readonly value: string | number | null } | Complaint {
  if (value === undefined || value === null) {
    if (missing === undefined) return { reason: `there is no ${name}`, mend: `say the ${name}` }
    return { value: typeof missing === 'boolean' ? Number(missing) : missing }
  }
  switch (type) {
    case 'text': return readText(name, value, length)
    case 'date': return readTime(name, value)
    case 'integer': {
      const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
      if (typeof number === 'number' && Number.isSafeInteger(number)) return { value: number }
      return { reason: `${name} is no whole number`, mend: 'write digits' }
    }
    case 'flag': {
      const truth = typeof value === 'string' ? FLAGS.get(value.toLowerCase()) : typeof value === 'number' ? [false, true][value] : value
      return truth === undefined ? { reason: `${name} is neither true nor false`, mend: 'write true or false' } : { value: Number(truth) }
    }
  }
}

const FLAGS = new Map([['true', true], ['yes', true], ['1', true], ['t', true], ['false', false], ['no', false], ['0', false], ['f', false]])

function readText(name: string, value: Value, length = Infinity): { readonly value: string } | Complaint {
  if (typeof value !== 'string') return { reason: `${name} is no text`, mend: 'put it into quotes' }
  if (value.includes('\0') || value.includes('\ufffd') || !value.isWellFormed()) return { reason: `${name} is not UTF-8, or has a NUL in it`, mend: 'write the file in UTF-8' }
  if (value.length > length) return { reason: `${name} has ${value.length} characters`, mend: `it may have ${length}` }
  return { value }
}

function readTime(name: string, value: Value): { readonly value: string | null } | Complaint {
  const time = typeof value === 'string' ? readDate(value) : 'unreadable'
  if (time === undefined) return { value: null }
  if (typeof time === 'number' && Number.isFinite(time)) return { value: printDate(time) }
  return { reason: `${name} is no date`, mend: 'write one such as 2026-01-31 00:00:00, in UTC' }
}

/** What `integer` holds in PostgreSQL and MySQL. */
const LARGEST_ID = 2_147_483_647

type Rule = (row: Row, options: CheckOptions) => Row

/** Throw HeliosError for what cannot be. */
const RULES: ReadonlyMap<Kind, Rule> = new Map<Kind, Rule>([
  [DOMAIN, (row) => ({ ...row, domain: checkDomain(String(row['domain'])) })],
  [LOCAL, (row) => ({ ...row, virtual_host: checkDomain(String(row['virtual_host'])) })],
  [USER, (row, options) => {
    const { uid, gid, hardquota, home } = row
    if ([uid, gid, hardquota].some((number) => Number(number) < 0)) throw wrong('a number is below zero', 'write 0 or more')
    if ([uid, gid].some((number) => Number(number) > LARGEST_ID)) throw wrong(`uid or gid is above ${LARGEST_ID}`, 'leave it out: then it is that of the home')
    if (typeof home === 'string' && home !== '' && !isAbsolute(home)) throw wrong('home is no absolute path', 'leave it out: then it is below the mail directory')
    return named(row, options)
  }],
  [DOTQMAIL, (row, options) => {
    const worst = parseDotqmail(String(row['dotqmail'])).problems.find(({ warning }) => warning !== true)
    if (worst !== undefined) throw wrong(`line ${worst.line} of the text: ${worst.reason}`, worst.mend)
    const extension = String(row['extension'])
    // oxlint-disable-next-line no-control-regex -- exactly these are meant
    if (/[/@\s\x00-\x1f\x7f]/.test(extension)) throw wrong(`${shown(extension)} cannot be an extension`, 'write what stands after the login and "-", such as lists or default')
    return { ...named(row, options), extension: asciiLower(extension) }
  }],
  [ALIAS, (row) => {
    const target = checkAddress(String(row['target']))
    const [login, domain] = [String(row['login']), String(row['domain'])]
    const name = login === '' ? { login, domain: checkDomain(domain) } : checkAddress(`${login}@${domain}`)
    if (name.login === target.login && name.domain === target.domain) throw wrong('the alias leads to itself', 'name an account')
    return { ...name, target: `${target.login}@${target.domain}` }
  }],
  [NOTIFY, (row) => {
    if (row['jid'] !== null) checkJid(String(row['jid']))
    if (row['send_to'] !== null) checkJid(String(row['send_to']), false)
    return { ...row, ...notifyOwner(`${row['login']}@${row['domain']}`) }
  }],
])

/** Login and domain of a user. */
function named(row: Row, { checkHost }: CheckOptions): Row {
  const [login, host] = [String(row['login']), String(row['virtual_host'])]
  const alone = host === '' && !checkHost
  const checked = checkAddress(`${login}@${alone ? 'any.example' : host}`)
  return { ...row, login: checked.login, virtual_host: alone ? '' : checked.domain }
}

function wrong(message: string, mend: string): HeliosError {
  return new HeliosError('bad-record', message, { fault: 'operator', mend })
}
