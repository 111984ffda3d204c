/** Who gets a processor first: a server that answers in a millisecond is not to wait for a plugin that computes. */
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Milliseconds of processor time, without an answer, that make a plugin one that computes. */
export const COMPUTES_MS = 50
/** As `nice` counts: about a tenth of the time that another gets who wants it as well, and all of what nobody wants. */
const BEHIND = 10

/**
 * Puts a process behind all others, for good: only root may take that back. Never throws; one that is gone is fine.
 * @returns false when the system wants to be asked again later
 */
export function putBehind(pid: number): boolean {
  try {
    setPriority(pid, BEHIND)
    // Where the system shares out time by sessions first, each program of ours is a session, and this is what counts.
    writeFileSync(`/proc/${pid}/autogroup`, String(BEHIND))
  } catch (error) {
    // It takes ten of these a second from who is not root. Else the process is gone, or the system knows nothing of the kind.
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN'
  }
  return true
}
