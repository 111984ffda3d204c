/** What the log has of a plugin's words beside them: of which session and line they are, and that they change nothing. */
import type { ListEntry } from '../../../protocol/spp/list.ts'

export interface Origin {
  /** What is said of a refusal is not to be taken for one where the line is not obeyed. */
  readonly before: '' | 'in shadow, not obeyed: '
  /** They stand above what a plugin says of itself. */
  readonly fields: { readonly session: string; readonly line: string }
}

/** @param file the list's path as an operator names it */
export function originOf(session: string, file: string, { line, text, options }: ListEntry): Origin {
  return { before: options.shadow === true ? 'in shadow, not obeyed: ' : '', fields: { session, line: `${file}:${line} ${text}` } }
}
