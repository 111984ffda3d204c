/** The name of a client for TCP rules (`=host`): one that is confirmed by a forward lookup. */
import type { DnsFacts } from '../plugin/dns.ts'
import { confirmedNames } from '../plugin/dns-names.ts'
import type { NameOf } from './access.ts'

/** A greeting waits no longer for a name. */
const PATIENCE_MS = 5000

export function nameFrom(dns: DnsFacts): NameOf {
  return async (ip) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, PATIENCE_MS, undefined) })
    try {
      const found = await Promise.race([confirmedNames(dns, ip), late])
      return found?.kind === 'confirmed' ? found.names[0] : undefined
    } finally {
      clearTimeout(timer)
    }
  }
}
