import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Controller, Utf8Decoder, Utf8Encoder } from './inside-globals.ts'

/** Bytes that are often UTF-8, and often nearly. */
const bytes = fc.array(fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => [...Buffer.from(text)]),
  fc.array(fc.constantFrom(0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xbb, 0xa0, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0xf5, 0xff), { maxLength: 6 }),
)).map((parts) => Uint8Array.from(parts.flat()))

test('it decodes what Node decodes, and refuses what Node refuses', () => {
  fc.assert(fc.property(bytes, fc.boolean(), (input, ignoreBOM) => {
    const theirs = (): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM }).decode(input)
    const ours = (): string => new Utf8Decoder('UTF8', { fatal: true, ignoreBOM }).decode(input)
    let expected: string | undefined
    try {
      expected = theirs()
    } catch {
      assert.throws(ours, TypeError)
    }
    if (expected !== undefined) assert.equal(ours(), expected)
    assert.equal(new Utf8Decoder().decode(input).replaceAll('\ufffd', ''), new TextDecoder().decode(input).replaceAll('\ufffd', ''))
  }))
})

test('it encodes what Node encodes', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 }), (one, two) => {
    for (const text of [one, two, `${one}\udc80${two}`]) assert.deepEqual([...new Utf8Encoder().encode(text)], [...new TextEncoder().encode(text)])
  }))
  assert.throws(() => new Utf8Decoder('shift_jis'), RangeError)
  assert.equal(new Utf8Decoder('latin1').decode(Uint8Array.of(0xe9)), '\u00e9')
})

test('an abort is told once to whoever listens', () => {
  const controller = new Controller()
  const heard: string[] = []
  const gone = (): void => void heard.push('gone')
  controller.signal.addEventListener('abort', () => heard.push('first'))
  controller.signal.addEventListener('abort', gone)
  controller.signal.removeEventListener('abort', gone)
  controller.signal.throwIfAborted()
  controller.abort(new Error('left'))
  controller.abort(new Error('again'))
  assert.deepEqual(heard, ['first'])
  assert.throws(() => controller.signal.throwIfAborted(), /left/)
})
