import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiLower, byteLength, bytesOf, textOf } from './text.ts'

test('bytes survive the way to text and back', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const text = textOf(bytes)
    assert.deepEqual(bytesOf(text), Buffer.from(bytes))
    assert.equal(byteLength(text), bytes.length)
    assert.deepEqual(bytesOf(JSON.parse(JSON.stringify(text)) as string), Buffer.from(bytes))
  }), { numRuns: 2000 })
})

test('well-formed UTF-8 becomes its characters, other bytes lone surrogates', () => {
  assert.equal(textOf(Buffer.from('jörg 😀')), 'jörg 😀')
  assert.equal(textOf(Buffer.from([0x61, 0xe9, 0x62])), 'a\udce9b')
  assert.equal(textOf(Buffer.from([0xed, 0xa0, 0x80])), '\udced\udca0\udc80')
  assert.equal(textOf(Buffer.from([0xef, 0xbb, 0xbf, 0x41])), '\ufeffA')
  assert.deepEqual(bytesOf('x😀\udce9'), Buffer.from([0x78, 0xf0, 0x9f, 0x98, 0x80, 0xe9]))
})

test('lower case touches ASCII letters only', () => {
  assert.equal(asciiLower('ABC-Ä.İ'), 'abc-Ä.İ')
})
