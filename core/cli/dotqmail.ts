/** `helios dotqmail`: what is done with the mail of a user's address and of its extensions. */
import type { Command } from 'commander'
import type { SetDotqmail } from '../api/index.ts'
import { parseDotqmail, type Instruction } from '../../protocol/qmail/dotqmail.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
import { readInput } from './input.ts'
import { counted, table } from './table.ts'

interface Json {
  readonly json?: boolean
}

const USER = ['<user>', 'login@domain'] as const
const EXT = ['[ext]', 'lists for login-lists@domain, lists-default for what begins so, default for every other; the address itself when absent'] as const

/** Delivery by these texts is to come; nobody shall believe that a text he set is at work. */
const NOT_YET = 'note: this version keeps dot-qmail texts, says which extensions there are by them, and does not follow them yet: mail goes to the Maildir of the user'

export const dotqmail: Noun = {
  register(program, io) {
    const noun = program.command('dotqmail').description('set, show, list and delete the dot-qmail texts of users')
    registerSet(noun, io)
    noun.command('show').description('print a text').argument(...USER).argument(...EXT).option('--json', 'as JSON')
      .action((user: string, ext: string | undefined, { json }: Json) => withHelios(io, async (helios) => {
        const of = await helios.user(user)
        const found = await of.dotqmail(ext)
        if (json === true) return io.out(JSON.stringify({ ...found, instructions: parseDotqmail(found.text).instructions }, undefined, 2))
        io.out(found.text.replace(/\n$/, ''))
        if (!found.used) io.err(`note: the texts of ${of.address} are not looked at (use_dotqmail is off); "helios dotqmail set" puts them to use`)
      }))
    noun.command('list').description('show all texts of a user').argument(...USER).option('--json', 'as JSON')
      .action((user: string, { json }: Json) => withHelios(io, async (helios) => {
        const of = await helios.user(user)
        const found = await of.dotqmails()
        if (json === true) return io.out(JSON.stringify(found, undefined, 2))
        if (found.texts.length === 0) return io.out(`no texts yet: helios dotqmail set ${of.address} [EXT]`)
        if (!found.used) io.out('(not looked at: use_dotqmail is off)')
        for (const line of table(found.texts.map(({ extension, text }) => [nameOf(of.address, extension), firstLines(text)]))) io.out(printable(line))
      }))
    noun.command('del').description('delete a text').argument(...USER).argument(...EXT).option('--json', 'as JSON')
      .action((user: string, ext: string | undefined, { json }: Json) => withHelios(io, async (helios) => {
        const of = await helios.user(user)
        const gone = await of.deleteDotqmail(ext)
        if (json === true) return io.out(JSON.stringify(gone, undefined, 2))
        io.out(`the text of ${nameOf(of.address, gone.extension)} is deleted`)
        if (gone.lastUse) io.out(`it was the last one: mail for any extension of ${of.address} is taken as mail for the user`)
      }))
  },
}

function registerSet(noun: Command, io: Io): void {
  noun.command('set').description('put the text on standard input in the place of what there is').argument(...USER).argument(...EXT).option('--json', 'as JSON')
    .action((user: string, ext: string | undefined, { json }: Json) => withHelios(io, async (helios) => {
      // Looked for before anything is asked.
      const of = await helios.user(user)
      const set = await of.setDotqmail(ext ?? '', await readInput(io, 'the text'), 'standard input')
      for (const { line, reason, mend } of set.read.problems) io.err(`standard input:${line}: warning: ${reason} (${mend})`)
      if (json === true) io.out(JSON.stringify({ user: set.user, extension: set.extension, text: set.text, instructions: set.read.instructions, firstUse: set.firstUse }, undefined, 2))
      else for (const line of describe(set)) io.out(line)
      io.err(NOT_YET)
    }))
}

function describe({ user, extension, read, firstUse }: SetDotqmail): readonly string[] {
  return [
    `mail for ${nameOf(user, extension)}:`,
    ...(read.instructions.length === 0 ? ['  is discarded: no line delivers it'] : read.instructions.map((each) => `  ${meaning(each)}`)),
    ...(firstUse ? [`it is the first text in use: only the extensions of ${user} that have one are taken from now on`] : []),
  ]
}

function meaning(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'maildir': return `into the Maildir ${instruction.path}`
    case 'mbox': return `to the end of the file ${instruction.path}`
    case 'program': return `to the program: ${instruction.command}`
    case 'forward': return `on to ${instruction.address}`
  }
}

/** The address that a text is about. */
function nameOf(user: string, extension: string): string {
  if (extension === '') return user
  const at = user.lastIndexOf('@')
  const shown = extension === 'default' ? '*' : extension.replace(/-default$/, '-*')
  return `${user.slice(0, at)}-${shown}${user.slice(at)}`
}

function firstLines(text: string): string {
  const lines = text.trimEnd().split('\n')
  return lines.length === 1 ? lines[0]! : `${lines[0]} (${counted(lines.length, 'line')})`
}
