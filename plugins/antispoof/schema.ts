/** The tables of antispoof. */
import { defineTable, type TableFacts } from '../../core/plugin/index.ts'
import { readList, type List, type Owner } from './owner.ts'

/** What users and groups may send from. A list that nobody has written has no row, and is the default one. */
export const LISTS = defineTable({
  name: 'antispoof', about: 'The permissions list of each user and group.',
  // `[:all:]` and `[:none:]` stand for themselves; everything in lower case. `rules`: one on a line.
  columns: { login: { text: 64 }, domain: { text: 64 }, rules: 'text' },
  key: ['login', 'domain'], account: { login: 'login', domain: 'domain' },
})

export const tables = [LISTS]

/** The lists of these owners, in their order. Rejects with `WorldUnavailable`. */
export function listsOf(facts: TableFacts, owners: readonly Owner[]): Promise<readonly List[]> {
  return Promise.all(owners.map(async (owner) => {
    const [row] = await facts.find(LISTS, { login: owner.login, domain: owner.domain })
    return readList(owner, row?.rules)
  }))
}
