import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_LIMITS } from '../../config/limits.ts'
import { Connections, startingLimits } from './limits.ts'

test('a network has so many connections, and another its own', () => {
  const connections = new Connections()
  const limits = { ...DEFAULT_LIMITS, connections: 2 }
  const first = connections.take('2001:db8::1', limits)
  assert.ok(typeof first === 'function' && typeof connections.take('2001:db8::2', limits) === 'function')
  assert.equal(connections.take('2001:db8::3', limits), 'network', 'a customer has a /64 at least')
  assert.equal(typeof connections.take('2001:db8:0:1::1', limits), 'function')
  first()
  first()
  assert.equal(typeof connections.take('2001:db8::3', limits), 'function', 'one has left')
  assert.equal(connections.take('2001:db8::4', limits), 'network', 'and has left once only')
})

test('the server has so many in all, and more for whom more is said', () => {
  const connections = new Connections()
  const limits = { ...DEFAULT_LIMITS, allConnections: 2 }
  const releases = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((ip) => connections.take(ip, limits))
  assert.deepEqual(releases.map((release) => typeof release === 'function' || release), [true, true, 'server'])
  const third = connections.take('192.0.2.3', { ...limits, allConnections: 3 })
  assert.ok(typeof third === 'function')
  third()
  third()
  assert.equal(connections.take('192.0.2.4', limits), 'server', 'a refused one was not counted, and one that has left is not two')
})

test('who may relay, and this machine, has no limit of its own accord', () => {
  assert.equal(startingLimits(DEFAULT_LIMITS, '192.0.2.1', { PATH: '' }).connections, 50)
  assert.equal(startingLimits(DEFAULT_LIMITS, '192.0.2.1', { RELAYCLIENT: '' }).connections, 0)
  assert.equal(startingLimits(DEFAULT_LIMITS, '127.0.0.1', {}).connections, 0)
})

test('property: nothing is left when everybody has gone', () => {
  fc.assert(fc.property(fc.array(fc.record({ ip: fc.constantFrom('10.0.0.1', '10.0.0.2', '::1', 'x'), limit: fc.nat(4), all: fc.nat(8) })), (clients) => {
    const connections = new Connections()
    const releases = clients.map(({ ip, limit, all }) => connections.take(ip, { ...DEFAULT_LIMITS, connections: limit, allConnections: all }))
    for (const release of releases) if (typeof release === 'function') release()
    assert.equal(connections.size, 0)
  }))
})
