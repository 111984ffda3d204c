/**
 * The files of the ring: `<home>/trace/000000000001.jsonl` and on, oldest number first. A line is one
 * record: what one session gathered between two flushes.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { TraceEvent } from './types.ts'

export interface TraceRecord {
  readonly session: string
  /** Milliseconds since 1970, of the flush. */
  readonly at: number
  readonly events: readonly TraceEvent[]
}

export interface Segment {
  readonly number: number
  readonly path: string
  /** Bytes. */
  size: number
}

const NAME = /^(\d{12})\.jsonl$/

export function segmentPath(directory: string, number: number): string {
  return join(directory, `${String(number).padStart(12, '0')}.jsonl`)
}

/** The segments of a trace directory, oldest first; none when there is no such directory. Other files are let alone. */
export async function listSegments(directory: string): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const name of (await names(directory)).sort()) {
    const number = NAME.exec(name)?.[1]
    if (number === undefined) continue
    const path = join(directory, name)
    try {
      segments.push({ number: Number(number), path, size: (await stat(path)).size })
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return segments
}

export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}

async function names(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
