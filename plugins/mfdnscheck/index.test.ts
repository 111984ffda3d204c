import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { testPlugin, type FakeDns, type TestOptions } from '../../core/plugin/testing/index.ts'
import mfdnscheck from './index.ts'

const dns: FakeDns = {
  'far.example': { MX: [{ exchange: 'mx.far.example', priority: 10 }] }, 'mx.far.example': { A: ['192.0.2.1'] },
  'host.example': { AAAA: ['2001:db8::1'] }, 'null.example': { MX: [{ exchange: '', priority: 0 }] }, 'inside.example': { A: ['127.0.0.1'] },
  'slow.example': 'timeout', 'down.example': 'servfail',
}

/** The reply to this sender at a level; undefined where there is none. */
async function ask(reversePath: string, MFDNSCHECK: string | undefined, options: Partial<TestOptions> = {}): Promise<string | undefined> {
  const { commands: [command], fault } = await testPlugin(mfdnscheck, { hook: 'mail', dns, env: { MFDNSCHECK }, session: { reversePath }, ...options })
  assert.equal(fault, undefined)
  return command?.kind === 'E' ? command.text : undefined
}

it('asks nothing until it is told to', async () => {
  for (const MFDNSCHECK of [undefined, '0']) {
    const { commands, facts } = await testPlugin(mfdnscheck, { hook: 'mail', dns, env: { MFDNSCHECK }, session: { reversePath: 'x@no.example' } })
    assert.deepEqual([commands, facts], [[], []])
  }
})

const MISSING = '550 sorry, there is no domain no.example to answer your message to (#5.1.8)'

it('refuses a domain that does not exist', async () => {
  for (const level of ['', '1', '2', '3']) {
    assert.equal(await ask('x@no.example', level), MISSING)
    assert.equal(await ask('x@[192.0.2]', level), '550 sorry, there is no domain [192.0.2] to answer your message to (#5.1.8)')
    for (const sender of ['x@far.example', 'x@Host.example.', 'a@b@far.example', 'x@[192.0.2.1]', 'x@[IPv6:2001:db8::1]']) assert.equal(await ask(sender, level), undefined, sender)
  }
})

it('refuses a domain that takes no mail', async () => {
  assert.equal(await ask('x@null.example', '1'), '550 sorry, null.example takes no mail, so your message could not be answered (#5.7.27)')
})

it('refuses what nobody can reach, from level 2 on', async () => {
  for (const domain of ['inside.example', '[127.0.0.1]', '[IPv6:fe80::1]']) {
    assert.equal(await ask(`x@${domain}`, '1'), undefined)
    for (const level of ['2', '3']) assert.equal(await ask(`x@${domain}`, level), `550 sorry, no mail from here can reach ${domain} to answer your message (#5.1.8)`)
  }
})

it('asks to come back when nobody knows, at level 3', async () => {
  for (const domain of ['slow.example', 'down.example']) {
    for (const level of ['1', '2']) assert.equal(await ask(`x@${domain}`, level), undefined)
    assert.equal(await ask(`x@${domain}`, '3'), `451 sorry, I cannot look up ${domain} now (#4.4.3)`)
  }
})

it('leaves the null sender, an address without a domain, relay clients and authenticated users alone', async () => {
  for (const sender of ['', 'joe']) assert.equal(await ask(sender, '3'), undefined)
  for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
    assert.equal(await ask('', '3', { session: { reversePath: 'x@no.example', ...session } }), undefined)
  }
})

it('makes a reply of any sender', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (domain) => {
    assert.match(await ask(`x@${domain}`, '3') ?? '550 x', /^550 [ -~]{1,300}$/)
  }))
})
