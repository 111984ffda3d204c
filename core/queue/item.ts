/** One message as the queue holds it in memory: no content and no environment, those are read when needed. */
import type { StoredMessage } from '../message/stored.ts'
import type { Envelope } from '../message/types.ts'
import type { RecipientRecord } from './state-file.ts'
import type { QueuedMessage } from './types.ts'

export interface Recipient {
  readonly address: string
  status: 'waiting' | 'done' | 'failed'
  text: string | undefined
  /** Whether the state file has its end. */
  recorded: boolean
}

export interface Item {
  readonly id: string
  readonly reversePath: string
  readonly sessionId: string
  readonly receivedAt: number
  readonly size: number
  readonly recipients: readonly Recipient[]
  /** The state file exists. */
  hasState: boolean
  /** When it is due; undefined while it is being tried. */
  nextAttempt: number | undefined
  /** When the present attempt began. */
  begunAt: number
  /** Recipients still to be started in the present attempt. */
  readonly round: Recipient[]
  running: number
  message: Promise<StoredMessage> | undefined
}

/** What the queue keeps of an envelope. */
export type QueuedEnvelope = Pick<Envelope, 'reversePath' | 'recipients' | 'sessionId' | 'receivedAt'>

/** The item of an accepted message; `records` are what its state file says. */
export function itemOf(id: string, envelope: QueuedEnvelope, size: number, records: readonly RecipientRecord[] | undefined): Item {
  const recipients = envelope.recipients.map((address): Recipient => ({ address, status: 'waiting', text: undefined, recorded: false }))
  for (const record of records ?? []) {
    const recipient = recipients[record.recipient]
    if (recipient?.address !== record.address) continue
    recipient.status = record.status
    recipient.text = record.text
    recipient.recorded = true
  }
  return {
    id, size, recipients,
    reversePath: envelope.reversePath, sessionId: envelope.sessionId, receivedAt: envelope.receivedAt,
    hasState: records !== undefined, nextAttempt: undefined, begunAt: 0, round: [], running: 0, message: undefined,
  }
}

export function waiting(item: Item): Recipient[] {
  return item.recipients.filter((recipient) => recipient.status === 'waiting')
}

/** The item as an operator may see it. */
export function describe(item: Item): QueuedMessage {
  return {
    id: item.id, reversePath: item.reversePath, receivedAt: item.receivedAt, size: item.size, nextAttempt: item.nextAttempt,
    recipients: item.recipients.map(({ address, status, text }) => ({ address, status, text })),
  }
}
