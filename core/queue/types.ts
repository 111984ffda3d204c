/** The words of the queue. Addresses and texts are Text (protocol/text.ts); times are milliseconds since 1970. */
import type { Message } from '../plugin/message.ts'
import type { Envelope } from '../message/types.ts'

export interface DeliveryResult {
  readonly status: 'delivered' | 'later' | 'failed'
  /** The report: what the log shows, and for `failed` what the sender will be told. */
  readonly text: string
  /** The line or check that decided, where one did. */
  readonly decidedBy?: string
}

/**
 * Delivers one message to one recipient. `delivered` says that the copy is durable. A rejection counts as `later`, but
 * a permanent DeliveryError as `failed`. The message may be read until the promise settles. The signal is aborted when the
 * server stops waiting.
 */
export type Deliver = (message: Message, envelope: Envelope, recipient: string, signal: AbortSignal) => Promise<DeliveryResult>

export interface QueueSettings {
  /** Seconds after which an attempt is the last: control/queuelifetime. */
  readonly lifetimeSeconds: number
  /** Deliveries at the same time: control/concurrencylocal. 0 stops them. */
  readonly concurrency: number
}

export interface QueueStatus {
  readonly messages: number
  /** Recipients neither done nor failed, over all messages. */
  readonly recipientsWaiting: number
  /** When the oldest message was received; undefined when there is none. */
  readonly oldest: number | undefined
  /** Messages in queue/failed. */
  readonly failed: number
  /** Files in queue/corrupt. */
  readonly corrupt: number
}

export interface QueuedRecipient {
  readonly address: string
  readonly status: 'waiting' | 'done' | 'failed'
  /** Report of the last attempt, where there was one since the start. */
  readonly text: string | undefined
}

export interface QueuedMessage {
  readonly id: string
  readonly reversePath: string
  readonly receivedAt: number
  /** Content bytes as received. */
  readonly size: number
  /** Undefined while it is being tried. */
  readonly nextAttempt: number | undefined
  readonly recipients: readonly QueuedRecipient[]
}
