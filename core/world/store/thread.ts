/**
 * The store's own thread: SQLite's calls block whoever makes them, a sync to disk for tens of milliseconds, and here nobody
 * minds. The file is opened at the first question, and opened anew after a failure, so that a mended file needs no restart.
 */
import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { isBusy, openStoreFile } from './file.ts'
import { openTables, type Tables } from './tables.ts'
import type { StoreQuestion } from './types.ts'
import type { Asked, Told } from './wire.ts'

const PRUNE_EVERY_MS = 60_000
/** Rows that one prune removes before questions have their turn. */
const PRUNE_STEP = 1000

const { path } = workerData as { readonly path: string }
const port = parentPort!
let open: { readonly database: DatabaseSync; readonly tables: Tables } | undefined

port.on('message', (message: Asked | 'close') => {
  if (message === 'close') {
    close()
    return port.close()
  }
  port.postMessage(answer(message))
})
setInterval(prune, PRUNE_EVERY_MS).unref()

function answer({ id, question }: Asked): Told {
  try {
    return { id, answer: tables().answer(question) }
  } catch (error) {
    return { id, failure: failed(error, question) }
  }
}

function tables(): Tables {
  if (open !== undefined) return open.tables
  const database = openStoreFile(path)
  try {
    open = { database, tables: openTables(database) }
    return open.tables
  } catch (error) {
    database.close()
    throw error
  }
}

function failed(error: unknown, { ask }: StoreQuestion): string {
  const reason = error instanceof Error ? error.message : String(error)
  if (isBusy(error)) return `${path} is held by another process (${ask}: ${reason})`
  close()
  return `${path} does not answer: ${reason} (see that the disk has room and the file is the server's user's; what plugins remember may be lost without harm: where the file is damaged, stop the server and remove it)`
}

function prune(): void {
  if (open === undefined) return
  try {
    if (open.tables.prune(Date.now(), PRUNE_STEP) === PRUNE_STEP) setTimeout(prune, 10).unref()
  } catch {
    // Whoever asks next is told what is wrong.
  }
}

function close(): void {
  const database = open?.database
  open = undefined
  try {
    database?.close()
  } catch {
    // It is not used again.
  }
}
