/** Which file an import in a plugin means: as Node and TypeScript find it, but below the plugins folder only. */
import { isBuiltin } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { Unreadable, type PluginFiles } from './plugin-files.ts'

const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs', '.cts', '.cjs', '.json', '.tsx', '.jsx'] as const
/** A TypeScript source names the file it will become. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'],
}
const PACKAGE = /^(@[^/\\@]+\/[^/\\@]+|[^./\\@][^/\\]*)(?:\/(.*))?$/s

/** Why an import cannot be had, and what to do. */
export class Unresolved extends Error {
  readonly mend: string
  constructor(reason: string, mend: string) {
    super(reason)
    this.mend = mend
  }
}

/**
 * The real path of what `specifier` means in the file `importer`.
 * @param kind the way it is imported decides between the branches of a package's `exports`
 * Throws Unresolved.
 */
export function resolveImport(specifier: string, importer: string, kind: Kind, files: PluginFiles): string {
  try {
    const found = /^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..'
      ? findFile(resolve(dirname(importer), specifier), files)
      : findInPackages(specifier, dirname(importer), kind, files)
    if (found !== undefined) return found
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const mend = 'keep what a plugin imports inside plugins/, without links that lead out'
    throw new Unresolved(`it imports ${quoted(specifier)}, which ${error.message}`, mend)
  }
  if (isBuiltin(specifier)) {
    const mend = 'use the context\'s world, or review the plugin and mark its line trusted'
    throw new Unresolved(`it imports ${quoted(specifier)}: there are no modules of Node in the sandbox`, mend)
  }
  throw new Unresolved(`it imports ${quoted(specifier)}, and there is no such file`, /^[./]/.test(specifier)
    ? 'correct the path; it is relative to the file that imports'
    : `install the package below plugins/ (npm install --prefix plugins ${packageOf(specifier)}), or correct its name`)
}

type Kind = 'import' | 'require'

function packageOf(specifier: string): string {
  return PACKAGE.exec(specifier)?.[1] ?? specifier
}

/** The file itself, with an extension, the source of a compiled name, or the index of a folder. */
function findFile(path: string, files: PluginFiles): string | undefined {
  const extension = /\.[^./]*$/.exec(path)?.[0] ?? ''
  const stem = path.slice(0, path.length - extension.length)
  const candidates = [
    path, ...EXTENSIONS.map((each) => path + each), ...(SOURCES[extension] ?? []).map((each) => stem + each),
    ...EXTENSIONS.map((each) => join(path, `index${each}`)),
  ]
  return firstFound(candidates, files)
}

function firstFound(candidates: readonly string[], files: PluginFiles): string | undefined {
  for (const candidate of candidates) {
    const found = files.find(candidate)
    if (found !== undefined) return found
  }
  return undefined
}

function findInPackages(specifier: string, from: string, kind: Kind, files: PluginFiles): string | undefined {
  const [, name, rest] = PACKAGE.exec(specifier) ?? []
  // A package may be called as one of Node's modules (events, buffer); behind `node:` stands none.
  if (name === undefined || specifier.startsWith('node:')) return undefined
  for (let folder = from; folder.startsWith(files.root); folder = dirname(folder)) {
    const home = join(folder, 'node_modules', name)
    const manifest = readManifest(join(home, 'package.json'), files)
    const found = manifest === undefined ? findFile(join(home, rest ?? ''), files) : findInPackage(home, manifest, rest, kind, files)
    if (found !== undefined || manifest !== undefined) return found
  }
  return undefined
}

type Manifest = Readonly<Record<string, unknown>>

function readManifest(path: string, files: PluginFiles): Manifest | undefined {
  const real = files.find(path)
  if (real === undefined) return undefined
  try {
    const value = JSON.parse(files.text(real)) as unknown
    return isRecord(value) ? value : {}
  } catch (error) {
    if (error instanceof Unreadable) throw error
    return {}
  }
}

function findInPackage(home: string, manifest: Manifest, rest: string | undefined, kind: Kind, files: PluginFiles): string | undefined {
  if (manifest['exports'] !== undefined && manifest['exports'] !== null) {
    const target = exported(manifest['exports'], rest === undefined ? '.' : `./${rest}`, new Set([kind, 'module', 'default']))
    return target === undefined ? undefined : files.find(resolve(home, target))
  }
  if (rest !== undefined) return findFile(join(home, rest), files)
  const mains = [manifest['module'], manifest['main']].filter((main) => typeof main === 'string')
  for (const main of [...mains, 'index']) {
    const found = findFile(resolve(home, main), files)
    if (found !== undefined) return found
  }
  return undefined
}

/** What a package's `exports` give for a subpath such as `.` or `./lib/x`: the algorithm of Node's documentation of packages. */
export function exported(exports: unknown, subpath: string, conditions: ReadonlySet<string>): string | undefined {
  const map = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith('.')) ? exports : { '.': exports }
  if (Object.hasOwn(map, subpath) && !subpath.includes('*')) return pick(map[subpath], '', conditions)
  let best: { readonly key: string; readonly star: string } | undefined
  for (const key of Object.keys(map)) {
    const [before, after] = key.split('*', 2)
    if (before === undefined || after === undefined || !subpath.startsWith(before) || !subpath.endsWith(after)) continue
    if (subpath.length < before.length + after.length || (best !== undefined && best.key.indexOf('*') >= before.length)) continue
    best = { key, star: subpath.slice(before.length, subpath.length - after.length) }
  }
  return best === undefined ? undefined : pick(map[best.key], best.star, conditions)
}

function pick(target: unknown, star: string, conditions: ReadonlySet<string>): string | undefined {
  if (typeof target === 'string') return target.startsWith('./') ? target.replaceAll('*', () => star) : undefined
  const branches = Array.isArray(target)
    ? (target as readonly unknown[])
    : isRecord(target) ? Object.keys(target).filter((name) => conditions.has(name)).map((name) => target[name]) : []
  for (const branch of branches) {
    const found = pick(branch, star, conditions)
    if (found !== undefined) return found
  }
  return undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 200))
}
