/**
 * Opens `<home>/store.db`: what plugins remember, apart from the accounts, so that it can be lost or removed without harm.
 * SQLite's log (WAL) lets several processes read and write; a killed process loses nothing, a power cut the last moments.
 */
import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { giveToOwner } from '../../accounts/ownership.ts'

/** Milliseconds to wait for another process' write. Only the store's own thread stands still meanwhile. */
const PATIENCE_MS = 2000
/** The codes of SQLite (sqlite3.h) that mean: somebody else is at it, ask again. */
const BUSY = new Set([5, 6])

/** Creates the file where it is missing. Throws SQLite's or the file system's error. */
export function openStoreFile(path: string): DatabaseSync {
  createFile(path)
  const database = new DatabaseSync(path, { timeout: PATIENCE_MS })
  try {
    useWal(database)
    database.exec('PRAGMA synchronous = NORMAL')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** True when another process holds the file: nothing is wrong with it. */
export function isBusy(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode
  return typeof code === 'number' && BUSY.has(code & 0xff)
}

// The mode is given at creation, before the first byte; SQLite copies it to the -wal and -shm files.
function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    giveToOwner(dirname(path), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** SQLite does not wait for others when it changes the journal mode, so two first starts at once need this loop. */
function useWal(database: DatabaseSync): void {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() >= until) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
