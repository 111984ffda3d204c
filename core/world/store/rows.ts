/**
 * The table `helios_store` of a database server, a row at a time. Every statement stands alone, so nobody holds a lock
 * while it waits for an answer; a row is replaced only while it is what was read, which is how several servers count together.
 */
import { Kysely, sql, type CompiledQuery } from 'kysely'
import type { QmailConfig } from '../../../protocol/qmail/qmailconfig.ts'
import { isDuplicate } from '../../accounts/questions.ts'
import type { Schema } from '../../accounts/schema.ts'
import { limitsOf, serverPool, type ServerDriver } from '../../accounts/sql/server.ts'
import { serverDialect } from '../../accounts/sql/server-dialect.ts'

export interface Place {
  readonly plugin: Buffer
  readonly name: Buffer
  /** Milliseconds of a counter's window, 0 for a value. */
  readonly span: number
}

export interface Entry {
  readonly content: Buffer
  /** Milliseconds since 1970. */
  readonly ends: number
}

/** Every method rejects with the database's error, or with WorldUnavailable where there is no connection. */
export interface Rows {
  find(place: Place): Promise<Entry | undefined>
  /** False when there is one already. */
  insert(place: Place, entry: Entry): Promise<boolean>
  /** False when it is not `before` any more. */
  replace(place: Place, before: Entry, after: Entry): Promise<boolean>
  /** Whatever stands there; false when nothing does. */
  overwrite(place: Place, entry: Entry): Promise<boolean>
  remove(place: Place): Promise<void>
  /** Removes at most so many that have ended, and tells how many. */
  prune(now: number, atMost: number): Promise<number>
  /** Of the values, or the counters, of a plugin: removes those that would end first, until no more than `most` are left; at most so many at a time. */
  trim(place: Place, most: number, atMost: number): Promise<void>
  /** Reads nothing and changes nothing. Rejects where the table is missing, or this role may not do what the others do. */
  probe(): Promise<void>
  close(): void
}

/** Few, because each process of each server has its own, apart from those of the accounts: a wave of strangers must not stand before a login. */
const CONNECTIONS = 4
/** Milliseconds of a question, where the configuration grants more. A session is waiting. */
const PATIENCE_MS = 5000

const NOTHING = Buffer.alloc(0)

/** In the role that writes, for reading as well: a copy that lags behind would let a limit be passed. */
export function openRows(config: QmailConfig, driver: ServerDriver): Rows {
  const { connect, query } = limitsOf(config)
  const limits = { connect: atMostPatience(connect), query: atMostPatience(query) }
  const pool = serverPool(config, driver, { role: 'write', most: CONNECTIONS, limits })
  const db = new Kysely<Schema>({ dialect: serverDialect(driver, pool) })
  const texts = textsOf(db, driver)

  const changed = async (text: string, ...parameters: readonly unknown[]): Promise<boolean> => ((await pool.ask(text, parameters)).affected ?? 0) > 0

  return {
    async find({ plugin, name, span }) {
      const { rows: [row] } = await pool.ask(texts.find, [plugin, name, span])
      return row === undefined ? undefined : { content: row['content'] as Buffer, ends: Number(row['ends']) }
    },
    async insert({ plugin, name, span }, { content, ends }) {
      try {
        return await changed(texts.insert, plugin, name, span, content, ends)
      } catch (error) {
        if (isDuplicate(error)) return false
        throw error
      }
    },
    replace: ({ plugin, name, span }, before, after) =>
      changed(texts.replace, after.content, after.ends, plugin, name, span, before.content, before.ends),
    overwrite: ({ plugin, name, span }, { content, ends }) => changed(texts.overwrite, content, ends, plugin, name, span),
    remove: async ({ plugin, name, span }) => void await changed(texts.remove, plugin, name, span),
    prune: (now, atMost) => removeSome(db, driver, sql<boolean>`ends <= ${now}`, atMost),
    async trim({ plugin, span }, most, atMost) {
      const theirs = sql<boolean>`plugin = ${plugin} AND ${span === 0 ? sql`span = 0` : sql`span > 0`}`
      // From a place in the order and not from a number: two who do this at once remove the same ones. Many may end at
      // one time, so the order goes on by name. An index for this, once in a thousand writes, would cost each of them more.
      const first = await db.selectFrom('helios_store').select(['ends', 'name', 'span']).where(theirs)
        .orderBy('ends', 'desc').orderBy('name', 'desc').orderBy('span', 'desc').limit(1).offset(most).executeTakeFirst()
      if (first === undefined) return
      const { ends, name, span: length } = first
      await removeSome(db, driver, sql<boolean>`${theirs} AND ends <= ${ends} AND (ends < ${ends} OR name < ${name} OR (name = ${name} AND span <= ${length}))`, atMost)
    },
    async probe() {
      const never = sql<boolean>`1 = 0`
      await db.selectFrom('helios_store').selectAll().where(never).execute()
      await db.insertInto('helios_store').columns(['plugin', 'name', 'span', 'content', 'ends'])
        .expression((from) => from.selectFrom('helios_store').select(['plugin', 'name', 'span', 'content', 'ends']).where(never)).execute()
      await db.updateTable('helios_store').set({ ends: 0 }).where(never).execute()
      await db.deleteFrom('helios_store').where(never).execute()
    },
    close: () => pool.close(),
  }
}

function atMostPatience(ms: number): number {
  return ms === 0 ? PATIENCE_MS : Math.min(ms, PATIENCE_MS)
}

/** Parsed by the database once for each connection. The values are in the places of parameters and mean nothing. */
function textsOf(db: Kysely<Schema>, driver: ServerDriver): Readonly<Record<'find' | 'insert' | 'replace' | 'overwrite' | 'remove', string>> {
  const text = (query: { compile(): CompiledQuery }): string => query.compile().sql
  const here = <Q extends { where(column: 'plugin' | 'name' | 'span', operator: '=', value: never): Q }>(query: Q): Q =>
    query.where('plugin', '=', NOTHING as never).where('name', '=', NOTHING as never).where('span', '=', 0 as never)
  const insert = db.insertInto('helios_store').values({ plugin: NOTHING, name: NOTHING, span: 0, content: NOTHING, ends: 0 })
  const overwrite = here(db.updateTable('helios_store').set({ content: NOTHING, ends: 0 }))
  return {
    find: text(here(db.selectFrom('helios_store').select(['content', 'ends']))),
    // PostgreSQL would have each of these in its log as an error.
    insert: text(driver === 'postgresql' ? insert.onConflict((conflict) => conflict.doNothing()) : insert),
    replace: text(overwrite.where('content', '=', NOTHING).where('ends', '=', 0)),
    overwrite: text(overwrite),
    remove: text(here(db.deleteFrom('helios_store'))),
  }
}

async function removeSome(db: Kysely<Schema>, driver: ServerDriver, which: ReturnType<typeof sql<boolean>>, atMost: number): Promise<number> {
  const some = driver === 'mysql' ? db.deleteFrom('helios_store').where(which).orderBy('ends').limit(atMost)
    // PostgreSQL's DELETE knows no limit. Rows that another one is removing are left to it.
    : db.deleteFrom('helios_store').where(sql`ctid`, '=', sql`ANY(ARRAY(SELECT ctid FROM helios_store WHERE ${which} ORDER BY ends LIMIT ${sql.lit(atMost)} FOR UPDATE SKIP LOCKED))`)
  return Number((await some.executeTakeFirst()).numDeletedRows)
}
