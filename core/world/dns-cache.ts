/** Replies of name servers, each for its time, and all within a bound: what was asked for longest ago goes first. */
import type { AnyAnswer } from './dns-query.ts'

interface Entry {
  readonly answer: AnyAnswer
  /** On the clock, in milliseconds. */
  readonly until: number
  readonly bytes: number
}

/** Seconds that a reply is kept whose own time the system's resolver does not tell: all but those with addresses. */
const UNTOLD_TTL = 60
/**
 * The same for "there is no such thing". Its time is that of the SOA record in the reply's authority section (RFC 2308 section 5), which c-ares does not
 * hand on; which zone to ask for its SOA is not told either. Most zones say an hour or more: this is the lower end.
 */
const NEGATIVE_TTL = 60
/** Failures are kept too, but not for long: a name server that is down is not asked by every client anew (RFC 2308 section 7). */
const FAILURE_TTL = 5
/** Longest time that anything is kept (RFC 8767 section 4 proposes a bound; ours is that a mended zone counts within the hour). */
const LONGEST_TTL = 3600
/** What an entry costs beside its texts: objects, the key's place in the map. */
const OVERHEAD = 250

export class DnsCache {
  readonly #limit: number
  readonly #clock: () => number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(limit: number, clock: () => number) {
    this.#limit = limit
    this.#clock = clock
  }

  /** With the seconds that are left of its time. */
  get(key: string): AnyAnswer | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const left = entry.until - this.#clock()
    this.#remove(key, entry)
    if (left <= 0) return undefined
    // Behind all others: it was asked for last.
    this.#add(key, entry)
    const { answer } = entry
    return answer.kind === 'answer' && answer.ttl !== undefined ? { ...answer, ttl: Math.ceil(left / 1000) } : answer
  }

  set(key: string, answer: AnyAnswer): void {
    const seconds = Math.min(secondsOf(answer), LONGEST_TTL)
    const bytes = sizeOf(key, answer)
    if (seconds <= 0 || bytes > this.#limit) return
    const before = this.#entries.get(key)
    if (before !== undefined) this.#remove(key, before)
    this.#add(key, { answer, until: this.#clock() + seconds * 1000, bytes })
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#limit) break
      this.#remove(oldest, entry)
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }
}

function secondsOf(answer: AnyAnswer): number {
  if (answer.kind === 'answer') return answer.ttl ?? UNTOLD_TTL
  return answer.kind === 'none' ? NEGATIVE_TTL : FAILURE_TTL
}

/** Two bytes for each character, as many as a text may take. */
function sizeOf(key: string, answer: AnyAnswer): number {
  const texts = answer.kind !== 'answer' ? 0
    : answer.records.reduce((sum, record) => sum + 50 + (typeof record === 'string' ? record.length : record.exchange.length), 0)
  return OVERHEAD + 2 * (key.length + texts)
}
