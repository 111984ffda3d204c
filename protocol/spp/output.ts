/** What a program prints: commands, one a line (spp-protocol 4 and 5), or a full reply of the old dialect (spp-protocol 11). */
import { textOf } from '../text.ts'
import { isFinal, type Command } from './command.ts'

const LF = 10

export interface OutputMode {
  /**
   * `lose-byte`: as qmail-spp reads, a last line without LF loses its last byte, and a NUL ends a text. `keep`: nothing is
   * lost, for `checkCommand` to judge.
   */
  readonly unterminated: 'lose-byte' | 'keep'
}

export interface Output {
  readonly commands: readonly Command[]
  /** Lines that are no command and not blank; the original passes over them without a trace. */
  readonly ignored: number
  /** The first of them, for a log; at most 200 bytes of it. */
  readonly firstIgnored?: string
  /** True when the last command is final: nothing behind it was looked at. */
  readonly final: boolean
}

/** Reads the whole output of one run. Linear, never throws. */
export function parseOutput(output: Uint8Array, mode: OutputMode): Output {
  const commands: Command[] = []
  let ignored = 0
  let firstIgnored: string | undefined
  for (const line of lines(output, mode)) {
    const command = parseCommand(line, mode)
    if (command === undefined) {
      // Empty: a lone last byte without LF, which the original loses.
      if (ignored++ === 0) firstIgnored = textOf(line.length === 0 ? output.subarray(-1) : line.subarray(0, 200))
      continue
    }
    commands.push(command)
    if (isFinal(command)) break
  }
  const last = commands.at(-1)
  return { commands, ignored, final: last !== undefined && isFinal(last), ...(firstIgnored === undefined ? {} : { firstIgnored }) }
}

/** Every line that is not blank, without the byte that the original takes for its LF. */
function* lines(output: Uint8Array, mode: OutputMode): Generator<Uint8Array> {
  let start = 0
  while (start < output.length) {
    const lf = output.indexOf(LF, start)
    const terminated = lf !== -1
    const end = terminated ? lf : output.length
    if (!terminated && mode.unterminated === 'lose-byte') yield output.subarray(start, end - 1)
    else if (end > start) yield output.subarray(start, end)
    start = end + 1
  }
}

/** One line without its LF. Undefined for what is no command, the empty line among it. */
function parseCommand(line: Uint8Array, mode: OutputMode): Command | undefined {
  const text = (start: number): string => mode.unterminated === 'keep' ? textOf(line.subarray(start)) : untilNul(line, start)
  const kind = String.fromCharCode(line[0] ?? 0)
  switch (kind) {
    case 'A':
    case 'N':
    case 'O':
    case 'D':
      return { kind }
    case 'E':
    case 'R':
    case 'P':
      return { kind, text: text(1) }
    case 'H':
      return { kind, text: textOf(line.subarray(1)) }
    case 'C':
      return { kind, address: textOf(line.subarray(1)) }
    case 'S':
      return parseSet(text(1))
    case 'U':
      return { kind, name: text(1) }
    case 'L':
      return parseDeferred(line, text)
    default:
      return undefined
  }
}

function parseSet(text: string): Command | undefined {
  const equals = text.indexOf('=')
  return equals === -1 ? undefined : { kind: 'S', name: text.slice(0, equals), value: text.slice(equals + 1) }
}

function parseDeferred(line: Uint8Array, text: (start: number) => string): Command | undefined {
  const phase = String.fromCharCode(line[1] ?? 0)
  if (phase !== 'M' && phase !== 'R' && phase !== 'D') return undefined
  return { kind: `L${phase}`, text: text(2) }
}

/** The original handles these payloads as C strings. */
function untilNul(line: Uint8Array, start: number): string {
  const nul = line.indexOf(0, start)
  return textOf(line.subarray(start, nul === -1 ? line.length : nul))
}

/**
 * The line a program would print, without LF. What no line can carry (a LF anywhere, a NUL in the texts that it
 * ends, an `=` in a name) is written as it stands: `checkCommand` finds it.
 */
export function printCommand(command: Command): string {
  switch (command.kind) {
    case 'A':
    case 'N':
    case 'O':
    case 'D':
      return command.kind
    case 'C':
      return `C${command.address}`
    case 'S':
      return `S${command.name}=${command.value}`
    case 'U':
      return `U${command.name}`
    default:
      return command.kind + command.text
  }
}

/**
 * The reply of a program that speaks the dialect from before the letter commands: its first line begins with a 4xx
 * or 5xx code and a blank or hyphen. No command begins with a digit, so a modern program's commands are never
 * taken for one. Lines come without CRLF (one trailing CR of each is dropped); more than one only while code
 * and hyphen say that the reply goes on. A reply broken off behind a hyphen is ended there, or the client would
 * wait for the rest. Texts are otherwise as printed: check them with `checkCommand`. Undefined: not the dialect.
 */
export function isReplyDialect(output: Uint8Array): string[] | undefined {
  const first = REPLY.exec(lineAt(output, 0).text)
  if (first === null) return undefined
  const reply: string[] = []
  let start = 0
  for (;;) {
    const { text, next } = lineAt(output, start)
    const more = /^([0-9]{3})([ -]|$)/.exec(text)
    if (more === null || more[1] !== first[1]) break
    reply.push(text)
    if (more[2] !== '-' || next >= output.length) break
    start = next
  }
  const last = reply.length - 1
  if (reply[last]![3] === '-') reply[last] = `${first[1]} ${reply[last]!.slice(4)}`
  return reply
}

const REPLY = /^([45][0-9][0-9])[ -]/

function lineAt(output: Uint8Array, start: number): { readonly text: string; readonly next: number } {
  const lf = output.indexOf(LF, start)
  const end = lf === -1 ? output.length : lf
  const text = textOf(output.subarray(start, end))
  return { text: text.endsWith('\r') ? text.slice(0, -1) : text, next: end + 1 }
}
