import assert from 'node:assert/strict'
import { test } from 'node:test'
import { questionName, reversedAddress, reverseName } from './name.ts'

test('a name is compared without case and without the dot at its end', () => {
  assert.equal(questionName('MX.Far.Example.'), 'mx.far.example')
  assert.equal(questionName('_dmarc.x'), '_dmarc.x')
  assert.equal(questionName("o'neil!#.x"), "o'neil!#.x")
  assert.equal(questionName('a b.x'), 'a b.x')
})

test('what cannot stand in a question is none', () => {
  const label = 'a'.repeat(63)
  assert.equal(questionName(`${label}.${label}.${label}.${'a'.repeat(61)}`)?.length, 253)
  for (const text of [
    '', '.', 'a..b', '.a', 'a..', `${label}a.x`, `${label}.${label}.${label}.${'a'.repeat(62)}`, 'a\0b', 'a\nb', 'a\\.b', 'é.x', 'x\u{7f}',
  ]) assert.equal(questionName(text), undefined, JSON.stringify(text))
})

test('addresses stand backwards in zones', () => {
  assert.equal(reversedAddress('192.0.2.1'), '1.2.0.192')
  assert.equal(reverseName('192.0.2.1'), '1.2.0.192.in-addr.arpa')
  // RFC 3596 section 2.5.
  assert.equal(reverseName('4321:0:1:2:3:4:567:89ab'), 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa')
  assert.equal(reverseName('::1'), `1.${'0.'.repeat(31)}ip6.arpa`)
  for (const text of ['', 'x', '1.2.3', '1.2.3.256', ':::', '[::1]']) assert.equal(reverseName(text), undefined, text)
})
