/** What plugins remember, as questions and answers: the words that cross to the store's thread and back. */
import type { QmailConfig } from '../../../protocol/qmail/qmailconfig.ts'

/** One question. `space` keeps plugins apart; times are milliseconds since 1970. */
export type StoreQuestion =
  | { readonly ask: 'get'; readonly space: string; readonly key: string; readonly now: number }
  | { readonly ask: 'set'; readonly space: string; readonly key: string; readonly value: string; readonly until: number; readonly now: number }
  /** As `set`, unless there is a value. Answers what stands there then. */
  | { readonly ask: 'setIfAbsent'; readonly space: string; readonly key: string; readonly value: string; readonly until: number; readonly now: number }
  | { readonly ask: 'delete'; readonly space: string; readonly key: string; readonly now: number }
  /** Answers the sum with the amount; a sum above `most` is not kept. `window` in milliseconds. */
  | { readonly ask: 'add'; readonly space: string; readonly key: string; readonly window: number; readonly amount: number; readonly most: number; readonly now: number }
  | { readonly ask: 'read'; readonly space: string; readonly key: string; readonly window: number; readonly now: number }

/** Of `get` and `setIfAbsent` a text or nothing, of `add` and `read` a number, of the others nothing. */
export type StoreAnswer = string | number | undefined

/** Where plugins' memory is kept. Rejects with `WorldUnavailable` when it cannot be read or written. */
export interface Store {
  ask(question: StoreQuestion): Promise<StoreAnswer>
}

/** The store of a running server. */
export interface HomeStore extends Store {
  /** Tells which database the accounts are in from now on. Questions that are under way end with the old one. */
  use(config: QmailConfig): void
  /** Questions from then on are rejected. Twice does no harm. */
  close(): Promise<void>
}
