/** A home for tests: a temporary directory with the few control files a server cannot do without. */
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export type FileContent = string | Buffer | { readonly content: string | Buffer; readonly mode: number }

/** Paths relative to the home. `undefined` leaves a file out that would be there otherwise. */
export type HomeFiles = Readonly<Record<string, FileContent | undefined>>

export interface HomeSettings {
  readonly listeners?: readonly {
    readonly service?: string
    readonly compat?: 'qmail-spp' | false
    readonly proxy?: readonly string[]
    readonly xclient?: readonly string[]
    readonly tls?: unknown
    readonly auth?: unknown
  }[]
  readonly replyDialect?: 'detect' | 'off'
  /** The settings' `dns`. */
  readonly dns?: Readonly<Record<string, unknown>>
  readonly store?: 'file' | 'accounts' | 'memory'
  /** `{}` for the server's own; the default of tests lets their clients say all at once, and wrongly, for as long as they like. */
  readonly limits?: Readonly<Record<string, unknown>>
}

export interface Home {
  readonly path: string
  at(name: string): string
  /** The file as latin1. */
  read(name: string): Promise<string>
  /** Puts the whole file in place at once, as a careful editor does. */
  write(name: string, content: FileContent): Promise<void>
}

const DIRECTORIES = ['control', 'plugins', 'queue', 'mail', 'trace']

/** What `spp-protocol` 15 takes for granted. */
const FILES: HomeFiles = {
  'control/me': 'test.example\n',
  'control/rcpthosts': 'local.example\n',
  'control/smtpplugins': '',
}

const RUDE_CLIENTS = { errors: 0, junkCommands: 0, earlyTalkers: 'note', pipelining: 'note' }

const temporary = new Set<string>()
// At the very end: a server that still runs must not lose its home before it is stopped.
process.on('exit', () => { for (const path of temporary) rmSync(path, { recursive: true, force: true }) })

/** A temporary directory, removed when the process ends. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'helios-'))
  temporary.add(path)
  return path
}

/** A settings file of one plain SMTP listener on a port the system chooses stands in it, unless `settings` say otherwise. */
export async function makeHome(files: HomeFiles = {}, settings: HomeSettings = {}): Promise<Home> {
  const home = homeAt(await temporaryDirectory())
  for (const directory of DIRECTORIES) await mkdir(home.at(directory), { mode: 0o700 })
  await home.write('helios.config.json', settingsText(settings))
  for (const [name, content] of Object.entries({ ...FILES, ...files })) if (content !== undefined) await home.write(name, content)
  return home
}

/** A directory that is a home already, or is going to be one. */
export function homeAt(path: string): Home {
  const at = (name: string): string => join(path, name)
  return {
    path, at,
    read: (name) => readFile(at(name), 'latin1'),
    write: async (name, file) => {
      const { content, mode } = withMode(file)
      await mkdir(dirname(at(name)), { recursive: true })
      await writeFile(at(`${name}.new`), content, { mode })
      await rename(at(`${name}.new`), at(name))
    },
  }
}

/** A program is known by its first two bytes. */
function withMode(file: FileContent): { readonly content: string | Buffer; readonly mode: number } {
  if (typeof file === 'object' && 'content' in file) return file
  return { content: file, mode: file.toString('latin1').startsWith('#!') ? 0o755 : 0o644 }
}

export function settingsText({ listeners = [{}], replyDialect = 'detect', dns = {}, limits = RUDE_CLIENTS, store = 'file' }: HomeSettings): string {
  return JSON.stringify({
    listeners: listeners.map(({ service = 'smtp', compat = false, ...rest }) => ({ service, host: '127.0.0.1', port: 0, compat, ...rest })),
    replyDialect, dns, limits, store,
  })
}
