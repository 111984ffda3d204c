import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replaceLocalIp } from './literal.ts'

const own = new Set(['127.0.0.1', '2001:db8::1'])
const replace = (address: string): string => replaceLocalIp(address, (ip) => own.has(ip), 'test.example')

test('a literal of ours becomes localiphost', () => {
  assert.equal(replace('u@[127.0.0.1]'), 'u@test.example')
  assert.equal(replace('u@[127.000.0.01]'), 'u@test.example')
  assert.equal(replace('a@b@[127.0.0.1]'), 'a@b@test.example')
  assert.equal(replace('u@[ipv6:2001:DB8::1]'), 'u@test.example')
})

test('everything else stays', () => {
  const others = ['', 'u', 'u@', 'u@[', 'u@[]', 'u@[192.0.2.1]', 'u@[127.0.0.1', 'u@[127.0.0.1]x', 'u@[127.0.0.257]', '[127.0.0.1]']
  for (const address of others) assert.equal(replace(address), address)
})
