/** Files that a crash left in a Maildir's tmp/ are removed after 36 hours, as every reader and writer may (qmail-control 9). */
import { join } from 'node:path'
import type { FileSystem } from '../message/file-system.ts'

const STALE = 36 * 3_600_000
/** A Maildir is looked at once in this time, and after a start. */
const PAUSE = 24 * 3_600_000
/** Maildirs remembered; when there are more, all are forgotten and some are looked at once more than needed. */
const REMEMBERED = 10_000

/** A function to call with the tmp/ of a Maildir after a delivery. It never rejects: an old file more or less hurts nobody. */
export function createSweeper(fs: FileSystem, now: () => number): (tmp: string) => Promise<void> {
  const lastSwept = new Map<string, number>()
  return async (tmp) => {
    const time = now()
    if (time - (lastSwept.get(tmp) ?? -Infinity) < PAUSE) return
    if (lastSwept.size >= REMEMBERED) lastSwept.clear()
    lastSwept.set(tmp, time)
    try {
      for (const name of await fs.readdir(tmp)) {
        const path = join(tmp, name)
        const facts = await fs.lstat(path)
        if (facts.kind !== 'directory' && time - facts.modifiedAt > STALE) await fs.unlink(path)
      }
    } catch {
      // Another process may be sweeping too; the next sweep gets what is left.
    }
  }
}
