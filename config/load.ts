/**
 * Finds the home and its settings. The settings file is `helios.config.json`, `.yaml` or `.yml`; it is data,
 * never code. Looked for, first hit wins:
 *
 *   1. the file named by `config`
 *   2. in the home, when `home` names one
 *   3. in `cwd` and the directories above it, up to one that holds a package.json
 *   4. in the default home, `helios-home` under `cwd`
 *
 * The home is `home`; else the settings' own `home`, relative to their file; else the directory of the file when
 * a control directory stands beside it; else the default home. A file that stands in one home says nothing about another.
 */
import { createRequire } from 'node:module'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { PublicExplorer } from 'cosmiconfig'
import { ConfigError } from './error.ts'
import type { Problem } from './problem.ts'
import { readSettings, SETTINGS_FILES } from './schema.ts'
import type { Settings } from './settings.ts'

export interface LoadOptions {
  /** `--home`: wins over everything. Relative to `cwd`. */
  readonly home?: string | undefined
  /** `--config`: the settings file itself. Relative to `cwd`. */
  readonly config?: string | undefined
  readonly cwd: string
}

export const DEFAULT_HOME = 'helios-home'

/** The settings with every default filled in. Rejects with ConfigError when the file is there but not usable; no file is no error. */
export async function loadSettings(options: LoadOptions): Promise<Settings> {
  const given = options.home === undefined ? undefined : resolve(options.cwd, options.home)
  const defaultHome = resolve(options.cwd, DEFAULT_HOME)
  const found = options.config === undefined
    ? await search(options.cwd, given, defaultHome)
    : await load(resolve(options.cwd, options.config))
  if (found === undefined) return readSettings({}, { home: given ?? defaultHome }).settings
  const around = dirname(found.path)
  const text = await readFile(found.path, 'utf8').catch(() => undefined)
  const read = readSettings(found.value, { home: given, base: around, file: found.path, text })
  if (read.problems.length > 0) throw new ConfigError(named(read.problems, found.path, options.cwd))
  const home = given ?? read.home ?? ((await isHome(around)) ? around : defaultHome)
  return { ...read.settings, home }
}

interface Found {
  readonly path: string
  readonly value: unknown
}

async function search(cwd: string, given: string | undefined, defaultHome: string): Promise<Found | undefined> {
  const inHome = given === undefined ? undefined : await searchIn(given, 'none')
  if (inHome !== undefined) return inHome
  const around = await searchIn(cwd, 'project')
  if (around !== undefined && (given === undefined || !(await isHome(dirname(around.path))))) return around
  return given === undefined ? searchIn(defaultHome, 'none') : undefined
}

async function searchIn(directory: string, strategy: 'none' | 'project'): Promise<Found | undefined> {
  try {
    const result = await explorer(strategy).search(directory)
    if (result !== null) return { path: result.filepath, value: result.config }
  } catch (error) {
    throw unreadable(error, directory)
  }
  // The search passes over files it may not read; running without the settings of one's home would be a surprise.
  for (const name of SETTINGS_FILES) if (await isFile(join(directory, name))) return load(join(directory, name))
  return undefined
}

async function load(path: string): Promise<Found> {
  try {
    const result = await explorer('none').load(path)
    return { path, value: result?.config }
  } catch (error) {
    throw unreadable(error, path)
  }
}

/**
 * cosmiconfig's public functions first look for settings of cosmiconfig itself, and on that way run
 * `.config/config.js` of the working directory: code of whoever owns the directory. Its Explorer does not.
 */
const { Explorer } = createRequire(import.meta.url)('cosmiconfig/dist/Explorer.js') as {
  readonly Explorer: new (options: Readonly<Record<string, unknown>>) => Pick<PublicExplorer, 'search' | 'load'>
}
const { defaultLoaders } = createRequire(import.meta.url)('cosmiconfig') as typeof import('cosmiconfig')

function explorer(searchStrategy: 'none' | 'project') {
  return new Explorer({
    moduleName: 'helios', searchPlaces: SETTINGS_FILES, searchStrategy, cache: false, metaConfigFilePath: null,
    ignoreEmptySearchPlaces: false, mergeImportArrays: true, mergeSearchPlaces: false, transform: (result: unknown) => result,
    loaders: { '.json': defaultLoaders['.json'], '.yaml': defaultLoaders['.yaml'], '.yml': defaultLoaders['.yml'] },
  })
}

function unreadable(error: unknown, place: string): ConfigError {
  const failure = error as Partial<NodeJS.ErrnoException> & { readonly filepath?: string; readonly mark?: { readonly line: number } }
  const file = failure.filepath ?? place
  if (failure.code === 'ENOENT') {
    const mend = 'check --config; without it the file is looked for'
    return new ConfigError([{ severity: 'error', file, reason: 'there is no such settings file', mend }])
  }
  const message = (failure.message ?? String(error)).replace(/^(?:JSON|YAML) Error in .*:\n/, '')
  const line = failure.mark === undefined ? /\(line (\d+) column \d+\)/.exec(message)?.[1] : String(failure.mark.line + 1)
  return new ConfigError([{
    severity: 'error', file, ...(line === undefined ? {} : { line: Number(line) }),
    reason: `not readable as settings: ${message.includes('\ufeff') ? 'it begins with a byte order mark (the bytes EF BB BF)' : message.split('\n')[0]!}`,
    mend: 'correct the syntax there; settings files are .json, .yaml or .yml and never code',
  }])
}

const isFile = (path: string): Promise<boolean> => stat(path).then((found) => found.isFile(), () => false)

/** A home is a directory with a control directory in it. */
export async function isHome(directory: string): Promise<boolean> {
  return stat(join(directory, 'control')).then((found) => found.isDirectory(), () => false)
}

function named(problems: readonly Problem[], path: string, cwd: string): readonly Problem[] {
  const near = relative(cwd, path)
  return problems.map((problem) => ({ ...problem, file: near.startsWith('..') ? path : near }))
}
