/** Can plugins' memory be where the settings want it? Asks the database of the accounts, within the time of one question. */
import type { Control } from '../../../config/control.ts'
import type { Problem } from '../../../config/problem.ts'
import type { Settings } from '../../../config/settings.ts'
import { hasStoreFile } from './copy.ts'
import { openRows } from './rows.ts'
import { troubleOf } from './trouble.ts'

/** A database that does not answer is a warning: it may be back before the first client comes. Changes nothing. Never rejects. */
export async function storeProblems({ store }: Pick<Settings, 'store'>, { home, qmailconfig }: Pick<Control, 'home' | 'qmailconfig'>): Promise<readonly Problem[]> {
  if (store !== 'accounts' || qmailconfig.driver === 'sqlite') return []
  const rows = openRows(qmailconfig, qmailconfig.driver)
  try {
    await rows.probe()
    return hasStoreFile(home) ? [LEFT_BEHIND] : []
  } catch (error) {
    return [problemOf(error)]
  } finally {
    rows.close()
  }
}

const LEFT_BEHIND: Problem = {
  severity: 'warning', file: 'store.db', reason: 'what plugins remembered here is not asked any more, for they remember in the database of the accounts ("store": "accounts")',
  mend: 'run "helios db copy-store", which puts it there, and then remove store.db and what begins with its name; or remove them, and plugins begin anew',
}

function problemOf(error: unknown): Problem {
  const { reason, mend, passing } = troubleOf(error)
  return {
    severity: passing ? 'warning' : 'error', file: 'control/qmailconfig', mend,
    reason: `plugins cannot remember in the database of the accounts, as the settings want it ("store": "accounts"): ${reason}`,
  }
}
