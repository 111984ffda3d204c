/** `helios alias`: addresses that lead to others. */
import type { Noun } from './command.ts'
import { withHelios } from './home.ts'
import { table } from './table.ts'

interface Json {
  readonly json?: boolean
}

const ALIAS = 'name@domain, or @domain for whatever nobody else in the domain takes'

export const alias: Noun = {
  register(program, io) {
    const noun = program.command('alias').description('add, list and delete addresses that lead to others')
    noun.command('add').description('let an address lead to one or several others').argument('<alias>', ALIAS).argument('<target...>', 'accounts or aliases of this server')
      .option('--json', 'as JSON')
      .action((name: string, targets: readonly string[], { json }: Json) => withHelios(io, async (helios) => {
        const { added, takers } = await helios.addAlias(name, targets)
        if (json === true) return io.out(JSON.stringify({ alias: name, added, takers }, undefined, 2))
        for (const target of added) io.out(`${name} leads to ${target}`)
        if (added.length === 0) io.out(`${name} leads there already`)
        if (takers.length === 0 && !name.startsWith('@')) io.out('but nobody is there yet: mail for it is refused until there is')
      }))
    noun.command('del').description('take an alias away, or some of its targets').argument('<alias>', ALIAS).argument('[target...]', 'these only')
      .option('--json', 'as JSON')
      .action((name: string, targets: readonly string[], { json }: Json) => withHelios(io, async (helios) => {
        const gone = await helios.deleteAlias(name, targets)
        if (json === true) return io.out(JSON.stringify({ alias: name, deleted: gone }, undefined, 2))
        for (const target of gone) io.out(`${name} leads to ${target} no longer`)
      }))
    noun.command('list').description('show aliases').argument('[domain]', 'of this domain only').option('--json', 'as JSON')
      .action((domain: string | undefined, { json }: Json) => withHelios(io, async (helios) => {
        const aliases = await helios.aliases(domain)
        if (json === true) return io.out(JSON.stringify(aliases, undefined, 2))
        if (aliases.length === 0) return io.out('no aliases yet: helios alias add NAME@DOMAIN USER@DOMAIN')
        for (const line of table(aliases.map((each) => [each.alias, each.targets.join(' ')]))) io.out(line)
      }))
  },
}
