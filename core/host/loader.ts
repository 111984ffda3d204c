/** From one entry of the plugin list to a line that can be asked: which runtime, which plugin, and what is wrong with it. */
import { accessSync, constants, openSync, readSync, closeSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import type { ListEntry } from '../../protocol/spp/list.ts'
import { HeliosError } from '../error.ts'
import type { Hook, Plugin } from '../plugin/plugin.ts'
import { inlineLine, type InlineOptions } from './runtimes/inline.ts'
import { loadBundled, loadTrusted } from './runtimes/load-trusted.ts'
import { programLine, type ProgramOptions } from './runtimes/program.ts'
import type { Line } from './types.ts'

export interface LoaderOptions {
  readonly home: string
  readonly control: Control
  /** The list's path as an operator names it. */
  readonly file: string
  readonly compat: boolean
  readonly program: Pick<ProgramOptions, 'broker' | 'replyDialect' | 'log'>
  readonly inline: Pick<InlineOptions, 'world' | 'log'>
}

export interface Loaded {
  readonly line?: Line
  readonly plugin?: Plugin
  readonly problems: readonly Problem[]
}

const BARE_WORD = /^([A-Za-z0-9][A-Za-z0-9_-]*)(?:\.php)?$/
const SCRIPT_FILE = /\.(ts|mts|js|mjs)$/

/** Never rejects: what is wrong comes back as problems. */
export async function loadEntry(entry: ListEntry, options: LoaderOptions): Promise<Loaded> {
  try {
    const plugin = await findPlugin(entry, options)
    if (plugin !== undefined) return inline(entry, plugin, options)
    return { line: program(entry, options), problems: [] }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const mend = cause instanceof HeliosError ? cause.mend : 'mend the plugin, or put # before its line'
    return { problems: [{ severity: 'error', file: options.file, line: entry.line, reason, mend }] }
  }
}

/** The TypeScript plugin an entry names, or undefined when it is a program. */
async function findPlugin(entry: ListEntry, options: LoaderOptions): Promise<Plugin | undefined> {
  if (entry.form === 'shell') return undefined
  const bare = BARE_WORD.exec(entry.text)
  if (bare !== null && !isExecutable(join(options.home, entry.text))) {
    const name = bare[1]!
    const own = [join(options.home, 'plugins', name, 'index.ts'), join(options.home, 'plugins', `${name}.ts`)].find(isFile)
    return own === undefined ? loadBundled(name) : ownPlugin(entry, own)
  }
  const file = resolve(options.home, entry.text)
  if (!SCRIPT_FILE.test(entry.text) || (startsWithShebang(file) && isExecutable(file))) return undefined
  return ownPlugin(entry, file)
}

function ownPlugin(entry: ListEntry, file: string): Promise<Plugin> {
  if (entry.options.trusted !== true) {
    throw new HeliosError('not-trusted', `${entry.text} would run inside the server, which only plugins you trust may do`, {
      fault: 'operator', mend: `review it and write "@trusted ${entry.text}", or make it a program (first line #!, executable)`,
    })
  }
  if (!isFile(file)) {
    throw new HeliosError('no-plugin', `there is no file ${file}`, { fault: 'operator', mend: 'correct the path, or put # before the line' })
  }
  return loadTrusted(file)
}

function inline(entry: ListEntry, plugin: Plugin, options: LoaderOptions): Loaded {
  const hook = entry.section as Hook
  const problems: Problem[] = []
  if (plugin[hook] === undefined) {
    problems.push({
      severity: 'error', file: options.file, line: entry.line,
      reason: `the plugin ${plugin.name} has nothing to do in [${sectionName(hook)}]`,
      mend: `move the line to ${servedSections(plugin).map((name) => `[${name}]`).join(' or ')}`,
    })
    return { problems }
  }
  const control: Record<string, unknown> = {}
  for (const [name, declared] of Object.entries(plugin.control ?? {})) {
    const unreadable = options.control.unreadable.get(name)
    if (unreadable !== undefined) {
      problems.push({ severity: 'error', file: `control/${name}`, reason: `it cannot be read: ${unreadable}`, mend: 'let the server\'s user read it' })
      continue
    }
    const parsed = declared.parse(options.control.read(name))
    control[name] = parsed.value
    for (const found of parsed.problems) {
      problems.push({
        severity: found.warning === true ? 'warning' : 'error', file: `control/${name}`,
        ...(found.line > 0 ? { line: found.line } : {}), reason: found.reason, mend: found.mend,
      })
    }
  }
  return { line: inlineLine({ entry, file: options.file, plugin, control, ...options.inline }), plugin, problems }
}

function program(entry: ListEntry, options: LoaderOptions): Line {
  return programLine({ entry, file: options.file, home: options.home, compat: options.compat, ...options.program })
}

/** How a hook is written in the list. */
export function sectionName(hook: Hook): string {
  return hook === 'message' || hook === 'deliver' ? `+${hook}` : hook
}

function servedSections(plugin: Plugin): string[] {
  const hooks: readonly Hook[] = ['connection', 'helo', 'auth', 'mail', 'rcpt', 'pass', 'data', 'message', 'deliver']
  return hooks.filter((hook) => plugin[hook] !== undefined).map(sectionName)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return isFile(path)
  } catch {
    return false
  }
}

function startsWithShebang(path: string): boolean {
  try {
    const fd = openSync(path, 'r')
    try {
      const start = Buffer.alloc(2)
      readSync(fd, start, 0, 2, 0)
      return start.toString('latin1') === '#!'
    } finally {
      closeSync(fd)
    }
  } catch {
    return false
  }
}
