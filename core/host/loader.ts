/** From one entry of the plugin list to a line that can be asked: which runtime, which plugin, and what is wrong with it. */
import { join, resolve } from 'node:path'
import { isExecutable, isFile, startsWithShebang } from './files.ts'
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import type { ListEntry } from '../../protocol/spp/list.ts'
import { HeliosError } from '../error.ts'
import { HOOKS, type Hook, type Plugin } from '../plugin/plugin.ts'
import { inlineLine, type InlineOptions } from './runtimes/inline.ts'
import { loadBundled, loadTrusted } from './runtimes/load-trusted.ts'
import { programLine, type ProgramOptions } from './runtimes/program.ts'
import { sandboxLine } from './runtimes/sandbox.ts'
import type { BundleCache } from './runtimes/sandbox/bundle.ts'
import type { Sandboxes } from './runtimes/sandbox/sandboxes.ts'
import type { Lease } from './runtimes/sandbox/unit.ts'
import { workerLine, type WorkerOptions } from './runtimes/worker.ts'
import type { Line } from './types.ts'
import { unknownName } from './unknown-name.ts'

export interface LoaderOptions {
  readonly home: string
  readonly control: Control
  /** The list's path as an operator names it. */
  readonly file: string
  readonly compat: boolean
  readonly program: Pick<ProgramOptions, 'replyDialect' | 'log'> & { readonly broker: ProgramOptions['broker'] & WorkerOptions['broker'] }
  readonly inline: Pick<InlineOptions, 'world' | 'log' | 'bySession'>
  readonly sandboxes: Pick<Sandboxes, 'load' | 'limits'>
  /** Shared by the lines of one generation, which often name the same file. */
  readonly bundles?: BundleCache
}

export interface Loaded {
  readonly line?: Line
  /** Of a plugin in this process. */
  readonly plugin?: Plugin
  /** Of a sandboxed plugin: what it says of itself, and the right to ask it as long as this is held. */
  readonly lease?: Lease
  /** Files whose edit may change what was loaded, absolute, besides the control files. */
  readonly files?: readonly string[]
  /** A trusted plugin's own file, absolute: its edit counts after a restart. */
  readonly trustedFile?: string
  readonly problems: readonly Problem[]
}

const BARE_WORD = /^([A-Za-z0-9][A-Za-z0-9_-]*)(?:\.php)?$/
const SCRIPT_FILE = /\.(ts|mts|js|mjs)$/

/** Never rejects: what is wrong comes back as problems. */
export async function loadEntry(entry: ListEntry, options: LoaderOptions): Promise<Loaded> {
  try {
    const found = await findPlugin(entry, options)
    if (found === undefined) return { line: program(entry, options), problems: [] }
    if ('file' in found) return await sandboxed(entry, found.file, options)
    return { ...inline(entry, found.plugin, options), ...(found.trustedFile === undefined ? {} : { trustedFile: found.trustedFile }) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const mend = cause instanceof HeliosError ? cause.mend : 'mend the plugin, or put # before its line'
    return { problems: [{ severity: 'error', file: options.file, line: entry.line, reason, mend }] }
  }
}

/** Bundled and trusted plugins are loaded at once; the others are files for the sandbox. */
type Found = { readonly plugin: Plugin; readonly trustedFile?: string } | { readonly file: string }

/** The TypeScript plugin an entry names, or undefined when it is a program. */
async function findPlugin(entry: ListEntry, options: LoaderOptions): Promise<Found | undefined> {
  if (entry.form === 'shell') return undefined
  const bare = BARE_WORD.exec(entry.text)
  if (bare !== null && !isExecutable(join(options.home, entry.text))) {
    const name = bare[1]!
    const own = [join(options.home, 'plugins', name, 'index.ts'), join(options.home, 'plugins', `${name}.ts`)].find(isFile)
    if (own !== undefined) return ownPlugin(entry, own)
    const plugin = await loadBundled(name)
    if (plugin !== undefined) return { plugin }
    throw unknownName(entry.text)
  }
  const file = resolve(options.home, entry.text)
  if (!SCRIPT_FILE.test(entry.text) || (isExecutable(file) && startsWithShebang(file))) return undefined
  return ownPlugin(entry, file)
}

async function ownPlugin(entry: ListEntry, file: string): Promise<Found> {
  if (!isFile(file)) {
    throw new HeliosError('no-plugin', `there is no file ${file}`, { fault: 'operator', mend: 'correct the path, or put # before the line' })
  }
  return entry.options.trusted === true ? { plugin: await loadTrusted(file), trustedFile: file } : { file }
}

async function sandboxed(entry: ListEntry, file: string, options: LoaderOptions): Promise<Loaded> {
  const { home, control, sandboxes, bundles, inline: { world } } = options
  const { lease, problems, files } = await sandboxes.load({ file, home, control, group: entry.options.group ?? '', bundles })
  if (lease === undefined) return { problems, files }
  const { name, hooks, needs } = lease.description
  const refuse = (reason: string, mend: string): Loaded => {
    lease.release()
    return { files, problems: [...problems, { severity: 'error', file: options.file, line: entry.line, reason, mend }] }
  }
  if (!hooks.includes(entry.section)) return refuse(nothingToDo(name, entry.section), moveTo(hooks))
  const refused = needs.filter((effect) => entry.options.allow?.includes(effect) !== true)
  if (refused.length > 0) {
    return refuse(`the plugin ${name} needs ${refused.join(' and ')}, which its line does not allow`,
      `if it may, write allow=${needs.join('+')} among the line's options, such as "@allow=${needs.join('+')} ${entry.text}"`)
  }
  return { line: sandboxLine({ entry, file: options.file, lease, world, limits: sandboxes.limits }), lease, problems, files }
}

function inline(entry: ListEntry, plugin: Plugin, options: LoaderOptions): Loaded {
  const hook = entry.section as Hook
  const problems: Problem[] = []
  if (plugin[hook] === undefined) {
    problems.push({
      severity: 'error', file: options.file, line: entry.line,
      reason: nothingToDo(plugin.name, hook), mend: moveTo(HOOKS.filter((each) => plugin[each] !== undefined)),
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
  if (entry.options.protocol === 'spp2') {
    const { broker, log } = options.program
    return workerLine({ entry, file: options.file, home: options.home, broker, log })
  }
  return programLine({ entry, file: options.file, home: options.home, compat: options.compat, ...options.program })
}

/** How a hook is written in the list. */
export function sectionName(hook: Hook): string {
  return hook === 'message' || hook === 'deliver' ? `+${hook}` : hook
}

function nothingToDo(name: string, hook: Hook): string {
  return `the plugin ${name} has nothing to do in [${sectionName(hook)}]`
}

function moveTo(hooks: readonly Hook[]): string {
  return `move the line to ${hooks.map((hook) => `[${sectionName(hook)}]`).join(' or ')}`
}
