/** `helios domain`: for whom mail is accepted. */
import type { Command } from 'commander'
import { accountOptions } from '../accounts/accounts.ts'
import { dropDomainRows } from '../accounts/account-rows.ts'
import { listAliases } from '../accounts/aliases.ts'
import { deleteDomain, lookAtDomain } from '../accounts/deletion.ts'
import { addDomain, listDomains } from '../accounts/domains.ts'
import { refusal } from '../accounts/errors.ts'
import { checkDomain } from '../accounts/names.ts'
import { addPostmaster, checkPostmaster } from '../accounts/postmaster.ts'
import { listUsers } from '../accounts/users.ts'
import type { Io, Noun } from './command.ts'
import { declaredTables } from './declared.ts'
import { describeDeletion, requireYes } from './deletion.ts'
import { withAccounts } from './home.ts'
import { counted, table } from './table.ts'

export const domain: Noun = {
  register(program, io) {
    const noun = program.command('domain').description('add, list, show and delete the domains mail is accepted for')
    registerAdd(noun, io)
    registerList(noun, io)
    registerShow(noun, io)
    registerDelete(noun, io)
  },
}

interface Json {
  readonly json?: boolean
}

function registerAdd(noun: Command, io: Io): void {
  noun.command('add').description('accept mail for a domain: writes it to control/rcpthosts').argument('<domain>', 'such as example.org')
    .option('-p, --no-postmaster', 'no alias from its postmaster to host_postmaster').option('--json', 'as JSON')
    .action((name: string, options: Json & { readonly postmaster: boolean }) => withAccounts(io, async (database, control) => {
      if (options.postmaster) await checkPostmaster(database, checkDomain(name))
      const added = await addDomain(database, name)
      const postmaster = options.postmaster ? await addPostmaster(database, added.domain, control.me, accountOptions(control)) : undefined
      if (options.json === true) return io.out(JSON.stringify({ ...added, ...(postmaster === undefined ? {} : { postmaster }) }, undefined, 2))
      if (added.listed) io.out(`${added.domain} added${control.read('rcpthosts') === undefined && database.config.rcpthostsFromDb ? '' : ' to control/rcpthosts'}`)
      if (added.directory) io.out(`mail/${added.domain} created`)
      if (postmaster !== undefined) io.out(`postmaster@${added.domain} leads to ${postmaster}`)
      if (!added.listed && !added.directory) io.out(`${added.domain} is there already`)
      if (added.listed) io.out(`next: helios user add LOGIN@${added.domain}`)
    }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show the domains of control/rcpthosts and those with users').option('--json', 'as JSON')
    .action((options: Json) => withAccounts(io, async (database) => {
      const domains = await listDomains(database)
      if (options.json === true) return io.out(JSON.stringify(domains, undefined, 2))
      if (domains.length === 0) return io.out('no domains yet: helios domain add DOMAIN')
      const doubt = (accepted: boolean): string => accepted ? '' : 'not accepted: not in control/rcpthosts'
      const rows = domains.map((row) => [row.domain, counted(row.users, 'user'), doubt(row.accepted)])
      for (const line of table(rows)) io.out(line)
    }))
}

function registerShow(noun: Command, io: Io): void {
  noun.command('show').description("show a domain's users and aliases").argument('<domain>', 'such as example.org').option('--json', 'as JSON')
    .action((name: string, options: Json) => withAccounts(io, async (database) => {
      const of = checkDomain(name)
      const known = (await listDomains(database)).find((each) => each.domain === of)
      const [users, aliases] = [await listUsers(database, of), await listAliases(database, of)]
      if (known === undefined && aliases.length === 0) throw refusal('unknown-domain', `there is no domain ${of}`, '"helios domain list" shows what there is')
      if (options.json === true) return io.out(JSON.stringify({ domain: of, accepted: known?.accepted ?? false, users, aliases }, undefined, 2))
      io.out(`${of}: ${known?.accepted === true ? 'mail is accepted' : 'mail is not accepted: not in control/rcpthosts'}, ${counted(users.length, 'user')}, ${counted(aliases.length, 'alias', 'aliases')}`)
      for (const line of table([
        ...users.map(({ login, enabled, home }) => [`  ${login}@${of}`, enabled ? '' : 'disabled', home]),
        ...aliases.map(({ alias, targets }) => [`  ${alias}`, 'alias', targets.join(' ')]),
      ])) io.out(line)
    }))
}

function registerDelete(noun: Command, io: Io): void {
  noun.command('del').description('take a domain away, with its users, their mail and its aliases').argument('<domain>', 'such as example.org')
    .option('--yes', 'delete mail, too').option('--json', 'as JSON')
    .action((name: string, options: Json & { readonly yes?: boolean }) => withAccounts(io, async (database) => {
      const of = checkDomain(name)
      const deletion = await lookAtDomain(database, of)
      requireYes(io, of, deletion, options.yes === true)
      if (!await deleteDomain(database, of)) throw refusal('unknown-domain', `there is no domain ${of}`, '"helios domain list" shows what there is')
      await dropDomainRows(database, await declaredTables(), of)
      if (options.json === true) return io.out(JSON.stringify({ domain: of, ...deletion }, undefined, 2))
      for (const line of describeDeletion(deletion)) io.out(`deleted: ${line}`)
      io.out(`${of} deleted`)
    }))
}
