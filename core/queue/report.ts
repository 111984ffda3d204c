/** The queue's log lines (qmail-control 11.5): qmail's words as the message, the facts as fields. */
import type { Logger } from '../message/logger.ts'
import type { Item } from './item.ts'
import type { DeliveryResult } from './types.ts'

const words = { delivered: 'success', later: 'deferral', failed: 'failure' } as const

/** A report on one line: line ends become `/`; `%`, blanks and what is not visible ASCII become `_`. */
export function logSafe(text: string): string {
  return text.replace(/\n/g, '/').replace(/[^!-~]|%/gu, '_')
}

export class QueueReport {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  newMessage(item: Item): void {
    const { id, size, reversePath, sessionId } = item
    this.#log.info({ event: 'new msg', message: id }, `new msg ${id}`)
    this.#log.info({ event: 'info msg', message: id, bytes: size, from: reversePath, session: sessionId },
      `info msg ${id}: bytes ${size} from <${logSafe(reversePath)}> qp ${id} uid ${process.getuid?.() ?? 0}`)
  }

  starting(item: Item, delivery: number, to: string): void {
    this.#log.info({ event: 'starting delivery', message: item.id, delivery, to, session: item.sessionId },
      `starting delivery ${delivery}: msg ${item.id} to local ${logSafe(to)}`)
  }

  ended(item: Item, delivery: number, to: string, result: DeliveryResult): void {
    this.#log.info({ event: 'delivery', message: item.id, delivery, to, ...result },
      `delivery ${delivery}: ${words[result.status]}: ${logSafe(result.text)}`)
  }

  status(running: number, concurrency: number): void {
    this.#log.debug({ event: 'status', running, concurrency }, `status: local ${running}/${concurrency} remote 0/0`)
  }

  endMessage(id: string): void {
    this.#log.info({ event: 'end msg', message: id }, `end msg ${id}`)
  }

  failed(item: Item, path: string): void {
    const recipients = item.recipients.filter((recipient) => recipient.status === 'failed')
    const reasons = recipients.map(({ address, text }) => `${logSafe(address)}: ${logSafe(text ?? '')}`).join('; ')
    const facts = recipients.map(({ address, text }) => ({ address, text }))
    this.#log.error({ event: 'failed msg', message: item.id, path, from: item.reversePath, recipients: facts },
      `msg ${item.id}: gave up on ${recipients.length} of ${item.recipients.length} recipients (${reasons}); the message is kept as `
      + `${path}: tell the sender, or mend the cause and move the file back to queue/msg while Helios is stopped, which tries every `
      + 'recipient again')
  }

  corrupt(id: string, path: string, reason: string): void {
    this.#log.error({ event: 'corrupt msg', message: id, path },
      `msg ${id}: ${reason}; it is kept as ${path}: look at it and at the disk, restore it from a backup to queue/msg while `
      + 'Helios is stopped, or delete it')
  }

  /** Says that a file in queue/msg is none of ours; false, so that it can stand in a filter. */
  stranger(path: string): false {
    this.#log.warn({ event: 'queue trouble', path }, `${path} has no message's name and is left alone: move it elsewhere`)
    return false
  }

  trouble(id: string, doing: string, error: unknown, then: string): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.warn({ event: 'queue trouble', message: id, err: error }, `msg ${id}: ${doing}: ${reason}; ${then}`)
  }
}
