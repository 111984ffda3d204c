/**
 * A generation: an immutable snapshot of everything an operator can write, parsed and ready. A session keeps the
 * one it began with; a change builds a whole new one aside, and if anything in it fails the old one goes on.
 */
import { isAbsolute, join, relative } from 'node:path'
import { readFile } from 'node:fs/promises'
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import { parsePluginList } from '../../protocol/spp/list.ts'
import { textOf } from '../../protocol/text.ts'
import { HOOKS, type Hook, type Plugin } from '../plugin/plugin.ts'
import { behindBreaker } from './breaker.ts'
import { loadEntry, type LoaderOptions } from './loader.ts'
import type { Line } from './types.ts'

/** The lines of one list file, for listeners in compat mode and for the others. */
export interface ListOfLines {
  readonly file: string
  readonly hardened: Chains
  readonly compat: Chains
  readonly plugins: readonly Plugin[]
  /** A listed plugin stands in for the built-in badmailfrom check. */
  readonly replacesBadmailfrom: boolean
}

export type Chains = Readonly<Record<Hook, readonly Line[]>>

export interface Generation {
  readonly number: number
  /** Milliseconds since 1970. */
  readonly loadedAt: number
  readonly control: Control
  /** The list at `control/smtpplugins`, or at the path SPPCONFFILE names; undefined when that file is missing. */
  list(sppConfFile: string | undefined): ListOfLines | undefined
  /** The plugins in this process that any list names, each once. */
  readonly plugins: readonly Plugin[]
  /** List files outside the control directory, absolute: their stamps count besides those of the directory. */
  readonly listFiles: readonly string[]
}

export interface GenerationOptions extends Omit<LoaderOptions, 'control' | 'file' | 'compat'> {
  readonly number: number
  readonly now: number
  /** A list that was there before and is missing now is a failed load, not a change of policy. */
  readonly listRequired: boolean
}

export interface BuiltGeneration {
  readonly generation?: Generation
  readonly problems: readonly Problem[]
  /** It is not known yet what these files make: ask again. */
  readonly unsettled?: true
  /** Trusted plugins' own files, absolute. */
  readonly trustedFiles?: readonly string[]
  /** What was read besides the control directory, absolute, also where that failed: an edit there is worth another try. */
  readonly files?: readonly string[]
}

/** Builds the generation that these control files make. Never rejects: what is wrong comes back as problems. */
export async function buildGeneration(control: Control, given: GenerationOptions): Promise<BuiltGeneration> {
  const options = { ...given, bundles: new Map() }
  const problems: Problem[] = []
  const files = new Set([join(options.home, 'plugins')])
  const lists = new Map<string, ListOfLines>()
  const trustedFiles = new Set<string>()
  for (const name of listNames(control)) {
    const content = await readList(options.home, name)
    if (content === undefined) {
      if (options.listRequired) {
        problems.push({ severity: 'error', file: name, reason: 'the plugin list is missing', mend: 'restore it; an empty file means no plugins' })
      }
      continue
    }
    lists.set(name, await loadList(name, content, control, options, problems, files, trustedFiles))
  }
  const listFiles = [...listNames(control)].filter((name) => !/^control\/[^/]+$/.test(name)).map((name) => join(options.home, name))
  const read = [...listFiles, ...files]
  if (problems.some((problem) => problem.severity === 'error')) return { problems, files: read }
  const generation: Generation = {
    number: options.number, loadedAt: options.now, control,
    list: (sppConfFile) => lists.get(listName(options.home, sppConfFile)),
    plugins: [...new Map([...lists.values()].flatMap(({ plugins }) => plugins).map((plugin) => [plugin.name, plugin])).values()],
    listFiles,
  }
  return { generation, problems, files: read, trustedFiles: [...trustedFiles] }
}

const DEFAULT_LIST = 'control/smtpplugins'

/** SPPCONFFILE as a name relative to the home; empty is ignored (spp-protocol 2.1). */
function listName(home: string, sppConfFile: string | undefined): string {
  if (sppConfFile === undefined || sppConfFile === '') return DEFAULT_LIST
  return isAbsolute(sppConfFile) ? relative(home, sppConfFile) : relative(home, join(home, sppConfFile))
}

/** Every list that some client could get: the default one and those that smtpconfig or a TCP rule names. */
function listNames(control: Control): Set<string> {
  const names = new Set([DEFAULT_LIST])
  const variables = [...control.smtpconfig, ...control.tcprules.rules.flatMap((rule) => rule.variables)]
  for (const [name, value] of variables) if (name === 'SPPCONFFILE' && value !== '') names.add(listName(control.home, value))
  return names
}

async function readList(home: string, name: string): Promise<string | undefined> {
  try {
    return textOf(await readFile(join(home, name)))
  } catch {
    return undefined
  }
}

async function loadList(
  file: string, content: string, control: Control, options: GenerationOptions, problems: Problem[], files: Set<string>,
  trustedFiles: Set<string>,
): Promise<ListOfLines> {
  const parsed = parsePluginList(content)
  for (const problem of parsed.problems) {
    problems.push({
      severity: problem.warning === true ? 'warning' : 'error', file, line: problem.line, reason: problem.reason, mend: problem.mend,
    })
  }
  const hardened = emptyChains()
  const compat = emptyChains()
  const plugins = new Map<string, Plugin>()
  const replaced = new Set<string>()
  const loaded = await mapAtOnce(AT_ONCE, parsed.entries, async (entry) => {
    const asHardened = await loadEntry(entry, { ...options, control, file, compat: false })
    const same = asHardened.line === undefined || asHardened.line.runtime === 'inline' || asHardened.line.runtime === 'sandbox'
    return { entry, asHardened, asOriginal: same ? asHardened : await loadEntry(entry, { ...options, control, file, compat: true }) }
  })
  for (const { entry, asHardened, asOriginal } of loaded) {
    const hook = entry.section as Hook
    problems.push(...asHardened.problems)
    for (const read of asHardened.files ?? []) files.add(read)
    if (asHardened.trustedFile !== undefined) trustedFiles.add(asHardened.trustedFile)
    if (asHardened.line === undefined) continue
    hardened[hook].push(behindBreaker(asHardened.line, options.program.log))
    if (asHardened.plugin !== undefined) plugins.set(asHardened.plugin.name, asHardened.plugin)
    for (const check of asHardened.plugin?.replaces ?? asHardened.lease?.description.replaces ?? []) replaced.add(check)
    if (asOriginal.line !== undefined) compat[hook].push(asOriginal.line)
  }
  return {
    file, hardened, compat, plugins: [...plugins.values()],
    replacesBadmailfrom: replaced.has('badmailfrom'),
  }
}

/** Plugins that are tried at the same time: each may cost a process. */
const AT_ONCE = 4

/** Results in the order of the items, `most` of which are worked on at a time. */
async function mapAtOnce<T, R>(most: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  async function lane(): Promise<void> {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, lane))
  return results
}

function emptyChains(): Record<Hook, Line[]> {
  return Object.fromEntries(HOOKS.map((hook) => [hook, []])) as unknown as Record<Hook, Line[]>
}
