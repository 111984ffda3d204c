/** The worker runtime (spp/2): a program that is started once and asked many times. Page: docs/spp2.md. */
import { resolve } from 'node:path'
import { dangerousName, SEARCH_PATH } from '../../../protocol/spp/environment.ts'
import { printRequest } from '../../../protocol/spp/framing.ts'
import { printOptions } from '../../../protocol/spp/options.ts'
import type { ListEntry } from '../../../protocol/spp/list.ts'
import { parseOutput } from '../../../protocol/spp/output.ts'
import type { Log } from '../../plugin/plugin.ts'
import type { Broker } from '../children/broker.ts'
import { fitJob, readArgumentLimit } from '../children/limits.ts'
import type { Fault, HookRequest, Line, RunResult } from '../types.ts'
import { deliveryVariables, reporter, type Reporter } from './program.ts'
import { WorkerPool } from './worker/pool.ts'
import type { Outcome } from './worker/process.ts'
import { sharePool } from './worker/registry.ts'

export interface WorkerOptions {
  readonly entry: ListEntry
  /** The list's path as an operator names it. */
  readonly file: string
  /** Absolute; the program's working directory. */
  readonly home: string
  readonly broker: Pick<Broker, 'start'>
  readonly log: Log
  /** Where the line says nothing. Defaults: 60 s, 4 processes. */
  readonly defaults?: { readonly timeoutMs?: number; readonly workers?: number }
}

const DEFAULT_TIMEOUT_MS = 60_000
const DEFAULT_WORKERS = 4

type Env = Readonly<Record<string, string | undefined>>

/**
 * The line of a worker. Its `run` never rejects. Lines of one text and the same options share their processes, for one
 * broker and home; the first of them to be asked starts one.
 */
export function workerLine(options: WorkerOptions): Line {
  const { entry, log } = options
  const name = entry.options.name ?? entry.text
  const report = reporter(name, log)
  const argumentLimit = readArgumentLimit()
  const line: Line = {
    hook: entry.section, text: entry.text, file: options.file, number: entry.line, options: entry.options, runtime: 'worker', name,
    run(request) {
      return request.message === undefined ? ask(request.session.env, request) : askAboutMessage(request)
    },
  }
  const key = JSON.stringify([options.home, printOptions(entry.options), entry.text])
  const pool = sharePool(options.broker, key, line, () => poolOf(options, name))
  return line

  async function ask(env: Env, request: HookRequest): Promise<RunResult> {
    // What no program could be given as its environment no worker is told, either.
    const fitted = fitJob({ text: '', env }, argumentLimit)
    if (!fitted.ok) return failed({ kind: 'cannot-execute', detail: fitted.reason })
    return resultOf(await pool.ask(printRequest(entry.section, fitted.env), request.signal), report)
  }

  async function askAboutMessage(request: HookRequest): Promise<RunResult> {
    let file: string
    try {
      file = await request.message!.file()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return failed({ kind: 'unavailable', detail: `the message cannot be read: ${why}` })
    }
    return ask({ ...request.session.env, SPPMESSAGE: file, ...(request.hook === 'deliver' ? deliveryVariables(request) : {}) }, request)
  }
}

function poolOf({ entry, home, broker, log, defaults }: WorkerOptions, name: string): WorkerPool {
  const shell = entry.form === 'shell'
  return new WorkerPool({
    name, log,
    most: entry.options.workers ?? defaults?.workers ?? DEFAULT_WORKERS,
    timeoutMs: entry.options.timeout ?? defaults?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...(shell ? {} : { file: resolve(home, entry.text) }),
    start: () => broker.start({
      form: entry.form, text: shell ? entry.text.slice(1) : entry.text, cwd: home, duplex: 'stdio',
      env: { SPP_PROTOCOL: '2', PATH: SEARCH_PATH, LANG: process.env['LANG'], TZ: process.env['TZ'] },
      onStderr: (text) => log.info(`${name}: ${text}`, { plugin: name }),
    }),
  })
}

function resultOf(outcome: Outcome, report: Reporter): RunResult {
  if (outcome.fault !== undefined) return { ...failed(outcome.fault), ...(outcome.exit === undefined ? {} : { exit: outcome.exit }) }
  const output = parseOutput(outcome.output, { unterminated: 'keep' })
  report.output(output)
  for (const command of output.commands) {
    if (command.kind !== 'S' || !dangerousName(command.name)) continue
    return failed({ kind: 'bad-command', detail: `S${command.name}=…: a worker may not set what chooses the code of other programs` })
  }
  return { commands: output.commands }
}

function failed(fault: Fault): RunResult {
  return { commands: [], fault }
}
