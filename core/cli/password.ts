/**
 * Where a command gets a password from: asked without echo at a terminal, one line of standard input
 * otherwise, made up on request. On the command line only when it was put there by the caller: other users
 * of the machine can read it in the process list.
 */
import type { ReadStream } from 'node:tty'
import { textOf } from '../../protocol/text.ts'
import { generatePassword, HeliosError } from '../api/index.ts'
import type { Io } from './command.ts'

export interface PasswordOptions {
  readonly password?: string
  readonly generate?: boolean
}

/** The longest line read; a whole disk piped in by mistake must not fill the memory. */
const MAX_LINE = 64 * 1024

export interface ObtainedPassword {
  readonly password: string
  /** Made up here, so that it must be shown once. */
  readonly generated: boolean
}

/** The password for somebody. Rejects with HeliosError. */
export async function obtainPassword(
  io: Io, who: string, options: PasswordOptions, mend = 'write it there as one line, or let --generate make one',
): Promise<ObtainedPassword> {
  if (options.generate === true) return { password: generatePassword(), generated: true }
  if (options.password !== undefined) return { password: options.password, generated: false }
  return { password: io.stdin.isTTY ? await askTwice(io, who) : await firstLine(io.stdin, mend), generated: false }
}

/** Keys are read in raw mode, set before the first question, so that the terminal shows none of them. */
async function askTwice(io: Io, who: string): Promise<string> {
  const stdin = io.stdin as ReadStream
  stdin.setRawMode(true)
  const keys = typedKeys(stdin)
  try {
    const first = await readHidden(io, keys, `password for ${who}: `)
    const second = await readHidden(io, keys, 'once more: ')
    if (first === second) return first
    throw new HeliosError('bad-password', 'the two passwords differ', { fault: 'operator', mend: 'nothing was changed; try again' })
  } finally {
    stdin.setRawMode(false)
    await keys.return(undefined)
  }
}

async function* typedKeys(stdin: ReadStream): AsyncGenerator<string> {
  stdin.setEncoding('utf8')
  for await (const typed of stdin as AsyncIterable<string>) yield* typed
}

const [CTRL_C, CTRL_D, CTRL_U] = ['\x03', '\x04', '\x15']

async function readHidden(io: Io, keys: AsyncGenerator<string>, question: string): Promise<string> {
  io.ask(question)
  let typed: readonly string[] = []
  for (;;) {
    const { value: key, done } = await keys.next()
    if (done === true || key === CTRL_C || key === CTRL_D) {
      io.ask('\n')
      throw new HeliosError('interrupted', 'no password was given', { fault: 'operator', mend: 'nothing was changed' })
    }
    if (key === '\r' || key === '\n') {
      io.ask('\n')
      return typed.join('')
    }
    if (key === '\x7f' || key === '\b') typed = typed.slice(0, -1)
    else if (key === CTRL_U) typed = []
    else typed = [...typed, key]
  }
}

async function firstLine(stdin: NodeJS.ReadStream, mend: string): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (chunk.includes(10) || length > MAX_LINE) break
  }
  // Bytes that are not UTF-8 stay what they are, so that they are refused and not taken for one another; an editor's mark before the text is no part of it.
  const line = textOf(Buffer.concat(chunks)).split('\n')[0]!.replace(/^\ufeff/, '').replace(/\r$/, '')
  if (line !== '') return line
  throw new HeliosError('bad-password', 'no password came on standard input', {
    fault: 'operator', mend,
  })
}
