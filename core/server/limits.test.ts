import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_LIMITS } from '../../config/limits.ts'
import { Connections, startingLimits } from './limits.ts'

test('a network has so many connections, and another its own', () => {
  const connections = new Connections()
  const limits = { ...DEFAULT_LIMITS, connections: 2 }
  const first = connections.take('2001:db8::1', limits)
  assert.ok(first !== undefined && connections.take('2001:db8::2', limits) !== undefined)
  assert.equal(connections.take('2001:db8::3', limits), undefined, 'a customer has a /64 at least')
  assert.ok(connections.take('2001:db8:0:1::1', limits))
  first()
  first()
  assert.ok(connections.take('2001:db8::3', limits), 'one has left')
  assert.equal(connections.take('2001:db8::4', limits), undefined, 'and has left once only')
})

test('who may relay, and this machine, has no limit of its own accord', () => {
  assert.equal(startingLimits(DEFAULT_LIMITS, '192.0.2.1', { PATH: '' }).connections, 50)
  assert.equal(startingLimits(DEFAULT_LIMITS, '192.0.2.1', { RELAYCLIENT: '' }).connections, 0)
  assert.equal(startingLimits(DEFAULT_LIMITS, '127.0.0.1', {}).connections, 0)
})

test('property: nothing is left when everybody has gone', () => {
  fc.assert(fc.property(fc.array(fc.record({ ip: fc.constantFrom('10.0.0.1', '10.0.0.2', '::1', 'x'), limit: fc.nat(4) })), (clients) => {
    const connections = new Connections()
    const releases = clients.map(({ ip, limit }) => connections.take(ip, { ...DEFAULT_LIMITS, connections: limit }))
    for (const release of releases) release?.()
    assert.equal(connections.size, 0)
  }))
})
