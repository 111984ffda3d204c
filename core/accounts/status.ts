/** Is the account database there, and fit for use? For people: every server of the file is tried, in both roles. */
import { sql } from 'kysely'
import type { Connection } from '../../protocol/qmail/qmailconfig.ts'
import type { Table } from '../plugin/table.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { HeliosError } from '../error.ts'
import { explained } from './errors.ts'
import { openDatabase, type Database } from './database.ts'
import { migrationStates, type MigrationState } from './migrations.ts'
import { isForbidden, isMissingTable } from './questions.ts'
import { missingGrants } from './rights.ts'
import { lowering, widening } from './sql/statements.ts'
import { missingTables, nameOf } from './tables.ts'

export interface DatabaseStatus {
  readonly driver: Database['driver']
  /** Empty for SQLite. */
  readonly servers: readonly ServerStatus[]
  /** Undefined where the database could not be asked. */
  readonly migrations: readonly MigrationState[] | undefined
  readonly users: number | undefined
  /** Characters that the password column holds; undefined: no limit, or not known. */
  readonly passwordWidth: number | undefined
  /** Statements that an administrator has to run, so that the reading role may read every table that is there. */
  readonly grants: readonly string[]
  /** What should be mended, in sentences; `grants` among it. */
  readonly problems: readonly string[]
}

export interface ServerStatus {
  readonly role: 'read' | 'write'
  /** `user at host:port/dbname`. */
  readonly place: string
  /** Milliseconds to connect and answer once. */
  readonly ms: number | undefined
  readonly failure: string | undefined
}

/** Characters of a modern hash. */
export const PASSWORD_WIDTH = 128

const STORE_STEP = 'store-1'

/** What a step that is still to do leaves people without. */
const WITHOUT: { readonly [step: string]: string } = {
  'accounts-2-helios': ', and without it there are no aliases, and no domains and notices in the database',
  [STORE_STEP]: ', and without it plugins cannot remember here, as "store": "accounts" in the settings has it',
}

const DENIED = 'the user of connectionstring may read single tables only, and MySQL denies it those that are not there yet, too: mail is put off until they are made (helios db migrate)'

export interface StatusOptions {
  /** What plugins remember is to be in this database (`store` of the settings); else nobody needs its table. */
  readonly storeHere?: boolean
}

/** Never rejects for what a server does. */
export async function databaseStatus(database: Database, declared: readonly Table[] = [], { storeHere = false }: StatusOptions = {}): Promise<DatabaseStatus> {
  const { config, driver } = database
  const problems: string[] = []
  const servers = driver === 'sqlite' ? [] : await Promise.all([
    ...config.connections.map((server) => tryServer(database, 'read', server)), ...config.popConnections.map((server) => tryServer(database, 'write', server)),
  ])
  for (const { role, place, failure } of servers) if (failure !== undefined) problems.push(`${place} (${role}): ${failure}`)
  const unreachable = servers.some(({ failure }) => failure !== undefined)
  const state = await lookInside(database, problems, declared, { told: unreachable, storeHere })
  return { driver, servers, ...state, problems }
}

type Inside = Pick<DatabaseStatus, 'migrations' | 'users' | 'passwordWidth' | 'grants'>

/** @param told why the database cannot be reached */
async function lookInside(
  database: Database, problems: string[], declared: readonly Table[], { told, storeHere }: { readonly told: boolean; readonly storeHere: boolean },
): Promise<Inside> {
  try {
    const migrations = await migrationStates(database)
    const open = migrations.filter(({ name, applied }) => applied === undefined && (name !== STORE_STEP || storeHere)).map(({ name }) => name)
    if (open.length > 0) problems.push(`Helios' own tables are not all made: ${open.map((name) => `${name} is to do${WITHOUT[name] ?? ''}`).join('; ')} (helios db migrate)`)
    const missing = await missingTables(database, declared)
    if (missing.length > 0) problems.push(`tables are missing: ${missing.map(nameOf).join(', ')} (helios db migrate)`)
    const unreadable = await missingGrants(database, declared)
    const grants = unreadable.filter(({ made }) => made).map(({ statement }) => statement)
    if (unreadable.some(({ made }) => !made)) problems.push(DENIED)
    if (grants.length > 0) problems.push(`the user of connectionstring may not read every table, and mail is put off: an administrator has to run ${grants.join('; ')}`)
    const users = await countUsers(database, problems)
    const passwordWidth = await widthOfPasswords(database)
    if (passwordWidth !== undefined && passwordWidth < PASSWORD_WIDTH) {
      const statement = await widening(database) ?? 'make it varchar(255), and leave all else of it'
      problems.push(`the password column holds ${passwordWidth} characters, and new passwords need ${PASSWORD_WIDTH} (${statement})`)
    }
    return { migrations, users, passwordWidth, grants }
  } catch (error) {
    if (!(told && error instanceof WorldUnavailable)) problems.push(sentenceOf(error))
    return { migrations: undefined, users: undefined, passwordWidth: undefined, grants: [] }
  }
}

function sentenceOf(error: unknown): string {
  const known = explained(error)
  if (known instanceof HeliosError) return `${known.message} (${known.mend})`
  return known instanceof Error ? known.message : String(known)
}

async function countUsers(database: Database, problems: string[]): Promise<number | undefined> {
  try {
    const { n } = await database.sql.selectFrom('passwd').select(({ fn }) => fn.countAll().as('n')).executeTakeFirstOrThrow()
    const nobodys = await database.sql.selectFrom('passwd').select(({ fn }) => fn.countAll().as('n')).where((where) => where.or([
      where('login', 'is', null), where('login', '=', ''), ...database.config.checkHost ? [where('virtual_host', 'is', null), where('virtual_host', '=', '')] : [],
    ])).executeTakeFirstOrThrow()
    if (Number(nobodys.n) > 0) problems.push(`${Number(nobodys.n)} rows of ${database.config.names.tables.passwd} have no login or no domain: they are nobody's; complete or delete them`)
    if (database.driver !== 'sqlite') {
      const capitals = await database.sql.selectFrom('passwd').select(({ fn }) => fn.countAll().as('n'))
        .where((where) => where.or([where('login', '!=', sql<string>`lower(${sql.ref('login')})`), where('virtual_host', '!=', sql<string>`lower(${sql.ref('virtual_host')})`)]))
        .executeTakeFirstOrThrow()
      if (Number(capitals.n) > 0) problems.push(`${Number(capitals.n)} of the users have capitals in login or domain, and mail finds them only where it is written so (${lowering(database)})`)
    }
    return Number(n)
  } catch (error) {
    if (isForbidden(error)) return undefined
    if (!isMissingTable(error)) throw error
    problems.push(`there is no table ${database.config.names.tables.passwd} (helios db migrate makes it; or say its name: dbtable in control/qmailconfig)`)
    return undefined
  }
}

/** Undefined where there is no limit, or the catalogue does not say. */
async function widthOfPasswords({ driver, write, config: { names } }: Database): Promise<number | undefined> {
  if (driver === 'sqlite') return undefined
  const schema = driver === 'mysql' ? sql`database()` : sql`current_schema()`
  const { rows } = await sql<{ width: number | null }>`SELECT character_maximum_length AS width FROM information_schema.columns
    WHERE table_schema = ${schema} AND table_name = ${names.tables.passwd} AND column_name = ${names.columns.password}`.execute(write)
  const width = rows[0]?.width
  return width === null || width === undefined ? undefined : Number(width)
}

async function tryServer({ home, config }: Database, role: ServerStatus['role'], server: Connection): Promise<ServerStatus> {
  const { user, host, port, dbname } = server
  const place = `${user} at ${host}${port === undefined ? '' : `:${port}`}/${dbname}`
  const alone = openDatabase(home, { ...config, connections: [server], popConnections: [server] })
  const since = performance.now()
  try {
    await sql`SELECT 1`.execute(alone.sql)
    return { role, place, ms: Math.round(performance.now() - since), failure: undefined }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { role, place, ms: undefined, failure: reason.replace(/^the account database cannot be reached: .*?: /, '') }
  } finally {
    await alone.close()
  }
}
