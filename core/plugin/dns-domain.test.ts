import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostAddress, mailDomain } from './index.ts'
import { fakeWorld, type FakeDns } from './testing/index.ts'

const mx = (...hosts: readonly string[]) => ({ MX: hosts.map((exchange, priority) => ({ exchange, priority })) })
const dns: FakeDns = {
  'far.example': mx('mx.far.example'), 'mx.far.example': { A: ['192.0.2.1'] },
  'host.example': { A: ['192.0.2.1'] }, 'six.example': { AAAA: ['2001:db8::1'] }, 'empty.example': { TXT: ['x'] },
  'null.example': mx(''), 'odd.example': mx('', 'mx.far.example'),
  'loop.example': mx('localhost.example'), 'localhost.example': { A: ['127.0.0.1'] }, 'inside.example': { A: ['10.0.0.1'], AAAA: ['fd00::1'] },
  'second.example': mx('localhost.example', 'gone.example', 'six.example'), 'gone-mx.example': mx('gone.example'),
  'slow.example': 'timeout', 'half.example': { A: 'timeout', AAAA: ['2001:db8::1'] }, 'halfway.example': { A: ['10.0.0.1'], AAAA: 'servfail' },
  'slow-mx.example': mx('slow.example'), 'slow-and-good.example': mx('slow.example', 'mx.far.example'), 'slow-and-bad.example': mx('inside.example', 'slow.example'),
}
const ask = async (domain: string, reach = false) => (await mailDomain(fakeWorld({ dns }).world.dns, domain, reach)).kind

test('a domain exists when it has exchangers or addresses', async () => {
  for (const domain of ['far.example', 'host.example', 'six.example', 'odd.example', 'loop.example', 'inside.example', 'gone-mx.example', 'half.example', 'slow-mx.example']) {
    assert.equal(await ask(domain), 'exists', domain)
  }
  for (const domain of ['no.example', 'empty.example', 'a..b', '', 'far example']) assert.equal(await ask(domain), 'missing', domain)
  assert.equal(await ask('null.example'), 'null-mx')
  assert.equal(await ask('slow.example'), 'unavailable')
})

test('it can be reached when one of its exchangers can', async () => {
  for (const domain of ['far.example', 'host.example', 'second.example', 'half.example', 'slow-and-good.example']) assert.equal(await ask(domain, true), 'exists', domain)
  for (const domain of ['loop.example', 'inside.example', 'gone-mx.example']) assert.equal(await ask(domain, true), 'unreachable', domain)
  for (const domain of ['slow-mx.example', 'slow-and-bad.example', 'halfway.example']) assert.equal(await ask(domain, true), 'unavailable', domain)
})

test('ten exchangers count, those that come first', async () => {
  const { world, facts } = fakeWorld({ dns: { 'many.example': mx(...Array.from({ length: 300 }, (_, index) => `${index}.example`)) } })
  assert.equal((await mailDomain(world.dns, 'many.example', true)).kind, 'unreachable')
  assert.equal(facts.length, 1 + 2 * 10)
})

test('a host has addresses of its own', async () => {
  const host = async (name: string, reach = false) => (await hostAddress(fakeWorld({ dns }).world.dns, name, reach)).kind
  assert.deepEqual([await host('host.example'), await host('far.example'), await host('slow.example')], ['exists', 'missing', 'unavailable'])
  assert.deepEqual([await host('localhost.example'), await host('localhost.example', true)], ['exists', 'unreachable'])
})

test('a literal is an address, and nothing is asked', async () => {
  const { world, facts } = fakeWorld({ dns })
  const kinds = async (name: string) => [(await mailDomain(world.dns, name, false)).kind, (await hostAddress(world.dns, name, true)).kind]
  assert.deepEqual(await kinds('[192.0.2.1]'), ['exists', 'exists'])
  assert.deepEqual(await kinds('[IPv6:2001:DB8::1]'), ['exists', 'exists'])
  assert.deepEqual(await kinds('[10.0.0.1]'), ['exists', 'unreachable'])
  assert.deepEqual(await kinds('[IPv6:::1]'), ['exists', 'unreachable'])
  for (const name of ['[', '[]', '[192.0.2]', '[192.0.2.1', '[IPv6:x::1]', '[IPv6:1:2]', '[2001:db8::1]', '[far.example]']) assert.deepEqual(await kinds(name), ['missing', 'missing'], name)
  assert.deepEqual(facts, [])
})
