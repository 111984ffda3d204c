import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseIPv4, parseIPv6, unmapIPv4 } from './ip.ts'

test('IPv6 in its spellings', () => {
  assert.equal(parseIPv6('::'), 0n)
  assert.equal(parseIPv6('::1'), 1n)
  assert.equal(parseIPv6('2001:DB8::1'), 0x20010db8000000000000000000000001n)
  assert.equal(parseIPv6('1:2:3:4:5:6:7:8'), 0x00010002000300040005000600070008n)
  assert.equal(parseIPv6('::ffff:192.0.2.1'), 0xffffc0000201n)
  for (const bad of ['', ':', ':::', '1', '1::2::3', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7', 'g::', '12345::', '::1.2.3', '::1.2.3.4.5',
    '::256.1.1.1', '1.2.3.4']) {
    assert.equal(parseIPv6(bad), undefined, bad)
  }
})

test('agrees with the runtime on what is an IPv6 address', () => {
  const text = fc.oneof(fc.ipV6(), fc.string({ unit: fc.constantFrom('1', 'f', ':', '.', '::', '25', '0.0.0.1') }))
  fc.assert(fc.property(text, (address) => assert.equal(parseIPv6(address) !== undefined, isIPv6(address))), { numRuns: 2000 })
})

test('IPv4 and the IPv4 inside IPv6', () => {
  assert.equal(parseIPv4('255.255.255.255'), 0xffffffff)
  assert.equal(parseIPv4('1.2.3'), undefined)
  assert.equal(parseIPv4('1.2.3.256'), undefined)
  assert.equal(unmapIPv4('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(unmapIPv4('::FFFF:c000:201'), '192.0.2.1')
  assert.equal(unmapIPv4('::1'), '::1')
  assert.equal(unmapIPv4('10.0.0.1'), '10.0.0.1')
})
