import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorldUnavailable } from '../../plugin/world.ts'
import { storeInMemory } from './in-memory.ts'

test('a closed store answers nothing, and begins no new memory', async () => {
  const question = { ask: 'get', space: 'p', key: 'k', now: 1 } as const
  for (const asked of [true, false]) {
    const store = storeInMemory()
    if (asked) assert.equal(await store.ask(question), undefined)
    await store.close()
    await store.close()
    await assert.rejects(store.ask(question), (error) => error instanceof WorldUnavailable && /Helios is stopping/.test(error.message))
  }
})
