/** Whose a home is. A server that cannot write what an earlier one, or root, has left behind is better told before it starts. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** What the server writes, below the home; of directories with `*` what stands directly in them. */
const WRITTEN = ['run', 'run/*', 'queue', 'queue/*', 'trace', 'trace/*', 'mail', 'mail/*', 'helios.db', 'helios.db-wal', 'helios.db-shm', 'store.db', 'store.db-wal', 'store.db-shm']

/** The user id that owns the home; undefined where there is none. */
export function homeOwner(home: string): number | undefined {
  return statSync(home, { throwIfNoEntry: false })?.uid
}

/** Paths relative to the home of what the server writes and somebody else than this user owns; `.` is the home itself. */
export function notOwnedBy(home: string, uid: number): readonly string[] {
  return ['.', ...WRITTEN.flatMap((name) => expand(home, name))].filter((name) => {
    const found = statSync(join(home, name), { throwIfNoEntry: false })
    return found !== undefined && found.uid !== uid
  })
}

function expand(home: string, name: string): readonly string[] {
  if (!name.endsWith('/*')) return [name]
  const directory = name.slice(0, -2)
  try {
    return readdirSync(join(home, directory)).map((each) => join(directory, each))
  } catch {
    return []
  }
}
