/**
 * The trace of several processes in one ring: each records as ever, but its lines go through a pipe to the process that owns the
 * ring. So the ring's bound counts for all of them together, and its readers find one sequence.
 */
import type { Readable, Writable } from 'node:stream'
import type { TraceSink } from './recorder.ts'

const LF = 0x0a
/** What one write should have: a part of what a pipe holds. */
const BATCH = 64 * 1024

/** Where the recorder of a process without a ring writes. Resolves once the pipe has room again: the recorder's own bound holds. */
export function pipeSink(pipe: Writable): TraceSink {
  // The reader is gone, and this process will follow.
  pipe.on('error', () => {})
  return {
    segmentBytes: BATCH,
    append: (lines) => new Promise((resolve) => {
      if (pipe.destroyed || pipe.write(lines)) return resolve()
      const over = (): void => {
        pipe.off('drain', over).off('close', over)
        resolve()
      }
      pipe.on('drain', over).on('close', over)
    }),
    close: () => new Promise((resolve) => {
      if (pipe.destroyed) return resolve()
      pipe.end(() => resolve())
    }),
  }
}

/** Hands on whole lines as they come; what a process that died had not finished is left out. @param mostBytes of one line */
export function readTracePipe(pipe: Readable, mostBytes: number, take: (lines: Buffer) => void): void {
  let partial: Buffer[] = []
  let bytes = 0
  pipe.on('error', () => {})
  pipe.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(LF) + 1
    if (end > 0) {
      if (bytes <= mostBytes) take(Buffer.concat([...partial, chunk.subarray(0, end)]))
      partial = []
      bytes = 0
    }
    bytes += chunk.length - end
    if (bytes > mostBytes) partial = []
    else if (end < chunk.length) partial.push(chunk.subarray(end))
  })
}
