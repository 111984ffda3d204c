/**
 * Splits shell text into statements of words, as far as files of assignments need it (POSIX 2.3): quotes,
 * backslashes, `$NAME`, remarks, `;`. Whatever would run something or mean different things to different
 * shells is a fault of its line, and reading goes on with the next one.
 */

export interface Word {
  /** 1-based. */
  readonly line: number
  /** `bare` text stood outside quotes, `quoted` within or after a backslash, `variable` is a name to expand. */
  readonly parts: readonly { readonly kind: 'bare' | 'quoted' | 'variable'; readonly text: string }[]
}

export interface ShellFault {
  readonly line: number
  readonly reason: string
  readonly mend: string
}

export type Statement = { readonly words: readonly Word[] } | ShellFault

/** All statements in order. Never throws. */
export function readWords(content: string): readonly Statement[] {
  const statements: Statement[] = []
  const reader: Reader = { text: content, at: 0, line: 1 }
  while (reader.at < content.length) {
    const statement = readStatement(reader)
    statements.push(statement)
    if ('reason' in statement) skipLine(reader)
  }
  return statements
}

interface Reader {
  readonly text: string
  at: number
  line: number
}

function readStatement(reader: Reader): Statement {
  const words: Word[] = []
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at]!
    if (char === '\n' || char === ';') {
      if (char === ';' && words.length === 0) return fault(reader, 'a ";" with nothing before it', 'delete it')
      reader.at += 1
      if (char === '\n') reader.line += 1
      return { words }
    }
    if (char === '#') {
      const end = reader.text.indexOf('\n', reader.at)
      reader.at = end === -1 ? reader.text.length : end
    } else if (char === ' ' || char === '\t') {
      reader.at += 1
    } else if (!skipContinuation(reader)) {
      const word = readWord(reader)
      if ('reason' in word) return word
      words.push(word)
    }
  }
  return { words }
}

function readWord(reader: Reader): Word | ShellFault {
  const parts: Word['parts'][number][] = []
  const { line } = reader
  while (reader.at < reader.text.length && !' \t\n;'.includes(reader.text[reader.at]!)) {
    if (skipContinuation(reader)) continue
    const part = readPart(reader)
    if ('reason' in part) return part
    parts.push(...part.parts)
  }
  return { line, parts: joined(parts) }
}

type Parts = { readonly parts: Word['parts'] }

function readPart(reader: Reader): Parts | ShellFault {
  const char = reader.text[reader.at]!
  if (char === "'") return readSingle(reader)
  if (char === '"') return readDouble(reader)
  if (char === '$') return readVariable(reader, false)
  if (char === '\\') return readEscape(reader)
  const unwanted = FORBIDDEN.get(char)
  if (unwanted !== undefined) return fault(
    reader, unwanted, 'write assignments only; put a value with such characters between single quotes',
  )
  reader.at += 1
  return { parts: [{ kind: 'bare', text: char }] }
}

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ['`', 'backquotes would run a command, and this file is read, not run'],
  ['|', '"|" would run commands, and this file is read, not run'],
  ['&', '"&" would run commands, and this file is read, not run'],
  ['<', '"<" would open a file, and this file is read, not run'],
  ['>', '">" would open a file, and this file is read, not run'],
  ['(', '"(" would begin a subshell or a list, and this file is read, not run'],
  [')', '")" would end a subshell or a list, and this file is read, not run'],
  ['\0', 'a NUL byte, which no environment can hold'],
  ['\r', 'a carriage return, which would become part of the value'],
])

function readSingle(reader: Reader): Parts | ShellFault {
  const end = reader.text.indexOf("'", reader.at + 1)
  const text = reader.text.slice(reader.at + 1, end === -1 ? undefined : end)
  if (end === -1 || text.includes('\n')) return fault(reader, "a ' that no second ' closes on its line", 'close the quote')
  if (/[\0\r]/.test(text)) return fault(
    reader, 'a NUL byte or carriage return inside quotes', 'remove it; save the file with Unix line ends',
  )
  reader.at = end + 1
  return { parts: [{ kind: 'quoted', text }] }
}

function readDouble(reader: Reader): Parts | ShellFault {
  const parts: Word['parts'][number][] = [{ kind: 'quoted', text: '' }]
  const unclosed = fault(reader, 'a " that no second " closes on its line', 'close the quote')
  reader.at += 1
  while (reader.at < reader.text.length) {
    const char = reader.text[reader.at]!
    if (char === '"') {
      reader.at += 1
      return { parts }
    }
    if (char === '\n') return unclosed
    if (char === '`') return fault(reader, FORBIDDEN.get('`')!, 'write \\` for the character itself')
    if (char === '\0' || char === '\r') return fault(
      reader, 'a NUL byte or carriage return inside quotes', 'remove it; save the file with Unix line ends',
    )
    if (skipContinuation(reader)) continue
    if (char === '$') {
      const variable = readVariable(reader, true)
      if ('reason' in variable) return variable
      parts.push(...variable.parts)
      continue
    }
    const escaped = char === '\\' && '"\\$`'.includes(reader.text[reader.at + 1] ?? 'x')
    if (escaped) reader.at += 1
    parts.push({ kind: 'quoted', text: reader.text[reader.at]! })
    reader.at += 1
  }
  return unclosed
}

function readEscape(reader: Reader): Parts | ShellFault {
  const next = reader.text[reader.at + 1]
  if (next === undefined) return fault(reader, 'a backslash at the end of the file', 'delete it')
  if (next === '\0' || next === '\r') return fault(
    reader, 'a NUL byte or carriage return after a backslash', 'remove it; save the file with Unix line ends',
  )
  reader.at += 2
  return { parts: [{ kind: 'quoted', text: next }] }
}

function readVariable(reader: Reader, inQuotes: boolean): Parts | ShellFault {
  const reference = /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/y
  reference.lastIndex = reader.at
  const name = reference.exec(reader.text)
  // A shell joins lines before it looks at "$", so the name would go on there.
  if (reader.text.startsWith('\\\n', reader.at + (name?.[0].length ?? 1)) && name?.[2] === undefined) {
    return fault(reader, 'the line ends in the middle of a variable', 'write ${NAME}, whole, on one line')
  }
  if (name !== null) {
    reader.at += name[0].length
    return { parts: [{ kind: 'variable', text: (name[1] ?? name[2])! }] }
  }
  const rest = reader.text.slice(reader.at + 1, reader.at + 2)
  if (rest === '(') return fault(reader, '"$(" would run a command, and this file is read, not run', 'write the value itself')
  if (rest === '{') return fault(reader, 'only ${NAME} is known, without operators', 'write the value itself')
  if (/^[0-9@*#?!$-]/.test(rest)) return fault(
    reader, `"$${rest}" is a value only a running shell has`, 'write the value itself, or put it between single quotes',
  )
  // Some shells read $'…' and $"…" as quotes of their own.
  if (!inQuotes && /^['"]/.test(rest)) return fault(
    reader, `"$${rest}" means different things to different shells`, 'put the "$" inside the quotes, or after a backslash',
  )
  reader.at += 1
  return { parts: [{ kind: 'quoted', text: '$' }] }
}

function skipContinuation(reader: Reader): boolean {
  if (!reader.text.startsWith('\\\n', reader.at)) return false
  reader.at += 2
  reader.line += 1
  return true
}

/** To the end of a line, and of the lines joined to it by a backslash. */
function skipLine(reader: Reader): void {
  for (let joined = true; joined;) {
    const end = reader.text.indexOf('\n', reader.at)
    reader.at = end === -1 ? reader.text.length : end + 1
    if (end !== -1) reader.line += 1
    joined = end > 0 && reader.text[end - 1] === '\\'
  }
}

function fault(reader: Reader, reason: string, mend: string): ShellFault {
  return { line: reader.line, reason, mend }
}

function joined(parts: Word['parts']): Word['parts'] {
  const out: { kind: 'bare' | 'quoted' | 'variable'; text: string }[] = []
  for (const part of parts) {
    const last = out.at(-1)
    if (last !== undefined && last.kind === part.kind && part.kind !== 'variable') last.text += part.text
    else out.push({ ...part })
  }
  return out
}
