/** What a sandboxed plugin remembers: `world.counters` and `world.store`, asked over its pipe. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { error, ok, WorldUnavailable } from '../../core/plugin/index.ts'
import { storeInMemory } from '../../core/world/store/in-memory.ts'
import { requestOf } from './runtimes-kit.ts'
import { pluginText, sandboxKit } from './sandbox-kit.ts'

const KEEPS = `needs: ['store'], rcpt: async ({ world: { store, counters } }) => {
  const before = await store.get('k')
  const first = await store.setIfAbsent('k', 'one\\u{dce9}', 60)
  await store.set('k', 'two', 60)
  const after = await store.setIfAbsent('k', 'three', 60)
  await store.delete('k')
  const sums = [await counters.add('c', 60), await counters.add('c', 60, { amount: 5, most: 5 }), await counters.read('c', 60)]
  return error(JSON.stringify([before ?? 'none', first, after, await store.get('k') ?? 'none', ...sums]))
}`

test('it remembers, apart from a bundled plugin of the same name', async (t) => {
  const kit = sandboxKit(t)
  const store = storeInMemory()
  await store.ask({ ask: 'set', space: 'x', key: 'k', value: 'secret', until: 1e12, now: 1000 })
  await store.ask({ ask: 'add', space: 'x', key: 'c', window: 60_000, amount: 100, most: Infinity, now: 1000 })
  kit.write({ 'plugins/x.ts': pluginText('x', KEEPS) })
  const line = await kit.line('rcpt', '@allow=store plugins/x.ts', { facts: { store } })
  const { commands, fault } = await line.run(requestOf('rcpt'))
  assert.equal(fault, undefined)
  assert.deepEqual(commands, [error(JSON.stringify(['none', 'one\u{dce9}', 'two', 'none', 1, 6, 1]))])
})

test('a store that does not answer is unavailable, which the plugin may catch', async (t) => {
  const kit = sandboxKit(t)
  const facts = { store: { ask: () => Promise.reject(new WorldUnavailable('broken')) } }
  kit.write({
    'plugins/x.ts': pluginText('x', "rcpt: async ({ world }) => void await world.counters.read('c', 60)"),
    'plugins/y.ts': pluginText('y', "rcpt: async ({ world }) => { try { await world.counters.read('c', 60) } catch (e) { return e instanceof WorldUnavailable ? ok() : error('550 no') } }"),
  })
  const failed = await (await kit.line('rcpt', 'plugins/x.ts', { facts })).run(requestOf('rcpt'))
  assert.equal(failed.fault?.kind, 'unavailable')
  assert.deepEqual((await (await kit.line('rcpt', 'plugins/y.ts', { facts })).run(requestOf('rcpt'))).commands, [ok()])
})

test('nonsense is the plugin\'s own failure, and an undeclared store is refused', async (t) => {
  const kit = sandboxKit(t)
  const facts = { store: storeInMemory() }
  for (const nonsense of ["counters.add('c', -1)", "counters.add(5, 60)", "counters.add('', 60)", "counters.add('c', 60, { amount: -1 })", "counters.read('c')", "store.get('k')", "store.set('k', 'v', 60)"]) {
    kit.write({ 'plugins/x.ts': pluginText('x', `rcpt: async ({ world }) => void await world.${nonsense}`) })
    const { fault } = await (await kit.line('rcpt', 'plugins/x.ts', { facts })).run(requestOf('rcpt'))
    assert.equal(fault?.kind, 'threw', nonsense)
  }
})
