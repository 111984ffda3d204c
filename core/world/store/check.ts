/** Can plugins' memory be where the settings want it? Asks the database of the accounts, within the time of one question. */
import type { Control } from '../../../config/control.ts'
import type { Problem } from '../../../config/problem.ts'
import type { Settings } from '../../../config/settings.ts'
import { openRows } from './rows.ts'
import { troubleOf } from './trouble.ts'

/** A database that does not answer is a warning: it may be back before the first client comes. Changes nothing. Never rejects. */
export async function storeProblems({ store }: Pick<Settings, 'store'>, { qmailconfig }: Pick<Control, 'qmailconfig'>): Promise<readonly Problem[]> {
  if (store !== 'accounts' || qmailconfig.driver === 'sqlite') return []
  const rows = openRows(qmailconfig, qmailconfig.driver)
  try {
    await rows.probe()
    return []
  } catch (error) {
    return [problemOf(error)]
  } finally {
    rows.close()
  }
}

function problemOf(error: unknown): Problem {
  const { reason, mend, passing } = troubleOf(error)
  return {
    severity: passing ? 'warning' : 'error', file: 'control/qmailconfig', mend,
    reason: `plugins cannot remember in the database of the accounts, as the settings want it ("store": "accounts"): ${reason}`,
  }
}
