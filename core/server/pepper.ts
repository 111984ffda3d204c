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

/** Writes it again where `run/` was removed: the next start would show other salts, and so who is not there. Throws what the file system says. */
export function keepPepper(home: string, pepper: Uint8Array): void {
  try {
    writeFileSync(join(home, 'run', 'pepper'), pepper, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
