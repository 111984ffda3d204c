/** What `store.db` in the home remembers, into the database of the accounts: for who changes `store` of the settings and would not begin anew. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { QmailConfig } from '../../../protocol/qmail/qmailconfig.ts'
import { asOwner } from '../../accounts/ownership.ts'
import { HeliosError } from '../../error.ts'
import { openStoreFile } from './file.ts'
import { keyOf } from './key.ts'
import { openRows, type Place, type Rows } from './rows.ts'
import { openTables } from './tables.ts'
import { troubleOf } from './trouble.ts'

export interface CopyOptions {
  /** Milliseconds since 1970: what has ended by then is left out. */
  readonly now: number
  /** Told now and then: how many values and counters of how many. */
  progress?(done: number, total: number): void
}

export interface Copied {
  readonly copied: number
  /** Stood in the database already, and stay as they are. */
  readonly there: number
}

/** Rows that are under way at once. */
const BATCH = 100

/** True where the file that `"store": "file"` uses is in the home. */
export function hasStoreFile(home: string): boolean {
  return existsSync(join(home, 'store.db'))
}

/** Leaves the file as it is, and may be done again. Rejects with HeliosError `store`. */
export async function copyStore(home: string, config: QmailConfig, options: CopyOptions): Promise<Copied> {
  if (config.driver === 'sqlite') throw refused('accounts are in helios.db, and what plugins remember stays in store.db beside it', 'name a server in control/qmailconfig first (docs/databases.md)')
  if (!hasStoreFile(home)) return { copied: 0, there: 0 }
  const file = openFile(home)
  const rows = openRows(config, config.driver)
  try {
    return await copyAll(file, rows, options)
  } catch (error) {
    // SQLite's: the rest of the file.
    if ('errcode' in (error as object)) throw unreadable(home, error)
    const { reason, mend } = troubleOf(error)
    throw refused(reason, `${mend}; then run the same command again`, error)
  } finally {
    rows.close()
    file.close()
  }
}

async function copyAll(file: DatabaseSync, rows: Rows, { now, progress }: CopyOptions): Promise<Copied> {
  await rows.probe()
  const { total } = file.prepare(`SELECT count(*) AS total FROM (${REMEMBERED})`).get(now, now) as { readonly total: number }
  let [copied, there] = [0, 0]
  for (const batch of inBatches(file.prepare(REMEMBERED).iterate(now, now) as Iterable<unknown> as Iterable<Remembered>)) {
    const areNew = await Promise.all(batch.map((row) => rows.insert(placeOf(row), { content: Buffer.from(row.content), ends: row.until })))
    copied += areNew.filter(Boolean).length
    there += areNew.filter((isNew) => !isNew).length
    progress?.(copied + there, total)
  }
  return { copied, there }
}

function* inBatches<T>(all: Iterable<T>): Iterable<readonly T[]> {
  let batch: T[] = []
  for (const each of all) {
    if (batch.push(each) < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

interface Remembered {
  readonly space: string
  readonly key: Uint8Array
  /** 0 for a value. */
  readonly length: number
  readonly content: Uint8Array
  readonly until: number
}

const REMEMBERED = `SELECT space, key, 0 AS length, value AS content, until FROM store_values WHERE until > ?
  UNION ALL SELECT space, key, length, CAST(slots AS blob), until FROM store_counters WHERE until > ?`

function placeOf({ space, key, length }: Remembered): Place {
  return { plugin: keyOf(space), name: Buffer.from(key), span: length }
}

function openFile(home: string): DatabaseSync {
  try {
    return asOwner(home, () => {
      const file = openStoreFile(join(home, 'store.db'))
      openTables(file)
      return file
    })
  } catch (error) {
    throw unreadable(home, error)
  }
}

function unreadable(home: string, error: unknown): HeliosError {
  const reason = error instanceof Error ? error.message : String(error)
  return refused(`${join(home, 'store.db')} cannot be read: ${reason}`, 'run this as the user who owns the home, or as root; where the file is damaged, remove it: plugins begin anew', error)
}

function refused(reason: string, mend: string, cause?: unknown): HeliosError {
  return new HeliosError('store', `the plugins' store: ${reason}`, { fault: 'operator', mend, cause })
}
