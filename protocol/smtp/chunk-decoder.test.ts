import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ChunkDecoder } from './chunk-decoder.ts'

function decoded(...pieces: readonly string[]): [string, boolean] {
  const decoder = new ChunkDecoder()
  const content = pieces.map((piece) => decoder.decode(Buffer.from(piece, 'latin1')).toString('latin1'))
  return [[...content, decoder.end().toString('latin1')].join(''), decoder.bareLf]
}

test('line ends', () => {
  assert.deepEqual(decoded('a\r\n\r\n.\r\nb\r\n'), ['a\n\n.\nb\n', false])
  assert.deepEqual(decoded('a\r', '\nb\r\n'), ['a\nb\n', false])
  assert.deepEqual(decoded('\r', 'b\r\n'), ['\rb\n', false])
  assert.deepEqual(decoded('a\r\r\nb\rc\0\r\n'), ['a\r\nb\rc\0\n', false])
  assert.deepEqual(decoded(''), ['', false])
})

test('a line that was left open is closed', () => {
  assert.deepEqual(decoded('a'), ['a\n', false])
  assert.deepEqual(decoded('a\r'), ['a\r\n', false])
  assert.deepEqual(decoded('a', 'b', ''), ['ab\n', false])
})

test('a bare LF is noticed wherever it stands', () => {
  for (const pieces of [['\n'], ['a\n'], ['a\r\n\n'], ['a\r\n', '\n'], ['a', '\n'], ['\r\na\n\r\n']]) assert.ok(decoded(...pieces)[1], JSON.stringify(pieces))
})

test('hops and the bytes of the header', () => {
  const decoder = new ChunkDecoder()
  for (const byte of 'Received: a\r\nX: b\r\ndelivered-to: c\r\n\r\nReceived: d\r\n') decoder.decode(Buffer.from(byte))
  assert.deepEqual([decoder.hops, decoder.headerBytes], [2, 'Received: a\nX: b\ndelivered-to: c\n\n'.length])
})

test('property: however it is cut, CRLF is a line end and every other byte stays', () => {
  const text = fc.array(fc.constantFrom('\r\n', '\r', '\n', 'a', '.', 'Received:', '\0'), { maxLength: 12 }).map((parts) => parts.join(''))
  fc.assert(fc.property(text, fc.array(fc.nat(12)), (whole, cuts) => {
    const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length]
    const pieces = places.slice(1).map((to, index) => whole.slice(places[index], to))
    const wanted = whole.replaceAll('\r\n', '\n')
    const closed = wanted === '' || wanted.endsWith('\n') ? wanted : `${wanted}\n`
    assert.deepEqual(decoded(...pieces), [closed, /(?:^|[^\r])\n/.test(whole)])
  }))
})
