import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from './public-address.ts'

test('addresses that others can reach, and those that nobody can', () => {
  for (const ip of ['192.0.2.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2001:db8::1', '2a00::1', '::ffff:8.8.8.8']) assert.ok(isPublicAddress(ip), ip)
  for (const ip of [
    '0.0.0.0', '127.0.0.1', '127.255.255.255', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.1.1', '100.64.0.1', '198.19.0.1', '224.0.0.1',
    '255.255.255.255', '::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1',
  ]) assert.ok(!isPublicAddress(ip), ip)
})
