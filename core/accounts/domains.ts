/**
 * Domains: the lines of `control/rcpthosts`, which say for whom mail is accepted, and the directories
 * of their users. The file belongs to the operator: comments, order and mode stay as they are.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readList } from '../../protocol/qmail/control.ts'
import { hostListed, parseHosts } from '../../protocol/qmail/rcpthosts.ts'
import { asciiLower, textOf } from '../../protocol/text.ts'
import type { Database } from './database.ts'
import { fileFailure } from './errors.ts'
import { checkDomain } from './names.ts'
import { makeDirectory } from './ownership.ts'
import { replaceFile } from './replace-file.ts'

export interface DomainInfo {
  readonly domain: string
  /** Mail for it is accepted: it, or a suffix of it such as `.example.org`, stands in rcpthosts. */
  readonly accepted: boolean
  readonly users: number
}

/** What `addDomain` had to add; neither means that the domain was there already. */
export interface AddedDomain {
  readonly domain: string
  /** A line of control/rcpthosts. */
  readonly listed: boolean
  /** `<home>/mail/<domain>`. */
  readonly directory: boolean
}

/** Adds a domain to control/rcpthosts and makes the directory of its users. Throws HeliosError. */
export function addDomain(database: Database, text: string): AddedDomain {
  const domain = checkDomain(text)
  // The database's write lock keeps two of these from losing one another's line.
  const listed = database.exclusively(() => appendRcptHost(database.home, domain))
  const directory = makeMailDirectory(database.home, join(database.home, 'mail', domain))
  return { domain, listed, directory }
}

/** Every domain that is accepted or has users, by name. */
export async function listDomains(database: Database): Promise<readonly DomainInfo[]> {
  const rows = await database.sql.selectFrom('passwd')
    .select(['virtual_host', ({ fn }) => fn.countAll<number>().as('users')]).groupBy('virtual_host').execute()
  const users = new Map(rows.map((row) => [asciiLower(row.virtual_host), row.users]))
  const hosts = readRcptHosts(database.home)
  const domains = [...new Set([...hosts, ...users.keys()])].sort()
  return domains.map((domain) => ({ domain, accepted: hostListed(`@${domain}`, hosts), users: users.get(domain) ?? 0 }))
}

/** True when rcpthosts accepts the domain, itself or by a suffix (spec qmail-control 4), or it has users. */
export function isKnownDomain(database: Database, domain: string): boolean {
  if (hostListed(`@${domain}`, readRcptHosts(database.home))) return true
  return database.raw.prepare('SELECT 1 FROM passwd WHERE virtual_host = ? LIMIT 1').get(domain) !== undefined
}

function readRcptHosts(home: string): ReadonlySet<string> {
  return parseHosts(readList(readText(join(home, 'control', 'rcpthosts'))))
}

function appendRcptHost(home: string, domain: string): boolean {
  const path = join(home, 'control', 'rcpthosts')
  try {
    const content = readText(path)
    if (parseHosts(readList(content)).has(domain)) return false
    const before = content === undefined || content === '' || content.endsWith('\n') ? content ?? '' : `${content}\n`
    replaceFile(home, path, `${before}${domain}\n`)
    return true
  } catch (error) {
    throw fileFailure('control-file', `cannot change ${path}`, error)
  }
}

function makeMailDirectory(home: string, path: string): boolean {
  try {
    return makeDirectory(home, path)
  } catch (error) {
    throw fileFailure('mailbox', `cannot create ${path}`, error)
  }
}

function readText(path: string): string | undefined {
  try {
    return textOf(readFileSync(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
