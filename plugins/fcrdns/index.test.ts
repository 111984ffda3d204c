import assert from 'node:assert/strict'
import { it } from 'node:test'
import { reverseName } from '../../core/plugin/index.ts'
import { testPlugin, type FakeDns, type TestOptions } from '../../core/plugin/testing/index.ts'
import fcrdns from './index.ts'

const PTR = reverseName('192.0.2.1')!
const confirmed: FakeDns = { [PTR]: { PTR: ['mx.far.example'] }, 'mx.far.example': { A: ['192.0.2.1'] } }
const liar: FakeDns = { [PTR]: { PTR: ['mx.bank.example'] }, 'mx.bank.example': { A: ['198.51.100.1'] } }
const silent: FakeDns = { [PTR]: 'timeout' }

async function ask(dns: FakeDns, FCRDNS: string | undefined, options: Partial<TestOptions> = {}): Promise<string | undefined> {
  const { commands: [command], fault } = await testPlugin(fcrdns, { hook: 'connection', dns, env: { FCRDNS }, ...options })
  assert.equal(fault, undefined)
  return command?.kind === 'E' ? command.text : undefined
}

it('asks nothing until it is told to', async () => {
  for (const FCRDNS of [undefined, '0']) {
    const { commands, facts } = await testPlugin(fcrdns, { hook: 'connection', env: { FCRDNS } })
    assert.deepEqual([commands, facts], [[], []])
  }
})

it('lets through an address whose name leads back to it', async () => {
  for (const level of ['', '1', '2', '3']) assert.equal(await ask(confirmed, level), undefined)
  const six = { client: { ip: '2001:db8::1', port: 1, host: undefined } }
  assert.equal(await ask({ [reverseName('2001:db8::1')!]: { PTR: ['a.example'] }, 'a.example': { AAAA: ['2001:db8:0::1'] } }, '3', { session: six }), undefined)
})

it('refuses an address without a name', async () => {
  for (const level of ['', '1', '2', '3']) assert.equal(await ask({}, level), '550 sorry, your address 192.0.2.1 has no name in DNS (#5.7.25)')
})

it('refuses one whose names do not lead back, from level 2 on', async () => {
  assert.equal(await ask(liar, '1'), undefined)
  for (const level of ['2', '3']) {
    assert.equal(await ask(liar, level), '550 sorry, your address 192.0.2.1 is not the address of mx.bank.example, its name in DNS (#5.7.25)')
  }
})

it('asks to come back when nobody knows, at level 3', async () => {
  for (const dns of [silent, { ...liar, 'mx.bank.example': 'servfail' as const }]) {
    for (const level of ['1', '2']) assert.equal(await ask(dns, level), undefined)
    assert.equal(await ask(dns, '3'), '451 sorry, I cannot look up the name of 192.0.2.1 now (#4.4.3)')
  }
})

it('leaves relay clients and authenticated users alone', async () => {
  for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
    assert.equal(await ask({}, '3', { hook: 'mail', session }), undefined)
  }
})

it('reads its level', () => {
  const read = (text: string) => fcrdns.settings!.FCRDNS.parse(text)
  assert.deepEqual(read(''), { ok: true, value: 1 })
  assert.deepEqual(read('3'), { ok: true, value: 3 })
  for (const text of ['4', '-1', 'yes', '1.5', '01', ' 1']) assert.equal(read(text).ok, false, text)
})
