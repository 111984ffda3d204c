/**
 * What starting a program does not check by itself: the usual calls hand a file that the system does not know how
 * to run to `/bin/sh`, where the original gets ENOEXEC and status 120 (spp-protocol 3, 16).
 */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { bytesOf, textOf } from '../../../protocol/text.ts'

/** BINPRM_BUF_SIZE: what Linux reads to tell what a file is. */
const HEAD = 256
const ELF = '\x7fELF'
/** ELF machine numbers that a kernel of the first also runs: x86-64 runs i386, aarch64 runs arm. */
const ALSO_RUNS: Readonly<Record<number, number>> = { 62: 3, 183: 40 }

/** The name to give to execve: one without a slash would be searched in PATH. Text. */
export function withoutSearch(name: string): string {
  return name.includes('/') ? name : `./${name}`
}

/** Why the file cannot be executed, or undefined when execve may try. @param name Text, relative to `cwd` */
export function whyNotExecutable(name: string, cwd: string): string | undefined {
  const path = pathOf(name, cwd)
  try {
    const stat = statSync(path)
    if (stat.isDirectory()) return 'it is a directory'
    if (!stat.isFile()) return 'it is not a regular file'
    accessSync(path, constants.X_OK)
  } catch (error) {
    return whyNot(error)
  }
  const head = readHead(path)
  return head === undefined ? undefined : whyNotRunnable(head)
}

/** In words, what a failed system call says about a file. */
export function whyNot(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
  return WORDS[code] ?? code
}

/** Why the system found no such file although whyNotExecutable had no doubt: what its first line names is not there. @param name Text, relative to `cwd` */
export function missingInterpreter(name: string, cwd: string): string | undefined {
  const head = readHead(pathOf(name, cwd))?.toString('latin1') ?? ''
  const first = /^#![ \t]*([^ \t\n\0]+)[^\n]*/.exec(head)
  if (first === null) return undefined
  if (first[0].endsWith('\r')) return 'its first line ends in a carriage return, which becomes part of the interpreter (save it with Unix line ends)'
  return `its interpreter ${textOf(Buffer.from(first[1]!, 'latin1'))} is not there (install it, or name another on the first line)`
}

function pathOf(name: string, cwd: string): Buffer {
  return name.startsWith('/') ? bytesOf(name) : bytesOf(`${cwd}/${name}`)
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file, or no such interpreter',
  ENOTDIR: 'there is no such file',
  EACCES: 'it is not executable for this user',
  E2BIG: 'the environment is larger than the system takes',
  ENOEXEC: 'the system does not know how to run it',
  ETXTBSY: 'the file is being written',
  ELOOP: 'its links go in a circle',
  ENAMETOOLONG: 'the name is too long',
}

/** Undefined when the file cannot be read: it may still be executed. */
function readHead(path: Buffer): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const head = Buffer.alloc(HEAD)
    return head.subarray(0, readSync(fd, head, 0, HEAD, 0))
  } finally {
    closeSync(fd)
  }
}

function whyNotRunnable(head: Buffer): string | undefined {
  if (head.toString('latin1', 0, 2) === '#!') {
    return /^#![ \t]*[^ \t\n\0]/.test(head.toString('latin1')) ? undefined : 'its first line names no interpreter after #!'
  }
  if (head.toString('latin1', 0, 4) !== ELF) return 'it is neither a binary nor does it begin with #! (write #!/bin/sh as its first line)'
  ownMachine ??= machineOf(readHead(Buffer.from(process.execPath)))
  const machine = machineOf(head)
  if (ownMachine === undefined || machine === ownMachine || machine === ALSO_RUNS[ownMachine]) return undefined
  return 'it is a binary for another kind of machine'
}

let ownMachine: number | undefined

/** e_machine, in the byte order of the file. */
function machineOf(head: Buffer | undefined): number | undefined {
  if (head === undefined || head.length < 20) return undefined
  return head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18)
}
