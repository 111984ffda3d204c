import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsFacts } from '../plugin/dns.ts'
import { allowanceOf, withinShare, type Allowance } from './dns-budget.ts'

const NONE: DnsFacts = { resolve: () => Promise.resolve({ kind: 'none', nxdomain: true }) }
const SILENT: DnsFacts = { resolve: () => new Promise(() => undefined) }

/** How many questions a line that asks without end gets answers to. */
async function answered(hook: Allowance): Promise<number> {
  const dns = withinShare(NONE, hook)
  for (let count = 0; ; count++) if ((await dns.resolve('x', 'A')).kind === 'unavailable') return count
}

test('a line may ask half of what those before it left, so a later one always finds some', async () => {
  const hook = allowanceOf({ questionsPerHook: 10, secondsPerHook: 600 })
  assert.deepEqual([await answered(hook), await answered(hook), await answered(hook), await answered(hook), await answered(hook)], [5, 3, 1, 1, 0])
  assert.equal(hook.questions, 0, 'and all together no more than there is')
})

test('one that asks little leaves the rest', async () => {
  const hook = allowanceOf({ questionsPerHook: 10, secondsPerHook: 600 })
  await withinShare(NONE, hook).resolve('x', 'A')
  assert.equal(await answered(hook), 5)
})

test('so many questions, and no more', async () => {
  const dns = withinShare(NONE, allowanceOf({ questionsPerHook: 4, secondsPerHook: 600 }))
  assert.equal((await dns.resolve('a', 'A')).kind, 'none')
  assert.equal((await dns.resolve('b', 'A')).kind, 'none')
  assert.deepEqual(await dns.resolve('c', 'A'), { kind: 'unavailable', reason: 'the plugin has asked its share of the hook\'s questions (2)' })
})

test('so long, and no longer', async () => {
  const hook = allowanceOf({ questionsPerHook: 10, secondsPerHook: 0.02 })
  const dns = withinShare(SILENT, hook)
  const late = { kind: 'unavailable', reason: 'the plugin\'s share of the time for the hook\'s questions is over (0.01 s)' }
  assert.deepEqual(await Promise.all([dns.resolve('a', 'A'), dns.resolve('b', 'A')]), [late, late])
  assert.deepEqual(await dns.resolve('c', 'A'), late)
  assert.equal(hook.ms, 10, 'the next line has half of it left')
})
