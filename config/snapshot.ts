/** All of a home's control directory as it stood at one moment, and the stamps that tell when it changed. */
import { createHash } from 'node:crypto'
import { readdirSync, statSync, type BigIntStats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

/** A control file larger than this is not read. The compiled morercpthosts may be larger. */
const MOST_BYTES = 4 * 1024 * 1024
const MOST_CDB_BYTES = 64 * 1024 * 1024

/** What some editors put before the first line. It would be part of that line, which then matches nothing: a list that lets pass. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const MARKED = 'it begins with a byte order mark (the bytes EF BB BF), which would be part of its first line; save it as UTF-8 without that mark'

export interface Snapshot {
  /** Bytes of each regular file by its name; links are followed. */
  readonly files: ReadonlyMap<string, Buffer>
  /** What is there but is no file to read, by name, with the reason. Nobody minds a directory whose name is no control file's. */
  readonly unreadable: ReadonlyMap<string, string>
  /** Why the directory itself could not be read. */
  readonly failure?: string
}

/** Reads `<home>/control`. Never rejects. */
export async function takeSnapshot(home: string): Promise<Snapshot> {
  const files = new Map<string, Buffer>()
  const unreadable = new Map<string, string>()
  let names: readonly string[]
  try {
    names = await readdir(join(home, 'control'))
  } catch (error) {
    return { files, unreadable, failure: reasonOf(error) }
  }
  // A name with a leading dot is an editor's.
  for (const name of names.filter((each) => !each.startsWith('.'))) {
    const read = await readRegular(join(home, 'control', name), name.endsWith('.cdb') ? MOST_CDB_BYTES : MOST_BYTES)
    if (typeof read === 'string') unreadable.set(name, read)
    else if (read !== undefined && read.indexOf(BYTE_ORDER_MARK) === 0 && !name.endsWith('.cdb')) unreadable.set(name, MARKED)
    else if (read !== undefined) files.set(name, read)
  }
  return { files, unreadable }
}

/** One file anywhere, its path relative to the home or absolute; undefined when it is missing or cannot be read. Never rejects. */
export async function readInHome(home: string, path: string): Promise<Buffer | undefined> {
  const read = await readRegular(inHome(home, path), MOST_BYTES)
  return typeof read === 'string' ? undefined : read
}

function inHome(home: string, path: string): string {
  return isAbsolute(path) ? path : join(home, path)
}

/** The bytes; a reason when something is there that cannot be read as a file; undefined when there is nothing. */
async function readRegular(path: string, most: number): Promise<Buffer | string | undefined> {
  try {
    const kind = await stat(path)
    if (kind.isDirectory()) return 'it is a directory'
    // A FIFO or a device would block the open.
    if (!kind.isFile()) return 'it is no regular file'
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      return size > most ? `it is larger than ${most} bytes` : await file.readFile()
    } finally {
      await file.close()
    }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : reasonOf(error)
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'it is missing'
  return code === 'EACCES' ? 'permission denied' : message
}

/** After so long, whatever is written into a directory gives it another time than it has: the system's clock for files is coarse. */
const OLD_MS = 1000

/** What one look saw, where the next one may go by it. */
interface Seen {
  readonly also: readonly string[]
  readonly paths: readonly string[]
  readonly stats: readonly (BigIntStats | undefined)[]
  readonly text: string
}

/** The stamps of a control directory, which are looked at for each connection: what has not changed is neither listed nor printed again. */
export class ControlStamps {
  readonly #home: string
  readonly #directory: string
  #seen: Seen | undefined

  constructor(home: string) {
    this.#home = home
    this.#directory = join(home, 'control')
  }

  /**
   * Stamps of the directory and of every file in it, with those of `also`: two equal texts mean that nothing was written in between.
   * Never throws. At once, for the thread pool would take ten times as long for what the system has in memory.
   */
  look(also: readonly string[] = []): string {
    const seen = this.#seen
    if (seen?.also === also && seen.paths.every((path, index) => same(seen.stats[index], statOf(path)))) return seen.text
    // The directory first: what comes into it while it is listed gives it another time.
    const directory = statOf(this.#directory)
    const inside = namesIn(this.#directory).filter((name) => !name.startsWith('.')).toSorted().map((name) => join(this.#directory, name))
    const paths = [this.#directory, ...inside, ...also.map((path) => inHome(this.#home, path))]
    const stats = [directory, ...paths.slice(1).map(statOf)]
    const text = paths.map((path, index) => `${path} ${stampOf(stats[index])}`).join('\n')
    this.#seen = directory !== undefined && Date.now() - Number(directory.mtimeMs) > OLD_MS ? { also, paths, stats, text } : undefined
    return text
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Changes whenever the file does; undefined while there is none. Never throws. */
export function fileStamp(path: string): string | undefined {
  return stampOf(statOf(path))
}

function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function stampOf(found: BigIntStats | undefined): string | undefined {
  return found && `${found.mtimeNs}.${found.ctimeNs}.${found.size}.${found.ino}`
}

function same(one: BigIntStats | undefined, other: BigIntStats | undefined): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs && one.size === other.size && one.ino === other.ino
}

/** A digest of the bytes of each control file, by name: what tells two generations apart. Never rejects. */
export async function controlDigests(home: string): Promise<Readonly<Record<string, string>>> {
  const { files } = await takeSnapshot(home)
  return Object.fromEntries([...files].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('base64url').slice(0, 16)]))
}
