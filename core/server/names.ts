/** Reverse names that are confirmed by a forward lookup: a PTR record alone says whatever its owner likes. */
import { promises as dns } from 'node:dns'
import { isIPv6 } from 'node:net'
import { parseIPv6 } from '../../protocol/qmail/ip.ts'
import type { NameOf } from './access.ts'

const PATIENCE_MS = 3000
/** Of one address: its owner may list as many as a reply holds. */
const MOST_NAMES = 10
const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/

/** Asks the system's resolver; each question has 3 s in all. */
export function confirmedNames(): NameOf {
  return async (ip) => {
    const resolver = new dns.Resolver({ timeout: PATIENCE_MS / 2, tries: 1 })
    const names = await settled(resolver.reverse(ip))
    for (const name of (names ?? []).slice(0, MOST_NAMES)) {
      const host = name.toLowerCase().replace(/\.$/, '')
      if (!HOST_NAME.test(host)) continue
      // Not dns.lookup: it waits on the threads that files need, and the client chooses the names.
      const found = await settled(isIPv6(ip) ? resolver.resolve6(host) : resolver.resolve4(host))
      if (found?.some((address) => sameAddress(address, ip)) === true) return host
    }
    return undefined
  }
}

function sameAddress(a: string, b: string): boolean {
  return a === b || (isIPv6(a) && isIPv6(b) && parseIPv6(a) === parseIPv6(b))
}

async function settled<T>(question: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, PATIENCE_MS, undefined) })
  try {
    return await Promise.race([question, late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}
