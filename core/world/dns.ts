/**
 * The resolver of this process: every question about names goes through it. Replies are kept for as long as their
 * records say, a question that is under way is not sent twice, and a crowd's questions are sent in turns, so that their
 * replies do not come faster than they are read.
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
  /** Milliseconds after which a question without a reply no longer holds up others. Default: 100. */
  readonly turnMs?: number
}

/** Questions sent at once. A socket with the system's usual buffer holds about as many replies; what comes on top is lost. */
const MOST_AT_ONCE = 200
/**
 * A reply that has not come by then is not one of a burst. Without this, clients with names whose servers never reply
 * would take all turns and keep them until the time-out.
 */
const TURN_MS = 100
/** Questions under way, those that wait for their turn included; more are not taken. */
const MOST_UNDER_WAY = 20_000

/** The resolver that the settings ask for. */
export function openDns(settings: DnsSettings): DnsFacts {
  return createDns({ ...settings, ask: askServers(settings) })
}

export function createDns(options: DnsOptions): DnsFacts {
  const clock = options.clock ?? (() => performance.now())
  const cache = new DnsCache(options.cacheBytes, clock)
  const underWay = new Map<string, Promise<AnyAnswer>>()
  const { turnMs = TURN_MS } = options
  const waiting: (() => void)[] = []
  let sent = 0

  function resolve<K extends DnsType>(text: string, type: K): Promise<DnsAnswer<DnsRecords[K]>> {
    const name = questionName(text)
    if (name === undefined) return Promise.resolve({ kind: 'none', nxdomain: true })
    const key = `${type} ${name}`
    const known = cache.get(key) ?? underWay.get(key)
    if (known !== undefined) return Promise.resolve(known as DnsAnswer<DnsRecords[K]>)
    if (underWay.size >= MOST_UNDER_WAY) return Promise.resolve({ kind: 'unavailable', reason: `${MOST_UNDER_WAY} questions are under way already` })
    const answer = turn().then((done) => askInTime(name, type).finally(done)).then((reply) => {
      underWay.delete(key)
      cache.set(key, reply)
      return reply
    })
    underWay.set(key, answer)
    return answer as Promise<DnsAnswer<DnsRecords[K]>>
  }

  /** Resolves once a question may be sent, with what ends its turn if that has not ended by itself. */
  async function turn(): Promise<() => void> {
    if (sent >= MOST_AT_ONCE) await new Promise<void>((begin) => waiting.push(begin))
    else sent++
    const late = setTimeout(end, turnMs)
    let ended = false
    function end(): void {
      if (ended) return
      ended = true
      clearTimeout(late)
      next()
    }
    return end
  }

  /** The turn goes to whoever has waited longest. */
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
