/** Address and host patterns (qmail-control 5.3). */

export interface Patterns {
  /** The line that decides about this text, or undefined when no line or an exception decides. */
  match(text: string): { readonly line: number; readonly pattern: string } | undefined
  readonly size: number
}

export declare function parsePatterns(content: string): {
  readonly value: Patterns
  readonly problems: readonly { readonly line: number; readonly reason: string; readonly mend: string; readonly warning?: boolean }[]
}
