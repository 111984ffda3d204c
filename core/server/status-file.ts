/** What the running server tells `helios status`: one small file in the home, replaced whole. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../../config/problem.ts'
import { makeOwnDirectory } from '../own-directory.ts'
import type { QueueStatus } from '../queue/types.ts'

export interface ServerStatus {
  readonly pid: number
  /** Times are milliseconds since 1970. */
  readonly startedAt: number
  readonly generation: { readonly number: number; readonly loadedAt: number }
  /** Digest of each control file as the generation read it, by name. */
  readonly files: Readonly<Record<string, string>>
  /** Reloads asked for by SIGHUP and done, whatever came of them. */
  readonly reloadsDone: number
  readonly lastFailedReload?: { readonly at: number; readonly problems: readonly Problem[] }
  /** Files edited since the start whose edits only a restart takes up. */
  readonly needsRestart?: readonly string[]
  readonly listeners: readonly { readonly service: string; readonly address: string }[]
  readonly plugins: readonly PluginStatus[]
  readonly queue: QueueStatus
  readonly sessions: number
  /** Processes that serve sessions, where others than the server's own do. */
  readonly workers?: readonly WorkerStatus[]
}

export interface WorkerStatus {
  /** From 1. */
  readonly number: number
  /** Undefined while a new process is being started. */
  readonly pid?: number
  readonly startedAt?: number
  readonly sessions: number
  readonly generation?: number
  /** How often it had to be replaced since the server started. */
  readonly replaced: number
}

export interface PluginStatus {
  /** Section, as the list writes it. */
  readonly section: string
  readonly line: string
  readonly file: string
  readonly number: number
  readonly name: string
  readonly runtime: string
  /** As written, `@` included; empty when there are none. */
  readonly options: string
  readonly state: 'enabled' | 'shadow' | 'resting'
}

const EVERY_MS = 2000

/** Writes the status now, every two seconds and when told; removes the file at the end. Trouble with it never stops mail. */
export class StatusFile {
  readonly #directory: string
  readonly #status: () => ServerStatus
  readonly #timer: NodeJS.Timeout
  #writing: Promise<void> = Promise.resolve()

  constructor(home: string, status: () => ServerStatus) {
    this.#directory = join(home, 'run')
    this.#status = status
    this.#timer = setInterval(() => this.write(), EVERY_MS)
    this.#timer.unref()
    this.write()
  }

  write(): void {
    this.#writing = this.#writing.then(() => this.#replace()).catch(() => undefined)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await rm(join(this.#directory, 'status.json'), { force: true }).catch(() => undefined)
  }

  async #replace(): Promise<void> {
    await makeOwnDirectory(this.#directory)
    const draft = join(this.#directory, `.status.${process.pid}`)
    await writeFile(draft, `${JSON.stringify(this.#status())}\n`, { mode: 0o600 })
    await rename(draft, join(this.#directory, 'status.json'))
  }
}
