/**
 * Who owns what is created in a home. An operator often works as root on a home that belongs to the
 * mail user: a directory left to root would stop that user's mail.
 */
import { chmodSync, lchownSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Gives a file just created to the home's owner, when root created it. Throws the file system's error. */
export function giveToOwner(home: string, path: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(home)
  // Of the entry itself: whoever owns the home may have put a link in its place by now.
  if (uid !== 0) lchownSync(path, uid, gid)
}

/** Creates a directory (mode 0700) and the missing ones above it, each the home owner's. True when it was not there before. */
export function makeDirectory(home: string, path: string): boolean {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return false
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    chmodSync(made, 0o700)
    giveToOwner(home, made)
  }
  return true
}
