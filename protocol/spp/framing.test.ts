import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, textOf } from '../text.ts'
import { AnswerReader, HelloReader, printRequest, type AnswerStep, type HelloStep } from './framing.ts'
import { SECTIONS, type Section } from './list.ts'
import { parseOutput } from './output.ts'

/** As a program reads a request: the reverse of `printRequest`. Also says what came behind it. */
function parseRequest(bytes: Buffer): { readonly hook: string; readonly pairs: readonly string[]; readonly rest: Buffer } {
  const lines: Buffer[] = []
  for (let start = 0; ;) {
    const lf = bytes.indexOf(10, start)
    assert.notEqual(lf, -1, 'a line without an end')
    const line = bytes.subarray(start, lf)
    start = lf + 1
    if (line.length > 0) lines.push(line)
    else {
      const [hook, ...pairs] = lines.map(unescape)
      return { hook: hook!, pairs, rest: bytes.subarray(start) }
    }
  }
}

function unescape(line: Buffer): string {
  const plain = line.toString('latin1').replace(/\\(.)/g, (_, byte: string) => PLAIN[byte] ?? '?')
  return textOf(Buffer.from(plain, 'latin1'))
}

const PLAIN: Readonly<Record<string, string>> = { '\\': '\\', r: '\r', n: '\n' }

test('a request', () => {
  assert.equal(
    printRequest('rcpt', ['SMTPRCPTTO=a=b@x', 'EMPTY=', 'X=back\\slash\r\n', 'odd\nname=.']).toString('latin1'),
    'rcpt\nSMTPRCPTTO=a=b@x\nEMPTY=\nX=back\\\\slash\\r\\n\nodd\\nname=.\n\n',
  )
  assert.deepEqual([...printRequest('connection', ['X=\udce9é'])], [...Buffer.from('connection\nX=\xe9\xc3\xa9\n\n', 'latin1')])
  assert.equal(printRequest('helo', []).toString(), 'helo\n\n')
})

/** Bytes of a value or name, line ends and backslashes often among them. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.constantFrom(10, 13, 92, 110, 114, 46, 61), { maxLength: 20 }).map((list) => Uint8Array.from(list)),
).map((list) => textOf(list.map((byte) => (byte === 0 ? 1 : byte))))
const pair = fc.tuple(bytes.filter((name) => name !== '' && !name.includes('=')), bytes).map((parts) => parts.join('='))
const request = fc.record({ hook: fc.constantFrom(...SECTIONS), pairs: fc.array(pair, { maxLength: 8 }) })

test('what is printed is read as it was, and requests can follow one another', () => {
  fc.assert(fc.property(request, request, (first, second) => {
    const wire = Buffer.concat([printRequest(first.hook, first.pairs), printRequest(second.hook, second.pairs)])
    const { rest, ...read } = parseRequest(wire)
    assert.deepEqual(read, { ...first })
    const again = parseRequest(rest)
    assert.deepEqual({ hook: again.hook as Section, pairs: again.pairs }, { ...second })
    assert.equal(again.rest.length, 0)
  }))
})

/** Cuts bytes at these places (modulo their length), and feeds the pieces until the reader has an end. */
function feed<Step extends { readonly kind: string }>(
  reader: { read(chunk: Uint8Array): Step }, all: Buffer, cuts: readonly number[],
): { readonly step: Step | undefined; readonly unread: Buffer } {
  const places = [...new Set(cuts.map((cut) => cut % (all.length + 1)))].sort((a, b) => a - b)
  let start = 0
  let step: Step | undefined
  for (const place of [...places, all.length]) {
    step = reader.read(all.subarray(start, place))
    start = place
    if (step.kind !== 'more') break
  }
  return { step, unread: all.subarray(start) }
}

const anyBytes = fc.uint8Array().map((list) => Buffer.from(list))
const cuts = fc.array(fc.nat(), { maxLength: 10 })
const outputLine = fc.uint8Array({ maxLength: 12 })
  .map((list) => Buffer.from(list.filter((byte) => byte !== 10)))
  .filter((line) => !['.', '.\r'].includes(line.toString('latin1')))
const output = fc.array(outputLine, { maxLength: 6 }).map((lines) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])))

test('an answer is everything before the dot, however it is cut', () => {
  fc.assert(fc.property(output, fc.constantFrom('.\n', '.\r\n'), fc.uint8Array({ maxLength: 5 }), cuts, (said, dot, behind, places) => {
    const { step, unread } = feed<AnswerStep>(new AnswerReader(1000), Buffer.concat([said, Buffer.from(dot), behind]), places)
    assert.equal(step?.kind, 'answer')
    if (step?.kind !== 'answer') return
    assert.deepEqual(Buffer.from(step.output), said)
    assert.deepEqual(Buffer.concat([step.rest, unread]), Buffer.from(behind))
  }))
})

test('no bytes throw, and as many as the limit are kept', () => {
  const dotted = fc.array(fc.constantFrom(10, 13, 46, 65), { maxLength: 30 }).map((list) => Buffer.from(list))
  fc.assert(fc.property(fc.nat({ max: 12 }), fc.oneof(dotted, anyBytes), cuts, (limit, all, places) => {
    const { step } = feed<AnswerStep>(new AnswerReader(limit), all, places)
    const text = `\n${all.toString('latin1')}`
    const dot = /\n\.\r?\n/.exec(text)
    if (dot !== null && dot.index <= limit) assert.equal(step?.kind, 'answer')
    else if (all.length > limit + 2) assert.equal(step?.kind, 'too-long')
    else assert.notEqual(step?.kind, 'answer')
  }), { numRuns: 1000 })
})

test('answers', () => {
  const read = (text: string): AnswerStep => new AnswerReader(100).read(Buffer.from(text))
  const outputOf = (text: string): string | undefined => {
    const step = read(text)
    return step.kind === 'answer' ? Buffer.from(step.output).toString() : undefined
  }
  assert.equal(outputOf('.\n'), '')
  assert.equal(outputOf('E550 no\n.\n'), 'E550 no\n')
  assert.equal(outputOf('\n\nN\n.\r\n'), '\n\nN\n')
  assert.equal(outputOf('P250-.\n..\n. \n .\n.\n'), 'P250-.\n..\n. \n .\n')
  for (const text of ['', '.', 'N', 'N\n', 'N\n.', 'N\n.\r', 'E550 no.\n', '.\r\r\n']) {
    assert.equal(read(text).kind, 'more', JSON.stringify(text))
  }
  const step = read('N\n.\nE550 the next\n')
  assert.equal(step.kind === 'answer' && Buffer.from(step.rest).toString(), 'E550 the next\n')
  assert.deepEqual(parseOutput((step as { output: Uint8Array }).output, { unterminated: 'keep' }).commands, [{ kind: 'N' }])
  assert.equal(read('x'.repeat(103)).kind, 'too-long')
  assert.equal(read(`${'x'.repeat(100)}\n.\n`).kind, 'too-long')
  assert.equal(read(`${'x'.repeat(99)}\n.\n`).kind, 'answer')
})

test('the first line', () => {
  const read = (text: string): HelloStep => new HelloReader().read(bytesOf(text))
  assert.deepEqual(read('spp/2\n'), { kind: 'hello', rest: Buffer.alloc(0) })
  assert.deepEqual(read('spp/2\r\n.\n'), { kind: 'hello', rest: Buffer.from('.\n') })
  assert.deepEqual(read('E550 no\n'), { kind: 'wrong', line: 'E550 no' })
  assert.deepEqual(read('\nspp/2\n'), { kind: 'wrong', line: '' })
  assert.deepEqual(read('spp/2 \n'), { kind: 'wrong', line: 'spp/2 ' })
  assert.deepEqual(read('\udce9\n'), { kind: 'wrong', line: '\udce9' })
  assert.deepEqual(read('x'.repeat(500)), { kind: 'wrong', line: 'x'.repeat(200) })
  assert.deepEqual(read('x'.repeat(200)), { kind: 'more' })
  assert.deepEqual(read('spp/2'), { kind: 'more' })
  const slow = new HelloReader()
  slow.read(Buffer.from('E550'))
  assert.equal(slow.partial, 'E550')
})

test('the first line in any pieces', () => {
  fc.assert(fc.property(fc.oneof(fc.constant(Buffer.from('spp/2\nrest')), anyBytes), cuts, (all, places) => {
    const { step, unread } = feed<HelloStep>(new HelloReader(), all, places)
    const first = /^spp\/2\r?\n/.exec(all.toString('latin1'))?.[0]
    assert.equal(step?.kind === 'hello', first !== undefined)
    if (step?.kind === 'hello') assert.deepEqual(Buffer.concat([step.rest, unread]), all.subarray(first!.length))
    if (step?.kind === 'wrong') assert.ok(step.line.length <= 200)
  }))
})
