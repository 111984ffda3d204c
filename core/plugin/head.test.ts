import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headWithin } from './head.ts'
import { testMessage } from './testing/index.ts'

test('the header ends before the first empty line, and its bytes and lines are counted up to there', async () => {
  const within = (text: string, bytes: number, lines: number) => headWithin(testMessage(text), { bytes, lines })
  assert.equal(await within('a: b\nc: d\n\nbody\n'.repeat(3), 10, 2), true)
  assert.equal(await within('a: b\nc: d\n\nbody\n', 9, 2), false)
  assert.equal(await within('a: b\nc: d\n\nbody\n', 10, 1), false)
  assert.equal(await within(`\n${'x'.repeat(100)}`, 0, 0), true)
  assert.equal(await within('a: b', 4, 0), true)
  assert.equal(await within('', 0, 0), true)
  assert.equal(await within(`a: ${'x'.repeat(200)}\n\n`, 199, 5), false)
})
