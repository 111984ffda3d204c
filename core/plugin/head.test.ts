import assert from 'node:assert/strict'
import { test } from 'node:test'
import { headWithin, linesWithin, LineTooLong } from './head.ts'
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

test('a line may be so long and no longer, however it is cut into chunks', async () => {
  const read = async (...texts: readonly string[]): Promise<string> => {
    async function* content(): AsyncGenerator<Uint8Array> {
      for (const text of texts) yield Buffer.from(text)
    }
    let got = ''
    for await (const chunk of linesWithin(content(), 5)) got += Buffer.from(chunk).toString()
    return got
  }
  assert.equal(await read('12345\n123', '45\n\n', '12345'), '12345\n12345\n\n12345')
  for (const texts of [['123456\n'], ['123', '456'], ['1\n12345', '6\n'], ['\n12345', '', '6']]) await assert.rejects(read(...texts), LineTooLong, texts.join('|'))
})
