import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../text.ts'
import { parseCommandLine } from './command-line.ts'

test('the verb has no case, the argument keeps everything but its leading spaces', () => {
  assert.deepEqual(parseCommandLine('helo x\r'), { verb: 'HELO', argument: 'x' })
  assert.deepEqual(parseCommandLine('HELO   foo  bar '), { verb: 'HELO', argument: 'foo  bar ' })
  assert.deepEqual(parseCommandLine('EHLO'), { verb: 'EHLO', argument: '' })
  assert.deepEqual(parseCommandLine('EHLO \t'), { verb: 'EHLO', argument: '\t' })
})

test('only spaces separate, and one CR is dropped', () => {
  assert.deepEqual(parseCommandLine('MAIL\tFROM:<a>'), { verb: 'MAIL\tFROM:<A>', argument: '' })
  assert.deepEqual(parseCommandLine('NOOP\r\r'), { verb: 'NOOP\r', argument: '' })
  assert.deepEqual(parseCommandLine(' QUIT'), { verb: '', argument: 'QUIT' })
  assert.deepEqual(parseCommandLine(''), { verb: '', argument: '' })
  assert.deepEqual(parseCommandLine('\r'), { verb: '', argument: '' })
})

test('a NUL ends the line', () => {
  assert.deepEqual(parseCommandLine('HELO a\0b\r'), { verb: 'HELO', argument: 'a' })
  assert.deepEqual(parseCommandLine('QUIT\0 now'), { verb: 'QUIT', argument: '' })
})

test('letters beyond ASCII stay as they are', () => {
  assert.equal(parseCommandLine('r\u017fet').verb, 'R\u017fET')
})

test('no bytes make it throw, and no NUL or leading space comes out', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
    const { verb, argument } = parseCommandLine(textOf(bytes))
    assert.ok(!verb.includes(' ') && !argument.startsWith(' '))
    assert.ok(!verb.includes('\0') && !argument.includes('\0'))
  }))
  fc.assert(fc.property(fc.stringMatching(/^[A-Za-z]{1,9}$/), fc.stringMatching(/^([!-~][ -~]*)?$/), (verb, argument) => {
    assert.deepEqual(parseCommandLine(`${verb} ${argument}\r`), { verb: verb.toUpperCase(), argument })
  }))
})
