/** What the dialogue needs to know of the generation its session began with. */
import type { Line } from '../host/types.ts'
import type { Hook } from '../plugin/plugin.ts'

/** Neither yes nor no, and why. */
export interface Unknown {
  readonly unknown: string
}

export interface RecipientRefusal {
  readonly reply: string
  /** Of a reply that puts off: what is the matter. */
  readonly reason?: string
}

export interface Policy {
  readonly generation: number
  /** Text after `220 ` and in HELO and QUIT replies. */
  readonly greeting: string
  readonly me: string
  /** Replaces `[own.ip.add.ress]` as a recipient's domain. */
  readonly localiphost: string
  /** Appended to recipients without `@` where a domain is needed. */
  readonly envnoathost: string
  /** Bytes a message may have, 0 for no limit. */
  readonly databytes: number
  lines(hook: Hook): readonly Line[]
  /** Is mail for this recipient taken? Unknown when a database should say and does not. Never rejects. */
  rcpthosts(address: string): boolean | Promise<boolean | Unknown>
  /** What answers that. */
  readonly domainsFrom: 'control/rcpthosts' | 'rcpthosts_from_db'
  /** What refuses a recipient of our own domains whom nobody has; absent unless the server itself asks. Never rejects. */
  recipientRefusal?(address: string): Promise<RecipientRefusal | undefined>
  /** The stock badmailfrom check; always false while a listed plugin replaces it. */
  senderListed(address: string): boolean
  /** True for an address of this host, such as 127.0.0.1. */
  isOwnIp(ip: string): boolean
}
