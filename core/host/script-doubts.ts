/**
 * What a plugin script seems to print, and would not mean: the first letter of a line is a command, so
 * `echo "Done"` hangs up on the client and `echo "OK"` permits relaying. A reading of the source by rules of
 * thumb; what it says are doubts.
 */
import type { LineProblem } from '../plugin/control.ts'

/** A statement that prints a literal: `echo "E550 no"`, `print('A')`, `printf 'N\n'`, `puts "D"`. */
const PRINTS = /(?:^|[\s;&|{])(?:echo|printf|print|puts|say|console\.log|process\.stdout\.write|sys\.stdout\.write)(?:\s+-[neE]+)?\s*\(?\s*(?:[frbuFRBU]?(["'])((?:(?!\1).)*)\1|([A-Za-z][^\s"';|&<>()]*))([^;]*)/

const COMMENT = /^\s*(?:#|\/\/|\*)/
/** Standard error, a file or another program gets it, not the server. */
const ELSEWHERE = />|\|(?!\|)|stderr|STDERR/
const CODE = /^[45][0-9][0-9][ -]/

/** Doubts about a script's source, by line. */
export function doubtScript(source: string): readonly LineProblem[] {
  const problems: LineProblem[] = []
  for (const [index, line] of source.split('\n').entries()) {
    if (COMMENT.test(line)) continue
    const printed = PRINTS.exec(line)
    if (printed === null || ELSEWHERE.test(printed[4]!)) continue
    const doubt = doubtText((printed[2] ?? printed[3]!).replace(/(?:\\n)+$/, ''))
    if (doubt !== undefined) problems.push({ line: index + 1, warning: true, ...doubt })
  }
  return problems
}

const REMARK = 'write remarks to standard error (>&2)'

function doubtText(text: string): { readonly reason: string; readonly mend: string } | undefined {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  const rest = text.slice(1)
  // A variable may hold the code, or all of the line.
  if (/^[$%{@#]/.test(rest)) return undefined
  switch (text[0]) {
    case 'E': case 'R': return CODE.test(rest) ? undefined : {
      reason: `"${shown}" is read as the command ${text[0]} with the reply "${rest.slice(0, 39)}", which has no 4xx or 5xx code: a failure of the plugin`,
      mend: `write ${text[0]}451 … to refuse for now or ${text[0]}550 … for good; ${REMARK}`,
    }
    case 'D': return isWord(rest) ? { reason: `"${shown}" begins with D: it hangs up on the client without a word`, mend: REMARK } : undefined
    case 'O': return isWord(rest) ? { reason: `"${shown}" begins with O: it skips the built-in check, which at RCPT permits relaying`, mend: `write O alone if that is meant; ${REMARK}` } : undefined
    case 'A': return isWord(rest) ? { reason: `"${shown}" begins with A: no plugin is asked any more in this connection`, mend: `write A alone if that is meant; ${REMARK}` } : undefined
    case 'N': return isWord(rest) ? { reason: `"${shown}" begins with N: later lines of this hook are not asked`, mend: `write N alone if that is meant; ${REMARK}` } : undefined
    case 'P': return /^[a-z ]/.test(rest) ? { reason: `"${shown}" begins with P: "${rest}" is sent to the client, without a reply code`, mend: `write P250-…; ${REMARK}` } : undefined
    case 'L': return /^[a-z ]/.test(rest) ? { reason: `"${shown}" begins with L, and what follows is not M, R or D`, mend: `write LM, LR or LD and the reply; ${REMARK}` } : undefined
    case 'S': return /^[a-z ]/.test(rest) && !rest.includes('=') ? { reason: `"${shown}" begins with S, and has no NAME=value`, mend: `write SNAME=value; ${REMARK}` } : undefined
    case 'C': return /^[a-z ]/.test(rest) && !/[@$%{]/.test(rest) ? { reason: `"${shown}" begins with C: it replaces the address by "${rest}"`, mend: REMARK } : undefined
    case 'H': return /^[a-z ]/.test(rest) && !/^[!-9;-~]+:/.test(rest) ? { reason: `"${shown}" begins with H: it adds the header line "${rest}"`, mend: `write HName: value; ${REMARK}` } : undefined
    default: return undefined
  }
}

/** More than the letter alone: something meant to be read. */
function isWord(rest: string): boolean {
  return /^[A-Za-z]/.test(rest)
}
