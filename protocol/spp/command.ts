/**
 * The fourteen commands of qmail-spp: the words in which every plugin of every runtime answers.
 * Texts stand without their line end.
 */

export type Command =
  /** spp off for the rest of the connection (`A`), hook done (`N`), hook done and built-in check skipped (`O`), hang up in silence (`D`). */
  | { readonly kind: 'A' | 'N' | 'O' | 'D' }
  /** Refuse (`E`), refuse and hang up (`R`), send a line now (`P`), add a header line (`H`), deferred errors for MAIL, RCPT, DATA (`LM`, `LR`, `LD`). */
  | { readonly kind: 'E' | 'R' | 'P' | 'H' | 'LM' | 'LR' | 'LD'; readonly text: string }
  /** Replace the address of the current MAIL or RCPT, without angle brackets. */
  | { readonly kind: 'C'; readonly address: string }
  /** Set a variable of the session environment. */
  | { readonly kind: 'S'; readonly name: string; readonly value: string }
  /** Unset a variable of the session environment. */
  | { readonly kind: 'U'; readonly name: string }

export type CommandKind = Command['kind']

/** True for the commands that end a plugin's output and the hook. */
export function isFinal(command: Command): boolean {
  return FINAL.has(command.kind)
}

const FINAL: ReadonlySet<CommandKind> = new Set(['A', 'N', 'O', 'D', 'E', 'R'])
