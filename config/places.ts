/**
 * What the server writes below a home: is it there, may this user write it, and is there room? A running server that
 * lacks one of these refuses mail or lets it wait, and nothing an operator wrote is to blame.
 */
import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Control } from './control.ts'
import type { Problem } from './problem.ts'

/** A message needs these three; they are made at a start, and never later. */
const QUEUE = ['queue/tmp', 'queue/msg', 'queue/state']
const DIRECTORIES = ['.', 'run', 'queue', ...QUEUE, 'queue/failed', 'queue/corrupt', 'trace', 'mail']
const DATABASES = ['helios.db', 'store.db']
/** Bytes below which a disk counts as full. */
const FULL = 1024 * 1024

/** Looks only at what is there or must be, and changes nothing. Never rejects. */
export async function checkPlaces(home: string, { qmailconfig }: Pick<Control, 'qmailconfig'>): Promise<readonly Problem[]> {
  const written = await Promise.all([
    ...DIRECTORIES.map((name) => notWritable(home, name, constants.R_OK | constants.W_OK | constants.X_OK)),
    ...DATABASES.map((name) => notWritable(home, name, constants.R_OK | constants.W_OK)),
  ])
  return [
    ...written.flat(), ...await missingQueue(home), ...await fullDisk(home),
    ...qmailconfig.driver === 'sqlite' && await accountsAreGone(home) ? [{
      severity: 'warning' as const, file: 'helios.db', reason: 'the file is missing, although mail/ has mailboxes: nobody has an account, and every recipient is refused',
      mend: 'restore it from a backup, or add the users again',
    }] : [],
  ]
}

/** Mailboxes, and no database that says whose they are. A server would make an empty one. */
export async function accountsAreGone(home: string): Promise<boolean> {
  if (await stat(join(home, 'helios.db')).catch(() => undefined) !== undefined) return false
  return (await readdir(join(home, 'mail')).catch(() => [])).length > 0
}

async function notWritable(home: string, name: string, mode: number): Promise<readonly Problem[]> {
  const path = join(home, name)
  try {
    await access(path, mode)
    return []
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Where a directory above says no, that one is named.
    if (code === 'ENOENT' || code === 'ENOTDIR' || (code === 'EACCES' && await stat(path).catch(() => undefined) === undefined)) return []
    if (code === 'EROFS') return name === '.' ? [problem(name, 'the home is on a disk that is mounted read-only', 'mount it for writing')] : []
    return [problem(name, `user ${process.geteuid?.() ?? '?'}, who asks, cannot write here (${code})`,
      `run this as the server's user, or give it to that user: chown USER ${path}; chmod u+rw${(mode & constants.X_OK) === 0 ? '' : 'x'} ${path}`)]
  }
}

/** Only where a server runs: one that starts makes them. */
async function missingQueue(home: string): Promise<readonly Problem[]> {
  const there = async (name: string): Promise<boolean> => await stat(join(home, name)).catch(() => undefined) !== undefined
  if (!await there('run/status.json')) return []
  const missing: Problem[] = []
  for (const name of QUEUE) {
    if (await there(name)) continue
    missing.push({ ...problem(name, 'the directory is missing, and a running server takes no mail without it', 'restart the server: that makes it'), severity: 'warning' })
  }
  return missing
}

async function fullDisk(home: string): Promise<readonly Problem[]> {
  const disk = await statfs(home).catch(() => undefined)
  if (disk === undefined) return []
  const free = disk.bavail * disk.bsize
  if (free < FULL) return [problem('.', `the disk is full: ${free} bytes are free, and mail is refused with 451`, 'make room')]
  if (disk.files > 0 && disk.ffree === 0) return [problem('.', 'the disk has no inodes left, and mail is refused with 451', 'remove files')]
  return []
}

function problem(file: string, reason: string, mend: string): Problem {
  return { severity: 'error', file, reason, mend }
}
