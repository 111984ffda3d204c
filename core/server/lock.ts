/**
 * One server for each home. The lock is SQLite's own on an empty database: the system gives it back when the
 * process ends in whatever way, so there is no stale lock to clean.
 */
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { isBusy } from '../accounts/sql/sqlite.ts'
import { makeDirectory } from '../accounts/ownership.ts'
import { HeliosError } from '../error.ts'
import type { ServerUser } from './user.ts'

export interface HomeLock {
  /**
   * From now on sees to it, each second, that the file of the lock is there: who removes it, or all of `run/`, lets another server start.
   * @param madeAnew told when it was gone and is there again
   * @param lost told once, when another server has taken the home meanwhile, and still has it some looks later: two would deliver each message twice
   */
  watch(madeAnew: () => void, lost: (why: HeliosError) => void): void
  release(): void
}

const LOOK_EVERY_MS = 1000
/**
 * Looks in a row that find the lock in another's hands until the home is lost. One that has just begun may end at once, for the ports
 * are taken: who stopped for that one would leave the home without any server.
 */
const LOST_AFTER = 5

/** Holds the lock until `release`. Throws HeliosError `home-locked` when another server has it. */
export function lockHome(home: string): HomeLock {
  makeDirectory(home, join(home, 'run'))
  let held = takePatiently(home)
  let timer: NodeJS.Timeout | undefined
  let taken = 0

  function look(madeAnew: () => void, lost: (why: HeliosError) => void): void {
    try {
      const there = fileOf(held.path)
      if (there === undefined || there !== held.file) {
        makeRunDirectory(home)
        const before = held
        held = take(home)
        before.lock.close()
        madeAnew()
      }
      taken = 0
    } catch (error) {
      // Where the home was moved away, or the disk is full, there is another second.
      taken = isTaken(error) ? taken + 1 : 0
      if (taken !== LOST_AFTER || !isTaken(error)) return
      clearInterval(timer)
      lost(error)
    }
  }

  return {
    watch: (madeAnew, lost) => {
      timer = setInterval(() => look(madeAnew, lost), LOOK_EVERY_MS).unref()
    },
    release: () => {
      clearInterval(timer)
      held.lock.close()
    },
  }
}

interface Held {
  readonly lock: DatabaseSync
  readonly path: string
  readonly file: string | undefined
}

/** Milliseconds between tries to take the lock, at most. */
const PAUSE_MS = 80
const TRIES = 6

/** Of two that take the lock at the same moment, each may find it busy with the other, and neither has it: the next try, a random while later, tells. */
function takePatiently(home: string): Held {
  for (let left = TRIES - 1; left > 0; left--) {
    try {
      return take(home)
    } catch (error) {
      if (!isTaken(error)) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, randomInt(PAUSE_MS / 8, PAUSE_MS))
    }
  }
  return take(home)
}

function isTaken(error: unknown): error is HeliosError {
  return error instanceof HeliosError && error.code === 'home-locked'
}

function take(home: string): Held {
  const path = join(home, 'run', 'lock')
  const lock = open(path)
  try {
    // No journal on disk: nothing is ever written.
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return { lock, path, file: fileOf(path) }
  } catch (cause) {
    lock.close()
    if (!isBusy(cause)) throw unusable(path, cause)
    throw new HeliosError('home-locked', `another server is running in ${home}`, {
      fault: 'operator', mend: 'stop that one first, or give this one a home of its own with --home', cause,
    })
  }
}

/** Which file the name leads to; undefined where there is none. */
function fileOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}

/** Never its parents: where the home was moved away, no new one may take its place. */
function makeRunDirectory(home: string): void {
  try {
    mkdirSync(join(home, 'run'), { mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Held by each process that serves sessions for the one with the lock of the home: it may outlive that one by a moment. */
const PROCESSES = 'processes'
const PATIENCE_MS = 10_000

/** Keeps the next server of this home from starting until this process has ended. Throws HeliosError `lock`. */
export function holdHome(home: string): void {
  const path = join(home, 'run', PROCESSES)
  const lock = open(path)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN')
    // The first read takes the lock, which is shared; nothing closes it but the end of the process.
    lock.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (cause) {
    lock.close()
    throw unusable(path, cause)
  }
  held.push(lock)
}

/** What nobody refers to would be collected, and the lock with it. */
const held: DatabaseSync[] = []

/**
 * Waits until no process of an earlier server can accept a message any more: the queue would not learn of it. Rejects with
 * HeliosError `home-locked`.
 */
export async function earlierProcessesGone(home: string, user: ServerUser): Promise<void> {
  const path = join(home, 'run', PROCESSES)
  for (let waited = 0; !user.as(() => isFree(path)); waited += 50) {
    if (waited >= PATIENCE_MS) {
      throw new HeliosError('home-locked', `processes of a server that was killed still run in ${home}`, {
        fault: 'system', mend: `"fuser ${path}" names them: kill them, and start again`,
      })
    }
    await delay(50)
  }
}

function isFree(path: string): boolean {
  if (!existsSync(path)) return true
  const lock = open(path)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return true
  } catch (cause) {
    if (isBusy(cause)) return false
    throw unusable(path, cause)
  } finally {
    lock.close()
  }
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
