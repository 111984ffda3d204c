/**
 * One command at a time changes a file of the operator's. The lock is SQLite's own on an empty database: the system gives it
 * back when the process ends in whatever way.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { asOwner, makeDirectory } from './ownership.ts'

/** Milliseconds to wait for another command; the wait blocks, so this is for commands. */
const PATIENCE = 10_000

/** Runs `work`, which must not wait, with the rights of the home's owner while no other process does. Throws SQLite's error after ten seconds. */
export function exclusively<T>(home: string, work: () => T): T {
  return asOwner(home, () => locked(home, work))
}

function locked<T>(home: string, work: () => T): T {
  const directory = join(home, 'run')
  makeDirectory(home, directory)
  const path = join(directory, 'control.lock')
  const lock = new DatabaseSync(path, { timeout: PATIENCE })
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return work()
  } finally {
    lock.close()
  }
}
