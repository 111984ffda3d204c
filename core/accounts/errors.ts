/** The kinds of failure around accounts: what was asked for cannot be, the system refuses, or the database does. */
import { HeliosError } from '../error.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { isForbidden, isMissingTable } from './questions.ts'
import { isLostConnection } from './sql/pool.ts'
import { isBusy } from './sql/sqlite.ts'
import { UnfitRow } from './unfit-row.ts'

/** Asked for something that cannot be done so. */
export function refusal(code: string, message: string, mend: string): HeliosError {
  return new HeliosError(code, message, { fault: 'operator', mend })
}

/** A file or directory of the home could not be read or written. */
export function fileFailure(code: string, what: string, cause: unknown): HeliosError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new HeliosError(code, `${what}: ${message}`, {
    fault: 'system', mend: 'see that it belongs to the user who owns the home, run this as that user or as root, and see that the disk has room', cause,
  })
}

/** The operator's view of an error of the database. */
export function explained(error: unknown): unknown {
  const { code, message, cause } = error as { readonly code?: unknown; readonly message?: string; readonly cause?: unknown }
  if (error instanceof WorldUnavailable && cause !== undefined) {
    const reason = explained(cause)
    if (reason !== cause) return reason
  }
  if (isMissingTable(error)) return databaseError('a table is missing', 'run "helios db migrate" once', error)
  if (error instanceof WorldUnavailable) {
    if (error.message.endsWith(' was closed')) return new HeliosError('database', error.message, { fault: 'operator', mend: 'open it again', cause: error })
    return new HeliosError('database', error.message, { fault: 'operator', mend: mendOf(error), cause: error })
  }
  if (code === 'ERR_INVALID_STATE' && message === 'database is not open') return databaseError('it was closed', 'open it again', error)
  if (isForbidden(error)) {
    return databaseError(`not permitted: ${message}`,
      'grant it to the user of control/qmailconfig: connectionstring names who reads, popconnectionstring who writes; "helios db status" tells what is missing', error)
  }
  if (code === 'ER_DATA_TOO_LONG' || code === '22001') {
    return databaseError(`a column is too narrow: ${message}`, 'widen it: "helios db status" says to what', error)
  }
  if (isBusy(error)) return databaseError(`another program is writing: ${message}`, 'try again, and see with "fuser helios.db" who it is', error)
  if (isTooLate(error)) return databaseError(`it was given up: ${message}`, 'try again; query_timeout in control/qmailconfig says how long an answer may take', error)
  if (isLostConnection(error)) return databaseError(`the connection ended: ${message}`, 'see that the server runs, and try again', error)
  if (FULL.has(code)) return databaseError(String(message), 'make room on its disk', error)
  return error
}

function mendOf(error: WorldUnavailable): string {
  if (error instanceof UnfitRow) return 'change that row; "helios user show" and "helios alias list" show what there is'
  if (/\baccount database\b/.test(error.message)) return 'start it, or correct control/qmailconfig; "helios db status" tries it'
  return 'try again; "helios db status" tells how the account database is'
}

/** Somebody held what was wanted for too long, or two waited for one another. */
const TOO_LATE: ReadonlySet<unknown> = new Set([
  '57014', '55P03', '40P01', '40001', 'ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT', 'ER_QUERY_INTERRUPTED',
])

/** The database, or who asked, gave the question up: the same one may be answered next time. */
export function isTooLate(error: unknown): boolean {
  return TOO_LATE.has((error as { readonly code?: unknown }).code)
}

const FULL: ReadonlySet<unknown> = new Set(['53100', 'ER_DISK_FULL', 'ER_RECORD_FILE_FULL'])

function databaseError(what: string, mend: string, cause: unknown): HeliosError {
  return new HeliosError('database', `the account database: ${what}`, { fault: 'operator', mend, cause })
}
