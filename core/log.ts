/** The server's log: structured lines through pino, for people when a terminal is looking, and without secrets. */
import { pino, destination as pinoDestination, type DestinationStream, type Logger } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { Settings } from '../config/settings.ts'
import { printable } from './trace/printable.ts'

export { safeCommand } from './trace/safe-command.ts'
export type { Logger }

export interface LogOptions {
  /** True when the log's destination is a terminal: `pretty: auto` means people then. */
  readonly terminal: boolean
  /** Where lines go; standard error when absent, for standard output belongs to what a command answers. */
  readonly destination?: DestinationStream
  /** Several processes write to the same place: each write is one that a pipe takes whole (PIPE_BUF), so lines stay lines. */
  readonly shared?: boolean
}

/** Bytes of log that may wait for a reader that does not read; then the newest lines go. */
const MAX_WAITING = 8 * 1024 * 1024
const PIPE_BUF = 4096
/** Lines wait for one another so long, or until they are so many: each write costs the thread pool more than its bytes do. */
const GATHER_MS = 20
const GATHER_BYTES = 2048
const URGENT = /^\{"level":"(?:warn|error|fatal)"/
const SECRETS: ReadonlySet<string> = new Set(['password', 'passwd', 'secret', 'token', 'authorization', 'credentials'])

/**
 * The log of a server. One session's lines come from `log.child({ session: id })`. Fields named like secrets are
 * blanked, at the top and one level below; a command line goes through `safeCommand` first.
 */
export function createLog(settings: Settings['log'], options: LogOptions): Logger {
  const pretty = settings.pretty === 'auto' ? options.terminal : settings.pretty
  const log = pino({
    level: settings.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (fields) => hidden(fields, 1) },
    serializers: { err: (error: Error) => hidden(pino.stdSerializers.err(error), 0) },
  }, pretty ? prettyStream(options) : options.destination ?? gathering(options.shared === true))
  const { child } = log
  return Object.assign(log, {
    /** What a child says with each line goes through no formatter. */
    child(this: Logger, bindings: Record<string, unknown>, ...more: readonly unknown[]): Logger {
      return Reflect.apply(child, this, [hidden(bindings, 1), ...more]) as Logger
    },
  })
}

/**
 * The fields with secrets blanked, here and so many levels below; the same object where there are none, as nearly always. pino's own
 * `redact` copies the fields once for each name: a seventh of all that a session with one message allocated.
 */
function hidden(fields: Record<string, unknown>, below: number): Record<string, unknown> {
  let safe = fields
  for (const name of Object.keys(fields)) {
    const value = withSecrets(fields[name])
    if (value === undefined) continue
    const shown = SECRETS.has(name) ? '[hidden]' : below > 0 && isFields(value) ? hidden(value, below - 1) : value
    if (shown === fields[name]) continue
    if (safe === fields) safe = { ...fields }
    safe[name] = shown
  }
  return safe
}

/** An error that carries a secret, as the fields that are logged of it. */
function withSecrets(value: unknown): unknown {
  return value instanceof Error && Object.keys(value).some((name) => SECRETS.has(name)) ? pino.stdSerializers.err(value) : value
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** What an operator must act upon leaves at once, and what stands before it. */
function gathering(shared: boolean): DestinationStream {
  const stream = pinoDestination({
    dest: 2, sync: false, minLength: GATHER_BYTES, periodicFlush: GATHER_MS, maxLength: MAX_WAITING, ...(shared ? { maxWrite: PIPE_BUF } : {}),
  })
  return {
    write(line) {
      stream.write(line)
      if (URGENT.test(line)) stream.flush()
    },
  }
}

function prettyStream({ terminal, destination }: LogOptions): DestinationStream {
  return PinoPretty({
    colorize: terminal,
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: (line, key) => printable(String(line[key] ?? '')),
    destination: destination ?? 2,
    sync: true,
  })
}
