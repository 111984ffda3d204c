/**
 * One server for each home. The lock is SQLite's own on an empty database: the system gives it back when the
 * process ends in whatever way, so there is no stale lock to clean.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { giveToOwner, makeDirectory } from '../accounts/ownership.ts'
import { HeliosError } from '../error.ts'

/** Holds the lock until `release`. Throws HeliosError `home-locked` when another server has it. */
export function lockHome(home: string): { release(): void } {
  const directory = join(home, 'run')
  makeDirectory(home, directory)
  const path = join(directory, 'lock')
  const lock = new DatabaseSync(path, { timeout: 0 })
  try {
    // No journal on disk: nothing is ever written.
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    // Root makes it, and the user that root becomes must be able to take it another time.
    giveToOwner(home, path)
  } catch (cause) {
    lock.close()
    throw new HeliosError('home-locked', `another server is running in ${home}`, {
      fault: 'operator', mend: 'stop that one first, or give this one a home of its own with --home', cause,
    })
  }
  return { release: () => lock.close() }
}
