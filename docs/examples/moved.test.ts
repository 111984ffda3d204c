import assert from 'node:assert/strict'
import { test } from 'node:test'
import { error } from 'helios-mail/plugin'
import { testPlugin } from 'helios-mail/plugin/testing'
import moved from './moved.ts'

test('sales@ is refused', async () => {
  const { commands } = await testPlugin(moved, { hook: 'rcpt', session: { recipient: 'sales@example.org' } })
  assert.deepEqual(commands, [error('550 sorry, sales has moved (#5.1.6)')])
})

test('nobody else is', async () => {
  const { commands } = await testPlugin(moved, { hook: 'rcpt', session: { recipient: 'ann@example.org' } })
  assert.deepEqual(commands, [])
})
