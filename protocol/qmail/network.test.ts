import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { networkOf } from './network.ts'

it('is 24 bits of an IPv4 address', () => {
  assert.deepEqual(['192.0.2.1', '192.0.2.255', '255.255.255.255', '0.0.0.1'].map(networkOf), ['192.0.2.0/24', '192.0.2.0/24', '255.255.255.0/24', '0.0.0.0/24'])
})

it('is 64 bits of an IPv6 address, however it is spelt', () => {
  for (const ip of ['2001:db8:0:1::25', '2001:0DB8::1:0:0:0:25', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::25%eth0']) assert.equal(networkOf(ip), '2001:db8:0:1::/64')
  assert.notEqual(networkOf('2001:db8:0:2::25'), networkOf('2001:db8:0:1::25'))
})

it('is the text itself where that is no address', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    if (!/^[0-9a-fA-F.:]+(%|$)/.test(text)) assert.equal(networkOf(text), text)
  }))
})

it('is one for all addresses that differ in the last bytes only', () => {
  const byte = fc.integer({ min: 0, max: 255 })
  fc.assert(fc.property(byte, byte, byte, byte, byte, (a, b, c, d, e) => {
    assert.equal(networkOf(`${a}.${b}.${c}.${d}`), networkOf(`${a}.${b}.${c}.${e}`))
  }))
})
