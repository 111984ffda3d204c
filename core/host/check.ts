/**
 * What can be said of the plugin lists without serving: every line is loaded as the server would load it, programs
 * and scripts are looked at, and the variables an operator set are read as the listed plugins will read them.
 * Nothing is run but the declarations of plugins in process.
 */
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Control } from '../../config/control.ts'
import { nearest } from '../../config/nearest.ts'
import type { Problem } from '../../config/problem.ts'
import { parsePluginList, type ListEntry } from '../../protocol/spp/list.ts'
import { textOf } from '../../protocol/text.ts'
import { bundledPluginsDir } from '../paths.ts'
import type { LineProblem } from '../plugin/control.ts'
import type { Plugin } from '../plugin/plugin.ts'
import { createWorld } from '../world/real.ts'
import { whyNotExecutable } from './children/executable.ts'
import { loadEntry, type LoaderOptions } from './loader.ts'
import { doubtScript } from './script-doubts.ts'

/** Larger scripts are not read for doubts. */
const MOST_SCRIPT_BYTES = 1024 * 1024

/**
 * Problems of the default list's lines and of the lists that TCP rules name, of their programs, control files and
 * settings; each once. The grammar of the default list is left to config/check.ts. Never rejects.
 */
export async function checkPlugins(control: Control): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  const plugins = new Map<string, Plugin>()
  for (const list of await listsOf(control)) {
    problems.push(...list.problems)
    for (const entry of list.entries) {
      const options = { ...LOOK_ONLY, home: control.home, control, file: list.file, compat: false }
      const { plugin, line, problems: found } = await loadEntry(entry, options)
      problems.push(...found)
      if (plugin !== undefined) plugins.set(plugin.name, plugin)
      else if (line !== undefined) problems.push(...await checkProgram(entry, list.file, control.home))
    }
  }
  for (const plugin of plugins.values()) problems.push(...checkSettings(plugin, control))
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
    if (why === undefined) return checkScript(resolve(home, entry.text), home)
    if (!entry.text.includes('/') && !/\s/.test(entry.text)) return [unknownName(entry, list)]
    const mend = /\s/.test(entry.text)
      ? 'the whole line is a file name: to give arguments, begin the line with a colon (:program argument)'
      : 'correct the path (it is relative to the home) and run chmod +x on the file, or put # before the line'
    return [problem(list, { line: entry.line, reason: `${entry.text} cannot be executed: ${why}`, mend })]
  }
  // A shell line may be anything; where it begins with a path, that file is looked at.
  const first = /^:\s*(?:exec\s+)?([^\s'"`$&|;<>()*?=]+\/[^\s'"`$&|;<>()*?]+)(?=\s|$)/.exec(entry.text)?.[1]
  if (first === undefined) return []
  const why = whyNotExecutable(first, home)
  if (why === undefined) return checkScript(resolve(home, first), home)
  const mend = 'correct the path (it is relative to the home) and run chmod +x on the file'
  return [problem(list, { line: entry.line, warning: true, reason: `${first} cannot be executed: ${why}`, mend })]
}

/** A word without a slash: meant as a plugin's name, more likely than as a program in the home itself. */
function unknownName({ text, line }: ListEntry, list: string): Problem {
  const names = bundledNames()
  const near = nearest(text.replace(/\.php$/, ''), names)
  const all = `bundled are ${names.join(', ')}; a program of yours is named by its path, such as plugins/${text}`
  const reason = `there is no plugin ${text}, bundled or in plugins/, and no such program in the home`
  return problem(list, { line, reason, mend: near === undefined ? all : `did you mean ${near}?` })
}

function bundledNames(): readonly string[] {
  return existsSync(bundledPluginsDir) ? readdirSync(bundledPluginsDir).filter((name) => /^[a-z0-9]/.test(name)).sort() : []
}

async function checkScript(path: string, home: string): Promise<readonly Problem[]> {
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
  return doubtScript(source).map((doubt) => problem(file, doubt))
}

/** Variables of smtpconfig and of TCP rules, read by the plugin's own declarations. */
function checkSettings(plugin: Plugin, control: Control): readonly Problem[] {
  const problems: Problem[] = []
  const look = (file: string, line: number, name: string, value: string): void => {
    const setting = plugin.settings?.[name]
    if (setting === undefined) return
    const parsed = setting.parse(value)
    if (parsed.ok) return
    const reason = `${name}: ${parsed.reason} (it is read by the plugin ${plugin.name}: ${setting.about})`
    problems.push(problem(file, { line, reason, mend: parsed.mend }))
  }
  for (const [name, value] of control.smtpconfig) look('control/smtpconfig', assignmentLine(control.read('smtpconfig'), name), name, value)
  for (const rule of control.tcprules.rules) for (const [name, value] of new Map(rule.variables)) look(RULES, rule.line, name, value)
  return problems
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
const NOBODY = { find: nothing, hasDomain: nothing }
/** What loading asks for and a check never uses. */
const LOOK_ONLY: Pick<LoaderOptions, 'program' | 'inline'> = {
  program: { broker: { run: nothing }, replyDialect: 'detect', log: LOG },
  inline: { world: createWorld({ accounts: NOBODY, mailbox: { deliver: nothing } }), log: LOG },
}
