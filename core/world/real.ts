/**
 * The real world: what a handler of a plugin in this process can ask and do. Every fact it gets is written into the
 * session's trace, so that a decision can be explained and replayed; effects it did not declare are refused.
 */
import { printAliases, printLogins } from '../plugin/accounts-print.ts'
import type { DnsFacts } from '../plugin/dns.ts'
import { printDnsAnswer } from '../plugin/dns-print.ts'
import type { Table, TableFacts } from '../plugin/table.ts'
import type { AccountFacts, Effect, MailboxEffects, World } from '../plugin/world.ts'
import type { SessionTrace } from '../trace/types.ts'
import { allowanceOf, withinShare, type Allowance, type DnsBudget } from './dns-budget.ts'
import { countersOf, storeOf } from './remember.ts'
import { NO_STORE } from './store/store.ts'
import type { Store } from './store/types.ts'

export interface WorldOptions {
  /** Without `takers` an address has the one taker that `find` finds. */
  readonly accounts: Omit<AccountFacts, 'takers'> & Partial<Pick<AccountFacts, 'takers'>>
  /** Default: nobody answers. */
  readonly dns?: DnsFacts
  /** What the lines of one hook may ask of `dns` together. Default: as much as they like. */
  readonly dnsBudget?: DnsBudget
  /** Default: no plugin owns any. */
  readonly tables?: TableFacts
  readonly mailbox: MailboxEffects
  /** What plugins remember. Default: nothing is, and who asks is told so. */
  readonly store?: Store
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly clock?: () => number
  /** From 0 to below 1. Default: Math.random. */
  readonly random?: () => number
}

/** What ties a world to one question put to one plugin. */
export interface WorldBinding {
  /** The plugin's name, for the trace. */
  readonly plugin: string
  /** Keeps apart what plugins remember. Default: the plugin's name. */
  readonly space?: string
  readonly needs: readonly Effect[]
  /** The same object for all lines of one hook, which share a budget of questions. Default: this question has one to itself. */
  readonly asking?: object
  /** The tables it declares. */
  readonly tables?: readonly Table[]
  readonly trace: SessionTrace
  /** Aborted when the client has left or the line's time is up: sleeping ends. */
  readonly signal: AbortSignal
  /** Called when `world.sleep` begins and ends: that time is not the plugin's. */
  onSleep(asleep: boolean): void
}

export interface WorldFactory {
  forRequest(binding: WorldBinding): World
  /** Milliseconds since 1970, unrecorded: for a request that carries its time along. */
  now(): number
  /** From 0 to below 1, unrecorded. */
  random(): number
}

/** Milliseconds that one timer can hold. */
const LONGEST_TIMER = 2 ** 31 - 1

export function createWorld(options: WorldOptions): WorldFactory {
  const clock = options.clock ?? Date.now
  const random = options.random ?? Math.random
  const { dns = NO_DNS, dnsBudget } = options
  const allowances = new WeakMap<object, Allowance>()

  /** What one line may ask of name servers. */
  function namesFor(binding: WorldBinding): DnsFacts {
    if (dnsBudget === undefined) return dns
    const { asking = binding } = binding
    const allowance = allowances.get(asking) ?? allowanceOf(dnsBudget)
    allowances.set(asking, allowance)
    return withinShare(dns, allowance)
  }

  return { forRequest: (binding) => worldOf(options, binding, clock, random, namesFor), now: clock, random }
}

function worldOf(
  options: WorldOptions, binding: WorldBinding, clock: () => number, random: () => number, namesFor: (binding: WorldBinding) => DnsFacts,
): World {
  const { accounts, mailbox, store = NO_STORE, tables = NO_TABLES } = options
  const { plugin, needs, trace } = binding
  let now: number | undefined
  let names: DnsFacts | undefined

  function record(question: string, answer: string, since: number): void {
    const ms = Math.round((performance.now() - since) * 1000) / 1000
    trace.add({ event: 'fact', plugin, question, answer, ms })
  }

  /** Asks, and records the answer or the failure. */
  async function ask<T>(question: string, answer: () => Promise<T>, print: (value: T) => string): Promise<T> {
    const since = performance.now()
    try {
      const value = await answer()
      record(question, print(value), since)
      return value
    } catch (error) {
      record(question, `${nameOf(error)}: ${messageOf(error)}`, since)
      throw error
    }
  }

  function mayUse(effect: Effect): void {
    if (needs.includes(effect)) return
    throw new Error(`the plugin uses the effect "${effect}" without declaring it (add needs: ['${effect}'])`)
  }

  const remembering = { store, space: binding.space ?? plugin, now: clock, ask, mayStore: () => mayUse('store') }

  return {
    now() {
      if (now === undefined) {
        now = clock()
        record('now', String(now), performance.now())
      }
      return now
    },
    random() {
      const drawn = random()
      record('random', String(drawn), performance.now())
      return drawn
    },
    accounts: {
      find: (address) => ask(`accounts.find ${address}`, () => accounts.find(address),
        (account) => account === undefined ? 'none' : `${account.login}@${account.domain}`),
      takers: (address) => ask(`accounts.takers ${address}`, async () => accounts.takers?.(address) ?? [await accounts.find(address)].filter((account) => account !== undefined),
        (takers) => takers.map(({ login, domain }) => `${login}@${domain}`).join(' ') || 'none'),
      hasDomain: (domain) => ask(`accounts.hasDomain ${domain}`, () => accounts.hasDomain(domain), String),
      hasLogin: (login) => ask(`accounts.hasLogin ${login}`, () => accounts.hasLogin(login), String),
      aliases: (account) => ask(`accounts.aliases ${account}`, () => accounts.aliases(account), printAliases),
      loginsFrom: (ip, since) => ask(`accounts.loginsFrom ${ip} ${since}`, () => accounts.loginsFrom(ip, since), printLogins),
    },
    tables: {
      find: async (table, where) => {
        if (binding.tables?.includes(table) !== true) throw new Error(`the plugin does not declare the table ${table.name} (add it to its tables)`)
        // Not what stands in the rows: a table may hold secrets, and a trace never does.
        return ask(`tables.find ${table.name} ${JSON.stringify(where)}`, () => tables.find(table, where), ({ length }) => `${length} row${length === 1 ? '' : 's'}`)
      },
    },
    dns: {
      resolve: (name, type) => unlessAborted(binding.signal, () => {
        const facts = names ??= namesFor(binding)
        return ask(`dns ${type} ${name}`, () => facts.resolve(name, type), (answer) => printDnsAnswer(type, answer))
      }),
    },
    counters: countersOf(remembering),
    store: storeOf(remembering),
    async sleep(seconds) {
      mayUse('sleep')
      if (!(seconds >= 0)) throw new RangeError(`cannot sleep for ${seconds} seconds`)
      binding.onSleep(true)
      try {
        await ask(`sleep ${seconds}`, () => pause(seconds * 1000, binding.signal), () => 'awake')
      } finally {
        binding.onSleep(false)
      }
    },
    mailbox: {
      async deliver(account, message, envelope) {
        mayUse('mailbox')
        return ask(`mailbox.deliver ${account.login}@${account.domain}`, () => mailbox.deliver(account, message, envelope), String)
      },
    },
  }
}

const NO_TABLES: TableFacts = {
  find: () => Promise.reject(new Error('there are no tables here: bundled plugins own tables, in a home that has a database')),
}

const NO_DNS: DnsFacts = {
  resolve: () => Promise.resolve({ kind: 'unavailable', reason: 'there is no name server here' }),
}

/** What is asked once for many is not called back: only this wait for it ends. */
function unlessAborted<T>(signal: AbortSignal, question: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error)
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    question().then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}

/** Rejects with the signal's reason as soon as it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    }, Math.min(ms, LONGEST_TIMER))
    function leave(): void {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', leave, { once: true })
  })
}

function nameOf(error: unknown): string {
  return error instanceof Error && error.name !== '' ? error.name : 'Error'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
