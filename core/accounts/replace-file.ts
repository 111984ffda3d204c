/** Files that belong to the operator, changed by a command. */
import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statSync, writeFileSync, type Stats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { bytesOf } from '../../protocol/text.ts'
import { asOwner } from './ownership.ts'

/**
 * Puts a file in place of another, with the rights of the home's owner: a reader sees the old one or the new one, never a part. Its mode stays; a
 * symbolic link stays one, and its target is replaced. Throws the file system's error.
 * @param path absolute
 * @param content Text
 */
export function replaceFile(home: string, path: string, content: string): void {
  asOwner(home, () => replace(path, content))
}

function replace(path: string, content: string): void {
  const before = existing(path)
  const target = before === undefined ? path : realpathSync(path)
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}.new`)
  rmSync(aside, { force: true })
  const file = openSync(aside, 'wx', 0o644)
  try {
    // All of it: `writeSync` may end in the middle, without an error, where the disk has room for a part.
    writeFileSync(file, bytesOf(content))
    if (before !== undefined) keepRights(file, before)
    fsyncSync(file)
    renameSync(aside, target)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function existing(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function keepRights(file: number, { mode, uid, gid }: Stats): void {
  if (process.geteuid?.() === 0) fchownSync(file, uid, gid)
  fchmodSync(file, mode & 0o7777)
}
