/**
 * One server for each home. The lock is SQLite's own on an empty database: the system gives it back when the
 * process ends in whatever way, so there is no stale lock to clean.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { HeliosError } from '../error.ts'

/** Holds the lock until `release`. Throws HeliosError `home-locked` when another server has it. */
export function lockHome(home: string): { release(): void } {
  const directory = join(home, 'run')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new HeliosError('home-locked', `another server is running in ${home}`, {
      fault: 'operator', mend: 'stop that one first, or give this one a home of its own with --home', cause,
    })
  }
  return { release: () => lock.close() }
}
