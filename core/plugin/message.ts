/** A message as the `+message` and `+deliver` hooks see it: in queue form, lines ended by LF. */

export interface HeaderField {
  /** Name as written, without the colon. */
  readonly name: string
  /** Value as written after the colon, folded lines still folded, without the last line end. */
  readonly value: string
}

export interface Message {
  /** The id of the 250 reply. */
  readonly id: string
  /** Bytes, edits included. */
  readonly size: number
  /** Absolute path of a file whose bytes are exactly the message (edits applied). */
  file(): Promise<string>
  /** Header fields, top to bottom, at most the first 256 KiB of the header. */
  header(): Promise<readonly HeaderField[]>
  /** The whole message in chunks, edits applied. */
  content(): AsyncIterable<Uint8Array>
}

/** A change to the message, returned beside commands in `+message`. Kept as a list with the spool file; applied in order. */
export type Edit =
  | { readonly edit: 'insert'; readonly name: string; readonly value: string; readonly at: 'top' | 'bottom' }
  /** Removes every field of that name (no case), or only the `index`th from the top (0 first). */
  | { readonly edit: 'remove'; readonly name: string; readonly index?: number }
  | { readonly edit: 'replace'; readonly name: string; readonly value: string; readonly index?: number }
  | { readonly edit: 'reversePath'; readonly address: string }
  | { readonly edit: 'recipients'; readonly addresses: readonly string[] }

export const insertField = (name: string, value: string, at: 'top' | 'bottom' = 'top'): Edit => ({ edit: 'insert', name, value, at })
export const removeField = (name: string, index?: number): Edit => (index === undefined ? { edit: 'remove', name } : { edit: 'remove', name, index })
export const replaceField = (name: string, value: string, index?: number): Edit =>
  index === undefined ? { edit: 'replace', name, value } : { edit: 'replace', name, value, index }
export const changeReversePath = (address: string): Edit => ({ edit: 'reversePath', address })
export const changeRecipients = (addresses: readonly string[]): Edit => ({ edit: 'recipients', addresses })
