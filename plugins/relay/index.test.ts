import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ok } from '../../core/plugin/index.ts'
import { testPlugin, type SessionFields } from '../../core/plugin/testing/index.ts'
import relay from './index.ts'

const JOE = { user: 'joe@local.example', method: 'plain' }
const ask = (session: SessionFields, options: { readonly env?: Record<string, string>; readonly relayusers?: string } = {}) =>
  testPlugin(relay, {
    hook: 'rcpt', session: { recipient: 'ann@far.example', recipientAllowed: false, ...session },
    env: options.env ?? {}, control: options.relayusers === undefined ? {} : { relayusers: options.relayusers },
  })

it('lets authenticated users through, and says who', async () => {
  const { commands, logged } = await ask({ auth: JOE })
  assert.deepEqual(commands, [ok()])
  assert.deepEqual(logged, [{ level: 'info', message: 'relaying', fields: { user: 'joe@local.example' } }])
})

it('leaves everybody else to the built-in check', async () => {
  assert.deepEqual((await ask({})).commands, [])
})

it('believes no variable: another plugin may have set it', async () => {
  const env = { RELAYCLIENT: '', SMTPAUTHUSER: 'joe@local.example', SMTPAUTHMETHOD: 'plain', AUTHEXPIRE: '60' }
  assert.deepEqual((await ask({}, { env })).commands, [])
})

it('has nothing to say where the recipient is allowed already, so that later lines are asked', async () => {
  assert.deepEqual((await ask({ auth: JOE, recipientAllowed: true })).commands, [])
})

it('holds to control/relayusers where it is there', async () => {
  const may = async (relayusers: string): Promise<boolean> => (await ask({ auth: JOE }, { relayusers })).commands.length > 0
  assert.deepEqual([await may('JOE@local.example\n'), await may('@local.example\n'), await may('*\n!joe@local.example\n')], [true, true, false])
  assert.deepEqual([await may('ann@local.example\n'), await may('# nobody\n'), await may('')], [false, false, false])
})
