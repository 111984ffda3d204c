import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inNetworks, isLoopback, networkOf, parseNetwork, printNetworkOf } from './network.ts'

const networks = (...texts: readonly string[]) => texts.map((text) => parseNetwork(text)!)

test('an address is in a network or it is not', () => {
  const ours = networks('10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1')
  for (const ip of ['10.0.0.0', '10.255.255.255', '192.0.2.7', '::ffff:10.1.2.3', '2001:db8::', '2001:DB8:ffff::1', '::1']) assert.ok(inNetworks(ours, ip), ip)
  for (const ip of ['11.0.0.0', '9.255.255.255', '192.0.2.8', '2001:db9::', '::2', '', 'unix', '10.0.0', '::a00:1']) assert.ok(!inNetworks(ours, ip), ip)
  assert.ok(inNetworks(networks('0.0.0.0/0'), '203.0.113.9'))
  assert.ok(!inNetworks(networks('0.0.0.0/0'), '2001:db8::1'), 'all of IPv4 is not all')
  assert.ok(inNetworks(networks('fe80::/10'), 'fe80::1%eth0'))
})

test('what is no network is none', () => {
  for (const text of ['', '10.', '10.0.0.0/33', '10.0.0.1/8', '2001:db8::/129', '2001:db8::1/32', '10.0.0.0/', '10.0.0.0/8 ', 'localhost', '*', '1.2.3.4/0x8']) {
    assert.equal(parseNetwork(text), undefined, text)
  }
})

test('clients of one network have one name', () => {
  assert.equal(networkOf('192.0.2.1', 24, 64), networkOf('192.0.2.254', 24, 64))
  assert.notEqual(networkOf('192.0.2.1', 32, 64), networkOf('192.0.2.2', 32, 64))
  assert.equal(networkOf('2001:db8::1', 32, 64), networkOf('2001:db8:0:0:ffff::2', 32, 64))
  assert.notEqual(networkOf('2001:db8::1', 32, 64), networkOf('2001:db8:0:1::1', 32, 64))
  assert.equal(networkOf('::ffff:192.0.2.1', 32, 64), networkOf('192.0.2.1', 32, 64))
  assert.equal(networkOf('no address', 32, 64), 'no address')
})

test('a network is printed as people write it', () => {
  const printed = (ip: string, bits = 24): string => printNetworkOf(ip, bits, 64)
  assert.deepEqual(['192.0.2.1', '::ffff:255.255.255.255', '2001:db8:0:1:ffff::2', 'no address'].map((ip) => printed(ip)), ['192.0.2.0/24', '255.255.255.0/24', '2001:db8:0:1::/64', 'no address'])
  assert.equal(printed('192.0.2.1', 32), '192.0.2.1')
  assert.equal(printNetworkOf('2001:db8::1', 32, 128), '2001:db8::1')
})

test('loopback', () => {
  for (const ip of ['127.0.0.1', '127.255.0.3', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(ip), ip)
  for (const ip of ['128.0.0.1', '126.255.255.255', '::', '10.0.0.1']) assert.ok(!isLoopback(ip), ip)
})

test('property: an address is in the network cut from it, and not in the one beside it', () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128), (ip, length) => {
    const whole = parseNetwork(ip)!
    const bits = Math.min(length, whole.family === 4 ? 32 : 128)
    const width = BigInt((whole.family === 4 ? 32 : 128) - bits)
    const prefix = BigInt(`0x${whole.prefix}`) >> width
    const network = { ...whole, prefix: prefix.toString(16), bits }
    assert.ok(inNetworks([network], ip))
    if (bits > 0) assert.ok(!inNetworks([{ ...network, prefix: (prefix ^ 1n).toString(16) }], ip))
  }))
})

test('property: any text is read without an exception', () => {
  fc.assert(fc.property(fc.string(), (text) => {
    parseNetwork(text)
    inNetworks(networks('10.0.0.0/8'), text)
    networkOf(text, 32, 64)
    printNetworkOf(text, 32, 64)
  }))
})
