/** `helios export` and `helios import`: a whole installation as a file, and back. */
import { constants, createReadStream, createWriteStream, fstatSync, lstatSync, openSync, readlinkSync, realpathSync, renameSync, rmSync, statSync, type ReadStream } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { InvalidArgumentError } from 'commander'
import { printProblem } from '../../config/problem.ts'
import { asOwnerOfWay } from '../accounts/ownership.ts'
import { HeliosError, ImportRefused, type Imported, type ImportOptions } from '../api/index.ts'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
import { Progress } from './progress.ts'
import { counted, table } from './table.ts'

const FORMATS = ['json', 'csv', 'vpasswd'] as const
type Format = typeof FORMATS[number]

export const exporting: Noun = {
  register(program, io) {
    program.command('export').description('write domains, users, aliases, texts and what plugins keep into one file; passwords stay hashed')
      .argument('[file]', 'a new file, or one to replace; standard output when absent, or -')
      .option('--format <format>', 'json (one object on each line) or csv; else as the name of the file ends', readFormat).option('--json', 'the same as --format json')
      .action((file: string | undefined, flags: Pick<ImportFlags, 'format' | 'json'>) => withHelios(io, async (helios) => {
        const format = flags.json === true ? 'json' : flags.format ?? formatOf(file)
        if (format === 'vpasswd') throw new InvalidArgumentError('helios exports json and csv')
        const progress = new Progress(io)
        const total = await helios.countRows()
        let rows = -1
        const texts = async function* (): AsyncGenerator<string> {
          for await (const text of inLargerParts(helios.export(format), () => progress.show('exported', rows += 1, Math.max(total, rows)))) yield text
        }
        if (file === undefined || file === '-') await io.pour(texts())
        else await writeFile(resolve(io.cwd, file), texts())
        progress.clear()
        if (file !== undefined && file !== '-') io.err(`${counted(rows, 'row')} in ${file}, with hashed passwords and other secrets: keep it as you keep the database`)
      }))
  },
}

interface ImportFlags {
  readonly format?: Format
  readonly domain?: string
  readonly replace?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

export const importing: Noun = {
  register(program, io, exit) {
    program.command('import').description('put in what a file has, once all of it is checked; what is there already stays')
      .argument('<file>', 'what "helios export" wrote, a list of users as CSV, or a vpasswd file of vpopmail; - for standard input')
      .option('--format <format>', 'json, csv or vpasswd; else as the name of the file ends, and with --domain vpasswd', readFormat)
      .option('--domain <domain>', 'of the users of a vpasswd file')
      .option('--replace', 'rows that are here with other values become those of the file')
      .option('--dry-run', 'only check, and say what would be done').option('--json', 'as JSON')
      .action((file: string, flags: ImportFlags) => withHelios(io, async (helios) => {
        const progress = new Progress(io)
        const options: ImportOptions = {
          format: importFormat(flags, file), file: file === '-' ? 'standard input' : file, replace: flags.replace === true, dryRun: flags.dryRun === true,
          progress: (step, done, total) => progress.show(step, done, total),
        }
        try {
          const imported = await helios.import(source(io, file, progress), options)
          progress.clear()
          if (flags.json === true) return io.out(JSON.stringify(imported, undefined, 2))
          for (const line of describe(imported, flags.dryRun === true)) io.out(line)
        } catch (error) {
          progress.clear()
          if (!(error instanceof ImportRefused)) throw error
          exit(1)
          for (const problem of error.problems) io.err(printProblem(problem))
          const more = error.total - error.problems.length
          // Only the name of the file said what it is.
          const another = flags.format === undefined && options.format === 'json' && error.problems[0]?.line === 1 ? ', or say with --format what kind of file it is' : ''
          io.err(`helios: nothing was imported: ${counted(error.total, 'problem')}${more > 0 ? `, of which ${more} are not shown` : ''} (mend the file and run it again${another})`)
        }
      }))
  },
}

/** Fewer, larger writes. */
async function* inLargerParts(texts: AsyncIterable<string>, each: () => void): AsyncGenerator<string> {
  let part = ''
  for await (const text of texts) {
    each()
    part += text
    if (part.length < 64 * 1024) continue
    yield part
    part = ''
  }
  if (part !== '') yield part
}

interface Place {
  readonly path: string
  /** Of what is no file, and is written into; undefined: the file is made anew. */
  readonly flags: number | undefined
}

/**
 * Whole or not at all, and for nobody else's eyes. A link stays one where it leads to something; one that leads nowhere is replaced, and so is
 * somebody else's when root writes. A device or a pipe is written into. In the directory of another root has no more rights than that one.
 */
async function writeFile(named: string, texts: AsyncIterable<string>): Promise<void> {
  let undo = (): void => {}
  try {
    const { path, flags } = placeOf(named)
    const inPlace = <T>(work: () => T): T => asOwnerOfWay(dirname(path), work)
    if (flags !== undefined) return await pipeline(texts, createWriteStream(path, { fd: inPlace(() => openSync(path, flags)) }))
    const aside = join(dirname(path), `.${basename(path)}.${process.pid}.new`)
    const fd = inPlace(() => openSync(aside, 'wx', 0o600))
    undo = () => inPlace(() => rmSync(aside, { force: true }))
    await pipeline(texts, createWriteStream(aside, { fd, flush: true }))
    inPlace(() => renameSync(aside, path))
  } catch (error) {
    undo()
    if (error instanceof HeliosError || !(error instanceof Error) || !('syscall' in error)) throw error
    throw new HeliosError('export', `cannot write ${named}: ${error.message}`, { fault: 'operator', mend: 'name a file in a directory you may write to', cause: error })
  }
}

function placeOf(named: string): Place {
  const inPlace = <T>(work: () => T): T => asOwnerOfWay(dirname(named), work)
  const found = inPlace(() => lstatSync(named, { throwIfNoEntry: false }))
  if (found === undefined || found.isFile()) return { path: named, flags: undefined }
  if (!found.isSymbolicLink()) return { path: named, flags: constants.O_WRONLY | constants.O_NOFOLLOW }
  const isStrangers = process.geteuid?.() === 0 && found.uid !== 0
  if (isStrangers || inPlace(() => statSync(named, { throwIfNoEntry: false })) === undefined) return { path: named, flags: undefined }
  const next = inPlace(() => resolve(realpathSync(dirname(named)), readlinkSync(named)))
  // What stands in /proc/self/fd for a pipe has no other name.
  if (lstatSync(next, { throwIfNoEntry: false }) === undefined) return { path: named, flags: constants.O_WRONLY }
  return placeOf(next)
}

async function* source(io: Io, file: string, progress: Progress): AsyncGenerator<Uint8Array> {
  let done = 0
  try {
    const { stream, total } = file === '-' ? { stream: io.stdin, total: 0 } : openFile(resolve(io.cwd, file))
    for await (const chunk of stream) {
      done += (chunk as Uint8Array).length
      progress.show('read', done, total)
      yield chunk as Uint8Array
    }
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error
    const isRoot = process.geteuid?.() === 0
    const mend = isRoot && 'code' in error && error.code === 'EACCES'
      ? 'root reads what somebody else could lead elsewhere with the rights of that one: let that one read the file, or send its content to "helios import -"'
      : 'name a file that is there, and that you may read'
    throw new HeliosError('import', `cannot read ${file}: ${error.message}`, { fault: 'operator', mend, cause: error })
  }
}

/** What is read becomes rows that the owner of a home can read: a link of somebody else's must not lead root to what that one may not see. */
function openFile(path: string): { readonly stream: ReadStream; readonly total: number } {
  const fd = asOwnerOfWay(path, () => openSync(path, 'r'))
  return { stream: createReadStream(path, { fd }), total: fstatSync(fd).size }
}

function describe({ kinds, withoutPassword }: Imported, dryRun: boolean): readonly string[] {
  const rows = Object.entries(kinds).map(([kind, { added, replaced, same }]) => [
    kind, `${added} ${dryRun ? 'to add' : 'added'}`, replaced === 0 ? '' : `${replaced} ${dryRun ? 'to replace' : 'replaced'}`, same === 0 ? '' : `${same} here already`,
  ])
  return [
    ...rows.length === 0 ? ['there is nothing in it'] : table(rows),
    ...withoutPassword === 0 ? [] : [`${counted(withoutPassword, 'user')} without a password that fits: nobody logs in there until "helios user passwd"`],
  ]
}

function importFormat({ format, domain }: ImportFlags, file: string): ImportOptions['format'] {
  // Of no other file it has to be said whose users they are.
  const given = format ?? (domain === undefined ? formatOf(file) : 'vpasswd')
  if (given !== 'vpasswd') {
    if (domain === undefined) return given
    throw new HeliosError('usage', `--domain is for a vpasswd file, and --format says ${given}`, { fault: 'operator', mend: 'leave one of them out' })
  }
  if (domain !== undefined) return { vpasswdOf: domain }
  throw new HeliosError('usage', 'a vpasswd file does not say whose users they are', { fault: 'operator', mend: 'add --domain and the domain' })
}

function formatOf(file = ''): Format {
  if (/\.csv$/i.test(file)) return 'csv'
  return basename(file) === 'vpasswd' ? 'vpasswd' : 'json'
}

function readFormat(text: string): Format {
  const format = FORMATS.find((known) => known === text)
  if (format === undefined) throw new InvalidArgumentError(`Write one of ${FORMATS.join(', ')}.`)
  return format
}
