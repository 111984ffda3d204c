/** The two kinds of failure around accounts: what was asked for cannot be, or the system refuses. */
import { HeliosError } from '../error.ts'

/** Asked for something that cannot be done so. */
export function refusal(code: string, message: string, mend: string): HeliosError {
  return new HeliosError(code, message, { fault: 'operator', mend })
}

/** A file or directory of the home could not be read or written. */
export function fileFailure(code: string, what: string, cause: unknown): HeliosError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new HeliosError(code, `${what}: ${message}`, {
    fault: 'system', mend: 'run this as the user who owns the home, or as root, and see that the disk has room', cause,
  })
}
