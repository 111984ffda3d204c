/** A copy of a home to break things in: its control files and plugins, lists for the matrix, and no way to deliver mail. */
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Settings } from '../../config/settings.ts'
import { bytesOf, textOf } from '../../protocol/text.ts'
import { HeliosError } from '../error.ts'
import { BYSTANDER_LIST, BYSTANDER_PLUGIN } from './bystanders.ts'
import { PLACE, wholeList, type Cell } from './cell.ts'

export interface CopiedHome {
  readonly path: string
  /** The address that a client comes from to get a list. */
  address(listFile: string): string
  remove(): Promise<void>
}

export const BASELINE = `${PLACE}/lists/baseline`
export const BYSTANDERS = `${PLACE}/lists/bystanders`
/** Bytes of trace: everything of a run must be there at its end. */
const TRACE = { enabled: true, maxBytes: 512 * 1024 * 1024, minFreeBytes: 64 * 1024 * 1024 }
const PARTS = ['control', 'plugins'] as const

/**
 * Copies `control/` and `plugins/` into a new temporary directory, with the lists of these cells. The home itself is only
 * read. Rejects with HeliosError where it cannot be copied.
 * @param list the operator's list without `[+deliver]`
 */
export async function copyHome(settings: Settings, list: string, cells: readonly Cell[]): Promise<CopiedHome> {
  const path = await mkdtemp(join(tmpdir(), 'helios-chaos-'))
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  try {
    await copyParts(settings.home, path)
    const lists = [BASELINE, BYSTANDERS, ...cells.map(({ listFile }) => listFile)]
    const addresses = new Map(lists.map((name, index) => [name, `127.77.${Math.floor(index / 250)}.${index % 250 + 1}`]))
    await write(path, BASELINE, wholeList(list))
    await write(path, BYSTANDERS, BYSTANDER_LIST)
    await write(path, BYSTANDER_PLUGIN.name, BYSTANDER_PLUGIN.content)
    for (const cell of cells) {
      await write(path, cell.listFile, cell.list)
      for (const { name, content, executable } of cell.files) await write(path, name, content, executable ? 0o755 : 0o644)
    }
    await writeRules(path, addresses)
    await writeFile(join(path, 'helios.config.json'), JSON.stringify({
      listeners: [{ service: 'smtp', host: '127.0.0.1', port: 0, compat: false }],
      trace: TRACE, log: { level: 'warn', pretty: false }, replyDialect: settings.replyDialect,
      ...(settings.user === undefined ? {} : { user: settings.user }),
    }))
    return { path, address: (listFile) => addresses.get(listFile)!, remove }
  } catch (cause) {
    await remove()
    if (cause instanceof HeliosError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new HeliosError('chaos-copy', `${settings.home} cannot be copied to ${path}: ${why}`, {
      fault: 'system', mend: 'run it as the user the server runs as, and see that there is room for temporary files', cause,
    })
  }
}

/** Links become what they lead to: a sandbox imports nothing from outside of `plugins/`. */
async function copyParts(from: string, to: string): Promise<void> {
  for (const part of PARTS) {
    const there = await stat(join(from, part)).catch(() => undefined)
    if (there === undefined) await mkdir(join(to, part))
    else await cp(join(from, part), join(to, part), { recursive: true, dereference: true, filter: isPlain })
    await chmod(join(to, part), 0o700)
  }
  for (const part of ['queue', 'mail', 'trace']) await mkdir(join(to, part), { mode: 0o700 })
}

/** Sockets, pipes and links that lead nowhere, such as an editor leaves, are left out. */
async function isPlain(path: string): Promise<boolean> {
  const there = await stat(path).catch(() => undefined)
  return there?.isFile() === true || there?.isDirectory() === true
}

/** In front of the operator's, so that none of theirs counts for these addresses. */
async function writeRules(path: string, addresses: ReadonlyMap<string, string>): Promise<void> {
  const file = join(path, 'control', 'smtp-tcprules')
  const theirs = textOf(await readFile(file).catch(() => Buffer.alloc(0)))
  const ours = [...addresses].map(([name, address]) => `${address}:allow,SPPCONFFILE="${name}"\n`)
  await writeFile(file, bytesOf(ours.join('') + theirs))
}

async function write(home: string, name: string, content: string, mode = 0o644): Promise<void> {
  const path = join(home, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytesOf(content), { mode })
}
