/**
 * The store in the database of the accounts, where that is a server: several Helios servers have one memory. Each question
 * reads a row, and writes it if nobody else has meanwhile; what this process is asked of one counter goes in one write.
 */
import { isDeepStrictEqual } from 'node:util'
import { bytesOf, textOf } from '../../../protocol/text.ts'
import { within } from '../../accounts/sql/wire.ts'
import { WorldUnavailable } from '../../plugin/world.ts'
import { keyOf } from './key.ts'
import { openRows, type Entry, type Place, type Rows } from './rows.ts'
import { together } from './together.ts'
import { troubleOf } from './trouble.ts'
import type { HomeStore, StoreAnswer, StoreQuestion } from './types.ts'
import { added, current, endOf, slotOf, sumOf, type Slots } from './window.ts'

type Asked<A extends StoreQuestion['ask']> = Extract<StoreQuestion, { readonly ask: A }>

export interface AccountsStoreOptions {
  /** Values, and counters, that one plugin may have. Default 100,000. */
  readonly most?: number
}

/** Milliseconds until an answer is taken to be unavailable. */
const PATIENCE_MS = 5000
/** Questions that may wait at once. */
const MOST_WAITING = 1000
const DEFAULT_MOST = 100_000
/** Writes of one plugin between two looks at how much it has. */
const LOOK_EVERY = 1000
const PRUNE_EVERY_MS = 60_000
/** Rows that one statement removes. */
const STEP = 1000
/** Milliseconds of the longest pause before another try. */
const LONGEST_PAUSE = 20

/** Nobody is asked before the first question. */
export function storeInAccounts({ most = DEFAULT_MOST }: AccountsStoreOptions = {}): HomeStore {
  let target: unknown
  let open: Open | undefined
  let closed = false
  let waiting = 0
  const writes = new Map<string, number>()

  const pruning = setInterval(() => void prune(), PRUNE_EVERY_MS)
  pruning.unref()

  async function answer(question: StoreQuestion, { rows, add }: Open): Promise<StoreAnswer> {
    switch (question.ask) {
      case 'get':
        return valueOf(await rows.find(placeOf(question)), question.now)
      case 'set':
        return set(question, rows)
      case 'setIfAbsent':
        return setIfAbsent(question, rows)
      case 'delete':
        return done(async () => ({ is: void await rows.remove(placeOf(question)) }))
      case 'add':
        return add(JSON.stringify([question.space, question.window, question.key]), question)
      case 'read':
        return sumOf(current(slotsOf(await rows.find(placeOf(question, question.window))), slotOf(question.now, question.window)))
    }
  }

  async function set(question: Asked<'set'>, rows: Rows): Promise<undefined> {
    if (question.until <= question.now) return
    const [place, entry] = [placeOf(question), { content: bytesOf(question.value), ends: question.until }]
    await done(async () => await rows.overwrite(place, entry) || await rows.insert(place, entry) ? { is: true } : undefined)
    written(place, rows)
  }

  async function setIfAbsent(question: Asked<'setIfAbsent'>, rows: Rows): Promise<string> {
    const [place, entry] = [placeOf(question), { content: bytesOf(question.value), ends: question.until }]
    return done(async () => {
      const there = await rows.find(place)
      const value = valueOf(there, question.now)
      if (value !== undefined) return { is: value }
      if (question.until <= question.now) return { is: question.value }
      if (!await put(rows, place, there, entry)) return undefined
      written(place, rows)
      return { is: question.value }
    })
  }

  /** Questions of one counter. A connection that is lost while it writes may count them twice, and never not at all: that way a limit holds. */
  async function addAll(questions: readonly Asked<'add'>[], rows: Rows): Promise<readonly number[]> {
    const place = placeOf(questions[0]!, questions[0]!.window)
    return done(async () => {
      const there = await rows.find(place)
      const before = slotsOf(there)
      let after = before
      const sums = questions.map(({ window, amount, most: limit, now }) => {
        const slot = slotOf(now, window)
        const counting = current(after, slot)
        const sum = sumOf(counting) + amount
        if (sum <= limit) after = added(counting, slot, amount)
        return sum
      })
      if (after === before) return { is: sums }
      if (!await put(rows, place, there, { content: Buffer.from(JSON.stringify(after)), ends: endOf(after, place.span) })) return undefined
      written(place, rows)
      return { is: sums }
    })
  }

  /** After a write: from time to time, no more than `most`. */
  function written(place: Place, rows: Rows): void {
    const key = `${place.span === 0 ? 'values' : 'counters'} ${place.plugin.toString('latin1')}`
    const count = writes.get(key) ?? 0
    writes.set(key, count + 1)
    // Whoever asks next is told what is wrong.
    if (count % Math.min(LOOK_EVERY, most) === 0) void rows.trim(place, most, 2 * LOOK_EVERY).catch(() => undefined)
  }

  async function prune(): Promise<void> {
    try {
      while (open !== undefined && await open.rows.prune(Date.now(), STEP) === STEP) await pause(10)
    } catch {
      // Whoever asks next is told what is wrong.
    }
  }

  function opened(rows: Rows): Open {
    return { rows, add: together((questions) => addAll(questions, rows)) }
  }

  return {
    use(config) {
      const { driver, popConnections, connectionTimeout, queryTimeout } = config
      const next = { driver, popConnections, connectionTimeout, queryTimeout }
      if (closed || isDeepStrictEqual(target, next)) return
      target = next
      open?.rows.close()
      open = driver === 'sqlite' ? undefined : opened(openRows(config, driver))
    },
    async ask(question) {
      if (closed) throw unavailable('Helios is stopping')
      if (open === undefined) throw unavailable('there is no connectionstring in control/qmailconfig')
      if (waiting >= MOST_WAITING) throw unavailable(`${MOST_WAITING} questions wait already`)
      waiting++
      // A question waits until it has ended, whether or not somebody still listens.
      const asked = answer(question, open).finally(() => { waiting-- })
      try {
        return await within(PATIENCE_MS, asked, () => new WorldUnavailable(`no answer after ${PATIENCE_MS / 1000} s`))
      } catch (error) {
        throw told(error)
      }
    },
    async close() {
      closed = true
      clearInterval(pruning)
      open?.rows.close()
      open = undefined
    },
  }
}

interface Open {
  readonly rows: Rows
  /** So that this process never races with itself for a counter, and a busy one costs no more writes than there is time for. */
  add(counter: string, question: Asked<'add'>): Promise<number>
}

function placeOf({ space, key }: StoreQuestion, span = 0): Place {
  return { plugin: keyOf(space), name: keyOf(key), span }
}

function valueOf(entry: Entry | undefined, now: number): string | undefined {
  return entry === undefined || entry.ends <= now ? undefined : textOf(entry.content)
}

function slotsOf(entry: Entry | undefined): Slots {
  return entry === undefined ? [] : JSON.parse(entry.content.toString()) as Slots
}

/** False when somebody else was there first. */
function put(rows: Rows, place: Place, before: Entry | undefined, after: Entry): Promise<boolean> {
  return before === undefined ? rows.insert(place, after) : rows.replace(place, before, after)
}

/** Tries until there is an outcome, in the time that whoever asks would wait for it. */
async function done<T>(attempt: () => Promise<{ readonly is: T } | undefined>): Promise<T> {
  const until = performance.now() + PATIENCE_MS
  for (let tries = 1; performance.now() < until; tries++) {
    try {
      const outcome = await attempt()
      if (outcome !== undefined) return outcome.is
    } catch (error) {
      if (!isConflict(error)) throw error
    }
    // Not in step with the others.
    await pause(Math.random() * Math.min(tries, LONGEST_PAUSE))
  }
  throw new WorldUnavailable('others change the same row all the time')
}

/** Codes of a statement that was given up for another one's sake. */
function isConflict(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return code === 'ER_LOCK_DEADLOCK' || code === 'ER_CHECKREAD' || code === '40P01' || code === '40001'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms) })
}

function unavailable(reason: string, cause?: unknown): WorldUnavailable {
  return new WorldUnavailable(`the plugins' store: ${reason}`, { cause })
}

function told(error: unknown): WorldUnavailable {
  const { reason, mend, passing } = troubleOf(error)
  return unavailable(passing ? reason : `${reason} (${mend})`, error)
}
