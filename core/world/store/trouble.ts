/** Why the table of plugins' memory cannot be used, as an operator is told. */
import { isTooLate } from '../../accounts/errors.ts'
import { isForbidden, isMissingTable } from '../../accounts/questions.ts'
import { isLostConnection } from '../../accounts/sql/pool.ts'
import { WorldUnavailable } from '../../plugin/world.ts'

export interface Trouble {
  readonly reason: string
  readonly mend: string
  /** It may be over by itself. */
  readonly passing: boolean
}

export function troubleOf(error: unknown): Trouble {
  const said = error instanceof Error ? error.message : String(error)
  if (error instanceof WorldUnavailable) return { reason: said, mend: 'start it, or correct control/qmailconfig; "helios db status" tries it', passing: true }
  if (isMissingTable(error)) return { reason: 'the table helios_store is missing', mend: 'run "helios db migrate" once', passing: false }
  if (isForbidden(error)) {
    return { reason: `not permitted: ${said}`, mend: 'grant SELECT, INSERT, UPDATE and DELETE on helios_store to the user of popconnectionstring in control/qmailconfig', passing: false }
  }
  // Of a database that restarts, while it was asked.
  if (isLostConnection(error)) return { reason: `the connection to the database ended: ${said}`, mend: 'see that it runs; "helios db status" tries it', passing: true }
  if (isTooLate(error)) return { reason: `the database gave it up: ${said}`, mend: 'see what holds the table helios_store, or keeps the database busy', passing: true }
  return { reason: `the database says: ${said}`, mend: 'see that popconnectionstring in control/qmailconfig names a server that may be written to', passing: false }
}
