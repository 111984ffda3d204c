/** The thread that hashes: one job after the other, each answered by its number. */
import { parentPort } from 'node:worker_threads'
import type { Job, JobAnswer } from './pool.ts'
import { hashSync, verifySync } from './schemes.ts'

parentPort!.on('message', ({ id, ...job }: Job & { readonly id: number }) => {
  parentPort!.postMessage(answerTo(id, job))
})

/** What fails is this job's alone: the thread goes on. */
function answerTo(id: number, job: Job): JobAnswer {
  try {
    return job.kind === 'hash' ? { id, hash: hashSync(job.password, job.scheme) } : { id, fits: verifySync(job.password, job.stored) }
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) }
  }
}
