/**
 * Finding a Maildir without following a link: a link that an unpacked archive or another service left as `Maildir/new`
 * would make mail for one account arrive somewhere else, in the worst case in a directory that gives files a meaning.
 * Node has no openat, so the real path is compared instead: before anything is written, and again after the
 * message was moved. Files are opened with O_NOFOLLOW besides. What is left is a race that only a process with our own
 * user id could run, and that one needs no link to write where we can.
 */
import { dirname, isAbsolute, join, relative } from 'node:path'
import type { DirectorySync } from '../message/directory-sync.ts'
import type { FileSystem } from '../message/file-system.ts'
import type { Account } from '../plugin/world.ts'
import { HeliosError } from '../error.ts'
import { errorCode } from '../message/file-system.ts'

export interface MaildirPlace {
  readonly tmp: string
  readonly new: string
}

/**
 * The account's Maildir with its links above `mailRoot` resolved: those are the operator's (a mail directory may be a link to
 * another disk). An account elsewhere (a home of a qmail-sql database) must have no link in its whole path.
 * Missing directories are made below `mailRoot`, or below a home that exists elsewhere: never the root or such a home itself,
 * because where those are missing a disk is not mounted. Rejects with the system's error, or with HeliosError `mailbox-link`.
 */
export async function findMaildir(fs: FileSystem, directories: DirectorySync, mailRoot: string, account: Account): Promise<MaildirPlace> {
  const base = isBelow(mailRoot, account.maildir) ? mailRoot : account.home
  if (!isBelow(base, account.maildir)) {
    const whose = `the Maildir ${account.maildir} of ${account.login}@${account.domain}`
    throw new HeliosError('mailbox-outside', `${whose} is neither below ${mailRoot} nor below the home ${account.home}`, {
      fault: 'operator', mend: 'correct the home or the maildir of the account',
    })
  }
  const root = await fs.realpath(base)
  if (base !== mailRoot && root !== base) throw linkIn(base, root)
  const path = join(root, relative(base, account.maildir))
  const place = { tmp: join(path, 'tmp'), new: join(path, 'new') }
  try {
    await checkPlace(fs, place)
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    for (const leaf of [place.tmp, place.new, join(path, 'cur')]) await makeBelow(fs, directories, root, leaf)
    await checkPlace(fs, place)
  }
  return place
}

/** Rejects with HeliosError `mailbox-link` when a step of the path is a link, with ENOENT when it is not there. */
export async function checkReal(fs: FileSystem, path: string): Promise<void> {
  const real = await fs.realpath(path)
  if (real !== path) throw linkIn(path, real)
}

async function checkPlace(fs: FileSystem, place: MaildirPlace): Promise<void> {
  await Promise.all([checkReal(fs, place.tmp), checkReal(fs, place.new)])
}

/** Makes the directories between `root` and `leaf`, each durable before the next. */
async function makeBelow(fs: FileSystem, directories: DirectorySync, root: string, leaf: string): Promise<void> {
  const parent = dirname(leaf)
  if (parent !== root) await makeBelow(fs, directories, root, parent)
  try {
    await fs.mkdir(leaf)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    // It may be a link to nowhere, or made a moment ago by another delivery: then its name must be durable here too.
    await checkReal(fs, leaf)
  }
  await directories.sync(parent)
}

function isBelow(root: string, path: string): boolean {
  const step = relative(root, path)
  return isAbsolute(root) && isAbsolute(path) && step !== '' && !step.startsWith('..') && !isAbsolute(step)
}

function linkIn(path: string, real: string): HeliosError {
  return new HeliosError('mailbox-link', `a step of ${path} is a symbolic link: it leads to ${real}`, {
    fault: 'operator', mend: 'replace the link by the directory itself, or write the real path into the account',
  })
}
