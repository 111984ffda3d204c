/** `world.counters` and `world.store`: checks what a plugin asks, puts it to the store, and has it recorded. */
import type { CounterFacts, StoreEffects } from '../plugin/world.ts'
import type { Store, StoreAnswer, StoreQuestion } from './store/types.ts'

export interface RememberOptions {
  readonly store: Store
  /** Keeps plugins apart. */
  readonly space: string
  /** Milliseconds since 1970, now. */
  now(): number
  /** Asks, and records the answer or the failure. */
  ask<T>(question: string, answer: () => Promise<T>, print: (value: T) => string): Promise<T>
  /** Throws where the effect `store` was not declared. */
  mayStore(): void
}

/** Seconds of the longest window and the longest life: a leap year. */
const LONGEST = 366 * 86_400
/** Characters of a value. */
const LONGEST_VALUE = 1024
/** Characters of a key and of a value that a trace is given. */
const SHOWN = 200

export function countersOf({ store, space, now, ask }: RememberOptions): CounterFacts {
  const put = (question: string, given: DistributiveOmit<StoreQuestion, 'space' | 'now'>): Promise<number> =>
    ask(question, async () => Number(await store.ask({ ...given, space, now: now() } as StoreQuestion)), String)
  return {
    async add(key, seconds, { amount = 1, most = Infinity } = {}) {
      checkKey(key)
      checkSeconds(seconds)
      if (!Number.isSafeInteger(amount) || amount < 1 || amount > 2 ** 31) throw new RangeError(`a counter grows by a whole number from 1 on, not by ${amount}`)
      if (typeof most !== 'number' || Number.isNaN(most)) throw new RangeError(`a counter's limit is a number, not ${most}`)
      const limit = most === Infinity ? '' : ` (at most ${most})`
      return put(`counters.add ${shown(key)} ${seconds} s by ${amount}${limit}`, { ask: 'add', key, window: seconds * 1000, amount, most })
    },
    async read(key, seconds) {
      checkKey(key)
      checkSeconds(seconds)
      return put(`counters.read ${shown(key)} ${seconds} s`, { ask: 'read', key, window: seconds * 1000 })
    },
  }
}

export function storeOf({ store, space, now, ask, mayStore }: RememberOptions): StoreEffects {
  const put = (question: string, given: DistributiveOmit<StoreQuestion, 'space' | 'now'>, print: (value: StoreAnswer) => string): Promise<StoreAnswer> =>
    ask(question, () => store.ask({ ...given, space, now: now() } as StoreQuestion), print)
  const ready = (key: string): void => {
    mayStore()
    checkKey(key)
  }
  const keep = async (how: 'set' | 'setIfAbsent', key: string, value: string, seconds: number): Promise<StoreAnswer> => {
    ready(key)
    checkSeconds(seconds)
    if (typeof value !== 'string' || value.length > LONGEST_VALUE) throw new RangeError(`a value is a text of at most ${LONGEST_VALUE} characters`)
    return put(`store.${how} ${shown(key)} ${shown(value)} for ${seconds} s`,
      { ask: how, key, value, until: now() + seconds * 1000 }, (answer) => how === 'set' ? 'kept' : shown(String(answer)))
  }
  return {
    async get(key) {
      ready(key)
      const value = await put(`store.get ${shown(key)}`, { ask: 'get', key }, (answer) => answer === undefined ? 'none' : shown(String(answer)))
      return value === undefined ? undefined : String(value)
    },
    set: async (key, value, seconds) => void await keep('set', key, value, seconds),
    setIfAbsent: async (key, value, seconds) => String(await keep('setIfAbsent', key, value, seconds)),
    async delete(key) {
      ready(key)
      await put(`store.delete ${shown(key)}`, { ask: 'delete', key }, () => 'gone')
    },
  }
}

/** `Omit` of each member of a union. */
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

function checkKey(key: string): void {
  if (typeof key !== 'string' || key === '') throw new TypeError('a key is a text that is not empty')
}

function checkSeconds(seconds: number): void {
  if (Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= LONGEST) return
  throw new RangeError(`a time to remember is whole seconds from 1 to ${LONGEST}, not ${seconds}`)
}

function shown(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`
}
