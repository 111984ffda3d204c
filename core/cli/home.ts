/** The home a command works on. */
import { readControl, type Control } from '../../config/control.ts'
import { ConfigError } from '../../config/error.ts'
import { isHome } from '../../config/load.ts'
import type { Settings } from '../../config/settings.ts'
import type { QmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { changed } from '../accounts/changes.ts'
import { openDatabase, type Database } from '../accounts/database.ts'
import { HeliosError } from '../error.ts'
import type { Io } from './command.ts'

/** Milliseconds a command waits for others at the database. */
const PATIENCE = 10_000

/** The settings of a home that is there. Rejects with HeliosError `no-home`, or with ConfigError. */
export async function existingHome(io: Io): Promise<Settings> {
  const settings = await io.settings()
  await requireHome(settings.home)
  return settings
}

/** Rejects with HeliosError `no-home` where there is none. */
export async function requireHome(home: string): Promise<void> {
  if (await isHome(home)) return
  throw new HeliosError('no-home', `there is no home in ${home}`, {
    fault: 'operator', mend: 'name it with --home DIR, or make one with "helios init"',
  })
}

/** Does something with the accounts of the home, and closes the database after it. */
export async function withAccounts<T>(io: Io, work: (database: Database, control: Control) => Promise<T> | T): Promise<T> {
  const { home } = await existingHome(io)
  const { control, problems } = await readControl(home)
  const wrong = problems.filter(({ severity, file }) => severity === 'error' && /^control\/(?:qmailconfig|sqlserver)$/.test(file))
  if (wrong.length > 0) throw new ConfigError(wrong)
  return withDatabase(home, (database) => work(database, control), control.qmailconfig)
}

export async function withDatabase<T>(home: string, work: (database: Database) => Promise<T> | T, config?: QmailConfig): Promise<T> {
  const database = openDatabase(home, config, { patience: PATIENCE })
  try {
    return await changed(async () => work(database))
  } finally {
    await database.close()
  }
}
