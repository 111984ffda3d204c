/** Aliases: addresses that lead to others, and the catch-all of a domain, written `@domain`. */
import { accountFacts, DEEPEST_ALIAS, type AccountOptions } from './accounts.ts'
import { changed, insertNew, ownRows } from './changes.ts'
import type { Database } from './database.ts'
import { isKnownDomain } from './domains.ts'
import { refusal } from './errors.ts'
import { checkAddress, checkDomain } from './names.ts'

export interface AliasInfo {
  /** `login@domain`; `@domain` for a catch-all. */
  readonly alias: string
  readonly targets: readonly string[]
}

/** The alias leads to somebody, or to nobody yet. */
export interface AddedAlias {
  /** The targets that were not there before. */
  readonly added: readonly string[]
  /** Accounts that get its mail now. */
  readonly takers: readonly string[]
}

/** Addresses in one question. */
const AT_ONCE = 500

/** Local domains as the control directory has them: where an alias may lead. */
export type Locals = Pick<AccountOptions, 'locals' | 'localsMissing'>

/**
 * Adds targets to an alias. Throws HeliosError: `bad-address`, `unknown-domain`, `user-exists` where a user would hide it, `alias-elsewhere` for a
 * target that is not here, `mail-loop` for one that leads back, or too far.
 */
export async function addAlias(database: Database, address: string, targets: readonly string[], options: Locals): Promise<AddedAlias> {
  const { login, domain } = checkAlias(address)
  const name = `${login}@${domain}`
  if (!await isKnownDomain(database, domain)) {
    throw refusal('unknown-domain', `mail for ${domain} is not accepted here`, `first run "helios domain add ${domain}"`)
  }
  const facts = accountFacts(() => database, options)
  const user = login === '' ? undefined : await facts.find(name)
  if (user !== undefined && user.login === login && user.domain === domain) {
    throw refusal('user-exists', `${name} is a user, and mail for it goes there first`, 'choose another name, or delete the user')
  }
  const checked = targets.map((target) => checkAddress(target))
  const before = await levels(name, (addresses) => aliasesTo(database, addresses))
  for (const target of checked) {
    const text = `${target.login}@${target.domain}`
    if (!await facts.hasDomain(target.domain) && !await isKnownDomain(database, target.domain)) {
      throw refusal('alias-elsewhere', `${text} is not an address of this server, and this version delivers to no other`, 'name an account or an alias that is here')
    }
    if (text === name || await leadsTo(database, text, name)) throw refusal('mail-loop', `${text} leads to ${name}: mail would go round`, 'name an account that ends the way')
    if (before + 1 + await levels(text, (addresses) => nextTargets(database, addresses)) > DEEPEST_ALIAS) {
      throw refusal('mail-loop', `with ${name} leading to ${text} mail would go through more than ${DEEPEST_ALIAS} aliases behind one another, and wait for ever`,
        'name an account, or an alias nearer to one')
    }
  }
  const added: string[] = []
  for (const target of checked) {
    const text = `${target.login}@${target.domain}`
    if (await insertNew(() => database.write.insertInto('helios_aliases').values({ login, domain, target: text }).execute())) added.push(text)
  }
  const takers = login === '' ? [] : (await facts.takers(name)).map((account) => `${account.login}@${account.domain}`)
  return { added, takers }
}

/** Takes targets, or the whole alias, away. Resolves with what was taken. Throws HeliosError `unknown-alias`. */
export async function deleteAlias(database: Database, address: string, targets: readonly string[] = []): Promise<readonly string[]> {
  const { login, domain } = checkAlias(address)
  const there = (await ownRows(database.write.selectFrom('helios_aliases').select('target').where('login', '=', login).where('domain', '=', domain))).map(({ target }) => target)
  const wanted = targets.length === 0 ? there : targets.map((target) => target.toLowerCase())
  const missing = wanted.find((target) => !there.includes(target))
  if (there.length === 0 || missing !== undefined) {
    throw refusal('unknown-alias', missing === undefined ? `there is no alias ${login}@${domain}` : `${login}@${domain} does not lead to ${missing}`, '"helios alias list" shows what there is')
  }
  await changed(() => database.write.deleteFrom('helios_aliases').where('login', '=', login).where('domain', '=', domain).where('target', 'in', wanted).execute())
  return wanted
}

/** Aliases by domain and name, of one domain where given. */
export async function listAliases(database: Database, domain?: string): Promise<readonly AliasInfo[]> {
  const query = database.write.selectFrom('helios_aliases').select(['login', 'domain', 'target']).orderBy('domain').orderBy('login').orderBy('target')
  const rows = await ownRows(domain === undefined ? query : query.where('domain', '=', domain))
  const aliases = new Map<string, string[]>()
  for (const row of rows) {
    const name = `${row.login}@${row.domain}`
    aliases.set(name, [...aliases.get(name) ?? [], row.target])
  }
  return [...aliases].map(([alias, targets]) => ({ alias, targets }))
}

/** Is `to` among the targets of `from`, directly or through other aliases? */
export async function leadsTo(database: Database, from: string, to: string): Promise<boolean> {
  const seen = new Set<string>()
  let next: readonly string[] = [from]
  while (next.length > 0) {
    for (const address of next) seen.add(address)
    const targets = await nextTargets(database, next)
    if (targets.includes(to)) return true
    next = [...new Set(targets)].filter((address) => !seen.has(address))
  }
  return false
}

/** Aliases behind one another from this address on, the longest way, 0 where it is none; more than DEEPEST_ALIAS are not counted. */
async function levels(from: string, next: (addresses: readonly string[]) => Promise<readonly string[]>): Promise<number> {
  let addresses: readonly string[] = [from]
  for (let level = 0; level <= DEEPEST_ALIAS; level += 1) {
    addresses = [...new Set(await next(addresses))]
    if (addresses.length === 0) return level
  }
  return DEEPEST_ALIAS + 1
}

async function nextTargets(database: Database, addresses: readonly string[]): Promise<readonly string[]> {
  const targets: string[] = []
  for (const address of addresses) {
    const at = address.lastIndexOf('@')
    const found = await ownRows(database.write.selectFrom('helios_aliases').select('target')
      .where('login', '=', address.slice(0, at)).where('domain', '=', address.slice(at + 1)))
    for (const { target } of found) targets.push(target)
  }
  return targets
}

/** Aliases, catch-alls too, that have one of these as a target. */
async function aliasesTo(database: Database, addresses: readonly string[]): Promise<readonly string[]> {
  const aliases: string[] = []
  for (let begin = 0; begin < addresses.length; begin += AT_ONCE) {
    const found = await ownRows(database.write.selectFrom('helios_aliases').select(['login', 'domain']).where('target', 'in', addresses.slice(begin, begin + AT_ONCE)))
    for (const { login, domain } of found) aliases.push(`${login}@${domain}`)
  }
  return aliases
}

function checkAlias(text: string): { readonly login: string; readonly domain: string } {
  return text.startsWith('@') ? { login: '', domain: checkDomain(text.slice(1)) } : checkAddress(text)
}
