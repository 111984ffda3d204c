/** What a plugin answered, as lines: commands as a program prints them, and edits in the words of a test file. */
import type { Command } from '../../protocol/spp/command.ts'
import { printCommand } from '../../protocol/spp/output.ts'
import type { Edit } from '../plugin/message.ts'
import type { RunResult } from '../host/types.ts'

export function commandLines(commands: readonly Command[]): readonly string[] {
  return commands.map(printCommand)
}

/** One line: a line break in a value becomes `\n`. */
export function editLine(edit: Edit): string {
  return editText(edit).replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** A reply of the full-reply dialect as the commands that say the same. */
export function replyLines(reply: string): readonly string[] {
  const lines = reply.split('\n')
  return lines.map((line, index) => `${index === lines.length - 1 ? 'E' : 'P'}${line}`)
}

export function answerLines({ commands, edits = [], reply }: RunResult): readonly string[] {
  return reply === undefined ? [...commandLines(commands), ...edits.map(editLine)] : replyLines(reply)
}

function editText(edit: Edit): string {
  switch (edit.edit) {
    case 'insert': return `insert ${edit.at} ${edit.name}: ${edit.value.replace(/^ /, '')}`
    case 'remove': return `remove ${edit.name}${edit.index === undefined ? '' : ` ${edit.index}`}`
    case 'replace': return `replace ${edit.name}${edit.index === undefined ? '' : ` ${edit.index}`}: ${edit.value.replace(/^ /, '')}`
    case 'reversePath': return `reverse-path ${edit.address}`
    case 'recipients': return `recipients ${edit.addresses.join(' ')}`
  }
}
