/**
 * Hashing in threads of its own: neither the event loop waits for it, nor the syncs of accepted mail, which share Node's thread
 * pool. As many at once as there are cores but one, so that a wave of logins leaves a core to the mail.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { moduleFile } from '../../paths.ts'
import { WorldUnavailable } from '../../plugin/world.ts'
import type { NewScheme } from './texts.ts'

export type Job =
  | { readonly kind: 'hash'; readonly password: string; readonly scheme: NewScheme }
  | { readonly kind: 'verify'; readonly password: string; readonly stored: string | undefined }

export interface JobAnswer {
  readonly id: number
  readonly hash?: string
  readonly fits?: boolean
  readonly failure?: string
}

const MOST_THREADS = Math.max(1, availableParallelism() - 1)
/** Jobs that wait: some five seconds of work for one thread. */
const MOST_WAITING = 64

interface Waiting {
  readonly job: Job
  resolve(answer: JobAnswer): void
  reject(error: unknown): void
}

const waiting: Waiting[] = []
const idle: Worker[] = []
let threads = 0
let numbers = 0

/** Does one job. Rejects with WorldUnavailable where too many wait already, or the thread ends. */
export function doJob(job: Job): Promise<JobAnswer> {
  if (waiting.length >= MOST_WAITING) return Promise.reject(new WorldUnavailable('too many passwords are being checked at once'))
  return new Promise((resolve, reject) => {
    waiting.push({ job, resolve, reject })
    next()
  })
}

function next(): void {
  if (waiting.length === 0) return
  const worker = idle.pop() ?? (threads < MOST_THREADS ? start() : undefined)
  if (worker === undefined) return
  const { job, resolve, reject } = waiting.shift()!
  const id = ++numbers
  // A thread at work keeps the process; one that waits for work does not.
  worker.ref()
  const end = (): void => {
    worker.off('message', answered)
    worker.off('exit', ended)
  }
  const answered = (answer: JobAnswer): void => {
    if (answer.id !== id) return
    end()
    worker.unref()
    idle.push(worker)
    if (answer.failure === undefined) resolve(answer)
    else reject(new WorldUnavailable(`a password could not be worked on: ${answer.failure}`))
    next()
  }
  const ended = (): void => {
    end()
    reject(new WorldUnavailable('the thread that checks passwords ended'))
    next()
  }
  worker.on('message', answered)
  worker.on('exit', ended)
  worker.postMessage({ id, ...job })
}

function start(): Worker {
  threads += 1
  const worker = new Worker(moduleFile('core/accounts/passwords/worker'), { env: {}, stdin: false, name: 'passwords' })
  worker.on('error', () => undefined)
  worker.on('exit', () => {
    threads -= 1
    const at = idle.indexOf(worker)
    if (at >= 0) idle.splice(at, 1)
  })
  return worker
}
