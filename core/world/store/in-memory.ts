/** A store that is gone with its process: for tests, and where one plugin is tried out. */
import { DatabaseSync } from 'node:sqlite'
import { openTables, type Tables } from './tables.ts'
import type { Store } from './types.ts'

/** Nothing is opened before the first question. */
export function storeInMemory(): Store {
  let tables: Tables | undefined
  return {
    ask: async (question) => (tables ??= openTables(new DatabaseSync(':memory:'))).answer(question),
  }
}
