/** What the spool keeps of a message. Addresses and texts are Text (protocol/text.ts). */
import type { Edit } from '../plugin/message.ts'

export interface Envelope {
  readonly reversePath: string
  readonly recipients: readonly string[]
  /** The session environment at acceptance, for `+deliver` programs. */
  readonly env: Readonly<Record<string, string>>
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** SMTP parameters kept for later hops: BODY=8BITMIME, SMTPUTF8. */
  readonly parameters: Readonly<Record<string, string | true>>
  readonly edits: readonly Edit[]
}
