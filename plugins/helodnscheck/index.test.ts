import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { testPlugin, type FakeDns, type TestOptions } from '../../core/plugin/testing/index.ts'
import helodnscheck from './index.ts'

const dns: FakeDns = {
  'host.example': { A: ['192.0.2.1'] }, 'domain.example': { MX: [{ exchange: 'host.example', priority: 10 }] },
  'null.example': { MX: [{ exchange: '', priority: 0 }] }, 'null-host.example': { MX: [{ exchange: '', priority: 0 }], A: ['192.0.2.1'] },
  'localhost': { A: ['127.0.0.1'] }, 'slow.example': 'timeout',
}

async function ask(helo: string | undefined, HELODNSCHECK: string | undefined, options: Partial<TestOptions> = {}): Promise<string | undefined> {
  const { commands: [command], fault } = await testPlugin(helodnscheck, { hook: 'helo', dns, env: { HELODNSCHECK }, session: { helo }, ...options })
  assert.equal(fault, undefined)
  return command?.kind === 'E' ? command.text : undefined
}

it('asks nothing until it is told to', async () => {
  for (const HELODNSCHECK of [undefined, '0']) {
    const { commands, facts } = await testPlugin(helodnscheck, { hook: 'helo', dns, env: { HELODNSCHECK }, session: { helo: 'no.example' } })
    assert.deepEqual([commands, facts], [[], []])
  }
})

it('refuses a name that does not exist', async () => {
  for (const level of ['', '1', '2', '3']) {
    for (const name of ['no.example', 'DESKTOP-1', '192.0.2.1', '[192.0.2]', 'null.example', '']) {
      assert.equal(await ask(name, level), `550 sorry, there is no host ${name}: tell me your real name (#5.7.1)`)
    }
    for (const name of ['host.example', ' HOST.example. ', 'domain.example', 'null-host.example', '[192.0.2.1]', '[IPv6:2001:db8::1]']) assert.equal(await ask(name, level), undefined, name)
  }
})

it('refuses what nobody can reach, from level 2 on', async () => {
  for (const name of ['localhost', '[127.0.0.1]', '[10.0.0.1]']) {
    assert.equal(await ask(name, '1'), undefined)
    for (const level of ['2', '3']) assert.equal(await ask(name, level), `550 sorry, ${name} is no name that I could reach you by (#5.7.1)`)
  }
})

it('asks to come back when nobody knows, at level 3', async () => {
  for (const level of ['1', '2']) assert.equal(await ask('slow.example', level), undefined)
  assert.equal(await ask('slow.example', '3'), '451 sorry, I cannot look up slow.example now (#4.4.3)')
})

it('looks at the same name at MAIL and RCPT, where it is known who has logged in', async () => {
  for (const hook of ['mail', 'rcpt'] as const) {
    assert.match(await ask('no.example', '1', { hook }) ?? '', /^550 /)
    for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }, { helo: undefined }]) {
      assert.equal(await ask('', '1', { hook, session: { helo: 'no.example', ...session } }), undefined)
    }
  }
})

it('makes a reply of any name', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (name) => {
    assert.match(await ask(name, '3') ?? '550 x', /^550 [ -~]{1,300}$/)
  }))
})
