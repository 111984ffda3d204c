import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isServerAddress } from './server-address.ts'

test('addresses of name servers, with and without a port', () => {
  for (const text of ['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]', '[2001:db8::53]:65535', '::1']) {
    assert.ok(isServerAddress(text), text)
  }
  for (const text of ['', 'localhost', 'dns.example:53', '192.0.2', '192.0.2.53:', '192.0.2.53:0', '192.0.2.53:65536', '[192.0.2.53]', '[::1', '[::1]:x',
    '192.0.2.53 ', '192.0.2.53:53:53']) assert.ok(!isServerAddress(text), text)
})

test('any address, and no name', () => {
  const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6().map((ip) => `[${ip}]`)), port, (ip, at) => assert.ok(isServerAddress(`${ip}${at === undefined ? '' : `:${at}`}`))))
  fc.assert(fc.property(fc.domain(), port, (name, at) => assert.ok(!isServerAddress(`${name}${at === undefined ? '' : `:${at}`}`))))
})
