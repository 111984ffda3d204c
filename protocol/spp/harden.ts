/**
 * What the hardened mode calls a plugin's fault. The original sends a plugin's texts to the client as they are, so that
 * a forgotten code or an embedded line end puts client and server out of step.
 */
import type { Command } from './command.ts'
import { isEnvironmentName } from './environment.ts'
import type { Section } from './list.ts'

/**
 * One sentence saying what is wrong with the command and what to write instead, or undefined when nothing is. The hook
 * is named in the sentence. A command of a program goes through `trimTrailingCr` first. Never throws.
 */
export function checkCommand(command: Command, hook: Section): string | undefined {
  const fault = faultOf(command)
  return fault === undefined ? undefined : `${command.kind} at ${hook}: ${fault}`
}

/** Drops one CR from the end of the line: a program that prints CR LF means a line end. */
export function trimTrailingCr(command: Command): Command {
  switch (command.kind) {
    case 'A':
    case 'N':
    case 'O':
    case 'D':
      return command
    case 'C':
      return { kind: 'C', address: withoutCr(command.address) }
    case 'S':
      return { kind: 'S', name: command.name, value: withoutCr(command.value) }
    case 'U':
      return { kind: 'U', name: withoutCr(command.name) }
    default:
      return { kind: command.kind, text: withoutCr(command.text) }
  }
}

function withoutCr(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text
}

function faultOf(command: Command): string | undefined {
  switch (command.kind) {
    case 'A':
    case 'N':
    case 'O':
    case 'D':
      return undefined
    case 'C':
      return lineFault(command.address, 'address')
    case 'U':
      return lineFault(command.name, 'name')
    case 'S':
      return nameFault(command.name) ?? lineFault(command.value, `value of ${shown(command.name)}`)
    case 'H':
      return lineFault(command.text, 'header line') ?? headerFault(command.text)
    case 'P':
      return lineFault(command.text, 'text') ?? printFault(command.text)
    case 'E':
    case 'R':
      return lineFault(command.text, 'text') ?? refusalFault(command.text) ?? hyphenFault(command.text)
    default:
      return lineFault(command.text, 'text') ?? refusalFault(command.text)
  }
}

function lineFault(text: string, what: string): string | undefined {
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  const found = /[\x00\r\n]/.exec(text)
  if (found === null) return undefined
  const name = found[0] === '\r' ? 'CR' : found[0] === '\n' ? 'LF' : 'NUL'
  return `the ${what} holds a ${name} (at ${found.index + 1}: ${shown(text)}); one command is one line`
}

function nameFault(name: string): string | undefined {
  if (isEnvironmentName(name)) return undefined
  if (name === '') return 'the name is empty; write SNAME=value'
  return lineFault(name, 'name') ?? `the name ${shown(name)} holds an "="`
}

function refusalFault(text: string): string | undefined {
  return /^[45][0-9][0-9]([ -]|$)/.test(text)
    ? undefined
    : `the text must begin with a 4xx or 5xx code, such as "550 no (#5.7.1)", but is ${shown(text)}`
}

/** A refusal is the last line of its reply: with a hyphen the client would wait for another. */
function hyphenFault(text: string): string | undefined {
  return text[3] === '-' ? `the text must not have a hyphen behind its code, for no line follows it; earlier lines are for P: ${shown(text)}` : undefined
}

function printFault(text: string): string | undefined {
  return /^[2-5][0-9][0-9]-/.test(text)
    ? undefined
    : `the text must begin with a code and a hyphen, such as "250-hello", because a reply follows; it is ${shown(text)}`
}

/** RFC 5322 2.2: printable ASCII but the colon, the colon; or a folded line. A line of blanks would end the header for some readers. */
function headerFault(text: string): string | undefined {
  if (/^[!-9;-~]+:/.test(text) || /^[ \t].*[^ \t]/s.test(text)) return undefined
  return text.trim() === ''
    ? 'the header line is empty, which would end the header; write a field such as "X-Checked: yes"'
    : `the header line must be a field such as "X-Checked: yes" or begin with a blank, but is ${shown(text)}`
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text)
}
