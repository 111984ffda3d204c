/**
 * Domains: the lines of `control/rcpthosts`, which say for whom mail is accepted, rows of `helios_domains`, and the
 * directories of their users. The file belongs to the operator: comments, order and mode stay as they are.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readList } from '../../protocol/qmail/control.ts'
import { hostListed, parseHosts } from '../../protocol/qmail/rcpthosts.ts'
import { asciiLower, textOf } from '../../protocol/text.ts'
import { acceptsDomain } from './accounts.ts'
import { insertNew, ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { fileFailure } from './errors.ts'
import { exclusively } from './file-lock.ts'
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
  /** A line of control/rcpthosts, or a row where the database takes its place. */
  readonly listed: boolean
  /** `<home>/mail/<domain>`. */
  readonly directory: boolean
}

/** Adds a domain to control/rcpthosts and makes the directory of its users. Throws HeliosError. */
export async function addDomain(database: Database, text: string): Promise<AddedDomain> {
  const domain = checkDomain(text)
  const noted = await noteDomain(database, domain)
  const listed = fromDatabase(database) ? noted : exclusively(database.home, () => appendRcptHosts(database.home, [domain]))
  const directory = makeMailDirectory(database.home, join(mailRootOf(database), domain))
  return { domain, listed, directory }
}

/** Adds many, checked by `checkDomain` already: the file is written once. Throws HeliosError. */
export async function addDomains(database: Database, domains: readonly string[]): Promise<void> {
  for (const domain of domains) await noteDomain(database, domain)
  if (!fromDatabase(database)) exclusively(database.home, () => appendRcptHosts(database.home, domains))
  for (const domain of domains) makeMailDirectory(database.home, join(mailRootOf(database), domain))
}

/** Every domain that is accepted or has users, by name. */
export async function listDomains(database: Database): Promise<readonly DomainInfo[]> {
  const rows = await database.write.selectFrom('passwd')
    .select(['virtual_host', ({ fn }) => fn.countAll().as('users')]).groupBy('virtual_host').execute()
  const users = new Map(rows.map((row) => [asciiLower(row.virtual_host ?? ''), Number(row.users)]))
  const noted = await ownRows(database.write.selectFrom('helios_domains').select('domain'))
  const hosts = readRcptHosts(database.home)
  const known = new Set([...users.keys(), ...noted.map(({ domain }) => domain)])
  const domains = [...new Set([...hosts, ...known])].filter((domain) => domain !== '').sort()
  const taken = (domain: string): boolean => fromDatabase(database) ? known.has(domain) : hostListed(`@${domain}`, hosts)
  return domains.map((domain) => ({ domain, accepted: taken(domain), users: users.get(domain) ?? 0 }))
}

/** True when rcpthosts accepts the domain, itself or by a suffix (spec qmail-control 4), or the database knows it. */
export async function isKnownDomain(database: Database, domain: string): Promise<boolean> {
  return hostListed(`@${domain}`, readRcptHosts(database.home)) || acceptsDomain(database, { locals: () => new Set() }, domain)
}

/** Where mailboxes are made. */
export function mailRootOf({ home, config }: Database): string {
  return config.mailRoot ?? join(home, 'mail')
}

/** True while the database takes the place of the file rcpthosts. */
export function fromDatabase({ home, config }: Database): boolean {
  return config.rcpthostsFromDb && !existsSync(join(home, 'control', 'rcpthosts'))
}

/** Writes the domain into the database; false when it is there. */
async function noteDomain(database: Database, domain: string): Promise<boolean> {
  return insertNew(() => database.write.insertInto('helios_domains').values({ domain }).execute())
}

function readRcptHosts(home: string): ReadonlySet<string> {
  return parseHosts(readList(readText(join(home, 'control', 'rcpthosts'))))
}

/** False when all of them are there. */
function appendRcptHosts(home: string, domains: readonly string[]): boolean {
  const path = join(home, 'control', 'rcpthosts')
  try {
    const content = readText(path)
    const there = parseHosts(readList(content))
    const missing = domains.filter((domain) => !there.has(domain))
    if (missing.length === 0) return false
    const before = content === undefined || content === '' || content.endsWith('\n') ? content ?? '' : `${content}\n`
    replaceFile(home, path, `${before}${missing.map((domain) => `${domain}\n`).join('')}`)
    return true
  } catch (error) {
    throw fileFailure('control-file', `cannot change ${path}`, error)
  }
}

/** Takes the domain's own line off control/rcpthosts; true when there was one. A suffix such as `.example.org` stays. Throws HeliosError. */
export function dropDomainLine({ home }: Database, domain: string): boolean {
  const path = join(home, 'control', 'rcpthosts')
  try {
    return exclusively(home, () => {
      const content = readText(path)
      if (content === undefined || !parseHosts(readList(content)).has(domain)) return false
      const lines = content.split('\n').filter((line) => !parseHosts(readList(line)).has(domain))
      replaceFile(home, path, lines.join('\n'))
      return true
    })
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
