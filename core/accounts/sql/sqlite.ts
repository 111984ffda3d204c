/** The file `<home>/helios.db`: SQLite in WAL mode, readable by its owner only. */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TableNames } from '../../../protocol/qmail/qmailconfig.ts'
import { HeliosError } from '../../error.ts'
import { migrateSqlite } from '../migrations.ts'
import { asOwner } from '../ownership.ts'

export interface SqliteOptions {
  /**
   * Milliseconds to wait for another process' write, 500 when absent. The wait blocks the event loop,
   * so a server stays short and a command may be patient.
   */
  readonly patience?: number
}

/** The codes of SQLite (sqlite3.h) that mean: somebody else is at it, ask again. */
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6

/** Opens it, creating file and tables where they are missing. Throws HeliosError `database`. */
export function openSqliteFile(home: string, names: TableNames, options: SqliteOptions): DatabaseSync {
  // With the files beside it, which SQLite makes at the first question.
  return asOwner(home, () => openFile(join(home, 'helios.db'), names, options))
}

function openFile(path: string, names: TableNames, { patience = 500 }: SqliteOptions): DatabaseSync {
  try {
    createFile(path)
    const raw = new DatabaseSync(path, { timeout: patience, enableForeignKeyConstraints: true })
    try {
      useWal(raw, patience)
      raw.exec('PRAGMA synchronous = NORMAL')
      migrateSqlite(raw, names)
      return raw
    } catch (error) {
      raw.close()
      throw error
    }
  } catch (error) {
    throw databaseError(path, error)
  }
}

/** True when SQLite says that another process holds the database. */
export function isBusy(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode
  return typeof code === 'number' && ((code & 0xff) === SQLITE_BUSY || (code & 0xff) === SQLITE_LOCKED)
}

// The mode is given at creation, before the first byte; SQLite copies it to the -wal and -shm files.
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** SQLite does not wait for others when it changes the journal mode, so two first starts at once need this loop. */
function useWal(raw: DatabaseSync, patience: number): void {
  const until = Date.now() + patience
  for (;;) {
    try {
      raw.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() >= until) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

function databaseError(path: string, error: unknown): HeliosError {
  const reason = error instanceof Error ? error.message : String(error)
  const mend = isBusy(error)
    ? 'another program is writing to it: try again, and see with "fuser helios.db" who it is'
    : 'see that its disk has room and is mounted for writing, and that the file is a SQLite database and belongs to the user Helios runs as; restore it from a backup if it is damaged'
  return new HeliosError('database', `cannot open ${path}: ${reason}`, { fault: 'system', mend, cause: error })
}
