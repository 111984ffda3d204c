/**
 * `queue/state/<id>`: one JSON line for each recipient that is done or failed for good, appended and synced.
 * Only messages with several recipients, or with a failed one, ever have it. A line that a crash tore is ignored.
 */
import { dirname } from 'node:path'
import type { DirectorySync } from '../message/directory-sync.ts'
import type { FileSystem } from '../message/file-system.ts'
import { errorCode } from '../message/file-system.ts'

export interface RecipientRecord {
  /** Position in the envelope, 0 first. */
  readonly recipient: number
  readonly address: string
  readonly status: 'done' | 'failed'
  readonly text: string
  readonly at: number
}

/** The whole lines of a state file; anything else in it is passed over. */
export function parseState(text: string): RecipientRecord[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line)
      return isRecord(value) ? [value] : []
    } catch {
      return []
    }
  })
}

/** Records of a message, or undefined when it has no state file. Rejects with the system's error. */
export async function readState(fs: FileSystem, path: string): Promise<RecipientRecord[] | undefined> {
  try {
    const file = await fs.open(path, 'read')
    try {
      const bytes = Buffer.alloc(await file.size())
      return parseState(bytes.subarray(0, await file.read(bytes, 0)).toString('utf8'))
    } finally {
      await file.close().catch(() => undefined)
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Appends records and resolves once they are durable. Rejects with the system's error; then they may or may not be there,
 * and appending them again does no harm.
 */
export async function appendState(
  fs: FileSystem, directories: DirectorySync, path: string, records: readonly RecipientRecord[],
): Promise<void> {
  const file = await fs.open(path, 'append')
  try {
    // The line end in front keeps these lines whole when the last ones were torn by a crash or a full disk.
    await file.write(Buffer.from(`\n${records.map((record) => JSON.stringify(record)).join('\n')}\n`, 'utf8'))
    await file.sync()
  } finally {
    await file.close()
  }
  await directories.sync(dirname(path))
}

function isRecord(value: unknown): value is RecipientRecord {
  if (typeof value !== 'object' || value === null) return false
  const { recipient, address, status, text, at } = value as Partial<Record<keyof RecipientRecord, unknown>>
  return typeof recipient === 'number' && typeof address === 'string' && (status === 'done' || status === 'failed')
    && typeof text === 'string' && typeof at === 'number'
}
