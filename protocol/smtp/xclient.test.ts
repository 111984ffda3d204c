import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseXclient } from './xclient.ts'
import { decodeXtext } from './xtext.ts'

test('what a proxy says', () => {
  assert.deepEqual(parseXclient('NAME=mail.example.net ADDR=192.0.2.7 PORT=4711 PROTO=ESMTP HELO=mail+2Bx LOGIN=ann+40example.org'), {
    name: 'mail.example.net', address: '192.0.2.7', port: 4711, extended: true, helo: 'mail+x', login: 'ann@example.org',
  })
  assert.deepEqual(parseXclient('addr=ipv6:2001:DB8::1  destaddr=198.51.100.9 destport=25'), {
    address: '2001:db8::1', destinationAddress: '198.51.100.9', destinationPort: 25,
  })
  assert.deepEqual(parseXclient('NAME=[UNAVAILABLE] HELO=[tempunavail] ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE] LOGIN=[UNAVAILABLE]'), {
    name: null, helo: null, login: null,
  })
})

test('what is wrong is wrong as a whole', () => {
  for (const text of [
    '', ' ', 'ADDR', 'ADDR=', '=x', 'FOO=x', 'ADDR=1.2.3', 'ADDR=1.2.3.04', 'ADDR=::1', 'ADDR=IPV6:1.2.3.4', 'ADDR=192.0.2.7 FOO=1', 'PORT=65536', 'PORT=-1',
    'PROTO=LMTP', 'NAME=a+0D+0Ab', 'NAME=a+20b', 'HELO=a+0Ab', 'LOGIN=a+00', 'HELO=a=b', 'HELO=a+2b', 'HELO=caf\udce9', `HELO=${'x'.repeat(256)}`,
  ]) assert.equal(parseXclient(text), undefined, text)
})

test('xtext', () => {
  assert.equal(decodeXtext('a+2Bb+3D'), 'a+b=')
  for (const text of ['a+', 'a+2', 'a+2b', 'a=b', 'a b', 'é']) assert.equal(decodeXtext(text), undefined, text)
})

test('property: any argument is read without an exception, and nothing unprintable comes out', () => {
  const word = fc.tuple(fc.constantFrom('NAME', 'ADDR', 'PORT', 'HELO', 'LOGIN', 'PROTO'), fc.oneof(fc.string(), fc.constantFrom('+0D', '+0A', '+00', '[UNAVAILABLE]', 'x')))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(word).map((words) => words.map(([name, value]) => `${name}=${value}`).join(' '))), (text) => {
    for (const value of Object.values(parseXclient(text) ?? {})) if (typeof value === 'string') assert.match(value, /^[ -~]+$/)
  }))
})
