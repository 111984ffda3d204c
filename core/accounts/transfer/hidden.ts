/** A user is found before an alias of the same name, which would be there still and lead nowhere: the commands refuse both, and so does an import. */
import type { Problem } from '../../../config/problem.ts'
import { asciiLower } from '../../../protocol/text.ts'
import { ownRows } from '../changes.ts'
import type { Database } from '../database.ts'
import { ALIAS, USER } from './kinds.ts'
import { findRows } from './rows.ts'
import { placeOf, type Stage, type Staged } from './stage.ts'

/** Rows in one question. */
const BATCH = 500

type Found = Required<Pick<Problem, 'line' | 'reason' | 'mend'>>

/** Users and aliases of the file with a name that the other has, in the file or in the database. Where the database has both already nothing is made worse. */
export async function* hiddenAliases(database: Database, stage: Stage): AsyncGenerator<Found> {
  for (const batch of stage.batches(USER, BATCH)) yield* amongUsers(database, stage, batch)
  for (const batch of stage.batches(ALIAS, BATCH)) yield* amongAliases(database, stage, batch)
}

async function* amongUsers(database: Database, stage: Stage, batch: readonly Staged[]): AsyncGenerator<Found> {
  const named = batch.map(({ line, row }) => ({ line, row, name: `${row['login']}@${row['virtual_host']}` }))
  const inDatabase = await aliasesNamed(database, named.map(({ row }) => [row['login'], row['virtual_host']]))
  const hidden = named.map((each) => ({ ...each, other: stage.lineOfAlias(each.name) })).filter(({ name, other }) => other !== undefined || inDatabase.has(name))
  const there = await findRows(database, USER, hidden.map(({ row }) => row))
  for (const { line, row, name, other } of hidden) {
    if (inDatabase.has(name) && there.has(placeOf(USER, row))) continue
    if (other !== undefined) yield { line, reason: `${name} is an alias on line ${other}, and a user of that name would take its mail`, mend: 'take one of them out' }
    else yield { line, reason: `${name} is an alias here, and a user of that name would take its mail`, mend: `choose another name, or first run "helios alias del ${name}"` }
  }
}

/** Those whose user is not in the file, too. */
async function* amongAliases(database: Database, stage: Stage, batch: readonly Staged[]): AsyncGenerator<Found> {
  const named = batch.map(({ line, row }) => ({ line, user: { login: row['login']!, virtual_host: row['domain']! } })).filter(({ user }) => !stage.has(USER, user))
  const there = await findRows(database, USER, named.map(({ user }) => user))
  const hidden = named.filter(({ user }) => there.has(placeOf(USER, user)))
  const inDatabase = await aliasesNamed(database, hidden.map(({ user }) => [user.login, user.virtual_host]))
  for (const { line, user } of hidden) {
    const name = `${user.login}@${user.virtual_host}`
    if (!inDatabase.has(name)) yield { line, reason: `${name} is a user, and mail for it goes there first`, mend: 'choose another name, or delete the user' }
  }
}

async function aliasesNamed({ write }: Database, names: readonly (readonly [login: unknown, domain: unknown])[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set()
  const [logins, domains] = [new Set(names.map(([login]) => String(login))), new Set(names.map(([, domain]) => String(domain)))]
  // Some more than asked for, as the index takes it.
  const rows = await ownRows(write.selectFrom('helios_aliases').select(['login', 'domain']).distinct().where('domain', 'in', [...domains]).where('login', 'in', [...logins]))
  return new Set(rows.map(({ login, domain }) => asciiLower(`${login}@${domain}`)))
}
