/**
 * Dot-qmail texts: what is done with the mail of an address, one instruction a line (spec qmail-control 7.3, dot-qmail(5)).
 * A text of no bytes stands for the default instructions; one with comments alone delivers nowhere, which discards mail.
 */
import { isUtf8 } from '../text.ts'

export type Instruction = { readonly line: number } & (
  /** Relative to the home unless it begins with a slash. */
  | { readonly kind: 'maildir' | 'mbox'; readonly path: string }
  /** For `/bin/sh -c`, with the message on fd 0. */
  | { readonly kind: 'program'; readonly command: string }
  /** As written, without quotes; perhaps without a domain. */
  | { readonly kind: 'forward'; readonly address: string }
)

export interface DotqmailProblem {
  /** 1-based. */
  readonly line: number
  readonly reason: string
  readonly mend: string
  readonly warning?: boolean
}

export interface Dotqmail {
  readonly instructions: readonly Instruction[]
  readonly problems: readonly DotqmailProblem[]
}

/** Reads a text. Never throws; with an error among the problems a delivery by it would fail. What follows a `+list` line may only forward. */
export function parseDotqmail(text: string): Dotqmail {
  const instructions: Instruction[] = []
  const problems: DotqmailProblem[] = []
  let forwardOnly = false
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  for (const [index, whole] of lines.entries()) {
    const line = index + 1
    const wrong = (reason: string, mend: string, warning = false): void => {
      problems.push({ line, reason, mend, ...(warning ? { warning } : {}) })
    }
    if (!checkBytes(whole, wrong)) continue
    const content = whole.replace(/[ \t]+$/, '')
    if (content === '') {
      if (line === 1) wrong('the first line is blank, which fails every delivery', 'write an instruction there; a text that only discards begins with "#"')
      continue
    }
    if (content.startsWith('#')) continue
    if (content.startsWith('+')) {
      if (content === '+list') forwardOnly = true
      else wrong(`"${short(content)}" has no effect: of the lines that begin with "+" only "+list" has one`, 'remove it', true)
      continue
    }
    const instruction = readInstruction(line, content, wrong)
    if (instruction === undefined) continue
    if (forwardOnly && instruction.kind !== 'forward') wrong('after "+list" only addresses may follow', 'move the line above "+list", or remove that')
    instructions.push(instruction)
  }
  return { instructions, problems }
}

type Wrong = (reason: string, mend: string, warning?: boolean) => void

function checkBytes(line: string, wrong: Wrong): boolean {
  if (line.includes('\0')) wrong('there is a NUL in it', 'remove it')
  else if (!isUtf8(line)) wrong('there are bytes in it that are not UTF-8', 'write it in UTF-8')
  else if (line.endsWith('\r')) wrong('the line ends in a carriage return, which would be part of it', 'send the text with Unix line ends')
  else return true
  return false
}

function readInstruction(line: number, content: string, wrong: Wrong): Instruction | undefined {
  const first = content[0]!
  if (first === '|') {
    const command = content.slice(1)
    if (command.trim() === '') return void wrong('there is no program after the "|"', 'write "|program and its arguments"')
    return { line, kind: 'program', command }
  }
  if (first === '.' || first === '/') return readPath(line, content, wrong)
  return readAddress(line, first === '&' ? content.slice(1) : content, first, wrong)
}

function readPath(line: number, path: string, wrong: Wrong): Instruction | undefined {
  if (/^[./]+$/.test(path) && path !== './') return void wrong(`"${short(path)}" is no place for mail`, 'write "./Maildir/" for a Maildir, "./Mailbox" for an mbox file')
  if (path.split('/').includes('..')) wrong(`"${short(path)}" may lead out of the home`, 'name a path below it, or begin with "/"', true)
  return { line, kind: path.endsWith('/') ? 'maildir' : 'mbox', path }
}

function readAddress(line: number, address: string, first: string, wrong: Wrong): Instruction | undefined {
  if (first === ' ' || first === '\t') return void wrong('the line begins with a blank, so that all of it would be taken for an address', 'remove the blank')
  if (address === '') return void wrong('there is no address after the "&"', 'write "&login@example.org"')
  // oxlint-disable-next-line no-control-regex -- no control character belongs into an address
  if (/[\s\x00-\x1f\x7f]/.test(address)) return void wrong(`"${short(address)}" is not one address: there is a blank in it`, 'write each address on a line of its own, without names and comments')
  if (/[<>(),]/.test(address)) return void wrong(`"${short(address)}" is more than an address`, 'write the address alone, without <>, names and comments, one on a line')
  const at = address.lastIndexOf('@')
  if (at < 0 && address.includes('/')) return void wrong(`"${short(address)}" would be taken for an address`, `write "./${short(address)}" for a place in the home, "|${short(address)}" for a program`)
  if (at === 0 || at === address.length - 1) return void wrong(`"${short(address)}" is not an address`, 'write login@example.org')
  if (at < 0) wrong(`"${short(address)}" has no domain`, 'write it with its domain; else the name in control/envnoathost is added', true)
  return { line, kind: 'forward', address }
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
