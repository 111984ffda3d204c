/** Opening a queue: what stands on disk is the truth. */
import { dirname, join } from 'node:path'
import type { QueuePlaces } from '../message/places.ts'
import type { Item } from './item.ts'
import type { QueueReport } from './report.ts'
import type { SetAside } from './set-aside.ts'
import { HeliosError } from '../error.ts'
import { editEnvelope } from '../message/edits.ts'
import { errorCode, unlinkIfThere } from '../message/file-system.ts'
import { isMessageId, processOfId } from '../message/places.ts'
import { readTrailer } from '../message/trailer.ts'
import { itemOf } from './item.ts'
import { moveStateBeside, moveToCorrupt } from './set-aside.ts'
import { readState } from './state-file.ts'

/** Files read at the same time: enough to keep a disk busy, few enough for any limit on open files. */
const AT_ONCE = 16

export interface Scanned {
  /** Oldest first. */
  readonly items: readonly Item[]
  /** Ids of messages that could not be read now; they stay where they are. */
  readonly unreadable: readonly string[]
  readonly failed: number
  readonly corrupt: number
}

/** Makes the directories that are missing and empties tmp/. Rejects with HeliosError `queue-unusable`. */
export async function prepareQueue({ fs, directories, places }: SetAside): Promise<void> {
  try {
    for (const path of [dirname(places.msg), places.tmp, places.msg, places.state, places.failed, places.corrupt]) {
      const made = await fs.mkdir(path).then(() => true, (error: unknown) => {
        if (errorCode(error) !== 'EEXIST') throw error
        return false
      })
      if (made) await directories.sync(dirname(path))
    }
    for (const name of await fs.readdir(places.tmp)) await unlinkIfThere(fs, join(places.tmp, name))
  } catch (error) {
    throw unusable(places, error)
  }
}

/**
 * Reads the end of every message. Corrupt ones are set aside. Rejects with HeliosError `queue-unusable` when a directory cannot
 * be read.
 */
export async function scanQueue(doors: SetAside, report: QueueReport): Promise<Scanned> {
  const { fs, places } = doors
  const [messages, states, failed, corrupt] = await Promise.all([
    fs.readdir(places.msg), fs.readdir(places.state), fs.readdir(places.failed), fs.readdir(places.corrupt),
  ]).catch((error: unknown) => {
    throw unusable(places, error)
  })
  await tidyStates(doors, states, { messages: new Set(messages), failed: new Set(failed), corrupt: new Set(corrupt) })

  const withState = new Set(states)
  const items: Item[] = []
  const unreadable: string[] = []
  let damaged = 0
  const ids = messages.filter((name) => isMessageId(name) || report.stranger(join(places.msg, name)))
  await inParallel(ids.toSorted(), async (id) => {
    const loaded = await loadItem(doors, report, id, withState.has(id))
    if (loaded === 'unreadable') unreadable.push(id)
    else if (loaded === 'corrupt') damaged += 1
    else if (loaded !== 'gone') items.push(loaded)
  })
  items.sort((a, b) => (a.id < b.id ? -1 : 1))
  return { items, unreadable, failed: failed.filter(isMessageId).length, corrupt: corrupt.filter(isMessageId).length + damaged }
}

/**
 * Ids of the messages that a process which is no more had accepted, oldest first; what it had begun is removed. Rejects with the
 * system's error.
 * @param process its mark in the ids
 */
export async function leftBy({ fs, places }: SetAside, process: string): Promise<readonly string[]> {
  const of = async (directory: string): Promise<string[]> =>
    (await fs.readdir(directory)).filter((name) => isMessageId(name) && processOfId(name) === process)
  for (const name of await of(places.tmp)) await unlinkIfThere(fs, join(places.tmp, name))
  return (await of(places.msg)).toSorted()
}

/**
 * Reads the end of one message, and its state file where it may have one. `corrupt`: it was no whole message and has been set
 * aside. `unreadable`: the system refused for now, and the log says so. Never rejects.
 */
export async function loadItem(
  doors: SetAside, report: QueueReport, id: string, mayHaveState: boolean,
): Promise<Item | 'corrupt' | 'unreadable' | 'gone'> {
  const { fs, places } = doors
  try {
    const file = await fs.open(join(places.msg, id), 'read')
    try {
      const { contentLength, envelope } = await readTrailer(file, await file.size())
      const records = mayHaveState ? await readState(fs, join(places.state, id)) : undefined
      return itemOf(id, editEnvelope(envelope), contentLength, records)
    } finally {
      await file.close().catch(() => undefined)
    }
  } catch (error) {
    if (isCorrupt(error)) return setCorruptAside(doors, report, id, error)
    if (errorCode(error) === 'ENOENT') return 'gone'
    report.trouble(id, `cannot read ${join(places.msg, id)}`, error, 'it stays there and is read again later')
    return 'unreadable'
  }
}

/** Moves a damaged message to queue/corrupt and says so. `unreadable` when even that is refused now. Never rejects. */
export async function setCorruptAside(
  doors: SetAside, report: QueueReport, id: string, reason: HeliosError,
): Promise<'corrupt' | 'unreadable'> {
  try {
    report.corrupt(id, await moveToCorrupt(doors, id), reason.message)
    return 'corrupt'
  } catch (error) {
    const { msg, corrupt } = doors.places
    report.trouble(id, `${join(msg, id)} is damaged (${reason.message}) and cannot be moved to ${corrupt}`, error,
      'it stays there and is tried again later')
    return 'unreadable'
  }
}

export function isCorrupt(error: unknown): error is HeliosError {
  return error instanceof HeliosError && error.code === 'spool-file-corrupt'
}

/** State files whose message went to failed/ follow it; those whose message is nowhere are removed. */
async function tidyStates(
  doors: SetAside, states: readonly string[], known: Readonly<Record<'messages' | 'failed' | 'corrupt', ReadonlySet<string>>>,
): Promise<void> {
  for (const name of states) {
    if (known.messages.has(name) || known.corrupt.has(name)) continue
    const tidied = known.failed.has(name) ? moveStateBeside(doors, name) : doors.fs.unlink(join(doors.places.state, name))
    await tidied.catch(() => undefined)
  }
}

async function inParallel(ids: readonly string[], work: (id: string) => Promise<void>): Promise<void> {
  const rest = ids.values()
  const worker = async (): Promise<void> => {
    for (const id of rest) await work(id)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

function unusable(places: QueuePlaces, cause: unknown): HeliosError {
  return new HeliosError('queue-unusable', `the queue in ${dirname(places.msg)} cannot be opened: ${String(cause)}`, {
    fault: 'operator', cause,
    mend: 'make sure that the home exists, is on a disk that works, and belongs with all below queue/ to the user Helios runs as',
  })
}
