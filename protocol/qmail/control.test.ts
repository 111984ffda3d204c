import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLine, readList, readNumber } from './control.ts'

test('the line reader takes the first line without trailing blanks and knows no comments', () => {
  assert.equal(readLine('mail.example.org \t\nsecond\n', 'x'), 'mail.example.org')
  assert.equal(readLine('#literal\n', 'x'), '#literal')
  assert.equal(readLine(' lead', 'x'), ' lead')
  assert.equal(readLine(undefined, 'x'), 'x')
  assert.equal(readLine('', 'x'), '')
  assert.equal(readLine('\nsecond', 'x'), '')
  assert.equal(readLine('name\r\n', 'x'), 'name\r')
})

test('the number reader takes leading digits, else the default stays', () => {
  assert.equal(readNumber('1200\nremarks', 1), 1200)
  assert.equal(readNumber('50M', 1), 50)
  assert.equal(readNumber('-5', 7), 7)
  assert.equal(readNumber(' 5', 7), 7)
  assert.equal(readNumber('', 7), 7)
  assert.equal(readNumber(undefined, 7), 7)
  assert.equal(readNumber('9'.repeat(400), 7), Number.MAX_SAFE_INTEGER)
})

test('the list reader keeps line numbers and leading blanks, and drops empty lines and remarks', () => {
  assert.deepEqual(readList('a \n\n#b\n c\n \t\nd#e\0f'), [
    { text: 'a', line: 1 }, { text: ' c', line: 4 }, { text: 'd#e', line: 6 }, { text: 'f', line: 6 },
  ])
  assert.deepEqual(readList(undefined), [])
})

test('readers never throw, and entries are never empty nor end in a blank', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '#', ' ', '\t', '\n', '\0', '\r', '1', '\udc80') }), (content) => {
    readLine(content, '')
    assert.ok(Number.isSafeInteger(readNumber(content, 0)))
    for (const { text, line } of readList(content)) {
      assert.match(text, /[^ \t\n]|^[ \t]+$/)
      assert.ok(line >= 1 && line <= content.split('\n').length)
    }
  }))
})

test('a megabyte of blanks is read in linear time', () => {
  assert.deepEqual(readList(`${' \t'.repeat(500_000)}x`).length, 1)
})
