/** Bytes of a home's that nobody else knows, from which what SCRAM says of users who are not there is made: the same at each start, as it is for those who are. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from '../accounts/ownership.ts'

const BYTES = 32

/** Reads `run/pepper`, or writes it. Throws what the file system says. */
export function pepperOf(home: string): Buffer {
  const path = join(home, 'run', 'pepper')
  const kept = read(path)
  if (kept?.length === BYTES) return kept
  const made = randomBytes(BYTES)
  makeDirectory(home, join(home, 'run'))
  writeFileSync(path, made, { mode: 0o600 })
  return made
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
