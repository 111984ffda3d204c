import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { DataDecoder } from './data-decoder.ts'

interface Whole {
  readonly content: string
  readonly rest: string | undefined
  readonly bareLf: boolean
  readonly bareCr: boolean
  readonly nul: boolean
  readonly lines: number
  readonly size: number
  readonly hops: number
}

/** Decodes copies of the chunks; latin1 strings, so that failures can be read. */
function decode(chunks: readonly string[], bareLf: 'keep' | 'refuse' = 'keep'): Whole {
  const decoder = new DataDecoder({ bareLf })
  let content = ''
  let rest: string | undefined
  for (const chunk of chunks) {
    const decoded = decoder.decode(Buffer.from(chunk, 'latin1'))
    content += decoded.content.toString('latin1')
    assert.equal(decoded.end, decoded.rest !== undefined)
    if (decoded.rest !== undefined) rest = (rest ?? '') + decoded.rest.toString('latin1')
  }
  const { bareCr, nul, lines, size, hops } = decoder
  return { content, rest, bareLf: decoder.bareLf, bareCr, nul, lines, size, hops }
}

/** The same by the book and slowly: the whole data at once, split at true CRLFs. */
function reference(data: string): Whole {
  const end = data.startsWith('.\r\n') ? 0 : data.indexOf('\r\n.\r\n')
  const found = data.startsWith('.\r\n') || end !== -1
  const own = !found ? data : data.startsWith('.\r\n') ? '' : data.slice(0, end + 2)
  const wireLines = own.split('\r\n').map((line) => (line.startsWith('.') ? line.slice(1) : line))
  let content = wireLines.join('\n')
  // Without an end, what could still be the beginning of one is not content yet.
  if (!found && own.endsWith('\r')) content = content.slice(0, -1)
  const storedLines = content.split('\n')
  const header = storedLines.slice(0, storedLines.slice(0, -1).includes('') ? storedLines.indexOf('') : undefined)
  return {
    content,
    rest: !found ? undefined : data.slice(data.startsWith('.\r\n') ? 3 : end + 5),
    bareLf: wireLines.some((line) => line.includes('\n')),
    bareCr: content.includes('\r'),
    nul: content.includes('\0'),
    lines: storedLines.length - 1,
    size: content.length,
    hops: header.filter((line) => /^(received|delivered)/i.test(line)).length,
  }
}

function split(data: string, places: readonly number[]): string[] {
  const cuts = [...new Set(places.map((place) => place % (data.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...cuts].map((cut, index) => data.slice(cut, cuts[index] ?? data.length))
}

test('an ordinary message', () => {
  assert.deepEqual(decode(['Received: x\r\n\r\nbody\r\n..\r\n.hidden\r\n.\r\nQUIT\r\n']), {
    content: 'Received: x\n\nbody\n.\nhidden\n', rest: 'QUIT\r\n', bareLf: false, bareCr: false, nul: false, lines: 5, size: 27, hops: 1,
  })
})

test('an empty message: the dot is the first line', () => {
  assert.deepEqual(decode(['.\r\n']), { content: '', rest: '', bareLf: false, bareCr: false, nul: false, lines: 0, size: 0, hops: 0 })
})

test('bytes behind the end stay as they are, also in later chunks', () => {
  assert.equal(decode(['a\r\n.\r\n..\r\n', '.\r\nx']).rest, '..\r\n.\r\nx')
})

test('a dot behind a bare LF is neither the end nor stuffed', () => {
  const whole = decode(['a\n.\r\n..\n..b\r\n.\r\n'])
  assert.equal(whole.content, 'a\n.\n.\n..b\n')
  assert.equal(whole.bareLf, true)
  assert.equal(whole.rest, '')
})

test('in refuse, nothing is content from the chunk with the first bare LF on, and the end is still found', () => {
  const whole = decode(['one\r\n', 'two\nthree', '\r\n', 'four\r\n.\r\nNOOP\r\n'], 'refuse')
  assert.equal(whole.content, 'one\n')
  assert.equal(whole.bareLf, true)
  assert.equal(whole.rest, 'NOOP\r\n')
  assert.equal(whole.size, 'one\ntwo\nthree\nfour\n'.length)
})

test('a CR without LF is kept, wherever the chunks are cut', () => {
  for (const data of ['a\rb\r\n.\r\n', '.\rb\r\n.\r\n', '\r\r\n.\r\n', '\r\n.\r\r\n.\r\n', '\r\n.\rx.\r\n.\r\n']) {
    for (let cut = 0; cut <= data.length; cut++) assert.deepEqual(decode(split(data, [cut])), reference(data))
    const whole = decode([...data])
    assert.deepEqual(whole, reference(data))
    assert.equal(whole.bareCr, true)
  }
})

test('any bytes in any chunks decode as the reference says', () => {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('\r', '\n', '.', '\r\n', '\r\n.', '\r\n.\r', '\r\n.\r\n', '\r\n..', '\0', '\r\n\r\n') },
    { weight: 2, arbitrary: fc.constantFrom('Received: x', 'DELIVERED-to', 'receive', 'x') },
    { weight: 1, arbitrary: fc.nat(80).map((length) => 'abc.'.repeat(20).slice(0, length)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
  )
  const data = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))
  fc.assert(fc.property(data, fc.array(fc.nat(2000), { maxLength: 12 }), (wire, places) => {
    assert.deepEqual(decode(split(wire, places)), reference(wire))
  }), { numRuns: 4000 })
  fc.assert(fc.property(data, (wire) => {
    assert.deepEqual(decode([...wire]), reference(wire))
  }), { numRuns: 1000 })
})

interface LookAlike {
  readonly id: string
  readonly bytes_b64: string
  readonly ends_data: boolean
}

const file = new URL('testdata/end-of-data.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly LookAlike[] }

for (const { id, bytes_b64, ends_data } of cases) {
  test(`look-alike of the end of data: ${id}`, () => {
    const bytes = Buffer.from(bytes_b64, 'base64').toString('latin1')
    const tail = 'MAIL FROM:<smuggled@x.example>\r\nDATA\r\nsecond\r\n.\r\nQUIT\r\n'
    const data = `first line${bytes}${tail}`
    const expected = reference(data)
    // The rest tells where the message ended: at the look-alike, or at the true end far behind it.
    assert.equal(expected.rest, ends_data ? tail : 'QUIT\r\n')
    assert.deepEqual(decode([data]), expected)
    assert.deepEqual(decode([...data]), expected)
    for (let cut = 0; cut <= data.length; cut++) assert.deepEqual(decode(split(data, [cut])), expected)
  })
}
