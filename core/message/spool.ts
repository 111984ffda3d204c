/** The spool: takes messages in and keeps the first promise, that a 250 means on disk and synced. */
import type { FileSystem } from './file-system.ts'
import type { Logger } from './logger.ts'
import type { Spool } from './spool-types.ts'
import type { Envelope } from './types.ts'
import { DirectorySync } from './directory-sync.ts'
import { nodeFileSystem } from './file-system.ts'
import { createIds, queuePlaces } from './places.ts'
import { FileSpoolWriter } from './spool-writer.ts'

export interface SpoolOptions {
  /** Absolute path of the home. Its `queue/` must have been made by `Queue.open`. */
  readonly home: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Logger
  /** This machine's when absent. */
  readonly fs?: FileSystem
  /** The one that the queue uses, so that both share their syncs. */
  readonly directories?: DirectorySync
  /** Told of each message once it is durable, with its envelope edits applied and its bytes: `queue.add`. Must not throw. */
  readonly accepted: (id: string, envelope: Envelope, size: number) => void
  /** What the ids of this process end in (`processMark`); of its own making when absent. */
  readonly process?: string
}

/** The spool of a home. Creating a writer touches no disk; what the disk refuses, `commit` tells. */
export function createSpool(options: SpoolOptions): Spool {
  const { home, now, log, accepted, fs = nodeFileSystem, directories = new DirectorySync(fs) } = options
  const nextId = createIds(now, options.process)
  const doors = { fs, directories, places: queuePlaces(home), log, accepted }
  return { create: () => new FileSpoolWriter(nextId(), doors) }
}
