/** `helios chaos`: makes lines fail in every way there is, on a copy of the home, and shows what clients are told. */
import { InvalidArgumentError } from 'commander'
import type { OnError } from '../../protocol/spp/list.ts'
import { printHook } from '../../protocol/spp/transcript-words.ts'
import type { CellReport, ChaosReport } from '../chaos/chaos.ts'
import { FAULTS } from '../chaos/catalogue.ts'
import { RUNTIMES, STAGES, type ChaosFault, type Stage } from '../chaos/fault.ts'
import type { Runtime } from '../host/types.ts'
import { HeliosError } from '../error.ts'
import { becomeOwner } from '../server/user.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { existingHome } from './home.ts'
import { counted, table } from './table.ts'

interface Options {
  readonly stage?: readonly Stage[]
  readonly fault?: readonly ChaosFault[]
  readonly runtime?: readonly Runtime[]
  readonly onerror?: OnError
  readonly sessions?: number
  readonly helo?: string
  readonly from?: string
  readonly to?: string
  readonly list?: boolean
  readonly json?: boolean
}

const HELP = `
Only control/ and plugins/ are copied, and nothing is delivered. Your own lines are asked as they are: what a
program among them does elsewhere, it does.`
const MOST_SESSIONS = 256
const POLICIES: readonly OnError[] = ['tempfail', 'refuse', 'open']

export const chaos: Noun = {
  register(program, io, exit) {
    program.command('chaos').description('play the fault matrix on a copy of the home; exit status 1 when something is not contained')
      .option('--stage <name>', 'where the line stands; again for another (default: where yours stand)', reader('stage', STAGES, printHook))
      .option('--fault <name>', 'what the line does; again for another (default: all)', reader('fault', FAULTS, ({ name }) => name))
      .option('--runtime <name>', 'how the line is run; again for another (default: all)', reader('runtime', RUNTIMES, (name) => name))
      .option('--onerror <policy>', 'the policy of every line (default: the three in turn)', readPolicy)
      .option('--sessions <number>', 'sessions at the same time through each fault (default: 1)', readSessions)
      .option('--helo <name>', 'what the client calls itself')
      .option('--from <address>', 'the sender')
      .option('--to <address>', 'a recipient that your list takes (default: postmaster of a domain in rcpthosts)')
      .option('--list', 'show the faults and the runtimes they are made for, and play nothing')
      .option('--json', 'as JSON')
      .addHelpText('after', HELP)
      .action(async (options: Options) => {
        if (options.list === true) return show(listed(), options, io)
        const { settings, report } = await run(options, io)
        if (!report.ok) exit(1)
        if (options.json === true) return io.out(JSON.stringify({ home: settings.home, ...report }, undefined, 2))
        for (const line of story(settings.home, report)) io.out(printable(line))
      })
  },
}

async function run(options: Options, io: Io) {
  const settings = await existingHome(io)
  becomeOwner(settings.home)
  const stopping = new AbortController()
  const stop = (signal: NodeJS.Signals): void => {
    const reason = `ended by ${signal}; the copy of the home is removed`
    stopping.abort(new HeliosError('chaos-ended', reason, { fault: 'operator', mend: 'run it again for the whole table' }))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const { helo, from, to } = options
  try {
    const { runChaos } = await import('../chaos/chaos.ts')
    const report = await runChaos({
      settings, stages: options.stage, faults: options.fault, runtimes: options.runtime,
      onerror: options.onerror, sessions: options.sessions,
      guise: { ...(helo === undefined ? {} : { helo }), ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
      signal: stopping.signal,
      progress: process.stderr.isTTY ? (done, all) => io.ask(`\r${done} of ${all}${done === all ? '\r\x1b[K' : ''}`) : undefined,
    })
    return { settings, report }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

function listed(): readonly (readonly string[])[] {
  return FAULTS.map(({ name, about, forms }) => [name, RUNTIMES.filter((runtime) => forms[runtime] !== undefined).join(' '), about])
}

function show(rows: readonly (readonly string[])[], { json }: Options, io: Io): void {
  const values = rows.map(([name, runtimes, about]) => ({ name, runtimes: runtimes!.split(' '), about }))
  if (json === true) io.out(JSON.stringify(values, undefined, 2))
  else for (const line of table([['FAULT', 'RUNTIMES', 'A LINE THAT'], ...rows])) io.out(line)
}

const HEAD = ['FAULT', 'STAGE', 'RUNTIME', 'ONERROR', 'THE CLIENT READ', 'THE POLICY SAYS', 'VERDICT', 'MS']

function story(home: string, { cells, unreached, bystanders, server, guise, ok, ms }: ChaosReport): readonly string[] {
  const bad = cells.filter((cell) => !cell.ok)
  const { undisturbed, disturbed } = bystanders
  const wrong = undisturbed.wrongCount + disturbed.wrongCount
  return [
    ...table([HEAD, ...cells.map(row)]),
    '',
    ...unreached.map(({ stage, why }) => `not reached: ${stage}, for ${why} (choose another session with --helo, --from and --to)`),
    ...bad.map(({ fault, stage, runtime, line, why }) => `NOT OK  ${fault} at ${stage} in ${runtime} (${line}): ${why ?? ''}`),
    ...[...undisturbed.wrong, ...disturbed.wrong].map((what) => `NOT OK  a bystander: ${what}`),
    ...server.map((each) => `${each.ok ? 'ok    ' : 'NOT OK'}  ${each.what}: ${each.detail}`),
    `${wrong === 0 ? 'ok    ' : 'NOT OK'}  bystanders: ${undisturbed.answers + disturbed.answers} answers, ${wrong} wrong;`
      + ` 99 of 100 within ${disturbed.p99} ms, undisturbed ${undisturbed.p99} ms`,
    `${home}: ${counted(cells.length, 'cell')}, ${bad.length} NOT OK; EHLO ${guise.helo}, from <${guise.from}> to <${guise.to}>;`
      + ` ${Math.round(ms / 100) / 10} s; ${ok ? 'everything is contained' : 'not everything is contained'}`,
  ]
}

/** Replies begin alike; what they end in tells them apart. */
const WIDEST = 60

function row({ fault, stage, runtime, onerror, read, policy, ok, ms }: CellReport): readonly string[] {
  return [fault, stage, runtime, onerror, read.map(brief).join(' | '), policy, ok ? 'ok' : 'NOT OK', String(ms)]
}

function brief(reply: string): string {
  const last = reply.split('\n').at(-1)!.replace(/qmail-spp failure: \S*\/([^/:\s]*): /, '…/$1: ')
  return last.length > WIDEST ? `${last.slice(0, WIDEST - 1)}…` : last
}

/** For commander: each time the option is given adds one of these. */
function reader<T>(what: string, all: readonly T[], nameOf: (each: T) => string): (text: string, before?: readonly T[]) => readonly T[] {
  return (text, before = []) => {
    const found = all.find((each) => nameOf(each) === text.replace(/^\[(.*)\]$/, '$1'))
    if (found !== undefined) return [...before, found]
    throw new InvalidArgumentError(`There is no ${what} ${JSON.stringify(text)}; write one of ${all.map(nameOf).join(', ')}.`)
  }
}

function readPolicy(text: string): OnError {
  const policy = POLICIES.find((each) => each === text)
  if (policy === undefined) throw new InvalidArgumentError(`Write one of ${POLICIES.join(', ')}.`)
  return policy
}

function readSessions(text: string): number {
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > MOST_SESSIONS) throw new InvalidArgumentError(`Write a number from 1 to ${MOST_SESSIONS}.`)
  return number
}
