/** The postmaster of a new domain (RFC 5321 4.5.1): an alias to `host_postmaster` (spec helios 5). */
import { accountFacts } from './accounts.ts'
import { addAlias, leadsTo, type Locals } from './aliases.ts'
import type { Database } from './database.ts'
import { refusal } from './errors.ts'

/**
 * Where the domain's postmaster leads. Without `host_postmaster` that is postmaster@me, if there is somebody; undefined where nothing was made.
 * Throws HeliosError `mail-loop` when `host_postmaster` is, or leads to, this very address.
 */
export async function addPostmaster(database: Database, domain: string, me: string, options: Locals): Promise<string | undefined> {
  const { hostPostmaster } = database.config
  const target = (hostPostmaster ?? `postmaster@${me}`).toLowerCase()
  const alias = `postmaster@${domain}`
  const facts = accountFacts(() => database, options)
  if (target === alias || await facts.find(alias) !== undefined) return undefined
  if (hostPostmaster === undefined && await facts.find(target) === undefined) return undefined
  await addAlias(database, alias, [target], options)
  return target
}

/** Before anything is made. Throws HeliosError `mail-loop`. */
export async function checkPostmaster(database: Database, domain: string): Promise<void> {
  const { hostPostmaster } = database.config
  const alias = `postmaster@${domain}`
  if (hostPostmaster === undefined) return
  const target = hostPostmaster.toLowerCase()
  if (target !== alias && !await leadsTo(database, target, alias)) return
  throw refusal('mail-loop', `host_postmaster in control/qmailconfig is ${hostPostmaster}, so ${alias} would lead to itself`,
    'add the domain with -p (no postmaster alias) and then a user postmaster in it')
}
