/**
 * Control files a plugin reads, declared with their parser. Values are read once per generation
 * and travel with it; `helios check` prints every problem with file and line.
 */
import { parsePatterns, type Patterns } from '../../protocol/qmail/patterns.ts'

export interface LineProblem {
  /** 1-based; 0 when the file as a whole is meant. */
  readonly line: number
  readonly reason: string
  readonly mend: string
  /** A warning does not fail a load. */
  readonly warning?: boolean
}

export interface ControlFile<T> {
  /** One line: what stands in the file. */
  readonly about: string
  /** Parses the whole file as Text; a missing file is `undefined`. Never throws. */
  parse(content: string | undefined): { readonly value: T; readonly problems: readonly LineProblem[] }
}

/** A list of address or host patterns: `*` globs, `@domain`, `.suffix`, `!` exceptions; the last match decides. */
export function patterns(about: string): ControlFile<Patterns> {
  return { about, parse: (content) => parsePatterns(content ?? '') }
}

export type ControlShape = Readonly<Record<string, ControlFile<unknown>>>
export type ControlValues<C extends ControlShape> = { readonly [K in keyof C]: C[K] extends ControlFile<infer T> ? T : never }
export type { Patterns } from '../../protocol/qmail/patterns.ts'
