/**
 * The rules of the house, held by a program (`npm run rules`): who may import whom, what a plugin may touch,
 * how long a file may be. Prints `file:line: reason` for each violation and exits 1 when there is one.
 *
 * usage: node test/rules/check.ts [root]
 */
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, resolve } from 'node:path'
import { importedFile, importedPackage, readSource, type Import, type Source } from './source.ts'
import { listFiles, readText } from './tree.ts'
import { workplaceWords } from './words.ts'

export interface Violation {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly reason: string
}

const LONGEST = 600
const ONLY_ITS_WORLD = 'a plugin reaches the outside through its world only'

/** Where each room may reach, by the beginnings of paths. `test` may import everything. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  protocol: ['protocol/'],
  config: ['config/', 'protocol/'],
  core: ['core/', 'config/', 'protocol/'],
  plugins: ['core/plugin/index.ts', 'protocol/'],
}

/** What `protocol` does without: it is bytes in, value out. */
const OUTSIDE_MODULES = new Set([
  'child_process', 'cluster', 'dgram', 'dns', 'fs', 'http', 'http2', 'https', 'inspector', 'net', 'os', 'process', 'readline', 'repl',
  'sqlite', 'timers', 'tls', 'tty', 'wasi', 'worker_threads',
])
/** What opens a socket or starts a program: only under `test/` may a test do that. */
const SOCKET_MODULES = new Set(['child_process', 'cluster', 'dgram', 'dns', 'http', 'http2', 'https', 'net', 'tls', 'worker_threads'])
/** Parts of `node:net` that only calculate. */
const NET_ARITHMETIC = new Set(['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress'])
const SOCKET_PACKAGES = new Set(['execa', 'nodemailer', 'smtp-server'])
const CLOCK_AND_CHANCE = new Set([
  'Date', 'Date.now', 'new Date()', 'Math', 'Math.random', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'fetch', 'process',
])

/** Looks at every file below the root and tells what breaks a rule, in the order of the files. */
export function checkTree(root: string): readonly Violation[] {
  const allowed = dependenciesOf(root)
  return listFiles(root).flatMap((file) => {
    const text = readText(root, file)
    if (text === undefined) return []
    const words = workplaceWords(text).map(({ line, word, reason }) => ({ file, line, reason: `"${word}" is ${reason}` }))
    return isCode(file) ? [...checkSource(readSource(file, text), allowed), ...words] : words
  })
}

/** One violation as a line for people and editors. */
export function printViolation({ file, line, reason }: Violation): string {
  return `${file}:${line}: ${reason}`
}

interface Manifest {
  readonly name: string
  readonly dependencies?: object
  readonly optionalDependencies?: object
}

/** Packages that an installed Helios has; undefined where the tree has no package.json. */
function dependenciesOf(root: string): ReadonlySet<string> | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
    return new Set([...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.optionalDependencies ?? {}), manifest.name])
  } catch {
    return undefined
  }
}

function isCode(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file)
}

function checkSource(source: Source, allowed: ReadonlySet<string> | undefined): readonly Violation[] {
  const { file } = source
  const violations: Violation[] = []
  const add = (line: number, reason: string): void => void violations.push({ file, line, reason })
  const room = file.split('/', 1)[0]!
  const isTest = /\.test\.[cm]?[jt]s$/.test(file)

  if (source.lines > LONGEST) add(LONGEST + 1, `${source.lines} lines: a file has at most ${LONGEST}; split it by its nouns`)
  if (source.defaultExport !== undefined && !file.split('/').some((part) => part === 'plugins' || part === 'examples')) {
    add(source.defaultExport, 'a default export: only plugins have one')
  }
  if (!(room in DOORS)) return violations

  for (const imported of source.imports) {
    const { line } = imported
    const reason = importReason(file, room, isTest, imported, allowed)
    if (reason !== undefined) add(line, reason)
  }
  if (isTest) return violations
  for (const { line, what } of source.reaches) {
    if (room === 'plugins') add(line, `${what}: ${ONLY_ITS_WORLD}`)
    else if (room === 'protocol' && CLOCK_AND_CHANCE.has(what)) add(line, `${what}: protocol has no clock, chance or network`)
  }
  return violations
}

function importReason(
  file: string, room: string, isTest: boolean, { specifier, names }: Import, allowed: ReadonlySet<string> | undefined,
): string | undefined {
  if (specifier === undefined) {
    return room === 'plugins' && !isTest ? 'an import computed at run time: a plugin names what it imports' : undefined
  }
  const target = importedFile(file, specifier)
  if (target !== undefined) return doorReason(file, room, isTest, target)
  if (isBuiltin(specifier)) return builtinReason(room, isTest, specifier, names)
  return packageReason(file, isTest, importedPackage(specifier), allowed)
}

/** Rooms of the core that know nothing of who asks them, and whom that is. */
const ASKED_BY: Readonly<Record<string, readonly string[]>> = {
  'core/host/': ['core/smtp/', 'core/server/', 'core/lab/', 'core/chaos/', 'core/cli/'],
  'core/smtp/': ['core/server/', 'core/lab/', 'core/chaos/', 'core/cli/'],
}

/** Stand among the accounts and are about none. */
const WITHOUT_ACCOUNTS: readonly string[] = ['core/accounts/errors.ts', 'core/accounts/ownership.ts']

function doorReason(file: string, room: string, isTest: boolean, target: string): string | undefined {
  if (room === 'plugins' && target.startsWith('plugins/')) {
    const own = file.split('/').slice(0, 2).join('/')
    return target.startsWith(`${own}/`) ? undefined : `imports ${target}: plugins know nothing of one another`
  }
  if (room === 'plugins' && isTest && target.startsWith('core/plugin/testing/')) return undefined
  const within = (folder: string): boolean => file.startsWith(folder)
  if (room === 'core' && !isTest && target.startsWith('core/api/') && !within('core/api/') && !within('core/cli/')) {
    return `imports ${target}: the library is for other programs and the commands; the server goes to core/accounts itself`
  }
  const asked = Object.keys(ASKED_BY).find(within)
  if (asked !== undefined && ASKED_BY[asked]!.some((folder) => target.startsWith(folder))) {
    return `imports ${target}: ${asked} is asked by others, and knows nothing of them`
  }
  if (within('core/cli/') && !within('core/cli/plugin/') && target.startsWith('core/accounts/') && !WITHOUT_ACCOUNTS.includes(target)) {
    return `imports ${target}: commands do with accounts what the library does (core/api), and nothing behind its back`
  }
  if (DOORS[room]!.some((door) => target.startsWith(door))) return undefined
  return `imports ${target}: ${room} may import only ${DOORS[room]!.join(', ')}${room === 'plugins' ? ' and its own folder' : ''}`
}

function builtinReason(room: string, isTest: boolean, specifier: string, names: Import['names']): string | undefined {
  const name = specifier.replace(/^node:/, '').split('/', 1)[0]!
  if (room === 'plugins' && !isTest) return `imports ${specifier}: ${ONLY_ITS_WORLD}`
  if (name === 'net' && names?.every((part) => NET_ARITHMETIC.has(part)) === true) return undefined
  if (isTest) {
    return SOCKET_MODULES.has(name) ? `imports ${specifier}: a test that opens sockets or starts programs stands in test/` : undefined
  }
  if (room === 'protocol' && OUTSIDE_MODULES.has(name)) return `imports ${specifier}: protocol has no sockets, no files, no clock`
  return undefined
}

function packageReason(file: string, isTest: boolean, name: string, allowed: ReadonlySet<string> | undefined): string | undefined {
  if (isTest && SOCKET_PACKAGES.has(name)) return `imports ${name}: a test that opens sockets or starts programs stands in test/`
  if (name === 'smtp-server' && file !== 'core/smtp/connection.ts') return 'imports smtp-server: only core/smtp/connection.ts knows it'
  if (isTest || allowed === undefined || allowed.has(name)) return undefined
  return `imports ${name}: not among the dependencies of package.json, so an installed Helios lacks it`
}

function main(root: string): void {
  const violations = checkTree(root)
  for (const violation of violations) console.log(printViolation(violation))
  if (violations.length > 0) {
    console.log(`${violations.length} violation${violations.length === 1 ? '' : 's'} of the rules`)
    process.exitCode = 1
  }
}

if (import.meta.main) main(resolve(process.argv[2] ?? join(import.meta.dirname, '..', '..')))
