import assert from 'node:assert/strict'
import { it } from 'node:test'
import { DeliveryError, error, ok } from '../../core/plugin/index.ts'
import { testAccount, testPlugin, testTakes, type TestOptions } from '../../core/plugin/testing/index.ts'
import maildir from './index.ts'

const ACCOUNTS = { mailboxes: ['joe@local.example', { address: 'old@local.example', active: false }] }
const ask = (recipient: string, options: Partial<TestOptions> = {}) =>
  testPlugin(maildir, { hook: 'deliver', session: { recipient, reversePath: 'ann@far.example' }, accounts: ACCOUNTS, ...options })

it('delivers to the account, with both addresses of the envelope and every byte', async () => {
  const message = Uint8Array.from({ length: 1000 }, (_, n) => n % 256)
  const { commands, delivered } = await ask('Joe@Local.Example', { message })
  assert.deepEqual(commands, [ok()])
  assert.deepEqual(delivered.map(({ account, reversePath, recipient }) => ({ account, reversePath, recipient })), [
    { account: testAccount('joe@local.example'), reversePath: 'ann@far.example', recipient: 'Joe@Local.Example' },
  ])
  assert.deepEqual(Uint8Array.from(delivered[0]!.content), message)
})

it('delivers bounces', async () => {
  const { delivered } = await ask('joe@local.example', { session: { recipient: 'joe@local.example', reversePath: '' } })
  assert.equal(delivered[0]?.reversePath, '')
})

it('bounces what nobody has, and what is for a disabled mailbox', async () => {
  assert.deepEqual((await ask('jim@local.example')).commands, [error('550 sorry, no mailbox here by that name (#5.1.1)')])
  assert.deepEqual((await ask('old@local.example')).commands, [error('550 sorry, that mailbox is disabled (#5.2.1)')])
})

it('leaves foreign domains to others', async () => {
  const { commands, delivered } = await ask('joe@far.example')
  assert.deepEqual([commands, delivered], [[], []])
})

it('says what the mailbox says when a delivery fails', async () => {
  const failing = (deliveryError: DeliveryError) => ask('joe@local.example', { deliveryError })
  assert.deepEqual((await failing(new DeliveryError('452 mailbox full (#4.2.2)'))).commands, [error('452 mailbox full (#4.2.2)')])
  assert.deepEqual((await failing(new DeliveryError('552 message too big (#5.2.3)', { permanent: true }))).commands,
    [error('552 message too big (#5.2.3)')])
})

it('tries later, by its onerror, while the database does not answer', async () => {
  const { commands, fault } = await ask('joe@local.example', { accounts: { unavailable: 'no connection' } })
  assert.deepEqual([commands, fault?.kind], [[], 'unavailable'])
})

it('takes the domains that are local', async () => {
  assert.equal(await testTakes(maildir, 'LOCAL.example', { accounts: ACCOUNTS }), true)
  assert.equal(await testTakes(maildir, 'far.example', { accounts: ACCOUNTS }), false)
  await assert.rejects(testTakes(maildir, 'local.example', { accounts: { unavailable: 'no connection' } }), { name: 'WorldUnavailable' })
})
