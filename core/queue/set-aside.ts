/** Moving a message out of the way without losing it: to queue/failed or queue/corrupt. */
import { join } from 'node:path'
import type { DirectorySync } from '../message/directory-sync.ts'
import type { FileSystem } from '../message/file-system.ts'
import type { QueuePlaces } from '../message/places.ts'
import { errorCode, unlinkIfThere } from '../message/file-system.ts'

export interface SetAside {
  readonly fs: FileSystem
  readonly directories: DirectorySync
  readonly places: QueuePlaces
}

/** Name of a failed message's state file beside it. */
export const stateBeside = (id: string): string => `${id}.state`

/**
 * Moves a message that has nothing left to try, with its state file, to queue/failed. Resolves with the new path once that
 * is durable; rejects with the system's error, and may be called again. The state goes last: were it to go first, a crash in
 * between would try every recipient again.
 */
export async function moveToFailed({ fs, directories, places }: SetAside, id: string): Promise<string> {
  const path = join(places.failed, id)
  await moveOnce(fs, join(places.msg, id), path)
  await Promise.all([directories.sync(places.failed), directories.sync(places.msg)])
  await moveStateBeside({ fs, directories, places }, id)
  return path
}

/** The second half of `moveToFailed`, for what a crash left half done. */
export async function moveStateBeside({ fs, places }: SetAside, id: string): Promise<void> {
  try {
    await fs.rename(join(places.state, id), join(places.failed, stateBeside(id)))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

async function moveOnce(fs: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fs.rename(from, to)
  } catch (error) {
    // An earlier call may have come this far before its sync failed.
    if (errorCode(error) !== 'ENOENT') throw error
    await fs.lstat(to)
  }
}

/** Moves a file that is not a whole message to queue/corrupt; resolves with the new path, rejects with the system's error. */
export async function moveToCorrupt({ fs, directories, places }: SetAside, id: string): Promise<string> {
  const path = join(places.corrupt, id)
  await moveOnce(fs, join(places.msg, id), path)
  await Promise.all([directories.sync(places.corrupt), directories.sync(places.msg)])
  return path
}

/**
 * Removes a message that is done with: first the message, durably where it has a state file, then the state. The other
 * way round a crash would leave a message that looks untried. Rejects with the system's error when the message is still there.
 */
export async function removeMessage({ fs, directories, places }: SetAside, id: string, hasState: boolean): Promise<void> {
  await unlinkIfThere(fs, join(places.msg, id))
  if (!hasState) {
    // Nobody waits for it: without it a power failure repeats a delivery, which may happen at that moment anyway.
    directories.sync(places.msg).catch(() => undefined)
    return
  }
  try {
    await directories.sync(places.msg)
    await fs.unlink(join(places.state, id))
  } catch {
    // A state file without a message is removed at the next start.
  }
}
