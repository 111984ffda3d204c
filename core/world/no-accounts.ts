/** Where there are no accounts to ask. */
import type { AccountFacts } from '../plugin/world.ts'

/** Facts that are refused, each with what `refuse` rejects with. */
export function noAccounts(refuse: () => Promise<never>): AccountFacts {
  return { find: refuse, takers: refuse, hasDomain: refuse, hasLogin: refuse, aliases: refuse, loginsFrom: refuse }
}
