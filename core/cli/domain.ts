/** `helios domain`: for whom mail is accepted. */
import type { Command } from 'commander'
import { addDomain, listDomains } from '../accounts/domains.ts'
import type { Io, Noun } from './command.ts'
import { withAccounts } from './home.ts'
import { counted, table } from './table.ts'

export const domain: Noun = {
  register(program, io) {
    const noun = program.command('domain').description('add and list the domains mail is accepted for')
    registerAdd(noun, io)
    registerList(noun, io)
  },
}

function registerAdd(noun: Command, io: Io): void {
  noun.command('add').description('accept mail for a domain: writes it to control/rcpthosts').argument('<domain>', 'such as example.org')
    .action((name: string) => withAccounts(io, async (database) => {
      const added = await addDomain(database, name)
      if (added.listed) io.out(`${added.domain} added to control/rcpthosts`)
      if (added.directory) io.out(`mail/${added.domain} created`)
      if (!added.listed && !added.directory) io.out(`${added.domain} is there already`)
      if (added.listed) io.out(`next: helios user add LOGIN@${added.domain}`)
    }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show the domains of control/rcpthosts and those with users').option('--json', 'as JSON')
    .action((options: { readonly json?: boolean }) => withAccounts(io, async (database) => {
      const domains = await listDomains(database)
      if (options.json === true) return io.out(JSON.stringify(domains, undefined, 2))
      if (domains.length === 0) return io.out('no domains yet: helios domain add DOMAIN')
      const doubt = (accepted: boolean): string => accepted ? '' : 'not accepted: not in control/rcpthosts'
      const rows = domains.map((row) => [row.domain, counted(row.users, 'user'), doubt(row.accepted)])
      for (const line of table(rows)) io.out(line)
    }))
}
