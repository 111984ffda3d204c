import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, textOf } from '../text.ts'
import { openCdb } from './cdb.ts'

/** A cdb of these records, made after the format's description. */
function makeCdb(records: readonly (readonly [string, string])[]): Buffer {
  const chunks: Buffer[] = []
  const tables: [number, number][][] = Array.from({ length: 256 }, () => [])
  let position = 2048
  for (const [key, value] of records) {
    const [k, v] = [bytesOf(key), bytesOf(value)]
    const hash = k.reduce((h, byte) => (((h << 5) + h) ^ byte) >>> 0, 5381)
    tables[hash & 255]!.push([hash, position])
    chunks.push(numbers(k.length, v.length), k, v)
    position += 8 + k.length + v.length
  }
  const header: Buffer[] = []
  for (const table of tables) {
    const slots: (readonly [number, number])[] = Array.from({ length: table.length * 2 }, () => [0, 0] as const)
    for (const entry of table) {
      let slot = (entry[0] >>> 8) % slots.length
      while (slots[slot]![1] !== 0) slot = (slot + 1) % slots.length
      slots[slot] = entry
    }
    header.push(numbers(position, slots.length))
    chunks.push(...slots.map(([hash, at]) => numbers(hash, at)))
    position += slots.length * 8
  }
  return Buffer.concat([...header, ...chunks])
}

function numbers(a: number, b: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(a, 0)
  bytes.writeUInt32LE(b, 4)
  return bytes
}

test('finds every record, the first of equal keys, and nothing else', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.string(), fc.string())), fc.string(), (records, other) => {
    const cdb = openCdb(makeCdb(records))!
    for (const [key] of records) {
      const first = records.find((record) => record[0] === key)!
      assert.equal(textOf(cdb.get(key)!), textOf(bytesOf(first[1])))
    }
    assert.equal(cdb.has(other), records.some(([key]) => key === other))
  }), { numRuns: 50 })
})

test('damaged files find nothing or something, and never throw or hang', () => {
  const good = makeCdb([['dom.ain', ''], ['.sub', 'x'], ['other.example', '']])
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 60 }), fc.nat(good.length), (edits,
    length) => {
    const bytes = Buffer.from(good)
    for (const [at, byte] of edits) bytes[at] = byte
    for (const part of [bytes, bytes.subarray(0, length)]) {
      const cdb = openCdb(part)
      for (const key of ['dom.ain', '.sub', 'missing', '']) cdb?.get(key)
    }
  }), { numRuns: 200 })
  assert.equal(openCdb(Buffer.from('dom.ain\n')), undefined)
  assert.equal(openCdb(new Uint8Array(0)), undefined)
})

test('a table without an empty slot ends', () => {
  const bytes = makeCdb([['dom.ain', '']])
  for (let at = 0; at < 2048; at += 8) {
    bytes.writeUInt32LE(2048, at)
    bytes.writeUInt32LE(2, at + 4)
  }
  bytes.fill(0xff, 2048)
  assert.equal(openCdb(bytes)?.has('dom.ain'), false)
})
