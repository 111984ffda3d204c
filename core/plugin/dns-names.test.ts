import assert from 'node:assert/strict'
import { test } from 'node:test'
import { confirmedNames, reverseName } from './index.ts'
import { fakeWorld, type FakeDns } from './testing/index.ts'

const ask = (ip: string, dns: FakeDns) => confirmedNames(fakeWorld({ dns }).world.dns, ip)
const reverse = reverseName('192.0.2.1')!

test('a name counts once it leads back', async () => {
  const dns: FakeDns = {
    [reverse]: { PTR: ['liar.example', 'mx.far.example', 'gone.example'] },
    'mx.far.example': { A: ['192.0.2.9', '192.0.2.1'] }, 'liar.example': { A: ['198.51.100.1'] },
  }
  assert.deepEqual(await ask('192.0.2.1', dns), { kind: 'confirmed', names: ['mx.far.example'] })
  assert.deepEqual(await ask('192.0.2.1', { ...dns, 'mx.far.example': {} }),
    { kind: 'unconfirmed', names: ['liar.example', 'mx.far.example', 'gone.example'] })
})

test('IPv6 addresses are compared as numbers', async () => {
  const dns: FakeDns = { [reverseName('2001:db8::1')!]: { PTR: ['mx.far.example'] }, 'mx.far.example': { AAAA: ['2001:DB8:0::1'], A: ['192.0.2.1'] } }
  assert.deepEqual(await ask('2001:db8::1', dns), { kind: 'confirmed', names: ['mx.far.example'] })
})

test('no name, and names that are none', async () => {
  assert.deepEqual(await ask('192.0.2.1', {}), { kind: 'nameless' })
  assert.deepEqual(await ask('192.0.2.1', { [reverse]: { PTR: ['a\\046b', 'x y', ''] } }), { kind: 'nameless' })
  assert.deepEqual(await ask('no address', {}), { kind: 'nameless' })
})

test('who does not answer is neither', async () => {
  const reason = 'no reply in 5 s'
  assert.deepEqual(await ask('192.0.2.1', { [reverse]: 'timeout' }), { kind: 'unavailable', reason })
  const dns: FakeDns = { [reverse]: { PTR: ['a.example', 'b.example'] }, 'a.example': 'timeout' }
  assert.deepEqual(await ask('192.0.2.1', dns), { kind: 'unavailable', reason })
  assert.deepEqual(await ask('192.0.2.1', { ...dns, 'b.example': { A: ['192.0.2.1'] } }), { kind: 'confirmed', names: ['b.example'] })
})

test('ten names and no more', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `${index}.example`)
  const { world, facts } = fakeWorld({ dns: { [reverse]: { PTR: names } } })
  assert.deepEqual(await confirmedNames(world.dns, '192.0.2.1'), { kind: 'unconfirmed', names: names.slice(0, 10) })
  assert.equal(facts.length, 11)
})
