/**
 * The addresses in a From field (RFC 5322 3.4 and 3.6.2; groups: RFC 6854). Reads more than the grammar allows: what some
 * mail program could take for an address is one here.
 */

interface Token {
  /** `join` is `@` or `.`, which hold the words around them together. */
  readonly kind: 'word' | 'quoted' | 'join' | 'mark'
  readonly text: string
}

/** Words that belong together, and whether an `@` outside quotes makes an address of them. */
interface Run {
  readonly text: string
  readonly isAddress: boolean
}

/**
 * Every address in the field's value, comments removed; a mailbox without `@` as the bare name it is. Empty for an
 * empty group, and for `<>`. Never throws.
 */
export function addressesIn(value: string): readonly string[] {
  const found = new Set<string>()
  let outside: Token[] = []
  let inside: Token[] | undefined
  let bracketed = false
  const closeBracket = (): void => {
    for (const { text } of runsOf(inside ?? [])) found.add(text)
    inside = undefined
  }
  const endMailbox = (mayBeBare: boolean): void => {
    closeBracket()
    const runs = runsOf(outside)
    // Beside brackets, too: a name such as `boss@local.example <eve@far.example>` is shown as it stands.
    for (const { text, isAddress } of runs) if (isAddress) found.add(text)
    if (mayBeBare && !bracketed && runs.length > 0 && !runs.some((run) => run.isAddress)) found.add(runs.map(({ text }) => text).join(' '))
    outside = []
    bracketed = false
  }
  for (const token of tokensOf(value)) {
    if (token.kind !== 'mark') (inside ?? outside).push(token)
    else if (token.text === '<') {
      closeBracket()
      inside = []
      bracketed = true
    } else if (token.text === '>') closeBracket()
    else if (inside !== undefined) {
      // What ends here in brackets is a part of a route (RFC 5322 4.4), or should not stand there.
      for (const { text, isAddress } of runsOf(inside)) if (isAddress && !text.startsWith('@')) found.add(text)
      inside = []
    }
    // What stands before another colon is the name of a group.
    else endMailbox(token.text !== ':')
  }
  endMailbox(true)
  return [...found]
}

function runsOf(tokens: readonly Token[]): readonly Run[] {
  const runs: Run[] = []
  let open = false
  for (const { kind, text } of tokens) {
    const before = kind === 'join' || open ? runs.pop() : undefined
    runs.push({ text: (before?.text ?? '') + text, isAddress: before?.isAddress === true || (kind === 'join' && text === '@') })
    open = kind === 'join'
  }
  return runs
}

function tokensOf(value: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < value.length) {
    const letter = value[at]!
    if (/\s/.test(letter)) at++
    else if (letter === '(') at = skipComment(value, at)
    else if (letter === '"') {
      const quoted = readQuoted(value, at)
      tokens.push({ kind: 'quoted', text: quoted.text })
      at = quoted.end
    } else if (letter === '@' || letter === '.') {
      tokens.push({ kind: 'join', text: letter })
      at++
    } else if ('<>,;:'.includes(letter)) {
      tokens.push({ kind: 'mark', text: letter })
      at++
    } else {
      WORD.lastIndex = at
      const word = WORD.exec(value)?.[0] ?? letter
      tokens.push({ kind: 'word', text: word })
      at += word.length
    }
  }
  return tokens
}

/** An atom, or a domain literal, which may hold colons. */
const WORD = /(?:\[[^\][\r\n]*\]|[^\s()"@.<>,;:])+/y

function skipComment(value: string, start: number): number {
  let depth = 0
  for (let at = start; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '(') depth++
    else if (value[at] === ')' && --depth === 0) return at + 1
  }
  return value.length
}

function readQuoted(value: string, start: number): { readonly text: string; readonly end: number } {
  let text = ''
  for (let at = start + 1; at < value.length; at++) {
    if (value[at] === '"') return { text, end: at + 1 }
    if (value[at] === '\\') at++
    text += value[at] ?? ''
  }
  return { text, end: value.length }
}
