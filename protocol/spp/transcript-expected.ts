/** What a test file expects behind `> `: a command as a program prints it, or an edit of the message. */
import { bytesOf } from '../text.ts'
import { parseOutput, printCommand } from './output.ts'
import type { Wrong } from './transcript-words.ts'

export const NOTHING = '(nothing)'

/** `insert top Name: value` and the like; they are the edits that only plugins in TypeScript can make. */
const EDITS: readonly RegExp[] = [
  /^insert (?:top|bottom) [!-9;-~]+:/, /^remove [!-9;-~]+(?: [0-9]+)?$/, /^replace [!-9;-~]+(?: [0-9]+)?:/,
  /^(?:reverse-path|recipients)(?: |$)/,
]
const FORMS = 'write a command as a program prints it, such as > E550 no (#5.7.1); an edit, such as > insert top X-Spam: yes; '
  + 'or > (nothing)'

/** Why nothing that a plugin answers reads like this line, or undefined. */
export function checkExpectedLine(line: string): Wrong | undefined {
  if (EDITS.some((edit) => edit.test(line))) return undefined
  const { commands: [command] } = parseOutput(bytesOf(`${line}\n`), { unterminated: 'keep' })
  if (command === undefined) return { reason: `"${line}" is no command`, mend: FORMS }
  const printed = printCommand(command)
  if (printed === line) return undefined
  return { reason: `"${line}" is the command ${printed[0]} with more behind it than can come out`, mend: `write > ${printed}` }
}
