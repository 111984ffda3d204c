import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { DirectorySync } from '../message/directory-sync.ts'
import { nodeFileSystem } from '../message/file-system.ts'
import { appendState, parseState, readState } from './state-file.ts'
import type { RecipientRecord } from './state-file.ts'

const record: fc.Arbitrary<RecipientRecord> = fc.record({
  recipient: fc.nat(), address: fc.string({ unit: 'binary' }), status: fc.constantFrom('done' as const, 'failed' as const),
  text: fc.string(), at: fc.nat(),
})

test('records survive; a torn line costs only itself, and what is appended after it is whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'helios-state-'))
  try {
    const path = join(directory, 'x')
    const directories = new DirectorySync(nodeFileSystem)
    const one: RecipientRecord = { recipient: 0, address: 'a@b', status: 'done', text: 'did\n1', at: 1 }
    const two: RecipientRecord = { recipient: 1, address: 'c\udc80@d', status: 'failed', text: 'no', at: 2 }
    assert.equal(await readState(nodeFileSystem, path), undefined)
    await appendState(nodeFileSystem, directories, path, [one, two])
    assert.deepEqual(await readState(nodeFileSystem, path), [one, two])
    await truncate(path, (await readFile(path)).length - 5)
    assert.deepEqual(await readState(nodeFileSystem, path), [one])
    await appendState(nodeFileSystem, directories, path, [two])
    assert.deepEqual(await readState(nodeFileSystem, path), [one, two])
    await writeFile(path, Buffer.from([0xff, 0, 10, 0x7b]))
    assert.deepEqual(await readState(nodeFileSystem, path), [])
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('property: of a file cut anywhere exactly the whole lines before the cut are read', () => {
  fc.assert(fc.property(fc.array(record), fc.nat(), (records, place) => {
    const lines = records.map((one) => JSON.stringify(one))
    const text = lines.map((line) => `\n${line}\n`).join('')
    const cut = text.slice(0, place % (text.length + 1))
    const whole = cut.split('\n').filter((line) => lines.includes(line))
    assert.deepEqual(parseState(cut), whole.map((line) => JSON.parse(line)))
    parseState(text.slice(place % (text.length + 1)))
  }))
})

test('what is no record is passed over', () => {
  assert.deepEqual(parseState('null\n1\n{}\n[]\n{"recipient":0,"address":"a","status":"lost","text":"","at":1}\n'), [])
})
