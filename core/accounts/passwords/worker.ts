/** The thread that hashes: one job after the other, each answered by its number. */
import { parentPort } from 'node:worker_threads'
import type { Job, JobAnswer } from './pool.ts'
import { hashSync, verifySync } from './schemes.ts'

parentPort!.on('message', ({ id, ...job }: Job & { readonly id: number }) => {
  const answer: JobAnswer = job.kind === 'hash' ? { id, hash: hashSync(job.password, job.scheme) } : { id, fits: verifySync(job.password, job.stored) }
  parentPort!.postMessage(answer)
})
