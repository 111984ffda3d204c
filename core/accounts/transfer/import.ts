/**
 * Puts what a file has into the database. All of it is checked first: the file as such, its rows among themselves, and against what is there.
 * Nothing is written while there is something to mend. Then batches are written, each in a transaction of its own; a row that stands there
 * already, as the file has it, is passed over, so an import that was cut off is finished by doing it again.
 */
import { HeliosError } from '../../error.ts'
import type { Table } from '../../plugin/table.ts'
import type { Problem } from '../../../config/problem.ts'
import { accountFacts, DEEPEST_ALIAS, type AccountOptions } from '../accounts.ts'
import { changed } from '../changes.ts'
import type { Database } from '../database.ts'
import { addDomains, isKnownDomain } from '../domains.ts'
import { refusal } from '../errors.ts'
import { inPages } from '../pages.ts'
import { schemeOf } from '../passwords/texts.ts'
import { isMissingTable } from '../questions.ts'
import { missingTables } from '../tables.ts'
import { checkRecord, shown, type Row } from './check.ts'
import { hiddenAliases } from './hidden.ts'
import { ALIAS, DOMAIN, DOTQMAIL, kindsWith, USER, type Kind } from './kinds.ts'
import type { Read } from './record.ts'
import { completed, findDomains, findRows, insertRows, isSame, prepared, replaceRow, spokenOf } from './rows.ts'
import { placeOf, Stage, type Staged } from './stage.ts'

export interface ImportOptions {
  /** What the file is called in problems. */
  readonly file: string
  /** Declared tables, whose rows are read too. */
  readonly tables: readonly Table[]
  readonly accounts: AccountOptions
  /** A row that is there with other values becomes the file's. Else it is a problem. */
  readonly replace?: boolean
  /** Everything but writing. */
  readonly dryRun?: boolean
  /** Told now and then: how many rows of how many. */
  progress?(step: 'checking' | 'writing', done: number, total: number): void
}

export interface Imported {
  /** By kind: rows that were not there, that had other values, and that stood there as they are. */
  readonly kinds: Readonly<{ [kind: string]: Counts }>
  /** Users with a password column that no password fits. */
  readonly withoutPassword: number
}

export interface Counts {
  readonly added: number
  readonly replaced: number
  readonly same: number
}

/** Something in the file keeps it from being put in: nothing was written. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused'
  /** The first ones. */
  readonly problems: readonly Problem[]
  /** How many there are in all. */
  readonly total: number
  constructor(problems: readonly Problem[], total: number) {
    super(`${total} problems`)
    this.problems = problems
    this.total = total
  }
}

const BATCH = 500
/** Problems that are kept to be shown. */
const MOST_PROBLEMS = 100

/** Rejects with ImportRefused; with HeliosError where the database is not ready or fails. */
export async function importAll(database: Database, reads: AsyncIterable<Read>, options: ImportOptions): Promise<Imported> {
  await checkTables(database, options.tables)
  const kinds = kindsWith(options.tables)
  const stage = new Stage()
  try {
    const problems = new Problems(options.file)
    await readAll(database, reads, kinds, stage, problems)
    if (problems.total === 0) await checkTogether(database, stage, problems, options)
    problems.refuse()
    const counts = await compare(database, stage, kinds, problems, options)
    problems.refuse()
    if (options.dryRun !== true) await write(database, stage, kinds, counts.kinds, options)
    return { kinds: Object.fromEntries([...counts.kinds].map(([{ name }, each]) => [name, each])), withoutPassword: counts.withoutPassword }
  } finally {
    stage.close()
  }
}

class Problems {
  readonly #file: string
  readonly #first: Problem[] = []
  total = 0

  constructor(file: string) {
    this.#file = file
  }

  add(line: number, reason: string, mend: string): void {
    this.total += 1
    if (this.#first.length < MOST_PROBLEMS) this.#first.push({ severity: 'error', file: this.#file, line, reason, mend })
  }

  refuse(): void {
    if (this.total > 0) throw new ImportRefused(this.#first.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)), this.total)
  }
}

/** A table that is missing would show in the middle of writing. */
async function checkTables(database: Database, tables: readonly Table[]): Promise<void> {
  try {
    await database.write.selectFrom('helios_domains').select('domain').limit(1).execute()
    const missing = await missingTables(database, tables)
    if (missing.length === 0) return
  } catch (error) {
    if (!isMissingTable(error)) return changed(() => Promise.reject(error))
  }
  throw refusal('database', 'the account database: tables are missing', 'run "helios db migrate" once')
}

/** Each record as such. */
async function readAll(database: Database, reads: AsyncIterable<Read>, kinds: readonly Kind[], stage: Stage, problems: Problems): Promise<void> {
  const byName = new Map(kinds.map((kind) => [kind.name, kind]))
  const { checkHost } = database.config
  for await (const read of reads) {
    if ('head' in read) continue
    if ('reason' in read) {
      problems.add(read.line, read.reason, read.mend)
      continue
    }
    const { line, record } = read
    const kind = byName.get(record.kind)
    if (kind === undefined) {
      problems.add(line, `nothing here is called ${shown(record.kind)}`, `there are ${[...byName.keys()].join(', ')}; take lines of others out of the file`)
      continue
    }
    const checked = checkRecord(kind, record.values, { checkHost })
    if ('complaints' in checked) {
      for (const { reason, mend } of checked.complaints) problems.add(line, reason, mend)
      continue
    }
    const { row } = checked
    const before = stage.add(kind, { line, row: record.columns === undefined ? row : spokenOf(kind, row, record.columns) })
    if (before !== undefined) problems.add(line, `this ${kind.name} stands on line ${before}, too`, 'take one of them out')
    if (kind === ALIAS) stage.addStep({ from: `${row['login']}@${row['domain']}`, to: String(row['target']), line })
  }
}

/** What rows need of one another, or of what is there. */
async function checkTogether(database: Database, stage: Stage, problems: Problems, { accounts }: ImportOptions): Promise<void> {
  const facts = accountFacts(() => database, accounts)
  const isHere = async (domain: string): Promise<boolean> => stage.has(DOMAIN, { domain }) || isKnownDomain(database, domain)
  for (const [kind, column] of [[USER, 'virtual_host'], [ALIAS, 'domain']] as const) {
    for (const [domain, line] of stage.distinct(kind, column)) {
      if (domain === '' || await isHere(domain)) continue
      problems.add(line, `mail for ${domain} is not accepted here`, `first run "helios domain add ${domain}", or write {"kind":"domain","domain":"${domain}"} into the file`)
    }
  }
  const domains = new Map<string, boolean>()
  for (const [target, line] of stage.distinct(ALIAS, 'target')) {
    const domain = target.slice(target.lastIndexOf('@') + 1)
    const here = domains.get(domain) ?? (await isHere(domain) || await facts.hasDomain(domain))
    domains.set(domain, here)
    if (!here) problems.add(line, `${target} is not an address of this server, and this version delivers to no other`, 'name an account or an alias that is here')
  }
  if (stage.count(ALIAS) > 0) {
    for await (const row of inPages(database, { table: ALIAS.table, columns: ['login', 'domain', 'target'], key: ALIAS.key })) {
      stage.addStep({ from: `${String(row['login'])}@${String(row['domain'])}`, to: String(row['target']), line: 0 })
    }
    for (const { from, to, line, isCircle } of stage.endless(DEEPEST_ALIAS)) {
      problems.add(line, isCircle ? `${to} leads back to ${from}: mail would go round` : `${from} leads through more than ${DEEPEST_ALIAS} aliases, and its mail would wait for ever`,
        'name an account that ends the way')
    }
  }
  for await (const { line, reason, mend } of hiddenAliases(database, stage)) problems.add(line, reason, mend)
  for (const batch of stage.batches(DOTQMAIL, BATCH)) await checkOwners(database, stage, problems, batch)
}

/** Texts are somebody's. */
async function checkOwners(database: Database, stage: Stage, problems: Problems, batch: readonly Staged[]): Promise<void> {
  const missing = batch.filter(({ row }) => !stage.has(USER, row))
  const there = await findRows(database, USER, missing.map(({ row }) => ({ login: row['login']!, virtual_host: row['virtual_host']! })))
  for (const { line, row } of missing) {
    if (!there.has(placeOf(USER, row))) problems.add(line, `there is no user ${row['login']}@${row['virtual_host']}`, 'add the user, or take the text out')
  }
}

/** Against what is there: how many rows are new, others, the same; and how many of the users will have no password. */
async function compare(
  database: Database, stage: Stage, kinds: readonly Kind[], problems: Problems, options: ImportOptions,
): Promise<{ readonly kinds: ReadonlyMap<Kind, Counts>; readonly withoutPassword: number }> {
  const counts = new Map<Kind, Counts>()
  let withoutPassword = 0
  const total = kinds.reduce((sum, kind) => sum + stage.count(kind), 0)
  let done = 0
  for (const kind of kinds) {
    const count = { added: 0, replaced: 0, same: 0 }
    const domains = kind === DOMAIN ? await findDomains(database) : undefined
    for (const batch of stage.batches(kind, BATCH)) {
      const there = domains ?? await findRows(database, kind, batch.map(({ row }) => row))
      for (const { line, row: spoken } of batch) {
        const before = there.get(placeOf(kind, spoken))
        const row = completed(kind, spoken, before)
        if (kind === USER && schemeOf(row['password'] as string | null) === 'none') withoutPassword += 1
        // One that is not to be accepted is there with its users.
        if (kind === DOMAIN && row['accepted'] === 0) count.same += 1
        else if (before === undefined) count.added += 1
        else if (isSame(database, kind, before, row, options.replace === true)) count.same += 1
        else if (options.replace === true) count.replaced += 1
        else problems.add(line, `this ${kind.name} is here already, with other values`, 'take it out of the file, or let --replace put the values of the file in their place')
      }
      options.progress?.('checking', done += batch.length, total)
    }
    if (count.added + count.replaced + count.same > 0) counts.set(kind, count)
  }
  return { kinds: counts, withoutPassword }
}

async function write(database: Database, stage: Stage, kinds: readonly Kind[], counts: ReadonlyMap<Kind, Counts>, options: ImportOptions): Promise<void> {
  const total = [...counts.values()].reduce((sum, { added, replaced, same }) => sum + added + replaced + same, 0)
  let done = 0
  for (const kind of kinds) {
    for (const batch of stage.batches(kind, BATCH)) {
      try {
        await changed(() => kind === DOMAIN ? writeDomains(database, batch) : writeRows(database, kind, batch, options.replace === true))
      } catch (cause) {
        const { message, mend } = cause instanceof HeliosError ? cause : { message: cause instanceof Error ? cause.message : String(cause), mend: 'see that the database works' }
        throw new HeliosError('import', `${message}; ${done} rows of ${total} were written`, { fault: 'system', mend: `${mend}, and run the same import again: it goes on where this one ended`, cause })
      }
      options.progress?.('writing', done += batch.length, total)
    }
  }
}

async function writeDomains(database: Database, batch: readonly Staged[]): Promise<void> {
  await addDomains(database, batch.filter(({ row }) => row['accepted'] !== 0).map(({ row }) => String(row['domain'])))
}

async function writeRows(database: Database, kind: Kind, batch: readonly Staged[], replace: boolean): Promise<void> {
  await database.write.transaction().execute(async (write) => {
    const one = { ...database, write }
    const there = await findRows(one, kind, batch.map(({ row }) => row))
    const added: Row[] = []
    for (const { row: spoken } of batch) {
      const before = there.get(placeOf(kind, spoken))
      const row = completed(kind, spoken, before)
      if (before === undefined) added.push(prepared(database, kind, row))
      // Somebody else may have written it meanwhile; then it is theirs.
      else if (replace && !isSame(database, kind, before, row, true)) await replaceRow(one, kind, prepared(database, kind, row))
    }
    await insertRows(one, kind, added)
  })
}
