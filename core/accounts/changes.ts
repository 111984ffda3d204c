/** Changes that every database spells or fails in its own way. */
import { HeliosError } from '../error.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { isDuplicate, isMissingTable } from './questions.ts'

/** Inserts a row; false when one with its key is there already. Rejects as `changed`. */
export async function insertNew(insert: () => Promise<unknown>): Promise<boolean> {
  try {
    await changed(insert)
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** Rows of a table of Helios' own; none where it is not there, as in a database of qmail-sql's. */
export async function ownRows<T>(query: { execute(): Promise<T[]> }): Promise<readonly T[]> {
  try {
    return await query.execute()
  } catch (error) {
    if (isMissingTable(error)) return []
    throw error
  }
}

/** Does a change. Rejects with HeliosError where the operator can do something about the failure. */
export async function changed<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explained(error)
  }
}

/** The operator's view of an error of the database. */
export function explained(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string }
  if (isMissingTable(error)) return databaseError('a table is missing', 'run "helios db migrate" once', error)
  if (error instanceof WorldUnavailable) return databaseError(error.message, 'start it, or correct control/qmailconfig; "helios db status" tries it', error)
  if (code === '42501' || code === 'ER_TABLEACCESS_DENIED_ERROR' || code === 'ER_DBACCESS_DENIED_ERROR' || code === 'ER_COLUMNACCESS_DENIED_ERROR') {
    return databaseError(`not permitted: ${message}`, 'grant it to the user of popconnectionstring in control/qmailconfig', error)
  }
  if (code === 'ER_DATA_TOO_LONG' || code === '22001') {
    return databaseError(`a column is too narrow: ${message}`, 'widen it: "helios db status" says to what', error)
  }
  return error
}

function databaseError(what: string, mend: string, cause: unknown): HeliosError {
  return new HeliosError('database', `the account database: ${what}`, { fault: 'operator', mend, cause })
}
