/** The process that a home's status file names, before a signal is sent to it. */
import { statSync } from 'node:fs'
import { HeliosError } from '../error.ts'

/**
 * Who owns the home writes the status file, and root must not signal whatever process stands there. Where there is no /proc nobody can tell.
 * Throws HeliosError `not-running`.
 */
export function requireOwnersProcess(home: string, pid: number): void {
  const found = statSync(`/proc/${pid}`, { throwIfNoEntry: false })
  if (process.geteuid?.() !== 0 || found === undefined || found.uid === statSync(home).uid) return
  throw new HeliosError('not-running', `pid ${pid} is not the server of ${home}: it is another user's`, {
    fault: 'operator', mend: 'look who runs there; "helios serve" writes run/status.json anew',
  })
}
