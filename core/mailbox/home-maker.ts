/**
 * The program of `autohomedir` in control/qmailconfig: it makes the home of an account that mail has come for and that has none
 * (spec helios 3.2). What it is told is not on record; here it is the home as its one argument, and the rest as variables.
 */
import { lstat } from 'node:fs/promises'
import { isAbsolute, relative } from 'node:path'
import type { SpawnJob, SpawnResult } from '../host/children/types.ts'
import type { Account } from '../plugin/world.ts'
import { HeliosError } from '../error.ts'
import { errorCode } from '../message/file-system.ts'

export interface HomeMakerOptions {
  /** The server's home: where the program is run. */
  readonly home: string
  /** Absolute path; undefined while no program is to be run. */
  program(): string | undefined
  mailRoot(): string
  run(job: SpawnJob): Promise<SpawnResult>
}

const TIMEOUT_MS = 60_000
const PATH = '/usr/local/bin:/usr/bin:/bin'

/** Sees to it that an account has a home. Rejects with HeliosError `mailbox-home` when there is none after the program has run. */
export function createHomeMaker({ home, program, mailRoot, run }: HomeMakerOptions): (account: Account) => Promise<void> {
  // Two messages for one new user are one reason to make a home.
  const underWay = new Map<string, Promise<void>>()

  const make = async (path: string, account: Account): Promise<void> => {
    const result = await run({
      form: 'shell', text: 'exec "$AUTOHOMEDIR" "$HOME"', cwd: home, timeoutMs: TIMEOUT_MS,
      env: { PATH, AUTOHOMEDIR: path, HOME: account.home, USER: account.login, DOMAIN: account.domain, MAIL_ROOT: mailRoot() },
    })
    if (result.exit === 0 && await isDirectory(account.home)) return
    throw new HeliosError('mailbox-home', `${path}, the program of autohomedir, ${howItEnded(result)}; ${account.home} is not there`, {
      fault: 'operator', mend: 'run it by hand as the user the server runs as, with the home as its argument',
    })
  }

  return async (account) => {
    const path = program()
    // A path that is none is for the delivery to refuse.
    if (path === undefined || !isAbsolute(account.home) || await isThere(account.home)) return
    // Where the mail directory is gone a disk is not mounted, and a new home would be made in its place.
    if (isBelow(mailRoot(), account.home) && !await isThere(mailRoot())) return
    const running = underWay.get(account.home) ?? make(path, account).finally(() => underWay.delete(account.home))
    underWay.set(account.home, running)
    await running
  }
}

function howItEnded({ exit, signal, timedOut, cannotExecute, cannotStart, fault, stderr }: SpawnResult): string {
  const words = stderr.trim() === '' ? '' : ` (it said: ${stderr.trim().split('\n').at(-1)!.slice(0, 200)})`
  if (cannotStart !== undefined || fault !== undefined) return `could not be started: ${cannotStart ?? fault}`
  if (timedOut) return `did not end within ${TIMEOUT_MS / 1000} s${words}`
  if (cannotExecute !== undefined) return `cannot be run: ${cannotExecute}`
  return exit === undefined ? `ended by ${signal}${words}` : `ended with status ${exit}${words}`
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true
}

function isBelow(root: string, path: string): boolean {
  const step = relative(root, path)
  return step !== '' && !step.startsWith('..') && !isAbsolute(step)
}
