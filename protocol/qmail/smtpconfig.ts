/**
 * control/smtpconfig: variables for every SMTP session, written as assignments in the shell's spelling so that
 * a file which a shell used to source still reads, as long as it only assigns. It is never given to a shell.
 *
 *   NAME=value            known to later lines, not to sessions
 *   export NAME=value     reaches the sessions      export NAME     as well, whatever its later value
 *
 * Values: bare, 'as it stands', "with $NAME, ${NAME} and \" \\ \$ \`"; several on a line, `;` between statements,
 * `#` remarks, backslash at a line's end. As in a sourced file, only what is exported reaches the environment.
 */
import { readWords, type ShellFault, type Word } from './shellwords.ts'

export interface SmtpConfigProblem extends ShellFault {
  readonly warning?: boolean
}

export interface SmtpConfig {
  /** The exported variables with their last values, in the order of their first export. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  readonly problems: readonly SmtpConfigProblem[]
}

interface State {
  readonly values: Map<string, { value: string; readonly line: number }>
  readonly exported: Map<string, number>
  readonly used: Set<string>
  readonly problems: SmtpConfigProblem[]
}

/** Reads the file; a missing one assigns nothing. Never throws; a statement counts up to its first error. */
export function parseSmtpConfig(content: string | undefined): SmtpConfig {
  const state: State = { values: new Map(), exported: new Map(), used: new Set(), problems: [] }
  for (const statement of readWords(content ?? '')) {
    if ('reason' in statement) state.problems.push(statement)
    else if (statement.words.length > 0) obey(statement.words, state)
  }
  return { variables: exportedVariables(state), problems: state.problems.toSorted((a, b) => a.line - b.line) }
}

function obey(words: readonly Word[], state: State): void {
  const first = words[0]!
  const exporting = bare(first) === 'export'
  const operands = exporting ? words.slice(1) : words
  if (!exporting && assignment(first) === undefined) {
    state.problems.push(notAnAssignment(first, words))
    return
  }
  if (operands.length === 0) {
    state.problems.push({ line: first.line, reason: '"export" without a name', mend: 'write export NAME=value' })
    return
  }
  // A shell expands all words of a command before it runs `export`, but obeys bare assignments one by one.
  const before = exporting ? new Map(state.values) : state.values
  for (const word of operands) {
    const pair = assignment(word)
    const name = pair?.name ?? (exporting ? bare(word) : undefined)
    if (name === undefined || !NAME.test(name)) {
      state.problems.push(exporting ? badName(word) : notAnAssignment(word, words))
      return
    }
    if (pair !== undefined) {
      const value = expand(pair.value, word.line, before, state)
      if (value === undefined) return
      state.values.set(name, { value, line: word.line })
    }
    if (exporting && !state.exported.has(name)) state.exported.set(name, word.line)
  }
}

function exportedVariables({ values, exported, used, problems }: State): [string, string][] {
  const variables: [string, string][] = []
  for (const [name, line] of exported) {
    const assigned = values.get(name)
    if (assigned !== undefined) variables.push([name, assigned.value])
    else problems.push({
      line, warning: true, reason: `${name} is exported but no line of this file gives it a value`,
      mend: `write export ${name}=value, or delete the line`,
    })
  }
  for (const [name, { line }] of values) {
    if (exported.has(name) || used.has(name)) continue
    problems.push({
      line, warning: true, reason: `${name} has a value but is not exported, so no session sees it`, mend: `write export ${name}=value`,
    })
  }
  return variables
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const START = /^([A-Za-z_][A-Za-z0-9_]*)=/

/** A word that begins with an unquoted NAME= */
function assignment(word: Word): { readonly name: string; readonly value: Word['parts'] } | undefined {
  const head = word.parts[0]
  const match = head?.kind === 'bare' ? START.exec(head.text) : null
  if (match === null || head?.kind !== 'bare') return undefined
  return { name: match[1]!, value: [{ kind: 'bare', text: head.text.slice(match[0].length) }, ...word.parts.slice(1)] }
}

function expand(parts: Word['parts'], line: number, values: State['values'], state: State): string | undefined {
  let value = ''
  for (const [index, part] of parts.entries()) {
    if (part.kind === 'bare' && (index === 0 ? /^~|:~/ : /:~/).test(part.text)) {
      state.problems.push({
        line, reason: 'a "~" would be a home directory in a shell; here there is none',
        mend: 'write the whole path, or put the value between single quotes',
      })
      return undefined
    }
    if (part.kind !== 'variable') {
      value += part.text
      continue
    }
    const known = values.get(part.text)
    if (known === undefined) {
      state.problems.push({
        line, reason: `$${part.text} has no value above this line, and the server's own environment is not looked at`,
        mend: `assign ${part.text} above, or put the value between single quotes if the "$" is meant as it stands`,
      })
      return undefined
    }
    state.used.add(part.text)
    value += known.value
  }
  return value
}

const bare = ({ parts }: Word): string | undefined => (parts.length === 1 && parts[0]!.kind === 'bare' ? parts[0]!.text : undefined)

/** The word for a message: what a quoted or expanded part holds stays out of it, as it may be a secret. */
const shown = (word: Word): string => {
  const text = word.parts.map((part) => (part.kind === 'bare' ? part.text : '…')).join('')
  return text.includes('=') ? `${text.slice(0, text.indexOf('='))}=…` : text
}

function badName(word: Word): SmtpConfigProblem {
  return {
    line: word.line, reason: `"${shown(word)}" cannot be exported: a name has letters, digits and "_" and begins with no digit`,
    mend: 'write export NAME=value without blanks around "="',
  }
}

function notAnAssignment(word: Word, words: readonly Word[]): SmtpConfigProblem {
  const command = shown(word)
  const { line } = word
  if (command === 'ulimit' || command === 'softlimit') {
    return {
      line, reason: `"${command}" is a command, and this file is read, not run`,
      mend: 'set limits where Helios itself is started, such as MemoryMax= of its systemd unit, and delete the line',
    }
  }
  if (/^[A-Za-z_][A-Za-z0-9_]*\+=/.test(command)) return {
    line, reason: '"+=" is known to some shells only', mend: 'write NAME="${NAME}more"',
  }
  const spaced = words[words.indexOf(word) + 1]
  if (NAME.test(command) && spaced !== undefined && shown(spaced).startsWith('=')) return {
    line, reason: `blanks around the "=" of ${command}`, mend: `write ${command}=value`,
  }
  return {
    line, reason: `"${command}" is not an assignment, and this file is read, not run`,
    mend: 'keep lines such as export NAME=value; start commands elsewhere; put values with blanks between quotes',
  }
}
