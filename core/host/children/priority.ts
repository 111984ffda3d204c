/** Who gets a processor first: a server that answers in a millisecond is not to wait for a plugin that computes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** As `nice` counts: about a tenth of the time that another gets who wants it as well, and all of what nobody wants. */
const BEHIND = 10

/**
 * Puts a process behind all others, for good: only root may take that back. Never throws; one that is gone is fine.
 * @returns false when the system wants to be asked again later
 */
export function putBehind(pid: number): boolean {
  return asFarAsGoes(() => {
    // What Linux calls the priority of a process is that of its first thread.
    for (const thread of readdirSync(`/proc/${pid}/task`)) lower(Number(thread))
    // Each program of ours is a session; another's is left alone.
    if (sessionOf(pid) === pid) lowerSession(pid)
    return true
  })
}

/**
 * The same for a program that was just started: it has one thread, and leads a session. What it has started by then keeps its place,
 * unless the system goes by sessions. Never throws.
 * @returns false when there is more to be done, should it compute: who is not root has few writes, and keeps them for that
 */
export function startBehind(pid: number): boolean {
  return asFarAsGoes(() => {
    lower(pid)
    if (process.geteuid?.() !== 0) return false
    lowerSession(pid)
    return true
  })
}

function lower(thread: number): void {
  if (getPriority(thread) < BEHIND) setPriority(thread, BEHIND)
}

/** Where the system shares out time by sessions first, this is what counts. */
function lowerSession(leader: number): void {
  writeFileSync(`/proc/${leader}/autogroup`, String(BEHIND))
}

function asFarAsGoes(work: () => boolean): boolean {
  try {
    return work()
  } catch (error) {
    // It takes ten writes a second from who is not root. Else the process is gone, or the system knows nothing of the kind.
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN'
  }
}

/** proc(5): the fourth field behind the name, which may hold anything. */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
}
