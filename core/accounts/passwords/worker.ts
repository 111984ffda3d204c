/** The thread that hashes: one job after the other, each answered by its number. */
import { parentPort } from 'node:worker_threads'
import type { Job, JobAnswer } from './pool.ts'
import { hashSync, verifySync } from './schemes.ts'

parentPort!.on('message', ({ id, password, stored, kind }: Job & { readonly id: number }) => {
  const answer: JobAnswer = kind === 'hash' ? { id, hash: hashSync(password) } : { id, fits: verifySync(password, stored) }
  parentPort!.postMessage(answer)
})
