/**
 * Shell-style patterns over a whole string, without case (ASCII): `*`, `?`, `[set]`, `[!set]`, `[^set]`,
 * backslash before any of these. The matcher goes back to the last `*` only, so that its worst case is
 * length times length: a pattern such as `*a*a*a*b` cannot stall a server as a backtracking one can.
 */

type Piece =
  | { readonly kind: 'star' }
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly code: number }
  | { readonly kind: 'set'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] }

export interface Glob {
  /** @param text the code points of the text, so that many globs can share them. Never throws. */
  matches(text: readonly number[]): boolean
  /** A bracket that never closes (it is taken literally) or a set that can match nothing. */
  readonly fault: 'open-set' | 'empty-range' | undefined
}

/** Compiles a pattern; every string is one. Characters are code points, a stray byte (protocol/text.ts) is a character. */
export function compileGlob(pattern: string): Glob {
  const codes = codePoints(pattern)
  const pieces: Piece[] = []
  let fault: Glob['fault']
  for (let at = 0; at < codes.length; at++) {
    const char = codes[at]!
    if (char === STAR) {
      if (pieces.at(-1)?.kind !== 'star') pieces.push({ kind: 'star' })
    } else if (char === QUESTION) {
      pieces.push({ kind: 'any' })
    } else if (char === OPEN) {
      const set = readSet(codes, at)
      if (set === undefined) fault = 'open-set'
      else if (set.ranges.some(([low, high]) => low > high)) fault = 'empty-range'
      pieces.push(set ?? { kind: 'one', code: char })
      at = set?.end ?? at
    } else if (char === BACKSLASH && at + 1 < codes.length) {
      at += 1
      pieces.push({ kind: 'one', code: lower(codes[at]!) })
    } else {
      pieces.push({ kind: 'one', code: lower(char) })
    }
  }
  return { matches: (text) => matches(pieces, text), fault }
}

const STAR = 0x2a
const QUESTION = 0x3f
const OPEN = 0x5b
const CLOSE = 0x5d
const BACKSLASH = 0x5c
const MINUS = 0x2d

function readSet(codes: readonly number[], open: number): (Piece & { kind: 'set'; readonly end: number }) | undefined {
  let at = open + 1
  const negated = codes[at] === 0x21 || codes[at] === 0x5e
  if (negated) at += 1
  const ranges: (readonly [number, number])[] = []
  // A closing bracket that comes first is a member, as in the shell.
  for (let first = true; at < codes.length; first = false) {
    if (codes[at] === CLOSE && !first) return { kind: 'set', negated, ranges, end: at }
    const [low, afterLow] = member(codes, at)
    if (codes[afterLow] === MINUS && afterLow + 1 < codes.length && codes[afterLow + 1] !== CLOSE) {
      const [high, afterHigh] = member(codes, afterLow + 1)
      ranges.push([low, high])
      at = afterHigh
    } else {
      ranges.push([low, low])
      at = afterLow
    }
  }
  return undefined
}

function member(codes: readonly number[], at: number): readonly [number, number] {
  return codes[at] === BACKSLASH && at + 1 < codes.length ? [codes[at + 1]!, at + 2] : [codes[at]!, at + 1]
}

function matches(pieces: readonly Piece[], text: readonly number[]): boolean {
  let piece = 0
  let at = 0
  let star = -1
  let starAt = 0
  while (at < text.length) {
    const next = pieces[piece]
    if (next?.kind === 'star') {
      star = piece
      starAt = at
      piece += 1
    } else if (next !== undefined && matchesOne(next, text[at]!)) {
      piece += 1
      at += 1
    } else if (star !== -1) {
      starAt += 1
      at = starAt
      piece = star + 1
    } else {
      return false
    }
  }
  while (pieces[piece]?.kind === 'star') piece += 1
  return piece === pieces.length
}

function matchesOne(piece: Piece, char: number): boolean {
  if (piece.kind === 'any') return true
  if (piece.kind === 'one') return piece.code === lower(char)
  if (piece.kind === 'star') return false
  const variants = [lower(char), upper(char)]
  return piece.ranges.some(([low, high]) => variants.some((code) => code >= low && code <= high)) !== piece.negated
}

const lower = (code: number): number => (code >= 0x41 && code <= 0x5a ? code + 32 : code)
const upper = (code: number): number => (code >= 0x61 && code <= 0x7a ? code - 32 : code)

/** The characters of a text as numbers. */
export function codePoints(text: string): number[] {
  const codes: number[] = []
  for (const char of text) codes.push(char.codePointAt(0)!)
  return codes
}
