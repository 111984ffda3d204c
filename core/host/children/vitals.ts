/** What the system tells about another process. Undefined where it tells nothing, or there is no such process. */
import { readFileSync } from 'node:fs'

/** The page size of every Linux that Node runs on, arm64 kernels with larger pages aside: there the limit is coarser. */
const PAGE = 4096

/** Bytes of resident memory. */
export function residentBytes(pid: number): number | undefined {
  const pages = fields(pid, 'statm')?.[1]
  return pages === undefined ? undefined : pages * PAGE
}

/** What its main thread, where JavaScript runs, got so far. */
export interface Turns {
  /** Milliseconds it had a processor. */
  readonly computed: number
  /** Milliseconds it could have run and had none. */
  readonly waited: number
}

export function turnsOf(pid: number): Turns | undefined {
  const [computed, waited] = fields(pid, 'schedstat') ?? []
  return computed === undefined || waited === undefined ? undefined : { computed: computed / 1e6, waited: waited / 1e6 }
}

function fields(pid: number, file: string): readonly number[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1').split(' ').map(Number)
  } catch {
    return undefined
  }
}
