/** Changes that every database spells or fails in its own way. */
import { explained } from './errors.ts'
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
