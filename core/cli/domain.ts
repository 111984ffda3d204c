/** `helios domain`: for whom mail is accepted. */
import type { Command } from 'commander'
import type { Io, Noun } from './command.ts'
import { describeDeletion, requireYes } from './deletion.ts'
import { withHelios } from './home.ts'
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
    .action((name: string, options: Json & { readonly postmaster: boolean }) => withHelios(io, async (helios) => {
      const { postmaster, ...added } = await helios.addDomain(name, { postmaster: options.postmaster })
      if (options.json === true) return io.out(JSON.stringify({ ...added, postmaster }, undefined, 2))
      const { read, qmailconfig } = helios.control
      if (added.listed) io.out(`${added.domain} added${read('rcpthosts') === undefined && qmailconfig.rcpthostsFromDb ? '' : ' to control/rcpthosts'}`)
      if (added.directory) io.out(`mail/${added.domain} created`)
      if (postmaster !== undefined) io.out(`postmaster@${added.domain} leads to ${postmaster}`)
      if (!added.listed && !added.directory) io.out(`${added.domain} is there already`)
      if (!added.listed) return
      io.out(`next: helios user add LOGIN@${added.domain}`)
      const needed = `postmaster@${added.domain}`
      if (options.postmaster && await helios.facts.find(needed) === undefined) io.out(`nobody is ${needed} yet, whom other servers write to: add a user or an alias of that name`)
    }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show the domains of control/rcpthosts and those with users').option('--json', 'as JSON')
    .action((options: Json) => withHelios(io, async (helios) => {
      const domains = await helios.domains()
      if (options.json === true) return io.out(JSON.stringify(domains, undefined, 2))
      if (domains.length === 0) return io.out('no domains yet: helios domain add DOMAIN')
      const doubt = (accepted: boolean): string => accepted ? '' : 'not accepted: not in control/rcpthosts'
      const rows = domains.map((row) => [row.domain, counted(row.users, 'user'), doubt(row.accepted)])
      for (const line of table(rows)) io.out(line)
    }))
}

function registerShow(noun: Command, io: Io): void {
  noun.command('show').description("show a domain's users and aliases").argument('<domain>', 'such as example.org').option('--json', 'as JSON')
    .action((name: string, options: Json) => withHelios(io, async (helios) => {
      const details = await helios.domain(name)
      if (options.json === true) return io.out(JSON.stringify(details, undefined, 2))
      const { domain: of, accepted, users, aliases } = details
      io.out(`${of}: ${accepted ? 'mail is accepted' : 'mail is not accepted: not in control/rcpthosts'}, ${counted(users.length, 'user')}, ${counted(aliases.length, 'alias', 'aliases')}`)
      for (const line of table([
        ...users.map(({ login, enabled, home }) => [`  ${login}@${of}`, enabled ? '' : 'disabled', home]),
        ...aliases.map(({ alias, targets }) => [`  ${alias}`, 'alias', targets.join(' ')]),
      ])) io.out(line)
    }))
}

function registerDelete(noun: Command, io: Io): void {
  noun.command('del').description('take a domain away, with its users, their mail and its aliases').argument('<domain>', 'such as example.org')
    .option('--yes', 'delete mail, too').option('--json', 'as JSON')
    .action((name: string, options: Json & { readonly yes?: boolean }) => withHelios(io, async (helios) => {
      const of = name.toLowerCase()
      requireYes(io, of, await helios.lookAtDomain(of), options.yes === true)
      const deletion = await helios.deleteDomain(of)
      if (options.json === true) return io.out(JSON.stringify({ domain: of, ...deletion }, undefined, 2))
      for (const line of describeDeletion(deletion)) io.out(`deleted: ${line}`)
      io.out(`${of} deleted`)
    }))
}
