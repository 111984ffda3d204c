/**
 * The commands of Helios 0.9.0 under their own names and with their own arguments (the Helios manual, chapters 2 and 3; spec helios 9): each is
 * one of our verbs. What the manual does not say of their arguments follows `helios-passwd login domain [password]`.
 */
import { Command } from 'commander'
import { bundledVerbs } from '../host/bundled.ts'
import { HeliosError } from '../error.ts'
import type { Io } from './command.ts'
import { registerQmailctl } from './qmailctl.ts'

/** Runs words as a `helios` command line would. */
export type RunWords = (words: readonly string[]) => Promise<void>

type Options = Readonly<Record<string, string | boolean | undefined>>

interface Former {
  readonly about: string
  /** What stands behind the name. */
  readonly usage: string
  /** Options besides --home, --config and --json: commander's flags, with what they mean. */
  readonly options?: Readonly<Record<string, string>>
  /** The same in our words. Throws HeliosError `usage`. */
  words(given: readonly string[], options: Options): readonly string[]
}

const YES = { '--yes': 'delete mail, too' }
const GENERATE = { '--generate': 'make a password up and show it' }

const FORMER: Readonly<Record<string, Former>> = {
  'helios-adddomain': {
    about: 'accept mail for a domain', usage: 'domain', options: { '-p': 'no alias from its postmaster to host_postmaster' },
    words: (given, options) => ['domain', 'add', ...options['p'] === true ? ['-p'] : [], ...exactly(given, 1, 'domain')],
  },
  'helios-deldomain': {
    about: 'take a domain away, with its users and aliases', usage: 'domain', options: YES,
    words: (given, options) => ['domain', 'del', ...yes(options), ...exactly(given, 1, 'domain')],
  },
  'helios-listdomain': { about: 'show the users of a domain', usage: 'domain', words: (given) => ['domain', 'show', ...exactly(given, 1, 'domain')] },
  'helios-adduser': { about: 'add a user', usage: 'login domain [password]', options: GENERATE, words: (given, options) => ['user', 'add', ...withPassword(given, options)] },
  'helios-deluser': {
    about: 'delete a user with its mail', usage: 'login domain', options: YES,
    words: (given, options) => ['user', 'del', ...yes(options), who(given, 0).address],
  },
  'helios-passwd': {
    about: "change a user's password; without one it is read from the keyboard", usage: 'login domain [password]', options: GENERATE,
    words: (given, options) => ['user', 'passwd', ...withPassword(given, options)],
  },
  'helios-addalias': {
    about: 'let an address lead to others', usage: 'login domain target...',
    words: (given) => {
      const { address, rest } = who(given)
      return ['alias', 'add', address, ...rest]
    },
  },
  'helios-delalias': {
    about: 'take an alias away, or some of its targets', usage: 'login domain [target...]',
    words: (given) => {
      const { address, rest } = who(given)
      return ['alias', 'del', address, ...rest]
    },
  },
  'helios-setdotqmail': { about: 'put the text on standard input in the place of a .qmail file', usage: 'login domain [extension]', words: (given) => dotqmail('set', given) },
  'helios-deldotqmail': { about: "delete a user's .qmail text", usage: 'login domain [extension]', words: (given) => dotqmail('del', given) },
  'helios-finger': {
    about: 'show everything known of users', usage: 'login domain | user...',
    words: (given) => {
      if (given.length === 0) throw wrong('nobody was named', 'write login and domain, or users as login@domain')
      const isPair = given.length === 2 && given.every((word) => !word.includes('@'))
      return ['finger', ...isPair ? [given.join('@')] : given]
    },
  },
}

/** Those that take the words of our verbs as they are. */
const SAME: Readonly<Record<string, string>> = { 'helios-notifyadmin': 'notify' }

/** Every former name that this installation knows, those of bundled plugins too. */
export async function formerNames(): Promise<readonly string[]> {
  const owned = (await bundledVerbs()).flatMap(({ value }) => value.formerName ?? [])
  return [...Object.keys(FORMER), ...Object.keys(SAME), ...owned, 'qmailctl'].toSorted()
}

/** Runs a former name. Rejects with HeliosError `usage` for one that is none, and as the verb does. */
export async function runFormer(name: string, args: readonly string[], run: RunWords, io: Pick<Io, 'out'>, prepare: (command: Command) => Command): Promise<void> {
  const noun = SAME[name] ?? (await bundledVerbs()).find(({ value }) => value.formerName === name)?.value.noun
  if (noun !== undefined) return run([noun, ...args])
  const command = prepare(new Command(name)).option('--home <dir>', 'the home to work on').option('--config <file>', 'the settings file')
  const common = (): readonly string[] => ['home', 'config'].flatMap((key) => typeof command.opts<Options>()[key] === 'string' ? [`--${key}`, command.opts<Options>()[key] as string] : [])
  if (name === 'qmailctl') registerQmailctl(command, (words) => run([...common(), ...words]), io)
  else registerFormer(command, name, (words) => run([...common(), ...words]))
  await command.parseAsync(args, { from: 'user' })
}

function registerFormer(command: Command, name: string, run: RunWords): void {
  const former = FORMER[name]
  if (former === undefined) throw wrong(`no command here is called ${name}`, '"helios --help" shows what there is')
  command.description(former.about).argument('[words...]').usage(`[options] ${former.usage}`).option('--json', 'as JSON')
  for (const [flags, about] of Object.entries(former.options ?? {})) command.option(flags, about)
  if (former.usage.startsWith('login')) command.addHelpText('after', '\nA login and its domain may also be written login@domain.')
  command.action((given: readonly string[], options: Options) => run([...wordsOf(command, former, given, options), ...options['json'] === true ? ['--json'] : []]))
}

/** What is not understood ends the command as commander's own complaints do. */
function wordsOf(command: Command, former: Former, given: readonly string[], options: Options): readonly string[] {
  try {
    return former.words(given, options)
  } catch (error) {
    if (error instanceof HeliosError) command.error(`${error.message} (${error.mend})`)
    throw error
  }
}

/** The address that the first words name, and the words behind it. */
function who(given: readonly string[], most = Infinity): { readonly address: string; readonly rest: readonly string[] } {
  const [first, second] = given
  if (first === undefined || (!first.includes('@') && second === undefined)) throw wrong('login and domain are missing', 'write them one after the other, or as login@domain')
  const [address, rest] = first.includes('@') ? [first, given.slice(1)] : [`${first}@${second}`, given.slice(2)]
  if (rest.length > most) throw wrong(`"${rest[most]}" is one word too many`, '--help shows what goes where')
  return { address, rest }
}

function withPassword(given: readonly string[], options: Options): readonly string[] {
  const { address, rest: [password] } = who(given, 1)
  return [address, ...password === undefined ? [] : [`--password=${password}`], ...options['generate'] === true ? ['--generate'] : []]
}

function dotqmail(verb: 'set' | 'del', given: readonly string[]): readonly string[] {
  const { address, rest } = who(given, 1)
  return ['dotqmail', verb, address, ...rest]
}

function yes(options: Options): readonly string[] {
  return options['yes'] === true ? ['--yes'] : []
}

function exactly(given: readonly string[], count: number, what: string): readonly string[] {
  if (given.length === count) return given
  throw wrong(given.length < count ? `the ${what} is missing` : `"${given[count]}" is one word too many`, '--help shows what goes where')
}

function wrong(message: string, mend: string): HeliosError {
  return new HeliosError('usage', message, { fault: 'operator', mend })
}
