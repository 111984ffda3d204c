/** Where one plugin is asked with no server around it: everything the loader needs, opened and closed together. */
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import type { Settings } from '../../config/settings.ts'
import type { ListEntry } from '../../protocol/spp/list.ts'
import { HeliosError } from '../error.ts'
import { HOOKS, type Hook, type Log, type Plugin } from '../plugin/plugin.ts'
import type { Effect } from '../plugin/world.ts'
import type { WorldFactory } from '../world/real.ts'
import { Broker } from '../host/children/broker.ts'
import { loadEntry, type Loaded, type LoaderOptions } from '../host/loader.ts'
import { stopBundling } from '../host/runtimes/sandbox/bundle.ts'
import { startHere } from '../host/runtimes/sandbox/program.ts'
import { Sandboxes } from '../host/runtimes/sandbox/sandboxes.ts'
import type { Line } from '../host/types.ts'
import type { Target } from './target.ts'

export interface Logged {
  readonly level: 'info' | 'warn'
  readonly message: string
}

export interface Lab {
  readonly control: Control
  /** What plugins and programs have said so far, standard error of programs included. */
  readonly logged: readonly Logged[]
  /** The plugin as a line of this hook's section. Rejects with HeliosError `plugin-line` when it would fail a load. */
  line(target: Target, hook: Hook, options?: ListEntry['options']): Promise<Line>
  /** What the plugin says of itself; undefined for programs, which say nothing. Rejects likewise. */
  declared(target: Target): Promise<Declared | undefined>
  /** The plugin itself, loaded into this process whatever its line says: for tests. Rejects likewise. */
  trusted(target: Target): Promise<Plugin>
  close(): Promise<void>
}

/** A plugin's declarations, as data. */
export interface Declared {
  readonly name: string
  readonly summary: string
  readonly hooks: readonly Hook[]
  readonly settings: readonly { readonly name: string; readonly about: string; readonly form: string }[]
  readonly control: readonly { readonly name: string; readonly about: string }[]
  readonly needs: readonly string[]
  readonly replaces: readonly string[]
}

export interface LabOptions {
  readonly settings: Pick<Settings, 'home' | 'replyDialect'>
  readonly control: Control
  readonly world: WorldFactory
}

/** What stands where a list would be named. */
const COMMAND_LINE = 'the command line'
/** Who only looks at a plugin need not allow anything: none of its handlers is asked. */
const EFFECTS: readonly Effect[] = ['sleep', 'mailbox', 'run', 'connect', 'store']

/** In which order a plugin is asked for what it serves: each question may cost a process. */
const LIKELY_FIRST: readonly Hook[] = ['rcpt', 'mail', 'helo', 'message', 'deliver', 'data', 'connection', 'pass', 'auth']

/** Starts what plugins may need; `close` ends it. Rejects with HeliosError. */
export async function openLab({ settings, control, world }: LabOptions): Promise<Lab> {
  const logged: Logged[] = []
  const log: Log = {
    info: (message, fields) => void logged.push({ level: 'info', message: withFields(message, fields) }),
    warn: (message, fields) => void logged.push({ level: 'warn', message: withFields(message, fields) }),
  }
  const broker = await Broker.start({ log })
  const sandboxes = new Sandboxes({ start: startHere(settings.home), log, spare: false })
  const loader: LoaderOptions = {
    home: settings.home, control, file: COMMAND_LINE, compat: false,
    program: { broker, replyDialect: settings.replyDialect, log }, inline: { world, log }, sandboxes,
  }

  function load(target: Target, hook: Hook, options: ListEntry['options']): Promise<Loaded> {
    return loadEntry({ section: hook, line: 1, text: target.text, form: target.form, options }, loader)
  }

  return {
    control, logged,
    async line(target, hook, options = target.options) {
      const loaded = await load(target, hook, options)
      const fatal = loaded.problems.find(({ severity }) => severity === 'error')
      if (loaded.line !== undefined && fatal === undefined) return loaded.line
      throw refusal(target, fatal)
    },
    async declared(target) {
      if (target.kind !== 'module') return undefined
      let problem: Problem | undefined
      // A line in a section the plugin does not serve brings nothing back, and its problem is the line's, not the plugin's.
      for (const hook of LIKELY_FIRST) {
        const { plugin, lease, problems } = await load(target, hook, { ...target.options, allow: EFFECTS })
        if (plugin !== undefined) return declarations(plugin)
        if (lease !== undefined) {
          const { description } = lease
          lease.release()
          return description
        }
        problem = problems.find(({ severity }) => severity === 'error')
        if (problem !== undefined && problem.file !== COMMAND_LINE) break
      }
      throw refusal(target, problem)
    },
    async trusted(target) {
      let problem: Problem | undefined
      for (const hook of LIKELY_FIRST) {
        const { plugin, problems } = await load(target, hook, { trusted: true })
        if (plugin !== undefined) return plugin
        problem = problems.find(({ severity }) => severity === 'error')
      }
      throw refusal(target, problem)
    },
    async close() {
      await sandboxes.close()
      await stopBundling()
      await broker.close()
    },
  }
}

function refusal(target: Target, problem: Problem | undefined): HeliosError {
  if (problem === undefined) {
    return new HeliosError('plugin-line', `${target.text} does not load`, { fault: 'plugin', mend: 'see that it is a plugin' })
  }
  const where = problem.file === COMMAND_LINE ? '' : `${problem.file}${problem.line === undefined ? '' : `:${problem.line}`}: `
  return new HeliosError('plugin-line', `${where}${problem.reason}`, { fault: 'plugin', mend: problem.mend })
}

function withFields(message: string, fields: Readonly<Record<string, unknown>> = {}): string {
  // Which plugin and which session it is, an asker of one question knows.
  const shown = Object.entries(fields).filter(([name]) => name !== 'plugin' && name !== 'session')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [message, ...shown].join(' ')
}

function declarations({ name, summary, settings = {}, control = {}, needs = [], replaces = [], ...handlers }: Plugin): Declared {
  return {
    name, summary, needs, replaces,
    hooks: HOOKS.filter((hook) => handlers[hook] !== undefined),
    settings: Object.entries(settings).map(([variable, { about, form }]) => ({ name: variable, about, form })),
    control: Object.entries(control).map(([file, { about }]) => ({ name: file, about })),
  }
}
