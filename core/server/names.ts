/** Reverse names that are confirmed by a forward lookup: a PTR record alone says whatever its owner likes. */
import { promises as dns } from 'node:dns'
import type { NameOf } from './access.ts'

const PATIENCE_MS = 3000
const HOST_NAME = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/

/** Asks the system's resolver; each question has 3 s in all. */
export function confirmedNames(): NameOf {
  return async (ip) => {
    const resolver = new dns.Resolver({ timeout: PATIENCE_MS / 2, tries: 1 })
    const names = await settled(resolver.reverse(ip))
    for (const name of names ?? []) {
      const host = name.toLowerCase().replace(/\.$/, '')
      if (!HOST_NAME.test(host)) continue
      const found = await settled(dns.lookup(host, { all: true }))
      if (found?.some((entry) => entry.address === ip) === true) return host
    }
    return undefined
  }
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
