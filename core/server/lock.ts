/**
 * One server for each home. The lock is SQLite's own on an empty database: the system gives it back when the
 * process ends in whatever way, so there is no stale lock to clean.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from '../accounts/sql/sqlite.ts'
import { makeDirectory } from '../accounts/ownership.ts'
import { HeliosError } from '../error.ts'

/** Holds the lock until `release`. Throws HeliosError `home-locked` when another server has it. */
export function lockHome(home: string): { release(): void } {
  const directory = join(home, 'run')
  makeDirectory(home, directory)
  const path = join(directory, 'lock')
  const lock = open(path)
  try {
    // No journal on disk: nothing is ever written.
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    if (!isBusy(cause)) throw unusable(path, cause)
    throw new HeliosError('home-locked', `another server is running in ${home}`, {
      fault: 'operator', mend: 'stop that one first, or give this one a home of its own with --home', cause,
    })
  }
  return { release: () => lock.close() }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (cause) {
    throw unusable(path, cause)
  }
}

function unusable(path: string, cause: unknown): HeliosError {
  return new HeliosError('lock', `cannot lock ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    fault: 'operator', mend: 'give the home and all below it to the user the server runs as; the file itself is empty and may be removed while no server runs', cause,
  })
}
