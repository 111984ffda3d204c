/** Which plugin somebody means: a name, a file or a shell line, as a line of the list would have it. */
import { readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isExecutable, isFile, startsWithShebang } from '../host/files.ts'
import { nearest } from '../../protocol/nearest.ts'
import type { ListEntry } from '../../protocol/spp/list.ts'
import { parseOptions, type LineOptions } from '../../protocol/spp/options.ts'
import { HeliosError } from '../error.ts'
import { bundledPluginsDir, extension } from '../paths.ts'

export interface Target {
  /** What its test file and page are named after. */
  readonly name: string
  /** As the list names it, without options. */
  readonly text: string
  readonly form: ListEntry['form']
  /** `module`: TypeScript or JavaScript. */
  readonly kind: 'shell' | 'module' | 'program'
  readonly bundled: boolean
  /** Absolute path; undefined for a shell line. */
  readonly file: string | undefined
  /** Those written before it, as in the list. */
  readonly options: LineOptions
}

const BARE_WORD = /^([A-Za-z0-9][A-Za-z0-9_-]*)(?:\.php)?$/
const SCRIPT_FILE = /\.(ts|mts|js|mjs)$/
/** What stands beside plugins and is none. */
const NO_PLUGIN = /^\.|^node_modules$|\.d\.m?ts$|\.test\.|\.(?:md|txt|json)$/

/**
 * The plugin a word of the command line means: `:` and a shell command; a path, from `cwd`, from the home or from its
 * `plugins/`; the name of a plugin of the home, else of a bundled one. Options may stand before it, as in the list:
 * `@timeout=1s moved.sh`. Throws HeliosError `unknown-plugin`, `several-plugins`, `plugin-options`.
 */
export function findTarget(word: string, { home, cwd }: { readonly home: string; readonly cwd: string }): Target {
  const [, token, rest] = /^@(\S*)(?: (.*))?$/s.exec(word) ?? []
  if (token === undefined) return find(word, home, cwd, {})
  const parsed = parseOptions(token)
  if (parsed.ok) return find(rest ?? '', home, cwd, parsed.options)
  throw new HeliosError('plugin-options', `in the options "@${token}": ${parsed.reason}`, { fault: 'operator', mend: parsed.mend })
}

function find(word: string, home: string, cwd: string, options: LineOptions): Target {
  if (word.startsWith(':')) return { name: word, text: word, form: 'shell', kind: 'shell', bundled: false, file: undefined, options }
  const bare = BARE_WORD.exec(word)?.[1]
  const named = bare === undefined ? [] : ownPlugins(home).filter(({ name }) => name === bare)
  if (named.length > 1) {
    throw new HeliosError('several-plugins', `several plugins of the home are called ${bare}`, {
      fault: 'operator', mend: `name the file: ${named.map(({ file }) => basename(file!)).join(' or ')}`,
    })
  }
  if (named.length === 1) return { ...named[0]!, options }
  const bundled = bare === undefined ? undefined : bundledPlugins().find(({ name }) => name === bare)
  if (bundled !== undefined) return { ...bundled, options }
  for (const base of [cwd, home, join(home, 'plugins')]) {
    const path = resolve(base, word)
    const file = [path, join(path, 'index.ts')].find(isFile)
    if (word !== '' && file !== undefined) return { ...targetOf(file, home), options }
  }
  const names = [...ownPlugins(home), ...bundledPlugins()].map(({ name }) => name)
  const near = nearest(basename(word), names)
  throw new HeliosError('unknown-plugin', `there is no plugin "${word}" in ${home}/plugins, none that is bundled, and no such file`, {
    fault: 'operator', mend: near === undefined ? '"helios plugin list" shows what there is' : `did you mean ${near}?`,
  })
}

/** Plugins that come with Helios, by name. */
export function bundledPlugins(): readonly Target[] {
  return namesIn(bundledPluginsDir).map((name): Target => ({
    name, text: name, form: 'path', kind: 'module', bundled: true, file: join(bundledPluginsDir, name, `index${extension}`), options: {},
  })).filter(({ file }) => isFile(file!))
}

/** Plugins in the home's `plugins/`, by file name: folders with an index.ts, scripts, programs. */
export function ownPlugins(home: string): readonly Target[] {
  const directory = join(home, 'plugins')
  return namesIn(directory).filter((name) => !NO_PLUGIN.test(name)).flatMap((name) => {
    const path = join(directory, name)
    if (!isFile(path)) return isFile(join(path, 'index.ts')) ? [targetOf(join(path, 'index.ts'), home)] : []
    return SCRIPT_FILE.test(name) || isExecutable(path) || startsWithShebang(path) ? [targetOf(path, home)] : []
  })
}

function targetOf(file: string, home: string): Target {
  const inHome = relative(home, file)
  const text = inHome === '..' || inHome.startsWith(`..${sep}`) || isAbsolute(inHome) ? file : inHome
  const isIndex = basename(file) === 'index.ts'
  const name = isIndex ? basename(dirname(file)) : basename(file).replace(/(?<=.)\.[^.]+$/, '')
  const kind = SCRIPT_FILE.test(file) && !(startsWithShebang(file) && isExecutable(file)) ? 'module' : 'program'
  // The list knows a module by its bare name, where that means this file.
  const short = kind === 'module' && fileOfLine(name, home) === file ? name : text
  return { name, text: short, form: 'path', kind, bundled: false, file, options: {} }
}

/**
 * The file that a line of the list means, absolute and without symbolic links; the line itself where there is none.
 * Two lines with the same answer name the same plugin.
 */
export function identityOf(text: string, home: string): string {
  if (text.startsWith(':')) return text
  const file = fileOfLine(text, home)
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** As the loader finds it. */
function fileOfLine(text: string, home: string): string {
  const bare = BARE_WORD.exec(text)?.[1]
  if (bare === undefined || isExecutable(join(home, text))) return resolve(home, text)
  const own = [join(home, 'plugins', bare, 'index.ts'), join(home, 'plugins', `${bare}.ts`)].find(isFile)
  return own ?? join(bundledPluginsDir, bare, `index${extension}`)
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return []
  }
}
