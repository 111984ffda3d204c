/** A home whose accounts are worked on: its control directory as it stands now, and its database, open. */
import { readControl, type Control } from '../../config/control.ts'
import { ConfigError } from '../../config/error.ts'
import { isHome } from '../../config/load.ts'
import { openDatabase, type Database } from '../accounts/database.ts'
import { HeliosError } from '../error.ts'

/** Milliseconds to wait for others at the database. */
const PATIENCE = 10_000

export interface OpenHome {
  readonly control: Control
  readonly database: Database
}

/** Rejects with HeliosError `no-home` where there is none. */
export async function requireHome(home: string): Promise<void> {
  if (await isHome(home)) return
  throw new HeliosError('no-home', `there is no home in ${home}`, {
    fault: 'operator', mend: 'name it with --home DIR, or make one with "helios init"',
  })
}

/**
 * Opens the database that the home's control/qmailconfig names. Rejects with HeliosError `no-home` or `database`, with ConfigError
 * for a qmailconfig that cannot be read. A database server is not asked yet.
 * @param home absolute path
 */
export async function openHome(home: string): Promise<OpenHome> {
  const control = await readHome(home)
  return { control, database: openDatabase(home, control.qmailconfig, { patience: PATIENCE }) }
}

/** Its control directory, where it says which database holds the accounts. Rejects as `openHome` does. */
export async function readHome(home: string): Promise<Control> {
  await requireHome(home)
  const { control, problems } = await readControl(home)
  const wrong = problems.filter(({ severity, file }) => severity === 'error' && /^control\/(?:qmailconfig|sqlserver)$/.test(file))
  if (wrong.length > 0) throw new ConfigError(wrong)
  return control
}
