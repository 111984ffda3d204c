/**
 * The resolver of this process: every question about names goes through it. Replies are kept for as long as their
 * records say, a question that is under way is not sent twice, and no more than a fixed number is under way at once, so
 * that a crowd of clients does not flood the name server's socket and lose half of its questions.
 */
import type { DnsSettings } from '../../config/settings.ts'
import { questionName } from '../../protocol/dns/name.ts'
import type { DnsAnswer, DnsFacts, DnsRecords, DnsType } from '../plugin/dns.ts'
import { DnsCache } from './dns-cache.ts'
import { askServers, type AnyAnswer, type AskServer } from './dns-query.ts'

export interface DnsOptions {
  readonly ask: AskServer
  /** Seconds one question may take in all, from the moment it is sent. */
  readonly timeoutSeconds: number
  /** Memory that kept replies may take. */
  readonly cacheBytes: number
  /** Milliseconds of a clock that never goes back. Default: the system's. */
  readonly clock?: () => number
}

/** Questions under way at once. A socket with the system's usual buffer holds about this many replies. */
const MOST_UNDER_WAY = 200
/** Questions that wait for their turn; more are not taken. */
const MOST_WAITING = 20_000

type Question = () => void

/** The resolver that the settings ask for. */
export function openDns(settings: DnsSettings): DnsFacts {
  return createDns({ ...settings, ask: askServers(settings) })
}

export function createDns(options: DnsOptions): DnsFacts {
  const clock = options.clock ?? (() => performance.now())
  const cache = new DnsCache(options.cacheBytes, clock)
  const underWay = new Map<string, Promise<AnyAnswer>>()
  const waiting: Question[] = []
  let sent = 0

  function resolve<K extends DnsType>(text: string, type: K): Promise<DnsAnswer<DnsRecords[K]>> {
    const name = questionName(text)
    if (name === undefined) return Promise.resolve({ kind: 'none', nxdomain: true })
    const key = `${type} ${name}`
    const known = cache.get(key) ?? underWay.get(key)
    if (known !== undefined) return Promise.resolve(known as DnsAnswer<DnsRecords[K]>)
    if (waiting.length >= MOST_WAITING) return Promise.resolve({ kind: 'unavailable', reason: `${MOST_WAITING} questions wait already` })
    const answer = turn().then(() => askInTime(name, type)).then((reply) => {
      underWay.delete(key)
      next()
      cache.set(key, reply)
      return reply
    })
    underWay.set(key, answer)
    return answer as Promise<DnsAnswer<DnsRecords[K]>>
  }

  function turn(): Promise<void> {
    if (sent < MOST_UNDER_WAY) {
      sent++
      return Promise.resolve()
    }
    return new Promise((begin) => waiting.push(begin))
  }

  function next(): void {
    const begin = waiting.shift()
    if (begin === undefined) sent--
    else begin()
  }

  /** The library's own limit is for one try at one server, and it may have several of both. */
  function askInTime(name: string, type: DnsType): Promise<AnyAnswer> {
    return new Promise((settle) => {
      const late = setTimeout(() => settle({ kind: 'unavailable', reason: `no reply in ${options.timeoutSeconds} s` }),
        options.timeoutSeconds * 1000)
      void options.ask(name, type).then(settle).finally(() => clearTimeout(late))
    })
  }

  return { resolve }
}
