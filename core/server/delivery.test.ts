import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import type { Generation } from '../host/generation.ts'
import type { HookRequest, Line } from '../host/types.ts'
import type { Envelope } from '../message/types.ts'
import type { Message } from '../plugin/message.ts'
import { deliverer } from './delivery.ts'

const envelope: Envelope = {
  reversePath: 'a@b.example', recipients: ['u@local.example'], sessionId: 's', receivedAt: 1, parameters: {}, edits: [],
  env: { TCPREMOTEIP: '192.0.2.9', SPPCONFFILE: 'control/none', RELAYCLIENT: '', NOSPP: '1' },
  start: { TCPREMOTEIP: '127.0.0.1' },
}

function setUp(): { asked: HookRequest[]; deliver: ReturnType<typeof deliverer> } {
  const asked: HookRequest[] = []
  const line: Line = {
    hook: 'deliver', text: 'fake', file: 'control/smtpplugins', number: 1, options: {}, runtime: 'inline', name: 'fake',
    run: (request) => {
      asked.push(request)
      return { commands: [{ kind: 'O' }] }
    },
  }
  const list = { file: 'control/smtpplugins', hardened: { deliver: [line] }, compat: {}, plugins: [], replacesBadmailfrom: false }
  const generation = { number: 1, loadedAt: 0, control: { envnoathost: 'e' }, listFiles: [], list: (name?: string) => name === undefined ? list : undefined }
  const trace = { session: (id: string) => ({ id, add: () => {}, flush: () => {} }), close: async () => {} }
  return { asked, deliver: deliverer({ log: pino({ level: 'silent' }), generation: () => generation as unknown as Generation, trace }) }
}

const deliver = (of: Envelope, via: ReturnType<typeof deliverer>) =>
  via({} as Message, of, 'u@local.example', new AbortController().signal)

test('a plugin\'s SPPCONFFILE, NOSPP and RELAYCLIENT do not reach delivery: its list is that of the connection, and nothing relays', async () => {
  const { asked, deliver: via } = setUp()
  assert.equal((await deliver(envelope, via)).status, 'delivered')
  assert.equal(asked[0]!.session.relayClient, false)
  assert.equal(asked[0]!.session.client.ip, '127.0.0.1')
  assert.equal(asked[0]!.session.env['RELAYCLIENT'], '', 'other plugins see it')
})

test('an envelope written before it had a start is delivered by its environment', async () => {
  const { asked, deliver: via } = setUp()
  const { start: _, ...old } = envelope
  assert.equal((await deliver({ ...old, env: { TCPREMOTEIP: '192.0.2.9' } }, via)).status, 'delivered')
  assert.equal(asked[0]!.session.client.ip, '192.0.2.9')
  assert.equal((await deliver(old, via)).status, 'later')
})
