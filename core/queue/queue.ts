/**
 * The queue: every accepted message is tried until each of its recipients is done or has failed for good. What
 * stands on disk is the truth; memory only knows what is due when. Messages take turns, so one with a thousand
 * recipients delays nobody by more than one delivery.
 */
import { join } from 'node:path'
import type { FileSystem } from '../message/file-system.ts'
import type { Logger } from '../message/logger.ts'
import type { QueuePlaces } from '../message/places.ts'
import type { TraceRecorder } from '../trace/types.ts'
import type { Item, QueuedEnvelope, Recipient } from './item.ts'
import type { SetAside } from './set-aside.ts'
import type { Deliver, DeliveryResult, QueuedMessage, QueueSettings, QueueStatus } from './types.ts'
import { DirectorySync } from '../message/directory-sync.ts'
import { errorCode, nodeFileSystem } from '../message/file-system.ts'
import { queuePlaces, timeOfId } from '../message/places.ts'
import { StoredMessage } from '../message/stored.ts'
import { DeliveryError } from '../plugin/world.ts'
import { Due } from './due.ts'
import { describe, itemOf, waiting } from './item.ts'
import { logSafe, QueueReport } from './report.ts'
import { isCorrupt, leftBy, loadItem, prepareQueue, scanQueue, setCorruptAside } from './scan.ts'
import { isLastAttempt, LOCAL, nextAttempt, TOO_LONG } from './schedule.ts'
import { moveToFailed, removeMessage } from './set-aside.ts'
import { appendState } from './state-file.ts'

export interface QueueOptions {
  /** Absolute path of the home. */
  readonly home: string
  readonly deliver: Deliver
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Logger
  readonly trace?: TraceRecorder
  readonly settings: QueueSettings
  readonly fs?: FileSystem
  /** The one that the spool uses, so that both share their syncs. */
  readonly directories?: DirectorySync
}

/** A clock may jump and a timer may not count beyond 24 days: look again at least this often. */
const LONGEST_SLEEP = 3_600_000

export class Queue {
  readonly #options: QueueOptions
  readonly #doors: SetAside
  readonly #report: QueueReport
  readonly #items = new Map<string, Item>()
  /** Messages that wait for their time; a string is the id of one that could not be read yet. */
  readonly #due = new Due<Item | string>()
  readonly #unread = new Set<string>()
  /** Messages being tried that still have recipients to start, in turn. */
  #ready: Item[] = []
  readonly #stop = new AbortController()
  #running = 0
  #working = 0
  #deliveries = 0
  #failed = 0
  #corrupt = 0
  #closing = false
  #idle: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(options: QueueOptions, places: QueuePlaces) {
    const { fs = nodeFileSystem } = options
    this.#options = options
    this.#doors = { fs, directories: options.directories ?? new DirectorySync(fs), places }
    this.#report = new QueueReport(options.log)
  }

  /**
   * Opens the queue of a home, makes its directories where they are missing, and begins to deliver what it finds.
   * Rejects with HeliosError `queue-unusable`; a single bad file never keeps a queue from opening.
   */
  static async open(options: QueueOptions): Promise<Queue> {
    const queue = new Queue(options, queuePlaces(options.home))
    await prepareQueue(queue.#doors)
    const { items, unreadable, failed, corrupt } = await scanQueue(queue.#doors, queue.#report)
    queue.#failed = failed
    queue.#corrupt = corrupt
    for (const item of items) {
      queue.#items.set(item.id, item)
      queue.#begin(item)
    }
    for (const id of unreadable) queue.#readLater(id)
    queue.#arm()
    queue.#turn()
    return queue
  }

  /**
   * Takes over a message whose file stands in queue/msg, synced. The envelope is the one to deliver by, its edits applied;
   * `size` are content bytes. Never throws.
   */
  add(id: string, envelope: QueuedEnvelope, size: number): void {
    if (this.#knows(id)) return
    const item = itemOf(id, envelope, size, undefined)
    this.#items.set(id, item)
    this.#report.newMessage(item)
    this.#begin(item)
    this.#turn()
  }

  /** Takes over a message of which nothing but its file in queue/msg is known. */
  addStored(id: string): void {
    if (this.#knows(id) || this.#closing) return
    this.#unread.add(id)
    this.#work(this.#readAgain(id))
  }

  /**
   * Takes over what a process accepted that is no more and could not say so, and removes what it had begun. Never rejects: what
   * cannot be seen now is found at the next start.
   * @param process its mark in the ids of messages
   */
  async adopt(process: string): Promise<void> {
    try {
      for (const id of await leftBy(this.#doors, process)) this.addStored(id)
    } catch (error) {
      this.#options.log.warn({ event: 'queue trouble', err: error },
        `cannot look for messages of a process that ended: ${String(error)}; they are found at the next start`)
    }
  }

  #knows(id: string): boolean {
    return this.#items.has(id) || this.#unread.has(id)
  }

  status(): QueueStatus {
    let recipientsWaiting = 0
    let oldest: number | undefined
    for (const item of this.#items.values()) {
      recipientsWaiting += waiting(item).length
      if (oldest === undefined || item.receivedAt < oldest) oldest = item.receivedAt
    }
    return { messages: this.#items.size + this.#unread.size, recipientsWaiting, oldest, failed: this.#failed, corrupt: this.#corrupt }
  }

  /** Every message of the queue, in the order of arrival. */
  list(): readonly QueuedMessage[] {
    return [...this.#items.values()].map(describe).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Makes everything due now. */
  flush(): void {
    this.#takeDue(Infinity)
  }

  /**
   * Starts no more deliveries and waits for the running ones, at most `deadlineMs`; then aborts their signals and resolves
   * all the same. What was not finished is tried again after the next start.
   */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true
    clearTimeout(this.#timer)
    if (this.#working > 0) {
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, deadlineMs)
        this.#idle = () => {
          clearTimeout(deadline)
          resolve()
        }
      })
    }
    this.#stop.abort(new Error('Helios is stopping'))
    await this.#doors.directories.sync(this.#doors.places.msg).catch(() => undefined)
  }

  /** Begins an attempt at a message. */
  #begin(item: Item): void {
    item.nextAttempt = undefined
    item.begunAt = this.#options.now()
    item.round.push(...waiting(item))
    if (item.round.length > 0) this.#ready.push(item)
    // A crash came between the last recipient's end and the message's.
    else this.#work(this.#endRound(item))
  }

  /** Starts deliveries while there is room. */
  #turn(): void {
    const { concurrency } = this.#options.settings
    let turns = 0
    while (!this.#closing && this.#running < concurrency && turns < this.#ready.length) {
      const item = this.#ready[turns++]!
      const recipient = item.round.shift()
      if (recipient === undefined) continue
      if (item.round.length > 0) this.#ready.push(item)
      this.#running += 1
      item.running += 1
      this.#work(this.#attempt(item, recipient))
    }
    if (turns > 0) this.#ready = this.#ready.slice(turns)
  }

  /** Keeps count of work that close must wait for. The promise must not reject; should it, that is a defect and is logged. */
  #work(work: Promise<void>): void {
    this.#working += 1
    const over = (): void => {
      this.#working -= 1
      if (this.#working === 0) this.#idle?.()
    }
    work.catch((error: unknown) => {
      this.#options.log.error({ event: 'defect', err: error }, `the queue failed inside: ${String(error)}; please report this`)
    }).then(over, over)
  }

  async #attempt(item: Item, recipient: Recipient): Promise<void> {
    const { now, settings, trace } = this.#options
    const delivery = ++this.#deliveries
    const begun = now()
    this.#report.starting(item, delivery, recipient.address)
    this.#report.status(this.#running, settings.concurrency)
    const result = withLifetime(await this.#ask(item, recipient), isLastAttempt(item.receivedAt, item.begunAt, settings.lifetimeSeconds))
    this.#report.ended(item, delivery, recipient.address, result)
    const session = trace?.session(item.sessionId)
    session?.add({
      event: 'delivery', id: item.id, to: recipient.address, status: result.status, text: result.text, ms: now() - begun,
      ...(result.decidedBy === undefined ? {} : { decidedBy: result.decidedBy }),
    })
    session?.flush()

    recipient.text = result.text
    if (result.status !== 'later') {
      recipient.status = result.status === 'delivered' ? 'done' : 'failed'
      // A message that is about to be removed needs no record.
      if (item.recipients.some((other) => other.status !== 'done')) await this.#record(item)
    }
    this.#running -= 1
    this.#turn()
    await this.#endTurn(item)
  }

  /** One recipient, one answer. Never rejects: whatever goes wrong is `later`. */
  async #ask(item: Item, recipient: Recipient): Promise<DeliveryResult> {
    const { fs, places } = this.#doors
    try {
      item.message ??= StoredMessage.open(fs, places, item.id)
      const message = await item.message
      return await this.#options.deliver(message, message.envelope, recipient.address, this.#stop.signal)
    } catch (error) {
      if (error instanceof DeliveryError) return { status: error.permanent ? 'failed' : 'later', text: error.text }
      this.#report.trouble(item.id, `delivery to ${logSafe(recipient.address)} broke`, error, 'it is tried again later')
      return { status: 'later', text: '451 qq temporary problem (#4.3.0)' }
    }
  }

  /** A delivery of this message is over: the last one running lets go of the file, and ends the attempt when nobody is left to start. */
  async #endTurn(item: Item): Promise<void> {
    let trouble: unknown
    while (item.running === 1 && item.message !== undefined) {
      const opened = item.message
      item.message = undefined
      trouble = await opened.then((message) => message.release(), (error: unknown) => error)
      // What could not be opened for one recipient is not opened for each of the others.
      if (trouble !== undefined) item.round.length = 0
    }
    // Counted until here: while the file was let go another delivery may have begun, and then that one is the last.
    item.running -= 1
    if (item.round.length > 0 || item.running > 0) return
    if (isCorrupt(trouble)) return this.#dropCorrupt(item, await setCorruptAside(this.#doors, this.#report, item.id, trouble))
    if (errorCode(trouble) === 'ENOENT') return this.#dropVanished(item)
    await this.#endRound(item)
  }

  async #endRound(item: Item): Promise<void> {
    if (waiting(item).length > 0) {
      // What the disk refused a moment ago.
      await this.#record(item)
      return this.#again(item)
    }
    try {
      if (item.recipients.some((recipient) => recipient.status === 'failed')) await this.#fail(item)
      else await removeMessage(this.#doors, item.id, item.hasState)
    } catch (error) {
      const doing = 'all recipients are done with, but the file cannot be moved out of the queue'
      this.#report.trouble(item.id, doing, error, 'it is tried again later')
      await this.#record(item)
      return this.#again(item)
    }
    this.#items.delete(item.id)
    this.#report.endMessage(item.id)
  }

  /** Here bounces will begin: nothing is left to try, and somebody should learn of it. */
  async #fail(item: Item): Promise<void> {
    if (item.recipients.some((recipient) => !recipient.recorded)) await this.#record(item)
    const path = await moveToFailed(this.#doors, item.id)
    this.#failed += 1
    this.#report.failed(item, path)
  }

  /**
   * Writes down which recipients are done or failed. When the disk refuses, it is asked again at the end of each attempt; at
   * worst a delivery is repeated after a crash.
   */
  async #record(item: Item): Promise<void> {
    const { fs, directories, places } = this.#doors
    const fresh = item.recipients.filter((recipient) => recipient.status !== 'waiting' && !recipient.recorded)
    const at = this.#options.now()
    const records = fresh.map((recipient) => ({
      recipient: item.recipients.indexOf(recipient), address: recipient.address, at, text: recipient.text ?? '',
      status: recipient.status === 'failed' ? 'failed' as const : 'done' as const,
    }))
    if (records.length === 0) return
    for (const recipient of fresh) recipient.recorded = true
    item.hasState = true
    try {
      await appendState(fs, directories, join(places.state, item.id), records)
    } catch (error) {
      for (const recipient of fresh) recipient.recorded = false
      this.#report.trouble(item.id, `cannot write to ${join(places.state, item.id)}`, error,
        'it is tried again; if Helios stops before that, a recipient may get the message twice')
    }
  }

  #again(item: Item): void {
    const { now } = this.#options
    // The schedule counts from when an attempt began, unless that time is over already.
    const planned = nextAttempt(item.receivedAt, item.begunAt, LOCAL)
    item.nextAttempt = planned > now() ? planned : nextAttempt(item.receivedAt, now(), LOCAL)
    this.#due.add(item.nextAttempt, item)
    this.#arm()
  }

  #readLater(id: string): void {
    this.#unread.add(id)
    this.#due.add(nextAttempt(timeOfId(id), this.#options.now(), LOCAL), id)
    this.#arm()
  }

  async #readAgain(id: string): Promise<void> {
    const loaded = await loadItem(this.#doors, this.#report, id, true)
    if (loaded === 'unreadable') return this.#readLater(id)
    this.#unread.delete(id)
    if (loaded === 'corrupt') this.#corrupt += 1
    if (loaded === 'corrupt' || loaded === 'gone') return
    this.#items.set(id, loaded)
    this.#begin(loaded)
    this.#turn()
  }

  #dropCorrupt(item: Item, outcome: 'corrupt' | 'unreadable'): void {
    if (outcome === 'unreadable') return this.#again(item)
    this.#corrupt += 1
    this.#items.delete(item.id)
  }

  #dropVanished(item: Item): void {
    this.#items.delete(item.id)
    this.#options.log.warn({ event: 'vanished msg', message: item.id },
      `msg ${item.id}: its file is no longer in ${this.#doors.places.msg}, so it is forgotten; `
      + 'if nobody removed it on purpose, look at the disk')
  }

  #takeDue(now: number): void {
    if (this.#closing) return
    for (const due of this.#due.take(now)) {
      if (typeof due === 'string') this.#work(this.#readAgain(due))
      else this.#begin(due)
    }
    this.#arm()
    this.#turn()
  }

  /** Sets the timer for what is due next. It does not keep the process alive. */
  #arm(): void {
    clearTimeout(this.#timer)
    const { next } = this.#due
    if (next === undefined || this.#closing) return
    const sleep = Math.min(Math.max(0, next - this.#options.now()), LONGEST_SLEEP)
    this.#timer = setTimeout(() => this.#takeDue(this.#options.now()), sleep).unref()
  }
}

function withLifetime(result: DeliveryResult, last: boolean): DeliveryResult {
  if (result.status !== 'later' || !last) return result
  return { ...result, status: 'failed', text: `${result.text}\n${TOO_LONG}` }
}
