/**
 * What a plugin script seems to print, and would not mean: the first letter of a line is a command, so
 * `echo "Done"` hangs up on the client and `echo "OK"` permits relaying; in `[+message]` the first throws the message away,
 * in `[+deliver]` the second does. A reading of the source by rules of thumb; what it says are doubts.
 */
import type { LineProblem } from '../plugin/control.ts'
import type { Hook } from '../plugin/plugin.ts'

const VERB = /(?:echo|printf|print|puts|say|console\.log|process\.stdout\.write|sys\.stdout\.write)(?:\s+-[neE]+)?\s*\(?\s*/
/** In quotes (group 2), or a bare word (group 3). Python may write a letter before the quote. */
const LITERAL = /(?:[frbuFRBU]?(["'])((?:(?!\1).)*)\1|([A-Za-z][^\s"';|&<>()]*))/
/** A statement that prints a literal, and the rest of the statement (group 4): `echo "E550 no"`, `print('A')`, `puts "D"`. */
const PRINTS = new RegExp(`(?:^|[\\s;&|{])${VERB.source}${LITERAL.source}([^;]*)`)

const COMMENT = /^\s*(?:#|\/\/|\*)/
/** Standard error, a file or another program gets it, not the server. */
const ELSEWHERE = />|\|(?!\|)|stderr|STDERR/
const REMARK = 'write remarks to standard error (>&2)'

/** Doubts about the source of a script that is asked in this hook, by line. */
export function doubtScript(source: string, hook: Hook): readonly LineProblem[] {
  const problems: LineProblem[] = []
  for (const [index, line] of source.split('\n').entries()) {
    if (COMMENT.test(line)) continue
    const printed = PRINTS.exec(line)
    if (printed === null || ELSEWHERE.test(printed[4]!)) continue
    const text = (printed[2] ?? printed[3]!).replace(/(?:\\n)+$/, '')
    const doubt = DOUBTS[text[0] ?? '']
    // A variable after the letter may hold the code, or all that is missing.
    if (doubt === undefined || /^.[$%{@#]/.test(text) || !doubt.looksWrong(text.slice(1))) continue
    problems.push({ line: index + 1, warning: true, reason: `"${shortened(text)}" ${reasonOf(doubt, hook)}`, mend: `${doubt.mend}; ${REMARK}` })
  }
  return problems
}

interface Doubt {
  /** What follows the letter. */
  looksWrong(rest: string): boolean
  readonly reason: string
  /** What happens in our own sections, where that is something else. */
  readonly message?: string
  readonly deliver?: string
  readonly mend: string
}

function reasonOf(doubt: Doubt, hook: Hook): string {
  return hook === 'message' || hook === 'deliver' ? doubt[hook] ?? doubt.reason : doubt.reason
}

/** More than the letter alone: something meant to be read. */
const isWord = (rest: string): boolean => /^[A-Za-z]/.test(rest)
/** The beginning of a word that has nothing to do with the command. */
const isLower = (rest: string): boolean => /^[a-z ]/.test(rest)

/** Commands by their letter (spec spp-protocol 5). */
const DOUBTS: Readonly<Record<string, Doubt>> = {
  E: refusal('E'),
  R: refusal('R'),
  D: {
    looksWrong: isWord, reason: 'begins with D: it hangs up on the client without a word', mend: alone('D'),
    message: 'begins with D: in [+message] it answers 250 and throws the message away',
    deliver: 'begins with D: in [+deliver] it delivers nothing, and the message waits for the next try',
  },
  O: {
    looksWrong: isWord, reason: 'begins with O: it skips the built-in check, which at RCPT permits relaying', mend: alone('O'),
    message: 'begins with O: in [+message] it takes the message, and later lines are not asked',
    deliver: 'begins with O: in [+deliver] it says that the message is delivered, and the message is removed from the queue',
  },
  A: {
    looksWrong: isWord, reason: 'begins with A: no plugin is asked any more in this connection', mend: alone('A'),
    message: 'begins with A: in [+message] it takes the message, and later lines are not asked',
    deliver: 'begins with A: in [+deliver] it delivers nothing, and the message waits for the next try',
  },
  N: {
    looksWrong: isWord, reason: 'begins with N: later lines of this hook are not asked', mend: alone('N'),
    message: 'begins with N: in [+message] it takes the message, and later lines are not asked',
    deliver: 'begins with N: in [+deliver] it says that the recipient is not its own',
  },
  P: { looksWrong: isLower, reason: 'begins with P: the rest is sent to the client, and has no reply code', mend: 'write P250-…' },
  L: { looksWrong: isLower, reason: 'begins with L, and what follows is not M, R or D', mend: 'write LM, LR or LD and the reply' },
  S: {
    looksWrong: (rest) => isLower(rest) && !rest.includes('='), reason: 'begins with S, and has no NAME=value', mend: 'write SNAME=value',
  },
  C: {
    looksWrong: (rest) => isLower(rest) && !/[@$%{]/.test(rest),
    reason: 'begins with C: the rest replaces the address', mend: 'write Clocal@domain if that is meant',
  },
  H: {
    looksWrong: (rest) => isLower(rest) && !/^[!-9;-~]+:/.test(rest),
    reason: 'begins with H: the rest becomes a header line, and is none', mend: 'write HName: value',
  },
}

function refusal(letter: 'E' | 'R'): Doubt {
  return {
    looksWrong: (rest) => !/^[45][0-9][0-9][ -]/.test(rest),
    reason: `is read as the command ${letter} with the rest as reply, which has no 4xx or 5xx code: a failure of the plugin`,
    mend: `write ${letter}451 … to refuse for now or ${letter}550 … for good`,
  }
}

function alone(letter: string): string {
  return `write ${letter} alone if that is meant`
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
