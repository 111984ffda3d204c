/** A store that is gone with its process: for tests, where one plugin is tried out, and for who wants nothing of it on a disk. */
import { DatabaseSync } from 'node:sqlite'
import { openTables, type Tables } from './tables.ts'
import type { HomeStore } from './types.ts'

/** Questions between two looks for what has ended, and how much one look removes: more than so many questions can have made. */
const LOOK_EVERY = 1000

/** Nothing is opened before the first question. */
export function storeInMemory(): HomeStore {
  let tables: Tables | undefined
  let questions = 0
  return {
    ask: async (question) => {
      tables ??= openTables(new DatabaseSync(':memory:'))
      if (++questions % LOOK_EVERY === 0) tables.prune(question.now, LOOK_EVERY)
      return tables.answer(question)
    },
    use: () => {},
    close: async () => { tables = undefined },
  }
}
