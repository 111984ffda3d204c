/** A directory directly in one that is there. */
import { mkdir } from 'node:fs/promises'

/** Makes it (mode 0700) where it is missing, and never its parents: where the home was moved away, no new one may take its place. Rejects with the file system's error. */
export async function makeOwnDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
