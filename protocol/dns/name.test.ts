import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseIPv6 } from '../qmail/ip.ts'
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

test('whatever is asked for fits a question, and reading it again changes nothing', () => {
  const text = fc.oneof(fc.domain(), fc.string({ unit: 'binary', maxLength: 300 }), fc.array(fc.string({ minLength: 1, maxLength: 70 }), { maxLength: 8 }).map((labels) => labels.join('.')))
  fc.assert(fc.property(text, (given) => {
    const name = questionName(given)
    if (name === undefined) return
    assert.equal(questionName(name), name)
    assert.equal(questionName(`${name.toUpperCase()}.`), name)
    // RFC 1035 section 2.3.4, with a byte for each label's length and one for the root.
    const labels = name.split('.')
    assert.ok(labels.every((label) => label.length >= 1 && label.length <= 63) && labels.reduce((sum, label) => sum + label.length + 1, 1) <= 255)
    assert.match(name, /^[ -~]+$/)
  }))
})

test('a reversed address is that address, read backwards', () => {
  fc.assert(fc.property(fc.ipV4(), (ip) => assert.equal(reversedAddress(ip), ip.split('.').toReversed().join('.'))))
  fc.assert(fc.property(fc.ipV6(), (ip) => {
    const labels = reversedAddress(ip)!.split('.')
    assert.equal(labels.length, 32)
    assert.equal(BigInt(`0x${labels.toReversed().join('')}`), parseIPv6(ip))
  }))
})
