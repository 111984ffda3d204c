import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldsOf, HEADER_BYTES, readHeader, splitHeader } from './header.ts'
import { memorySource } from './source.ts'

const header = (text: string) => splitHeader(Buffer.from(text), true)

test('fields keep their folds; blanks before the colon and lines that are no field are seen for what they are', () => {
  const { pieces, length } = header('From x\nSubject: a\n b\n\tc\nTo :d\n: e\nnothing\nX:\n\nbody: no\n')
  assert.deepEqual(fieldsOf(pieces), [
    { name: 'Subject', value: ' a\n b\n\tc' },
    { name: 'To ', value: 'd' },
    { name: 'X', value: '' },
  ])
  assert.equal(length, 'From x\nSubject: a\n b\n\tc\nTo :d\n: e\nnothing\nX:\n'.length)
})

test('a message may have no header, no body, or nothing at all', () => {
  assert.deepEqual(header('\nbody\n'), { pieces: [], length: 0 })
  assert.deepEqual(header(''), { pieces: [], length: 0 })
  assert.equal(header('a: b').length, 4)
  assert.equal(header('a: b\n').length, 5)
})

const line = fc.constantFrom('a: b', 'A:', ' folded', '\tx', 'no field', '', 'é: ü', 'c: d\r', 'x')
const lines = fc.array(line, { maxLength: 12 }).map((all) => all.join('\n'))

test('property: the pieces put together are the header, whatever it holds', () => {
  fc.assert(fc.property(fc.oneof(lines, fc.string({ unit: 'binary' })), fc.boolean(), (text, complete) => {
    const bytes = Buffer.from(text)
    const { pieces, length } = splitHeader(bytes, complete)
    assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.bytes)), bytes.subarray(0, length))
    if (complete) assert.ok(length === bytes.length || bytes[length] === 0x0a)
    for (const { name, value } of fieldsOf(pieces)) assert.ok(text.includes(`${name}:${value}`))
  }))
})

test('of a header without end only the first 256 KiB are read, whole fields only', async () => {
  const field = `X-Long: ${'y'.repeat(90)}\n`
  const { pieces, length } = await readHeader(memorySource(Buffer.from(field.repeat(5000))))
  assert.ok(length <= HEADER_BYTES && length > HEADER_BYTES - 2 * field.length)
  assert.ok(pieces.every((piece) => piece.bytes.length === field.length))
})
