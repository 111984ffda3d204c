/**
 * What can be said of the plugin lists without serving: every line is loaded as the server would load it, programs
 * and scripts are looked at, and the variables an operator set are read as the listed plugins will read them.
 * Nothing is run but the declarations of plugins, those of sandboxed ones in a sandbox.
 */
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Control } from '../../config/control.ts'
import type { Problem } from '../../config/problem.ts'
import { parsePluginList, type ListEntry } from '../../protocol/spp/list.ts'
import { textOf } from '../../protocol/text.ts'
import type { LineProblem } from '../plugin/control.ts'
import type { SettingsShape } from '../plugin/settings.ts'
import { noAccounts } from '../world/no-accounts.ts'
import { createWorld } from '../world/real.ts'
import { whyNotExecutable } from './children/executable.ts'
import { loadEntry, type Loaded, type LoaderOptions } from './loader.ts'
import { readSettings } from './runtimes/sandbox.ts'
import { startHere } from './runtimes/sandbox/program.ts'
import { Sandboxes } from './runtimes/sandbox/sandboxes.ts'
import { doubtScript } from './script-doubts.ts'

/** Larger scripts are not read for doubts. */
const MOST_SCRIPT_BYTES = 1024 * 1024

/**
 * Problems of the default list's lines and of the lists that TCP rules name, of their programs, control files and
 * settings; each once. The grammar of the default list is left to config/check.ts. Never rejects.
 */
export async function checkPlugins(control: Control): Promise<readonly Problem[]> {
  const sandboxes = new Sandboxes({ start: startHere(control.home), log: LOG, spare: false })
  try {
    return await checkWith(control, sandboxes)
  } finally {
    await sandboxes.close()
  }
}

async function checkWith(control: Control, sandboxes: Sandboxes): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  const readers = new Map<string, SettingsReader>()
  for (const list of await listsOf(control)) {
    problems.push(...list.problems)
    for (const entry of list.entries) {
      const options = { ...LOOK_ONLY, sandboxes, home: control.home, control, file: list.file, compat: false }
      const loaded = await loadEntry(entry, options)
      problems.push(...loaded.problems)
      const reader = settingsReaderOf(loaded)
      if (reader !== undefined) readers.set(reader.plugin, reader)
      else if (loaded.line !== undefined) problems.push(...await checkProgram(entry, list.file, control.home))
    }
  }
  for (const reader of readers.values()) problems.push(...await checkSettings(reader, control))
  return once(problems)
}

interface List {
  readonly file: string
  readonly entries: readonly ListEntry[]
  readonly problems: readonly Problem[]
}

async function listsOf(control: Control): Promise<readonly List[]> {
  const { file, content } = control.smtpplugins
  const lists: List[] = content === undefined ? [] : [{ file, entries: parsePluginList(content).entries, problems: [] }]
  for (const rule of control.tcprules.rules) {
    const named = new Map(rule.variables).get('SPPCONFFILE')
    if (named === undefined || named === '') continue
    const path = isAbsolute(named) ? relative(control.home, named) : join(named)
    if (lists.some((list) => list.file === path)) continue
    const found = await readText(resolve(control.home, named))
    if (found === undefined) {
      const reason = `SPPCONFFILE names ${named}, and there is no such file: these clients are sent away with 421`
      const mend = `create ${path}; an empty file means no plugins`
      lists.push({ file: path, entries: [], problems: [problem(RULES, { line: rule.line, reason, mend })] })
      continue
    }
    const parsed = parsePluginList(found)
    lists.push({ file: path, entries: parsed.entries, problems: parsed.problems.map((each) => problem(path, each)) })
  }
  return lists
}

const RULES = 'control/smtp-tcprules'

/** The file a line names, and what its script seems to print. */
async function checkProgram(entry: ListEntry, list: string, home: string): Promise<readonly Problem[]> {
  if (entry.form === 'path') {
    const why = whyNotExecutable(entry.text, home)
    if (why === undefined) return checkScript(entry, resolve(home, entry.text), home)
    return [problem(list, { line: entry.line, reason: `${entry.text} cannot be executed: ${why}`, mend: mendOf(entry.text) })]
  }
  // A shell line may be anything; where it begins with a path, that file is looked at.
  const first = /^:\s*(?:exec\s+)?([^\s'"`$&|;<>()*?=]+\/[^\s'"`$&|;<>()*?]+)(?=\s|$)/.exec(entry.text)?.[1]
  if (first === undefined) return []
  const why = whyNotExecutable(first, home)
  if (why === undefined) return checkScript(entry, resolve(home, first), home)
  const mend = 'correct the path (it is relative to the home) and run chmod +x on the file'
  return [problem(list, { line: entry.line, warning: true, reason: `${first} cannot be executed: ${why}`, mend })]
}

/** What is most likely meant by a line that is no program's name. */
function mendOf(text: string): string {
  if (text.endsWith('\r')) return 'save the list with Unix line ends (LF): the carriage return at the end is read as part of the name'
  if (/^\s/.test(text)) return 'remove the blank in front: it is read as part of the name'
  if (/^\S+\.(ts|mts|js|mjs)\s/.test(text) || /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.php)?\s/.test(text)) {
    return 'a plugin takes no arguments: what it is told are variables (helios plugin show NAME); to start a program with arguments, begin the line with a colon (:program argument)'
  }
  if (/\s/.test(text)) return 'the whole line is a file name: to give arguments, begin the line with a colon (:program argument)'
  return 'correct the path (it is relative to the home) and run chmod +x on the file, or put # before the line'
}

async function checkScript({ section }: ListEntry, path: string, home: string): Promise<readonly Problem[]> {
  const source = await readText(path)
  if (source === undefined || !source.startsWith('#!') || source.length > MOST_SCRIPT_BYTES) return []
  const near = relative(home, path)
  const file = near.startsWith('..') ? path : near
  const first = source.split('\n', 1)[0]!
  if (first.endsWith('\r')) {
    const reason = 'the first line ends in a carriage return, which becomes part of the interpreter'
    return [problem(file, { line: 1, reason, mend: 'save the file with Unix line ends' })]
  }
  const interpreter = /^#!\s*(\S*)/.exec(first)![1]!
  const why = whyNotExecutable(interpreter, home)
  if (why !== undefined) {
    const reason = `its interpreter ${interpreter} cannot be executed: ${why}`
    return [problem(file, { line: 1, reason, mend: 'install it, or name another on the first line' })]
  }
  return doubtScript(source, section).map((doubt) => problem(file, doubt))
}

/** A plugin's settings, wherever it runs. */
interface SettingsReader {
  readonly plugin: string
  readonly about: ReadonlyMap<string, string>
  /** What is wrong with each of these texts. */
  read(pairs: readonly (readonly [name: string, text: string])[]): Promise<readonly (Omit<LineProblem, 'line'> | undefined)[]>
}

function settingsReaderOf({ plugin, lease }: Loaded): SettingsReader | undefined {
  if (plugin !== undefined) {
    const settings: SettingsShape = plugin.settings ?? {}
    return {
      plugin: plugin.name, about: new Map(Object.entries(settings).map(([name, { about }]) => [name, about])),
      read: (pairs) => Promise.resolve(pairs.map(([name, value]) => {
        const parsed = settings[name]?.parse(value)
        if (parsed === undefined) return undefined
        return parsed.ok ? parsed.doubt && { ...parsed.doubt, warning: true } : parsed
      })),
    }
  }
  if (lease === undefined) return undefined
  const { name, settings } = lease.description
  const about = new Map(settings.map((setting) => [setting.name, setting.about]))
  return { plugin: name, about, read: (pairs) => readSettings(lease, pairs) }
}

interface Assignment {
  readonly file: string
  readonly line: number
  readonly name: string
  readonly text: string
}

/** Variables of smtpconfig and of TCP rules, read by the plugin's own declarations. */
async function checkSettings({ plugin, about, read }: SettingsReader, control: Control): Promise<readonly Problem[]> {
  const assigned = assignments(control).filter(({ name }) => about.has(name))
  const found = await read(assigned.map(({ name, text }) => [name, text]))
  return assigned.flatMap(({ file, line, name }, index) => {
    const wrong = found[index]
    if (wrong === undefined) return []
    const reason = `${name}: ${wrong.reason} (it is read by the plugin ${plugin}: ${about.get(name)})`
    return [problem(file, { line, reason, mend: wrong.mend, ...(wrong.warning === true && { warning: true }) })]
  })
}

function assignments(control: Control): readonly Assignment[] {
  const content = control.read('smtpconfig')
  return [
    ...[...control.smtpconfig].map(([name, text]) => ({ file: 'control/smtpconfig', line: assignmentLine(content, name), name, text })),
    ...control.tcprules.rules.flatMap(({ line, variables }) =>
      [...new Map(variables)].map(([name, text]) => ({ file: RULES, line, name, text }))),
  ]
}

/** The last line that gives the variable a value; 0 when that is not to be seen. */
function assignmentLine(content: string | undefined, name: string): number {
  return (content ?? '').split('\n').findLastIndex((line) => new RegExp(`(?:^|[\\s;])${name}=`).test(line)) + 1
}

function problem(file: string, { line, reason, mend, warning }: LineProblem): Problem {
  return { severity: warning === true ? 'warning' : 'error', file, ...(line > 0 && { line }), reason, mend }
}

function once(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((each) => [JSON.stringify(each), each])).values()]
}

/** The file's text; undefined when it cannot be read, which whoever runs it will say. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return textOf(await readFile(path))
  } catch {
    return undefined
  }
}

const nothing = (): Promise<never> => Promise.reject(new Error('a check runs nothing'))
const LOG = { info: () => undefined, warn: () => undefined }
const NOBODY = noAccounts(nothing)
/** What loading asks for and a check never uses. */
const LOOK_ONLY: Pick<LoaderOptions, 'program' | 'inline'> = {
  program: { broker: { run: nothing, start: nothing }, replyDialect: 'detect', log: LOG },
  inline: { world: createWorld({ accounts: NOBODY, mailbox: { deliver: nothing } }), log: LOG },
}
