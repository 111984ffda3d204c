import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeResolver } from './resolver.ts'
import { fakeWorld } from './testing/index.ts'

test('the world answers in the shape of node:dns, and fails with its codes', async () => {
  const mx = [{ priority: 10, exchange: 'mx.far.example' }]
  const resolve = nodeResolver(fakeWorld({ dns: { 'far.example': { A: ['192.0.2.1'], TXT: ['a', 'b'], MX: mx }, 'slow.example': 'timeout' } }).world.dns)
  assert.deepEqual(await resolve('far.example', 'A'), ['192.0.2.1'])
  assert.deepEqual(await resolve('far.example', 'TXT'), [['a'], ['b']])
  assert.deepEqual(await resolve('far.example', 'mx'), mx)
  await assert.rejects(resolve('far.example', 'AAAA'), { code: 'ENODATA' })
  await assert.rejects(resolve('gone.example', 'A'), { code: 'ENOTFOUND' })
  await assert.rejects(resolve('slow.example', 'A'), { code: 'ESERVFAIL', message: 'no reply in 5 s' })
  await assert.rejects(resolve('far.example', 'TLSA'), { code: 'ESERVFAIL' })
})
