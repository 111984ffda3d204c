import assert from 'node:assert/strict'
import { it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin, type SessionFields, type TestOptions } from '../../core/plugin/testing/index.ts'
import relay from './index.ts'

const REFUSAL = error('550 sorry, you may not send to other domains (#5.7.1)')
const JOE: SessionFields = { auth: { user: 'joe@local.example', method: 'plain' }, relayClient: true, recipient: 'ann@far.example' }
const ask = (session: SessionFields, control: Record<string, string> = {}, options: Partial<TestOptions> = {}) =>
  testPlugin(relay, { hook: 'rcpt', session, control: { rcpthosts: 'local.example\n.backup.example\n', ...control }, ...options })

it('lets every user through without its file, who has logged in', async () => {
  assert.deepEqual((await ask(JOE)).commands, [])
})

it('holds users to control/relayusers where it is there, and says whom', async () => {
  const may = async (relayusers: string): Promise<boolean> => (await ask(JOE, { relayusers })).commands.length === 0
  assert.deepEqual([await may('JOE@local.example\n'), await may('@local.example\n'), await may('*\n!joe@local.example\n')], [true, true, false])
  assert.deepEqual([await may('ann@local.example\n'), await may('# nobody\n'), await may('')], [false, false, false])
  const { commands, logged } = await ask(JOE, { relayusers: '' })
  assert.deepEqual(commands, [REFUSAL])
  assert.deepEqual(logged, [{ level: 'info', message: 'may not relay', fields: { user: 'joe@local.example' } }])
})

it('lets everybody send to our own domains: by rcpthosts, morercpthosts and accounts, without regard to case', async () => {
  const accounts = { domains: ['hosted.example'] }
  for (const recipient of ['u@LOCAL.example', 'u@mx.backup.example', 'u@more.example', 'u@Hosted.example', 'postmaster']) {
    assert.deepEqual((await ask({ ...JOE, recipient }, { relayusers: '', morercpthosts: 'more.example\n' }, { accounts })).commands, [], recipient)
  }
  for (const recipient of ['u@far.example', 'u@backup.example', 'u@local.example@far.example', 'u@']) {
    assert.deepEqual((await ask({ ...JOE, recipient }, { relayusers: '' }, { accounts })).commands, [REFUSAL], recipient)
  }
})

it('leaves everybody else to the built-in check, whatever variables say', async () => {
  const env = { RELAYCLIENT: '', SMTPAUTHUSER: 'joe@local.example', SMTPAUTHMETHOD: 'plain', AUTHEXPIRE: '60' }
  for (const relayClient of [true, false]) {
    assert.deepEqual((await ask({ recipient: 'ann@far.example', relayClient }, { relayusers: '' }, { env })).commands, [])
  }
})

it('is unavailable, and not a yes, when it cannot tell whose domain it is', async () => {
  const { fault, commands } = await ask(JOE, { relayusers: '' }, { accounts: { unavailable: 'locked' } })
  assert.deepEqual([fault?.kind, commands], ['unavailable', []])
})
