/**
 * The world: the one door to everything outside a handler's arguments. Facts are asked and
 * recorded, so that a decision can be explained and replayed; effects change something and
 * are declared in a plugin's `needs`.
 */
import type { DnsFacts } from './dns.ts'
import type { Message } from './message.ts'
import type { TableFacts } from './table.ts'

/** A user of a domain, as delivery and policy may see it. Never a secret. */
export interface Account {
  readonly login: string
  readonly domain: string
  /** Home directory, absolute. */
  readonly home: string
  /** Maildir of the account, absolute. */
  readonly maildir: string
  /** Bytes the account may hold, 0 for no limit. */
  readonly quota: number
  /** False when disabled or outside its start and stop dates: no mail and no login. */
  readonly active: boolean
}

/** Facts about accounts. A database that does not answer rejects with `WorldUnavailable`. */
export interface AccountFacts {
  /** The account that takes mail for this address (of an alias with several targets the first), or undefined when there is none. */
  find(address: string): Promise<Account | undefined>
  /** Every account that takes mail for this address: several where it is an alias with several targets, none where there is nobody. */
  takers(address: string): Promise<readonly Account[]>
  /** True when the domain has an account or an alias, was added to the database, or is listed in control/locals (or is `me` without that file). */
  hasDomain(domain: string): Promise<boolean>
  /** True when some domain has an account of this login, exactly; active or not. */
  hasLogin(login: string): Promise<boolean>
  /** The addresses besides its own that lead to this account, `login@domain`. None for somebody unknown. */
  aliases(account: string): Promise<readonly string[]>
  /** Logins by POP3 or IMAP from this IP address, at `since` (milliseconds since 1970) or later; of accounts that are there and active. */
  loginsFrom(ip: string, since: number): Promise<readonly Login[]>
}

/** An account that showed its password, and when last. */
export interface Login {
  /** `login@domain`. */
  readonly account: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export interface MailboxEffects {
  /**
   * Delivers one message into the account's Maildir: Return-Path and Delivered-To lines, tmp/, sync, new/.
   * Resolves with the name of the new file once it is durable; rejects with `DeliveryError`.
   */
  deliver(account: Account, message: Message, envelope: { readonly reversePath: string; readonly recipient: string }): Promise<string>
}

/**
 * Sums over sliding windows, kept for this plugin across sessions, processes and restarts. A counter is a key with its
 * window's length. At most 100,000 of a plugin; beyond that those that would end first go. A store that does not answer
 * rejects with `WorldUnavailable`.
 */
export interface CounterFacts {
  /**
   * Adds `amount`, 1 when absent, and answers what was added within the last `seconds`, this included. A sum above `most` is answered
   * and not kept. The sum may hold what is up to a twenty-fourth of the window older; it never misses anything younger.
   */
  add(key: string, seconds: number, options?: { readonly amount?: number; readonly most?: number }): Promise<number>
  /** What was added within the last `seconds`. */
  read(key: string, seconds: number): Promise<number>
}

/**
 * A few texts that last, kept for this plugin across sessions, processes and restarts until their time is over. At most
 * 100,000 of a plugin; beyond that those that would end first go. Keys and values stand in traces: put no secret there. A store that
 * does not answer rejects with `WorldUnavailable`.
 */
export interface StoreEffects {
  get(key: string): Promise<string | undefined>
  /** @param value at most 1024 characters; @param seconds from now, at most 366 days */
  set(key: string, value: string, seconds: number): Promise<void>
  /** As `set`, unless there is a value already. Answers what stands there then: one of several that ask at once wins. */
  setIfAbsent(key: string, value: string, seconds: number): Promise<string>
  delete(key: string): Promise<void>
}

export type Effect = 'sleep' | 'mailbox' | 'run' | 'connect' | 'store'

export interface World {
  /** Milliseconds since 1970, taken when the hook was asked. */
  now(): number
  /** A number from 0 (included) to 1 (excluded). */
  random(): number
  readonly accounts: AccountFacts
  readonly dns: DnsFacts
  readonly counters: CounterFacts
  /** The plugin's own tables. */
  readonly tables: TableFacts
  /** Waits; rejects when the client has left. Does not count against the line's timeout. Needs `sleep`. */
  sleep(seconds: number): Promise<void>
  /** Needs `mailbox`. */
  readonly mailbox: MailboxEffects
  /** Needs `store`. */
  readonly store: StoreEffects
}

/** A fact could not be had now: neither yes nor no. Uncaught, it is the plugin's failure and its `onerror` answers. */
export class WorldUnavailable extends Error {
  override readonly name = 'WorldUnavailable'
}

/** A delivery that did not happen; `permanent` tells a bounce from a retry. `text` is a reply such as `451 disk full (#4.2.2)`. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError'
  readonly permanent: boolean
  readonly text: string
  constructor(text: string, options?: { readonly permanent?: boolean; readonly cause?: unknown }) {
    super(text, { cause: options?.cause })
    this.text = text
    this.permanent = options?.permanent ?? false
  }
}
