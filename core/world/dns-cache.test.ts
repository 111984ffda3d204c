import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsCache } from './dns-cache.ts'
import type { AnyAnswer } from './dns-query.ts'

const address = (ttl?: number): AnyAnswer => ({ kind: 'answer', records: ['192.0.2.1'], ...(ttl === undefined ? {} : { ttl }) })
const NONE: AnyAnswer = { kind: 'none', nxdomain: true }
const FAILED: AnyAnswer = { kind: 'unavailable', reason: 'x' }

function cacheAt(limit = 10_000) {
  let now = 0
  const cache = new DnsCache(limit, () => now)
  return { cache, after: (seconds: number) => { now += seconds * 1000 } }
}

test('a reply is kept for its time, and tells what is left of it', () => {
  const { cache, after } = cacheAt()
  cache.set('A x', address(30))
  after(10)
  assert.deepEqual(cache.get('A x'), address(20))
  after(20)
  assert.equal(cache.get('A x'), undefined)
})

test('what says no time of its own is kept for a minute, a failure for seconds, nothing for more than an hour', () => {
  const { cache, after } = cacheAt()
  cache.set('TXT x', address())
  cache.set('A none', NONE)
  cache.set('A failed', FAILED)
  cache.set('A long', address(1e9))
  cache.set('A never', address(0))
  assert.equal(cache.get('A never'), undefined)
  after(4)
  assert.deepEqual(cache.get('A failed'), FAILED)
  after(2)
  assert.equal(cache.get('A failed'), undefined)
  after(53)
  assert.deepEqual(cache.get('TXT x'), address())
  assert.deepEqual(cache.get('A none'), NONE)
  after(1)
  assert.equal(cache.get('TXT x'), undefined)
  assert.equal(cache.get('A none'), undefined)
  after(3539)
  assert.deepEqual(cache.get('A long'), address(1))
  after(1)
  assert.equal(cache.get('A long'), undefined)
})

test('what was asked for longest ago makes room', () => {
  const { cache } = cacheAt(1200)
  for (const key of ['A a', 'A b', 'A c']) cache.set(key, address(60))
  cache.get('A a')
  cache.set('A d', address(60))
  assert.deepEqual(['A a', 'A b', 'A c', 'A d'].map((key) => cache.get(key) !== undefined), [true, false, true, true])
  cache.set('TXT e', { kind: 'answer', records: ['x'.repeat(600)] })
  assert.equal(cache.get('TXT e'), undefined, 'larger than everything')
  assert.notEqual(cache.get('A d'), undefined)
})

test('no memory, nothing kept', () => {
  const { cache } = cacheAt(0)
  cache.set('A a', address(60))
  assert.equal(cache.get('A a'), undefined)
})
