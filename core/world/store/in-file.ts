/** The store in `<home>/store.db`: questions go to a thread of its own, and none of them is waited for without end. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { moduleFile } from '../../paths.ts'
import { WorldUnavailable } from '../../plugin/world.ts'
import type { HomeStore, StoreAnswer } from './types.ts'
import type { Asked, Told } from './wire.ts'

interface Waiting {
  resolve(answer: StoreAnswer): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/** Milliseconds until an answer is taken to be unavailable. */
const PATIENCE_MS = 5000
/** Questions that may wait at once: more than a busy server has sessions. */
const MOST_WAITING = 10_000
const CLOSE_MS = 2000
/** Node 22 calls node:sqlite and plain TypeScript experimental in each thread; an operator can do nothing about it. */
const QUIET = ['--disable-warning=ExperimentalWarning']

/** Nothing is opened and no thread is started before the first question. */
export function storeInFile(home: string): HomeStore {
  const path = join(home, 'store.db')
  const waiting = new Map<number, Waiting>()
  let thread: Worker | undefined
  let closed = false
  let lastId = 0

  function start(): Worker {
    const started = new Worker(moduleFile('core/world/store/thread'), { workerData: { path }, env: {}, execArgv: QUIET })
    started.on('message', (told: Told) => settle(told))
    started.on('error', (error) => lost(started, `its thread failed: ${error.message}`))
    started.on('exit', () => lost(started, 'its thread has ended'))
    started.unref()
    return started
  }

  function settle(told: Told): void {
    const asked = take(told.id)
    if (asked === undefined) return
    if ('failure' in told) asked.reject(unavailable(told.failure))
    else asked.resolve(told.answer)
  }

  /** The next question starts another thread. */
  function lost(which: Worker, reason: string): void {
    if (thread !== which) return
    thread = undefined
    for (const id of waiting.keys()) take(id)!.reject(unavailable(reason))
  }

  function take(id: number): Waiting | undefined {
    const asked = waiting.get(id)
    waiting.delete(id)
    clearTimeout(asked?.timer)
    return asked
  }

  return {
    ask(question) {
      if (closed) return Promise.reject(unavailable('Helios is stopping'))
      if (waiting.size >= MOST_WAITING) return Promise.reject(unavailable(`${MOST_WAITING} questions wait already`))
      return new Promise((resolve, reject) => {
        const id = ++lastId
        const timer = setTimeout(() => take(id)?.reject(unavailable(`no answer after ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)
        waiting.set(id, { resolve, reject, timer })
        try {
          (thread ??= start()).postMessage({ id, question } satisfies Asked)
        } catch (error) {
          take(id)
          reject(unavailable(error instanceof Error ? error.message : String(error)))
        }
      })
    },
    use: () => {},
    /** What was asked is answered; then the file is closed. */
    async close() {
      closed = true
      const ending = thread
      if (ending === undefined) return
      const gone = Promise.withResolvers<void>()
      ending.once('exit', () => gone.resolve())
      ending.ref()
      ending.postMessage('close')
      const timer = setTimeout(() => void ending.terminate(), CLOSE_MS)
      await gone.promise
      clearTimeout(timer)
    },
  }
}

function unavailable(reason: string): WorldUnavailable {
  return new WorldUnavailable(`the plugins' store: ${reason}`)
}
