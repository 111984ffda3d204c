import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DnsFacts } from '../plugin/dns.ts'
import { withinBudget } from './dns-budget.ts'

const NONE: DnsFacts = { resolve: () => Promise.resolve({ kind: 'none', nxdomain: true }) }
const SILENT: DnsFacts = { resolve: () => new Promise(() => undefined) }

test('so many questions, and no more', async () => {
  const dns = withinBudget(NONE, { questionsPerHook: 2, secondsPerHook: 600 })
  assert.deepEqual((await dns.resolve('a', 'A')).kind, 'none')
  assert.deepEqual((await dns.resolve('b', 'A')).kind, 'none')
  assert.deepEqual(await dns.resolve('c', 'A'), { kind: 'unavailable', reason: 'the plugin has asked the 2 questions of one hook' })
})

test('so long, and no longer', async () => {
  const dns = withinBudget(SILENT, { questionsPerHook: 10, secondsPerHook: 0.01 })
  const late = { kind: 'unavailable', reason: 'the 0.01 s for the questions of one hook are over' }
  assert.deepEqual(await Promise.all([dns.resolve('a', 'A'), dns.resolve('b', 'A')]), [late, late])
  assert.deepEqual(await dns.resolve('c', 'A'), late)
})
