/**
 * From a plugin's file to one text that a sandbox runs: esbuild bundles what we read for it. It is given no path of
 * the file system to look at by itself, so neither its resolver nor a tsconfig or package.json elsewhere has a say.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import {
  build, stop, type BuildFailure, type BuildOptions, type Loader, type Message, type OnLoadResult, type OnResolveArgs, type OnResolveResult,
  type Plugin as EsbuildPlugin,
} from 'esbuild'
import type { Problem } from '../../../../config/problem.ts'
import { codeRoot, moduleFile } from '../../../paths.ts'
import { PluginFiles, Unreadable } from './plugin-files.ts'
import { resolveImport, Unresolved } from './resolve.ts'

/** What a sandbox runs for a plugin. */
export interface PluginText {
  /** Tells two texts apart. */
  readonly hash: string
  /** An expression statement: a function that opens the plugin (`start` of inside.ts). */
  readonly text: string
  /** Source map of `text`, JSON; its sources are named from the home. */
  readonly map: string
}

export interface Bundled {
  readonly text?: PluginText
  readonly problems: readonly Problem[]
  /** Files the text was made of, absolute, as far as it was made. */
  readonly files: readonly string[]
}

const ENTRY = 'entry'
/** Namespaces of esbuild: the stub, our own modules, the operator's. None is `file`, where esbuild looks by itself. */
const STUB = 'stub'
const OURS = 'helios'
const THEIRS = 'home'
const LOADERS: Readonly<Record<string, Loader>> = {
  ts: 'ts', mts: 'ts', cts: 'ts', tsx: 'tsx', js: 'js', mjs: 'js', cjs: 'js', jsx: 'jsx', json: 'json',
}
const DOOR = 'helios-mail/plugin'
const INSIDE = 'core/host/runtimes/sandbox/inside'
const MOST_PROBLEMS = 10
/** `import(`./${name}`)`: esbuild would search the file system for what fits. */
const COMPUTED = /\b(?:import|require)\s*\(\s*(?:\/\*[^]*?\*\/\s*)*(?:`\.{1,2}\/[^`]*\$\{|(["'])\.{1,2}\/[^"'\n]*\1\s*\+)/

/**
 * Bundles a plugin. Never rejects: what is wrong comes back as problems with file and line.
 * @param file absolute path below `<home>/plugins`
 */
export async function bundlePlugin(file: string, home: string): Promise<Bundled> {
  const files = new PluginFiles(home)
  const mends = new Map<string, string>()
  try {
    const entry = files.find(file)
    if (entry === undefined) return failed(file, 'there is no such file', 'correct the path, or put # before the line')
    const { outputFiles } = await run(optionsFor(entry, files, mends))
    const text = outputFiles.find(({ path }) => !path.endsWith('.map'))!.text
    const map = outputFiles.find(({ path }) => path.endsWith('.map'))!.text
    return { text: { hash: createHash('sha256').update(text).digest('base64url'), text, map }, problems: [], files: files.read }
  } catch (error) {
    if (error instanceof Unreadable) return failed(file, `it ${error.message}`, 'keep plugins in the plugins folder of the home')
    const { errors } = error as Partial<BuildFailure>
    if (errors === undefined) throw error
    const problems = errors.slice(0, MOST_PROBLEMS).map((each) => problemOf(each, nameInHome(file, home), mends))
    return { problems, files: files.read }
  }

  function failed(path: string, reason: string, mend: string): Bundled {
    const inside = path.startsWith(join(home, 'plugins', sep))
    return { problems: [{ severity: 'error', file: nameInHome(path, home), reason, mend }], files: inside ? [path] : [] }
  }
}

/** What is bundled once for everybody who loads it while the same generation is built. By file, absolute. */
export type BundleCache = Map<string, Promise<Bundled>>

/** As `bundlePlugin`, each file of the cache once. */
export function bundleOnce(cache: BundleCache, file: string, home: string): Promise<Bundled> {
  const known = cache.get(file)
  if (known !== undefined) return known
  const bundled = bundlePlugin(file, home)
  cache.set(file, bundled)
  return bundled
}

/** Ends esbuild's process, if one was started; the next bundle starts another. */
export async function stopBundling(): Promise<void> {
  await stop()
}

type Built = { readonly outputFiles: readonly { readonly path: string; readonly text: string }[] }

/** esbuild's process may have been killed since it was last used: then another is tried. */
async function run(options: BuildOptions & { readonly write: false }): Promise<Built> {
  try {
    return await build(options)
  } catch (error) {
    if ((error as Partial<BuildFailure>).errors !== undefined) throw error
    await stop()
    return build(options)
  }
}

function optionsFor(entry: string, files: PluginFiles, mends: Map<string, string>): BuildOptions & { readonly write: false } {
  return {
    entryPoints: [ENTRY], bundle: true, write: false, outfile: '/plugin.js', absWorkingDir: '/',
    format: 'iife', globalName: 'heliosPlugin', footer: { js: 'heliosPlugin.open' }, platform: 'neutral',
    // What vm2's parser reads.
    target: 'es2022', charset: 'utf8',
    sourcemap: 'external', sourcesContent: false, tsconfigRaw: '{}', logLevel: 'silent', logLimit: MOST_PROBLEMS,
    plugins: [ourPlugin(entry, files, mends)],
  }
}

function ourPlugin(entry: string, files: PluginFiles, mends: Map<string, string>): EsbuildPlugin {
  return {
    name: 'helios',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, (args) => guarded(mends, () => whichModule(args, entry, files)))
      onLoad({ filter: /.*/ }, (args) => guarded(mends, () => readModule(args.namespace, args.path, files)))
    },
  }
}

function whichModule({ kind, path, importer, namespace }: OnResolveArgs, entry: string, files: PluginFiles): OnResolveResult {
  if (kind === 'entry-point') return { path: ENTRY, namespace: STUB }
  if (namespace === STUB) return path === ENTRY ? { path: files.name(entry), namespace: THEIRS } : ours(moduleFile(INSIDE))
  if (namespace === OURS) return ours(resolve(codeRoot, dirname(importer), path))
  if (path === DOOR) return ours(moduleFile('core/plugin/index'))
  if (path.startsWith('helios-mail')) {
    const mend = `a plugin imports ${DOOR} alone; what tests need belongs in a file that the plugin does not import`
    throw new Unresolved(`it imports ${JSON.stringify(path)}`, mend)
  }
  const how = kind === 'require-call' || kind === 'require-resolve' ? 'require' : 'import'
  return { path: files.name(resolveImport(path, files.path(importer), how, files)), namespace: THEIRS }
}

/** Named from the root of our own code, wherever it is installed. */
function ours(path: string): OnResolveResult {
  return { path: relative(codeRoot, path), namespace: OURS }
}

function readModule(namespace: string, path: string, files: PluginFiles): OnLoadResult {
  if (namespace === STUB) return { contents: STUB_TEXT, loader: 'js' }
  if (namespace === OURS) return { contents: readFileSync(join(codeRoot, path), 'utf8'), loader: loaderOf(path) }
  if (namespace !== THEIRS) throw new Unresolved('an import is computed at run time', COMPUTED_MEND)
  const contents = files.text(files.path(path))
  const computed = COMPUTED.exec(contents)
  if (computed === null) return { contents, loader: loaderOf(path) }
  const line = contents.slice(0, computed.index).split('\n').length
  return { errors: [{ text: COMPUTED_TEXT, location: { file: path, namespace: THEIRS, line, column: 0, length: 0 } }] }
}

const COMPUTED_TEXT = 'it imports a file whose name is computed at run time, which a bundle cannot hold'
const COMPUTED_MEND = 'import each file by its name'
const STUB_TEXT = `import { start } from 'inside'\nexport const open = start(() => require('${ENTRY}'))\n`

function loaderOf(path: string): Loader {
  return LOADERS[path.slice(path.lastIndexOf('.') + 1)] ?? 'js'
}

type Failed = { readonly errors: { readonly text: string }[] }

/** Errors as esbuild's plugins give them: it adds the line that imports. */
function guarded<T>(mends: Map<string, string>, work: () => T): T | Failed {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Unresolved) && !(error instanceof Unreadable)) throw error
    if (error instanceof Unresolved) mends.set(error.message, error.mend)
    return { errors: [{ text: error.message }] }
  }
}

/** esbuild names a file with its namespace in front. Of a file that is not the operator's, nothing is repeated. */
function problemOf({ text, location }: Message, file: string, mends: ReadonlyMap<string, string>): Problem {
  const theirs = location?.file.startsWith(`${THEIRS}:`) === true
  if (location !== null && !theirs) return { severity: 'error', file, reason: COMPUTED_TEXT, mend: COMPUTED_MEND }
  const mend = mends.get(text) ?? (text === COMPUTED_TEXT ? COMPUTED_MEND : 'mend the file, or put # before its line in the list')
  if (location === null) return { severity: 'error', file, reason: text, mend }
  return { severity: 'error', file: location.file.slice(THEIRS.length + 1), line: location.line, reason: text, mend }
}

function nameInHome(path: string, home: string): string {
  return path.startsWith(home + sep) ? path.slice(home.length + 1) : path
}
