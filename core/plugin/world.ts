/**
 * The world: the one door to everything outside a handler's arguments. Facts are asked and
 * recorded, so that a decision can be explained and replayed; effects change something and
 * are declared in a plugin's `needs`.
 */
import type { DnsFacts } from './dns.ts'
import type { Message } from './message.ts'

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
  /** The account that takes mail for this address, or undefined when there is none. */
  find(address: string): Promise<Account | undefined>
  /** True when the domain has at least one account or is listed in control/locals (or is `me` without that file). */
  hasDomain(domain: string): Promise<boolean>
}

export interface MailboxEffects {
  /**
   * Delivers one message into the account's Maildir: Return-Path and Delivered-To lines, tmp/, sync, new/.
   * Resolves with the name of the new file once it is durable; rejects with `DeliveryError`.
   */
  deliver(account: Account, message: Message, envelope: { readonly reversePath: string; readonly recipient: string }): Promise<string>
}

export type Effect = 'sleep' | 'mailbox' | 'run' | 'connect' | 'store'

export interface World {
  /** Milliseconds since 1970, taken when the hook was asked. */
  now(): number
  /** A number from 0 (included) to 1 (excluded). */
  random(): number
  readonly accounts: AccountFacts
  readonly dns: DnsFacts
  /** Waits; rejects when the client has left. Does not count against the line's timeout. Needs `sleep`. */
  sleep(seconds: number): Promise<void>
  /** Needs `mailbox`. */
  readonly mailbox: MailboxEffects
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
