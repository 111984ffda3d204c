/** A store that is gone with its process: for tests, where one plugin is tried out, and for who wants nothing of it on a disk. */
import { DatabaseSync } from 'node:sqlite'
import { WorldUnavailable } from '../../plugin/world.ts'
import { openTables, type Tables } from './tables.ts'
import type { HomeStore } from './types.ts'

/** Questions between two looks for what has ended, and how much one look removes: more than so many questions can have made. */
const LOOK_EVERY = 1000

/** Nothing is opened before the first question. */
export function storeInMemory(): HomeStore {
  let database: DatabaseSync | undefined
  let tables: Tables | undefined
  let closed = false
  let questions = 0
  return {
    ask: async (question) => {
      if (closed) throw new WorldUnavailable("the plugins' store: Helios is stopping")
      tables ??= openTables(database = new DatabaseSync(':memory:'))
      if (++questions % LOOK_EVERY === 0) tables.prune(question.now, LOOK_EVERY)
      return tables.answer(question)
    },
    use: () => {},
    async close() {
      closed = true
      database?.close()
      database = undefined
      tables = undefined
    },
  }
}
