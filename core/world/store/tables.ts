/**
 * The store's SQLite database, asked in the thread it was opened in. Small by construction: values end, counters are
 * slots, and beyond `most` of a plugin those that would end first go first.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { bytesOf, textOf } from '../../../protocol/text.ts'
import { keyOf } from './key.ts'
import type { StoreAnswer, StoreQuestion } from './types.ts'
import { added, current, endOf, slotOf, sumOf, type Slots } from './window.ts'

export interface TablesOptions {
  /** Values, and counters, that one plugin may have. Default 100,000. */
  readonly most?: number
}

export interface Tables {
  /** Throws SQLite's error. */
  answer(question: StoreQuestion): StoreAnswer
  /** Removes at most so many values and counters that have ended, and tells how many. */
  prune(now: number, atMost: number): number
}

const DEFAULT_MOST = 100_000
/** Writes of one plugin between two looks at how much it has. */
const LOOK_EVERY = 1000

// Keys and values are bytes: an address may hold some that are not UTF-8 (protocol/text.ts).
const TABLES = `
  CREATE TABLE IF NOT EXISTS store_values (
    space text NOT NULL, key blob NOT NULL, value blob NOT NULL, until integer NOT NULL, PRIMARY KEY (space, key)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS store_values_by_end ON store_values (space, until);
  CREATE TABLE IF NOT EXISTS store_counters (
    space text NOT NULL, key blob NOT NULL, length integer NOT NULL, slots text NOT NULL, until integer NOT NULL,
    PRIMARY KEY (space, key, length)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS store_counters_by_end ON store_counters (space, until);
`

type TableName = 'store_values' | 'store_counters'

/** Creates the tables that are missing, and prepares to answer. Throws SQLite's error. */
export function openTables(database: DatabaseSync, { most = DEFAULT_MOST }: TablesOptions = {}): Tables {
  exclusively(database, () => database.exec(TABLES))
  const values = {
    get: database.prepare('SELECT value FROM store_values WHERE space = ? AND key = ? AND until > ?'),
    set: database.prepare(`INSERT INTO store_values (space, key, value, until) VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET value = excluded.value, until = excluded.until`),
    delete: database.prepare('DELETE FROM store_values WHERE space = ? AND key = ?'),
  }
  const counters = {
    get: database.prepare('SELECT slots FROM store_counters WHERE space = ? AND key = ? AND length = ?'),
    set: database.prepare(`INSERT INTO store_counters (space, key, length, slots, until) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET slots = excluded.slots, until = excluded.until`),
  }
  const upkeep = { store_values: upkeepOf(database, 'store_values'), store_counters: upkeepOf(database, 'store_counters') }
  const writes = new Map<string, number>()

  /** After a write: from time to time, no more than `most`. */
  function written(table: TableName, space: string): void {
    const key = `${table} ${space}`
    const count = writes.get(key) ?? 0
    writes.set(key, count + 1)
    if (count % Math.min(LOOK_EVERY, most) !== 0) return
    const { length } = upkeep[table].count.get(space) as { readonly length: number }
    if (length > most) upkeep[table].drop.run(space, space, length - most)
  }

  function get(space: string, key: Uint8Array, now: number): string | undefined {
    const row = values.get.get(space, key, now) as { readonly value: Uint8Array } | undefined
    return row === undefined ? undefined : textOf(row.value)
  }

  function set({ space, value, until, now }: Extract<StoreQuestion, { readonly ask: 'set' | 'setIfAbsent' }>, key: Uint8Array): void {
    if (until <= now) return
    values.set.run(space, key, bytesOf(value), until)
    written('store_values', space)
  }

  function slotsOf(space: string, key: Uint8Array, window: number, slot: number): Slots {
    const row = counters.get.get(space, key, window) as { readonly slots: string } | undefined
    return row === undefined ? [] : current(JSON.parse(row.slots) as Slots, slot)
  }

  function add({ space, window, amount, most: limit, now }: Extract<StoreQuestion, { readonly ask: 'add' }>, key: Uint8Array): number {
    const slot = slotOf(now, window)
    const before = slotsOf(space, key, window, slot)
    const sum = sumOf(before) + amount
    if (sum > limit) return sum
    const after = added(before, slot, amount)
    counters.set.run(space, key, window, JSON.stringify(after), endOf(after, window))
    written('store_counters', space)
    return sum
  }

  return {
    answer(question) {
      const { space, now } = question
      const key = keyOf(question.key)
      switch (question.ask) {
        case 'get':
          return get(space, key, now)
        case 'set':
          return void set(question, key)
        case 'setIfAbsent':
          return exclusively(database, () => {
            const there = get(space, key, now)
            if (there !== undefined) return there
            set(question, key)
            return question.value
          })
        case 'delete':
          return void values.delete.run(space, key)
        case 'add':
          return exclusively(database, () => add(question, key))
        case 'read':
          return sumOf(slotsOf(space, key, question.window, slotOf(now, question.window)))
      }
    },
    prune(now, atMost) {
      let removed = 0
      for (const { spaces, ended } of [upkeep.store_values, upkeep.store_counters]) {
        for (const { space } of spaces.all() as unknown as readonly { readonly space: string }[]) {
          if (removed < atMost) removed += Number(ended.run(space, space, now, atMost - removed).changes)
        }
      }
      return removed
    },
  }
}

interface Upkeep {
  readonly count: StatementSync
  readonly drop: StatementSync
  readonly spaces: StatementSync
  readonly ended: StatementSync
}

function upkeepOf(database: DatabaseSync, table: TableName): Upkeep {
  const key = table === 'store_values' ? 'key' : 'key, length'
  return {
    count: database.prepare(`SELECT count(*) AS length FROM ${table} WHERE space = ?`),
    drop: database.prepare(`DELETE FROM ${table} WHERE space = ? AND (${key}) IN (SELECT ${key} FROM ${table} WHERE space = ? ORDER BY until LIMIT ?)`),
    spaces: database.prepare(`SELECT DISTINCT space FROM ${table}`),
    ended: database.prepare(`DELETE FROM ${table} WHERE space = ? AND (${key}) IN (SELECT ${key} FROM ${table} WHERE space = ? AND until <= ? LIMIT ?)`),
  }
}

function exclusively<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
