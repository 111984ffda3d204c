/** The nouns that bundled plugins add to the `helios` command, each as its folder's `cli.ts` declares it. */
import { Argument, type Command } from 'commander'
import type { Helios } from '../api/index.ts'
import { HeliosError } from '../error.ts'
import { bundledTables, bundledVerbs } from '../host/bundled.ts'
import { keyTools } from '../host/keys.ts'
import { VerbRefusal, type AccountPart, type Verb, type VerbArgument, type VerbContext, type Verbs } from '../plugin/verbs.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
import { readInput } from './input.ts'

/** Rejects with HeliosError when the installation is damaged. */
export async function pluginNouns(): Promise<readonly Noun[]> {
  return (await bundledVerbs()).map(({ value }) => nounOf(value))
}

/** What bundled plugins have to say of an account: a part for each that says something. Rejects with WorldUnavailable. */
export async function accountParts(account: string, { tables, facts, control }: Helios): Promise<readonly (AccountPart & { readonly plugin: string })[]> {
  const context = { tables, accounts: facts, control: (name: string) => control.read(name) }
  const parts = await Promise.all((await bundledVerbs()).map(async ({ plugin, value }) => {
    const part = await value.account?.(account, context)
    return part === undefined || part.lines.length === 0 ? [] : [{ plugin, ...part }]
  }))
  return parts.flat()
}

/** Also for a test that has verbs of its own. */
export function nounOf(verbs: Verbs): Noun {
  return {
    register(program, io, exit) {
      const noun = program.command(verbs.noun).description(verbs.about)
      for (const verb of verbs.verbs) registerVerb(noun, verb, io, exit)
    },
  }
}

function registerVerb(noun: Command, verb: Verb, io: Io, exit: (status: number) => void): void {
  const command = noun.command(verb.name).description(verb.about)
  for (const argument of verb.arguments ?? []) command.addArgument(new Argument(printArgument(argument), argument.about))
  for (const [flag, about] of Object.entries(verb.flags ?? {})) command.option(`--${flag}`, about)
  command.option('--json', 'as JSON')
  if (verb.more !== undefined) command.addHelpText('after', `\n${verb.more}`)
  command.action(async () => {
    const given = command.processedArgs as readonly (string | readonly string[] | undefined)[]
    const options = command.opts<Readonly<Record<string, unknown>>>()
    const status = await runVerb(verb, io, {
      arguments: given.flatMap((each) => each ?? []),
      flags: new Set(['json', ...Object.keys(verb.flags ?? {})].filter((flag) => options[camelCase(flag)] === true)),
    })
    if (status !== undefined && status !== 0) exit(status)
  })
}

async function runVerb(verb: Verb, io: Io, given: Pick<VerbContext, 'arguments' | 'flags'>): Promise<number | void> {
  return withHelios(io, async (helios) => {
    await helios.makeTables(await bundledTables())
    try {
      return await verb.run({
        ...given, tables: helios.tables, accounts: helios.facts, keys: keyTools,
        control: (name) => helios.control.read(name), input: () => readInput(io, 'the lines'), err: io.err,
        // For people a text of the database must not move the cursor; for programs it is as it is.
        out: (text) => io.out(given.flags.has('json') ? text : text.split('\n').map(printable).join('\n')),
      })
    } catch (error) {
      if (error instanceof VerbRefusal) throw new HeliosError('refused', error.message, { fault: 'operator', mend: error.mend, cause: error })
      throw error
    }
  })
}

function printArgument({ name, optional, rest }: VerbArgument): string {
  const text = rest === true ? `${name}...` : name
  return optional === true ? `[${text}]` : `<${text}>`
}

/** As commander names an option's value: `as-it-is` is `asItIs`. */
function camelCase(flag: string): string {
  return flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
