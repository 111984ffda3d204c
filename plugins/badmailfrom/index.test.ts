import assert from 'node:assert/strict'
import { it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import badmailfrom from './index.ts'

const REFUSAL = error('553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)')
const LIST = 'spammer@far.example\n@bad.example\n.bulk.example\n*offer*@*\n!offers@partner.example\n'
const ask = (reversePath: string, list = LIST) =>
  testPlugin(badmailfrom, { hook: 'mail', session: { reversePath }, control: { badmailfrom: list } })

it('refuses listed senders at MAIL, without regard to case', async () => {
  for (const sender of ['spammer@far.example', 'SPAMMER@Far.Example', 'any@bad.example', 'any@mx.bulk.example', 'big-offer@x.example']) {
    assert.deepEqual((await ask(sender)).commands, [REFUSAL], sender)
  }
})

it('lets other senders and exceptions pass', async () => {
  for (const sender of ['joe@far.example', 'joe@notbad.example', 'joe@sub.bad.example', 'offers@partner.example', 'nodomain']) {
    assert.deepEqual((await ask(sender)).commands, [], sender)
  }
})

it('never refuses the null sender', async () => {
  assert.deepEqual((await ask('', '*\n')).commands, [])
  assert.deepEqual((await ask('joe@far.example', '*\n')).commands, [REFUSAL])
})

it('refuses relay clients too, as the built-in check does', async () => {
  const { commands } = await testPlugin(badmailfrom, {
    hook: 'mail', session: { reversePath: 'a@bad.example', relayClient: true }, control: { badmailfrom: LIST },
  })
  assert.deepEqual(commands, [REFUSAL])
})

it('refuses nobody without its list', async () => {
  assert.deepEqual((await testPlugin(badmailfrom, { hook: 'mail' })).commands, [])
})

it('stands in for the built-in check', () => {
  assert.deepEqual(badmailfrom.replaces, ['badmailfrom'])
})
