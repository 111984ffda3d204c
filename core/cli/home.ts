/** The home a command works on. */
import type { Settings } from '../../config/settings.ts'
import { Helios } from '../api/helios.ts'
import { requireHome } from '../api/home.ts'
import type { Io } from './command.ts'

/** The settings of a home that is there. Rejects with HeliosError `no-home`, or with ConfigError. */
export async function existingHome(io: Io): Promise<Settings> {
  const settings = await io.settings()
  await requireHome(settings.home)
  return settings
}

/** Does something with the accounts of the home, and closes them after it. */
export async function withHelios<T>(io: Io, work: (helios: Helios) => Promise<T>): Promise<T> {
  const { home } = await io.settings()
  return withAccountsOf(home, work)
}

/** The same in a home that is named. */
export async function withAccountsOf<T>(home: string, work: (helios: Helios) => Promise<T>): Promise<T> {
  const helios = await Helios.open(home)
  try {
    return await work(helios)
  } finally {
    await helios.close()
  }
}
