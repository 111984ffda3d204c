import assert from 'node:assert/strict'
import { test } from 'node:test'
import { USER } from './kinds.ts'
import { csvRows, jsonLines, type Rows } from './parse.ts'
import { printer, read, type Values } from './record.ts'
import { readVpasswd } from './vpasswd.ts'

/** In parts of so many characters. */
async function* parts(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

/** `line: values`, or `line! reason`. */
async function all(rows: Rows): Promise<readonly string[]> {
  const found: string[] = []
  for await (const row of rows) found.push('reason' in row ? `${row.line}! ${row.reason}` : `${row.line}: ${JSON.stringify(row.values)}`)
  return found
}

const csv = (text: string, size = 7): Promise<readonly string[]> => all(csvRows(parts(text, size)))

test('rows of CSV: quotes, line ends in cells, nothing and an empty text', async () => {
  const text = '\ufeffkind,a,b\r\nuser,1,2\n\nuser,,""\r\nuser,"x ""y"", z","two\r\nlines, ""2"""\nuser,,\nuser,last,'
  const rows = [
    '2: {"kind":"user","a":"1","b":"2"}', '4: {"kind":"user","b":""}', '5: {"kind":"user","a":"x \\"y\\", z","b":"two\\r\\nlines, \\"2\\""}', '7: {"kind":"user"}',
    '8: {"kind":"user","a":"last"}',
  ]
  for (const size of [1, 2, 5, 1000]) assert.deepEqual(await csv(text, size), rows, `parts of ${size}`)
})

test('what is no CSV is said, with its line', async () => {
  assert.deepEqual(await csv('a,b\n1\n1,2\n"x"y,2\n1,"2\n\n'), ['2! 1 cells for 2 columns', '3: {"a":"1","b":"2"}', '4! the quotes of a cell do not fit together', '5! the quotes of a cell do not fit together'])
  assert.deepEqual(await csv('a,A b\n1,2\n'), ['1! "A b" is no name of a column, or stands there twice'])
  assert.deepEqual(await csv('a,a\n1,2\n'), ['1! a is no name of a column, or stands there twice'])
  assert.deepEqual(await csv('a,\n1,2\n'), ['1! a column has no name'])
  assert.deepEqual(await csv('"a\n1,2\n'), ['1! the quotes of a cell do not fit together'])
  assert.deepEqual(await csv(''), [])
})

test('lines of JSON, and what is none', async () => {
  const text = '\ufeff{"a":1}\r\n\n{"a":[1]}\n[1]\nnull\n{"a":\n{"a":null,"__proto__":"x"}'
  assert.deepEqual(await all(jsonLines(parts(text, 3))), [
    '1: {"a":1}', '3! a is a list or an object', '4! this is no object', '5! this is no object', '6! this is no JSON', '7: {"a":null,"__proto__":"x"}',
  ])
})

test('a line of any length costs no more than a bounded memory', async () => {
  const endless = async function* (): AsyncGenerator<string> {
    for (;;) yield 'x'.repeat(65_536)
  }
  assert.deepEqual(await all(jsonLines(endless())), ['1! this row is longer than 1048576 characters'])
  assert.equal((await all(csvRows((async function* () {
    yield 'a\n"'
    yield* endless()
  })()))).length, 1)
})

test('a row that is too long is never read in part, with whatever stands behind it left out', async () => {
  const long = 'x'.repeat(1_100_000)
  const reason = 'this row is longer than 1048576 characters'
  assert.deepEqual(await csv(`a\n${long}\n1\n`, 65_536), [`2! ${reason}`])
  assert.deepEqual(await csv(`a,b\n"1,${long}`, 65_536), [`2! ${reason}`])
  const vpasswd = []
  for await (const each of readVpasswd(parts(`ann:${long}:1:0:::\nbob:x:1:0:::NOQUOTA\n`, 65_536), 'example.org')) vpasswd.push('reason' in each ? each.reason : each)
  assert.deepEqual(vpasswd, [reason])
})

test('a quote that nobody closes costs no more than the row it opens', async () => {
  // Each line is looked at once: all of the row each time would be minutes.
  const lines = (count: number): string => 'a line of a cell\n'.repeat(count)
  assert.deepEqual(await csv(`a\n"${lines(70_000)}"\n`, 65_536), ['2! this row is longer than 1048576 characters'])
  assert.deepEqual(await csv(`a\n"${lines(20_000)}"\n`, 65_536), [`2: ${JSON.stringify({ a: lines(20_000) })}`])
  assert.deepEqual(await csv(`a\n"${'""'.repeat(500_000)}"\n`, 65_536), [`2: ${JSON.stringify({ a: '"'.repeat(500_000) })}`])
})

test('what is printed is read back, whatever is in it', async () => {
  const values: readonly Values[] = [{ login: 'a', password: '' }, { login: 'b,"c"\n\r\n', quota: 5, enabled: false }, { login: ' ', password: '"' }, { login: 'ü😀' }]
  for (const format of ['json', 'csv'] as const) {
    const { head, print } = printer(format, [USER])
    const text = head + values.map((each) => print({ kind: 'user', values: each })).join('')
    const back: Values[] = []
    for await (const each of read(format, parts(text, 4))) if ('record' in each) back.push(each.record.values)
    const asTexts = (each: Values): Values => Object.fromEntries(Object.entries(each).map(([name, value]) => [name, String(value)]))
    assert.deepEqual(back, format === 'json' ? values : values.map(asTexts))
  }
})

test('a list without a kind is one of users; an export of another version is not read', async () => {
  const first = async (text: string): Promise<unknown> => (await read('json', parts(text, 9)).next()).value
  assert.deepEqual(await first('{"login":"a"}\n'), { line: 1, record: { kind: 'user', values: { login: 'a' } } })
  assert.deepEqual(await first('{"kind":"helios","version":1}\n'), { line: 1, head: true })
  assert.match(JSON.stringify(await first('{"kind":"helios","version":2}\n')), /this is version 2 of an export/)
  assert.match(JSON.stringify(await first('{"kind":7}\n')), /the kind is no text/)
})

test('a vpasswd file of vpopmail', async () => {
  const text = 'ann:$1$salt$x:1:0:Ann, Ms:/home/vpopmail/domains/example.org/ann:NOQUOTA\npostmaster:ab:0:4096:P:/p:10485760S,1000C:clear\n\n' +
    'bob:cd:1:26:Bob:/b:20MB\nshort:x:1:0:a:/b\neve:x:1:0:E:/e:much\nodd:x:1:x:O:/o:1S\n'
  const found: string[] = []
  for await (const each of readVpasswd(parts(text, 11), 'example.org')) {
    found.push('record' in each ? `${each.line}: ${Object.values(each.record.values).join(' ')}` : 'reason' in each ? `${each.line}! ${each.reason}` : '')
  }
  assert.deepEqual(found, [
    '1: ann example.org $1$salt$x 0 true', '2: postmaster example.org ab 10485760 true', '4: bob example.org cd 20971520 false',
    '5! this is no line of a vpasswd file', '6! much is no quota', '7! this is no line of a vpasswd file',
  ])
})
