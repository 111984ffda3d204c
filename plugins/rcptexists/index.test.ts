import assert from 'node:assert/strict'
import { it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import rcptexists from './index.ts'

const NOBODY = error('550 sorry, no mailbox here by that name (#5.1.1)')
const ACCOUNTS = { mailboxes: ['joe@local.example', { address: 'old@local.example', active: false }], domains: ['empty.example'] }
const ask = (recipient: string, options: Partial<TestOptions> = {}) =>
  testPlugin(rcptexists, { hook: 'rcpt', session: { recipient }, accounts: ACCOUNTS, control: { me: 'local.example\n' }, ...options })

it('lets recipients that have a mailbox pass, without regard to case', async () => {
  for (const recipient of ['joe@local.example', 'Joe@LOCAL.Example']) assert.deepEqual((await ask(recipient)).commands, [], recipient)
})

it('refuses recipients that nobody has', async () => {
  for (const recipient of ['jim@local.example', 'joe@empty.example', '@local.example', 'a@b@local.example']) {
    assert.deepEqual((await ask(recipient)).commands, [NOBODY], recipient)
  }
})

it('refuses a mailbox that is disabled', async () => {
  assert.deepEqual((await ask('old@local.example')).commands, [error('550 sorry, that mailbox is disabled (#5.2.1)')])
})

it('has nothing to say about foreign domains, also of relay clients', async () => {
  for (const relayClient of [true, false]) {
    const { commands, facts } = await ask('jim@far.example', { session: { recipient: 'jim@far.example', relayClient } })
    assert.deepEqual(commands, [])
    assert.deepEqual(facts, [{ question: 'accounts.find jim@far.example', answer: 'none' }, { question: 'accounts.hasDomain far.example', answer: 'false' }])
  }
})

it('looks a recipient without a domain up in envnoathost, else in me', async () => {
  assert.deepEqual((await ask('joe')).commands, [])
  assert.deepEqual((await ask('jim')).commands, [NOBODY])
  assert.deepEqual((await ask('joe', { control: { me: 'local.example\n', envnoathost: 'empty.example \n' } })).commands, [NOBODY])
  assert.deepEqual((await ask('joe', { control: { me: 'mx.far.example\n', envnoathost: 'Local.Example\n' } })).commands, [])
})

it('does not decide while the database does not answer', async () => {
  const { commands, fault } = await ask('joe@local.example', { accounts: { unavailable: 'database is locked' } })
  assert.deepEqual(commands, [])
  assert.deepEqual(fault, { kind: 'unavailable', detail: 'database is locked' })
})
