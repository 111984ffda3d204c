/** What the spool keeps of a message. Addresses and texts are Text (protocol/text.ts). */
import type { Edit } from '../plugin/message.ts'

export interface Envelope {
  readonly reversePath: string
  readonly recipients: readonly string[]
  /** The session environment at acceptance, for `+deliver` programs. */
  readonly env: Readonly<Record<string, string>>
  /**
   * What the host itself goes by, as the connection began with it: a plugin's `S` and `U` change these in `env` for other
   * plugins only (spp-protocol 8.3). Absent in files of older versions.
   */
  readonly start?: Readonly<Record<string, string>>
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** Parameters of MAIL kept for later hops: BODY=8BITMIME, SMTPUTF8, REQUIRETLS (RFC 8689), RET and ENVID (RFC 3461). */
  readonly parameters: Readonly<Record<string, string | true>>
  /** NOTIFY and ORCPT (RFC 3461) of each recipient, in their order; absent when none has any. */
  readonly recipientParameters?: readonly Readonly<Record<string, string>>[]
  readonly edits: readonly Edit[]
}
