/**
 * Who owns what is created in a home. An operator often works as root on a home that belongs to the
 * mail user: a directory left to root would stop that user's mail.
 */
import { chmodSync, lchownSync, lstatSync, mkdirSync, readlinkSync, realpathSync, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { HeliosError } from '../error.ts'

/** Gives a file just created to the home's owner, when root created it. Throws the file system's error. */
export function giveToOwner(home: string, path: string): void {
  if (process.geteuid?.() !== 0) return
  const { uid, gid } = statSync(home)
  // Of the entry itself: whoever owns the home may have put a link in its place by now.
  if (uid !== 0) lchownSync(path, uid, gid)
}

export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Takes its groups in place of root's. */
  takeGroups(): void
}

/** For root: does this with the rights of another and comes back. What it does must not wait. */
export function withRightsOf<T>({ uid, gid, takeGroups }: Identity, work: () => T): T {
  const [groups, group] = [process.getgroups!(), process.getegid!()]
  try {
    takeGroups()
    process.setegid!(gid)
    process.seteuid!(uid)
    return work()
  } finally {
    process.seteuid!(0)
    process.setegid!(group)
    process.setgroups!(groups)
  }
}

/**
 * Does this with the rights of who owns the home, where root works on somebody else's: a link that was planted in it leads root nowhere,
 * and what is made is that owner's. What it does must not wait.
 */
export function asOwner<T>(home: string, work: () => T): T {
  const owner = process.geteuid?.() === 0 ? statSync(home, { throwIfNoEntry: false }) : undefined
  return owner === undefined ? work() : withRightsOfOwner(owner, work)
}

function withRightsOfOwner<T>({ uid, gid }: Stats, work: () => T): T {
  return uid === 0 ? work() : withRightsOf({ uid, gid, takeGroups: () => process.setgroups!([]) }, work)
}

/**
 * Does this in a directory, or with a file, with the rights of the first one on the way to it, links included, who is not root and could turn the
 * way elsewhere; with root's where there is none. What it does must not wait. Throws HeliosError `way` where many could.
 * @param path absolute
 */
export function asOwnerOfWay<T>(path: string, work: () => T): T {
  const stranger = process.geteuid?.() === 0 ? strangerOn(path) : undefined
  return stranger === undefined ? work() : withRightsOfOwner(stranger, work)
}

function strangerOn(path: string): Stats | undefined {
  const above = dirname(path)
  const before = above === path ? undefined : strangerOn(above)
  if (before !== undefined) return before
  const isShared = othersMayWrite(above)
  // In a directory of root's alone nobody puts anything: what /proc/self/fd names of a pipe stands nowhere.
  const found = lstatSync(path, { throwIfNoEntry: isShared })
  if (found === undefined) return undefined
  if (found.uid !== 0) {
    // Whose a file is does not matter where only root puts another in its place.
    return isShared || found.isDirectory() || found.isSymbolicLink() ? found : undefined
  }
  // Asked for its error: a link that leads to itself has no end.
  if (!found.isSymbolicLink() || statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  return strangerOn(resolve(realpathSync(above), readlinkSync(path)))
}

/** Of a directory of root's. With the sticky bit each one there replaces what is his own, without it everything. */
function othersMayWrite(directory: string): boolean {
  const { mode, gid } = statSync(directory)
  const isShared = (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && gid !== 0)
  if (!isShared || (mode & 0o1000) !== 0) return isShared
  throw new HeliosError('way', `whoever may write in ${directory} could lead root elsewhere from there`, {
    fault: 'operator', mend: `chmod +t ${directory}, so that others change only what is theirs there; an import can come through a pipe: helios import -`,
  })
}

/** Creates a directory (mode 0700) and the missing ones above it, with the home owner's rights. True when it was not there before. */
export function makeDirectory(home: string, path: string): boolean {
  return asOwner(home, () => makeWithParents(path))
}

function makeWithParents(path: string): boolean {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return false
  for (let made = path; made.length >= first.length; made = dirname(made)) chmodSync(made, 0o700)
  return true
}
