/** A short soak: mail flows through a list with a faulty plugin while it is edited, and nothing is lost or stuck. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from '../harness/soak.ts'

test('mail at a steady rate, reloads, a plugin that fails in every way', async () => {
  const { sent, promised, delivered, lost, wrong, stuck, reloads } = await soak({ seconds: 12, rate: 20, reloadSeconds: 3 })
  assert.deepEqual({ lost, wrong, stuck }, { lost: [], wrong: [], stuck: 0 })
  assert.ok(sent > 0 && reloads > 0)
  assert.equal(promised, sent)
  assert.equal(delivered, sent)
})
