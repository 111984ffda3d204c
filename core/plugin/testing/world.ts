import type { Store } from '../../world/store/types.ts'
import type { Message } from '../message.ts'
import { countersOf, storeOf } from '../../world/remember.ts'
import { storeInMemory } from '../../world/store/in-memory.ts'
import { WorldUnavailable, type Account, type DeliveryError, type Effect, type World } from '../world.ts'
import { fakeAccounts, type FakeAccounts } from './accounts.ts'
import { fakeDns, type FakeDns } from './dns.ts'
import { fakeTables, type FakeTables } from './tables.ts'
import { recordFacts, type Fact } from './facts.ts'

/** One message that a plugin put into a mailbox. */
export interface Delivered {
  readonly account: Account
  readonly reversePath: string
  readonly recipient: string
  readonly content: Uint8Array
}

export interface WorldOptions {
  readonly accounts?: FakeAccounts
  readonly dns?: FakeDns
  readonly tables?: FakeTables
  /** Milliseconds since 1970; stands still, as one hook's clock does. */
  readonly now?: number
  /** What `random()` answers: always this, or these in order and then the last again. Default 0.5. */
  readonly random?: number | readonly number[]
  /** The client leaves after it has been kept waiting for so many seconds in all; 0: before the first. */
  readonly clientLeavesAfter?: number
  /** What the plugin remembers; the same one given to several questions lets later ones see what earlier ones kept. Default: a new one. */
  readonly memory?: TestMemory
  /** What every delivery into a mailbox rejects with. */
  readonly deliveryError?: DeliveryError
  /** The effects granted; default: all. */
  readonly effects?: readonly Effect[]
}

/** What a plugin of a test remembers: `world.counters` and `world.store`. */
export interface TestMemory {
  readonly store: Store
}

/** Nothing is remembered yet. With `unavailable`, every question rejects with `WorldUnavailable` saying this. */
export function testMemory(options: { readonly unavailable?: string } = {}): TestMemory {
  const { unavailable } = options
  return { store: unavailable === undefined ? storeInMemory() : { ask: () => Promise.reject(new WorldUnavailable(unavailable)) } }
}

/** A recorded world in which nothing waits and nothing leaves the process. */
export interface FakeWorld {
  readonly world: World
  readonly signal: AbortSignal
  readonly facts: readonly Fact[]
  readonly delivered: readonly Delivered[]
  /** Seconds slept so far. */
  slept(): number
}

/** 2026-09-21 14:13:20 UTC. */
export const DEFAULT_NOW = 1_790_000_000_000

export function fakeWorld(options: WorldOptions = {}): FakeWorld {
  const facts = recordFacts()
  const delivered: Delivered[] = []
  const tables = fakeTables(options.tables)
  const client = new AbortController()
  const numbers = [options.random ?? 0.5].flat()
  let slept = 0
  let drawn = 0
  let clockSeen = false

  function mayUse(effect: Effect): void {
    if (options.effects === undefined || options.effects.includes(effect)) return
    throw new Error(`the plugin uses the effect "${effect}" without declaring it (add needs: ['${effect}'])`)
  }

  function wait(seconds: number): void {
    const left = (options.clientLeavesAfter ?? Infinity) - slept
    slept += Math.min(seconds, Math.max(left, 0))
    if (seconds <= left && !client.signal.aborted) return
    client.abort(new Error('the client has left'))
    throw client.signal.reason
  }

  async function deliver(account: Account, message: Message, envelope: Pick<Delivered, 'reversePath' | 'recipient'>): Promise<string> {
    if (options.deliveryError !== undefined) throw options.deliveryError
    const chunks: Uint8Array[] = []
    for await (const chunk of message.content()) chunks.push(chunk)
    delivered.push({ account, ...envelope, content: Buffer.concat(chunks) })
    return `test.${delivered.length}`
  }

  const remembering = {
    store: (options.memory ?? testMemory()).store, space: 'test', now: () => options.now ?? DEFAULT_NOW, ask: facts.ask, mayStore: () => mayUse('store'),
  }

  const world: World = {
    now: () => {
      const now = options.now ?? DEFAULT_NOW
      if (!clockSeen) facts.add('now', String(now))
      clockSeen = true
      return now
    },
    random: () => {
      const number = numbers[Math.min(drawn++, numbers.length - 1)]
      if (number === undefined || !(number >= 0 && number < 1)) throw new RangeError(`random must be from 0 to below 1, not ${number}`)
      facts.add('random', String(number))
      return number
    },
    accounts: fakeAccounts(options.accounts ?? {}, facts),
    dns: fakeDns(options.dns ?? {}, facts),
    counters: countersOf(remembering),
    store: storeOf(remembering),
    tables: {
      find: (table, where) => facts.ask(`tables.find ${table.name} ${JSON.stringify(where)}`, () => tables.find(table, where),
        ({ length }) => `${length} row${length === 1 ? '' : 's'}`),
    },
    sleep: async (seconds) => {
      mayUse('sleep')
      if (!(seconds >= 0)) throw new RangeError(`cannot sleep for ${seconds} seconds`)
      await facts.ask(`sleep ${seconds}`, () => wait(seconds), () => 'awake')
    },
    mailbox: {
      deliver: async (account, message, envelope) => {
        mayUse('mailbox')
        return facts.ask(`mailbox.deliver ${account.login}@${account.domain}`, () => deliver(account, message, envelope), String)
      },
    },
  }
  return { world, signal: client.signal, facts: facts.list, delivered, slept: () => slept }
}
