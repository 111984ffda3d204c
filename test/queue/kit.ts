/** What the tests of durable delivery share: one home, one account, the parts wired as the server wires them. */
import { join } from 'node:path'
import type { FileSystem } from '../../core/message/file-system.ts'
import type { Logger } from '../../core/message/logger.ts'
import type { Envelope } from '../../core/message/types.ts'
import type { Deliver } from '../../core/queue/types.ts'
import { createMailbox } from '../../core/mailbox/deliver.ts'
import { DirectorySync } from '../../core/message/directory-sync.ts'
import { createSpool } from '../../core/message/spool.ts'
import type { Spool } from '../../core/message/spool-types.ts'
import { Queue } from '../../core/queue/queue.ts'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

export const envelope = (recipients: readonly string[]): Envelope => ({
  reversePath: 'from@x', recipients, env: { TCPREMOTEIP: '127.0.0.1' }, sessionId: 'session', receivedAt: Date.now(), parameters: {},
  edits: [],
})

export const maildirOf = (home: string, recipient: string): string => join(home, 'mail', 'x', recipient.replace('@x', ''), 'Maildir')

export interface House {
  readonly queue: Queue
  readonly spool: Spool
  /** Commits one message to these recipients; resolves with its id. */
  accept(content: Uint8Array, recipients: readonly string[]): Promise<string>
}

export interface HouseOptions {
  readonly home: string
  readonly fs: FileSystem
  readonly concurrency?: number
  readonly log?: Logger
  readonly now?: () => number
  /** In place of delivery into Maildirs below `<home>/mail/x`. */
  readonly deliver?: Deliver
}

export async function openHouse({ home, fs, concurrency = 10, log = silent, now = Date.now, deliver }: HouseOptions): Promise<House> {
  const directories = new DirectorySync(fs)
  const mailbox = createMailbox({ now, host: 'test', mailRoot: join(home, 'mail'), log, fs, directories })
  const toMaildir: Deliver = async (message, { reversePath }, recipient) => {
    const maildir = maildirOf(home, recipient)
    const account = { login: recipient, domain: 'x', home: join(maildir, '..'), maildir, quota: 0, active: true }
    await mailbox.deliver(account, message, { reversePath, recipient })
    return { status: 'delivered', text: 'did 1+0+0' }
  }
  const queue = await Queue.open({
    home, deliver: deliver ?? toMaildir, now, log, settings: { lifetimeSeconds: 604_800, concurrency }, fs, directories,
  })
  const spool = createSpool({ home, now, log, fs, directories, accepted: (id, accepted, size) => queue.add(id, accepted, size) })
  return {
    queue, spool,
    accept: async (content, recipients) => {
      const writer = await spool.create()
      try {
        await writer.write(content)
        await writer.commit(envelope(recipients))
        return writer.id
      } catch (error) {
        await writer.abort()
        throw error
      }
    },
  }
}

/** Waits until it holds, trying everything that waits again and again. */
export async function drain(queue: Queue): Promise<void> {
  while (queue.status().messages > 0) {
    queue.flush()
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
