/**
 * The `helios` command. Exit status: 0 done, 1 not done (what and how to mend it on standard error), 2 the
 * command itself was not understood.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { debuglog, stripVTControlCharacters } from 'node:util'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../../config/error.ts'
import { loadSettings } from '../../config/load.ts'
import { printProblem } from '../../config/problem.ts'
import { explained } from '../accounts/errors.ts'
import { HeliosError } from '../error.ts'
import { packageRoot } from '../paths.ts'
import { printable } from '../trace/printable.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { alias } from './alias.ts'
import { chaos } from './chaos.ts'
import { check } from './check.ts'
import type { Io, Noun } from './command.ts'
import { db } from './db.ts'
import { dns } from './dns.ts'
import { domain } from './domain.ts'
import { dotqmail } from './dotqmail.ts'
import { addExamples } from './examples.ts'
import { finger } from './finger.ts'
import { runFormer } from './former-names.ts'
import { init } from './init.ts'
import { notify } from './notify.ts'
import { plugin } from './plugin.ts'
import { pluginNouns } from './plugin-verbs.ts'
import { relay } from './relay.ts'
import { reload } from './reload.ts'
import { serve } from './serve.ts'
import { status } from './status.ts'
import { tcprules } from './tcprules.ts'
import { exporting, importing } from './transfer.ts'
import { user } from './user.ts'
import { why } from './why.ts'

const NOUNS: readonly Noun[] = [init, serve, domain, user, finger, alias, dotqmail, notify, db, exporting, importing, plugin, check, chaos, status, reload, why, tcprules, dns, relay]
const USAGE = 2
const debug = debuglog('helios')

/** Runs one command line (without `node` and the script) and sets `process.exitCode`. Never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough (`helios why | head`) is no error.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit())
  const exit = (code: number): void => { process.exitCode = code }
  const run = async (words: readonly string[]): Promise<void> => {
    await (await buildProgram(exit)).parseAsync(words, { from: 'user' })
  }
  try {
    const [first, name = '', ...rest] = args
    // As the launchers in former/ say it.
    if (first !== '--as') return await run(args)
    await runFormer(name, rest, run, processIo(() => ({})), (command) => toldBy(command, name))
  } catch (error) {
    exit(report(error))
  }
}

async function buildProgram(exit: (status: number) => void): Promise<Command> {
  const program = new Command('helios')
  const io = processIo(() => program.opts())
  program
    .description('A mail server whose every decision is a plugin.')
    .version(version(), '-V, --version', 'show the version')
    .option('--home <dir>', 'the home to work on; else the settings file says, else ./helios-home')
    .option('--config <file>', 'the settings file; else helios.config.json or .yaml is looked for')
  toldBy(program, 'helios')
  for (const noun of [...NOUNS, ...await pluginNouns()]) noun.register(program, io, exit)
  addExamples(program)
  pointAtHelp(program, 'helios')
  return program
}

/** Says what was not understood in the manner of the house, under the name it was called by. */
function toldBy(command: Command, name: string): Command {
  return command.exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${name}: ${stripVTControlCharacters(text).replace(/^error: /, '')}`) })
    .showHelpAfterError(`("${name} --help" shows what there is)`)
}

/** Whoever has found a command is shown that command's help. */
function pointAtHelp(command: Command, name: string): void {
  for (const part of command.commands) {
    const whole = `${name} ${part.name()}`
    part.showHelpAfterError(`("${whole} --help" shows ${part.commands.length > 0 ? 'what there is' : 'how it is written'})`)
    pointAtHelp(part, whole)
  }
}

function processIo(options: () => { readonly home?: string; readonly config?: string }): Io {
  return {
    out: (line) => { process.stdout.write(`${line}\n`) },
    err: (line) => { process.stderr.write(`${line}\n`) },
    ask: (text) => { process.stderr.write(text) },
    terminal: process.stderr.isTTY,
    pour: async (texts) => {
      for await (const text of texts) if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    },
    // Not touched before somebody reads: opening a closed standard input fails.
    get stdin() { return process.stdin },
    cwd: process.cwd(),
    settings: () => loadSettings({ ...options(), cwd: process.cwd() }),
  }
}

function version(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { readonly version: string }).version
}

/** Says what went wrong and returns the exit status for it. */
function report(error: unknown): number {
  // Commander has written its message already; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
  debug('%s', error instanceof Error ? error.stack : error)
  // An argument, or what a file says, must not move the cursor.
  for (const line of explain(error)) process.stderr.write(`helios: ${line.split('\n').map(printable).join('\n')}\n`)
  return 1
}

function explain(error: unknown): readonly string[] {
  if (error instanceof ConfigError) return error.problems.map(printProblem)
  const known = error instanceof WorldUnavailable ? explained(error) : error
  if (known instanceof HeliosError) return [`${known.message} (${known.mend})`]
  const message = error instanceof Error ? error.message : String(error)
  const mend = systemMend(error)
  if (mend !== undefined) return [`${message} (${mend})`]
  return [`${message} (not foreseen: run it again with NODE_DEBUG=helios in the environment to see where)`]
}

/** Codes of SQLite (sqlite3.h) and of the system that say the same, wherever a command meets them. */
const NO_ROOM: readonly unknown[] = [13, 'ENOSPC', 'EDQUOT']
const NOT_FOR_WRITING: readonly unknown[] = [8, 'EROFS', 'EACCES', 'EPERM']

function systemMend(error: unknown): string | undefined {
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown }
  const said = typeof errcode === 'number' ? errcode & 0xff : code
  if (NO_ROOM.includes(said)) return 'make room on the disk of the home, and run it again'
  if (NOT_FOR_WRITING.includes(said)) return 'run it as the user who owns the home, or as root, and see that the disk is mounted for writing'
  return undefined
}
