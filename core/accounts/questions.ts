/**
 * What is asked for every recipient, prepared once for each database: indexed SELECTs that need no more rights than
 * that. Names are asked as written and in lower case: SQLite and most of MySQL compare without case, PostgreSQL does not.
 */
import { sql as fragment } from 'kysely'
import { asciiLower } from '../../protocol/text.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import type { Database, Parameter } from './database.ts'
import type { Row } from './sql/wire.ts'

export interface UserRow {
  readonly login: string
  readonly virtual_host: string | null
  readonly home: string | null
  readonly hardquota: number | null
  readonly startdate: string | null
  readonly stopdate: string | null
  readonly enabled: unknown
  readonly use_dotqmail: unknown
}

export interface AliasRow {
  readonly login: string
  readonly target: string
}

/** Milliseconds after which tables of Helios' own that were not there are looked for again. */
const LOOK_AGAIN = 10_000

/** Written into the text: a parameter would have to be given each time. */
const ONE = fragment.lit(1)

type Ask = (...parameters: readonly Parameter[]) => Promise<readonly Row[]>

/** Answers that are kept, and rows that one may have: a catch-all of thousands would be kept once for each address that somebody guesses. */
const MOST_ANSWERS = 1000
const MOST_ROWS = 20

/** Answers that are right until the tables change, where the database can tell. */
class Answers {
  readonly #database: Database
  readonly #lasting: () => boolean
  readonly #known = new Map<string, unknown>()
  #version: string | undefined

  /** @param lasting whether the answer that was just given hangs on nothing but the tables */
  constructor(database: Database, lasting: () => boolean) {
    this.#database = database
    this.#lasting = lasting
  }

  async to<T extends readonly unknown[] | boolean>(question: string, ask: () => Promise<T>): Promise<T> {
    const version = this.#database.version?.()
    if (version === undefined) return ask()
    if (version !== this.#version) this.#known.clear()
    this.#version = version
    const known = this.#known.get(question)
    if (known !== undefined) return known as T
    const answer = await ask()
    // Another question may have seen a change meanwhile.
    if (version !== this.#version || !this.#lasting() || (typeof answer !== 'boolean' && answer.length > MOST_ROWS)) return answer
    if (this.#known.size >= MOST_ANSWERS) this.#known.clear()
    this.#known.set(question, answer)
    return answer
  }
}

/** Every method rejects with WorldUnavailable when the database gives no answer. */
export class Questions {
  readonly #database: Database
  readonly #answers: Answers
  readonly #prepared = new Map<string, Ask>()
  readonly #absent = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
    // While a table is missing, time decides when it is looked for again.
    this.#answers = new Answers(database, () => this.#absent.size === 0)
  }

  /** Users of the domain with one of these logins. Without `check_host` the domain is not compared, and the rows are those without one. */
  users(logins: readonly string[], domain: string): Promise<readonly UserRow[]> {
    return this.#answers.to(['users', domain, ...logins].join('\0'), () => this.#users(logins, domain))
  }

  async #users(logins: readonly string[], domain: string): Promise<readonly UserRow[]> {
    const { config: { checkHost } } = this.#database
    const names = padded(logins.flatMap(spellings))
    const ask = this.#ask(`users ${names.length}`, () => {
      const query = this.#database.sql.selectFrom('passwd')
        .select(['login', 'virtual_host', 'home', 'hardquota', 'startdate', 'stopdate', 'enabled', 'use_dotqmail']).where('login', 'in', names)
      if (checkHost) return query.where('virtual_host', 'in', padded(spellings(domain), 2))
      return query.where((where) => where.or([where('virtual_host', 'is', null), where('virtual_host', '=', '')]))
    })
    const rows = await ask(...names, ...(checkHost ? padded(spellings(domain), 2) : ['']))
    // A collation may take more for equal than we do: accents, blanks at the end.
    const [wanted, host] = [new Set(logins.map(asciiLower)), asciiLower(domain)]
    return (rows as unknown as readonly UserRow[]).filter(({ login, virtual_host }) =>
      wanted.has(asciiLower(login)) && (!checkHost || asciiLower(virtual_host ?? '') === host))
  }

  /** True when one of these extensions has a text. */
  async hasDotqmail(login: string, domain: string, extensions: readonly string[]): Promise<boolean> {
    const names = padded(extensions)
    const ask = this.#ask(`dotqmails ${names.length}`, () => this.#database.sql.selectFrom('dotqmails').select('extension')
      .where('login', '=', login).where('virtual_host', '=', domain).where('extension', 'in', names).limit(ONE))
    return (await ask(login, domain, ...names)).length > 0
  }

  /** Targets of the alias, and of the domain's catch-all, whose login is empty. */
  aliases(login: string, domain: string): Promise<readonly AliasRow[]> {
    return this.#answers.to(['aliases', domain, login].join('\0'), () => this.#aliases(login, domain))
  }

  async #aliases(login: string, domain: string): Promise<readonly AliasRow[]> {
    const names = padded([...spellings(login), ''], 4)
    const hosts = padded(spellings(domain), 2)
    const rows = await this.#own('helios_aliases', async () => this.#ask('aliases', () => this.#database.sql.selectFrom('helios_aliases')
      .select(['login', 'target']).where('login', 'in', names).where('domain', 'in', hosts))(...names, ...hosts))
    const lower = asciiLower(login)
    return (rows as unknown as readonly AliasRow[]).filter((row) => row.login === '' || asciiLower(row.login) === lower)
  }

  /** Addresses of aliases that lead to one of these, in lower case; no catch-alls. */
  async aliasesTo(targets: readonly string[]): Promise<readonly string[]> {
    const names = padded(targets)
    const rows = await this.#own('helios_aliases', async () => this.#ask(`aliases to ${names.length}`, () => this.#database.sql.selectFrom('helios_aliases')
      .select(['login', 'domain', 'target']).where('target', 'in', names))(...names))
    const wanted = new Set(targets)
    return rows.filter(({ login, target }) => login !== '' && wanted.has(asciiLower(String(target)))).map(({ login, domain }) => asciiLower(`${login}@${domain}`))
  }

  /** True when some domain has this login. */
  async hasLogin(login: string): Promise<boolean> {
    const names = padded(spellings(login), 2)
    const rows = await this.#ask('login', () => this.#database.sql.selectFrom('passwd').select('login').where('login', 'in', names).limit(ONE))(...names)
    return rows.some((row) => asciiLower(String(row['login'])) === asciiLower(login))
  }

  /** True when the database says that the domain is one of ours: it has users or aliases, or was added. */
  hasDomain(domain: string): Promise<boolean> {
    return this.#answers.to(`domain\0${domain}`, () => this.#hasDomain(domain))
  }

  async #hasDomain(domain: string): Promise<boolean> {
    const hosts = padded(spellings(domain), 2)
    const { sql, config: { checkHost } } = this.#database
    const one = hosts[0]!
    if (checkHost && (await this.#ask('domain of users', () => sql.selectFrom('passwd').select('virtual_host as domain').where('virtual_host', 'in', hosts).limit(ONE))(...hosts))
      .some((row) => same(row, one))) return true
    const own = await this.#own('helios_domains', () => this.#ask('domain', () => sql.selectFrom('helios_domains').select('domain').where('domain', 'in', hosts).limit(ONE))(...hosts))
    if (own.some((row) => same(row, one))) return true
    const alias = await this.#own('helios_aliases', () => this.#ask('domain of aliases', () => sql.selectFrom('helios_aliases').select('domain')
      .where('domain', 'in', hosts).limit(ONE))(...hosts))
    return alias.some((row) => same(row, one))
  }

  /** True when the table that `localtable` names has the domain. */
  async isLocal(domain: string): Promise<boolean> {
    const hosts = padded(spellings(domain), 2)
    const rows = await this.#ask('local', () => this.#database.sql.selectFrom('locals').select('virtual_host as domain').where('virtual_host', 'in', hosts).limit(ONE))(...hosts)
    return rows.some((row) => same(row, hosts[0]!))
  }

  // Prepared at the first question: a table that is missing then is an answer that cannot be had, not a failed start.
  #ask(name: string, build: () => Parameters<Database['prepare']>[0]): Ask {
    const known = this.#prepared.get(name)
    if (known !== undefined) return known
    const ask = this.#database.prepare(build())
    this.#prepared.set(name, ask)
    return ask
  }

  /** Rows of a table that a database of qmail-sql's does not have. */
  async #own(table: string, ask: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
    const absent = this.#absent.get(table)
    if (absent !== undefined && performance.now() - absent < LOOK_AGAIN) return []
    try {
      const rows = await ask()
      this.#absent.delete(table)
      return rows
    } catch (error) {
      if (!isMissingTable(error)) throw error
      this.#absent.set(table, performance.now())
      return []
    }
  }
}

/** What a question brings; whatever keeps it from an answer is WorldUnavailable. */
export async function answered<T>(question: () => Promise<T> | T): Promise<T> {
  try {
    return await question()
  } catch (error) {
    if (error instanceof WorldUnavailable) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new WorldUnavailable(`the account database ${isForbidden(error) ? 'does not permit it' : 'does not answer'}: ${reason}`, { cause: error })
  }
}

/** Codes of MySQL and PostgreSQL for a table that is not there; SQLite has words only. */
export function isMissingTable(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  return code === 'ER_NO_SUCH_TABLE' || code === '42P01' || String(message).startsWith('no such table: ')
}

const FORBIDDEN: ReadonlySet<unknown> = new Set(['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'ER_COLUMNACCESS_DENIED_ERROR'])

/** Codes of a right that the role does not have. */
export function isForbidden(error: unknown): boolean {
  return FORBIDDEN.has((error as { readonly code?: unknown }).code)
}

/** Codes of a row that is there already. */
export function isDuplicate(error: unknown): boolean {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown }
  return code === 'ER_DUP_ENTRY' || code === '23505' || errcode === 1555 || errcode === 2067
}

function same(row: Row, domain: string): boolean {
  return asciiLower(String(row['domain'] ?? '')) === asciiLower(domain)
}

function spellings(text: string): readonly string[] {
  const lower = asciiLower(text)
  return lower === text ? [text] : [text, lower]
}

/** Filled up to a power of two by repeating the last, so that few statements serve every number of names. */
function padded(names: readonly string[], least = 1): readonly string[] {
  let size = least
  while (size < names.length) size *= 2
  return [...names, ...Array<string>(size - names.length).fill(names.at(-1)!)]
}
