import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../../protocol/text.ts'
import { deliveredToLine, HeaderLineSearch, returnPathLine } from './lines.ts'

test('the sender is quoted where it must be', () => {
  const line = (sender: string): string => returnPathLine(sender).toString('latin1')
  assert.equal(line(''), 'Return-Path: <>\n')
  assert.equal(line('#@[]'), 'Return-Path: <#@[]>\n')
  assert.equal(line('joe@example.org'), 'Return-Path: <joe@example.org>\n')
  assert.equal(line('joe'), 'Return-Path: <joe>\n')
  assert.equal(line('joe "x\\y"@example.org'), 'Return-Path: <"joe \\"x\\\\y\\""@example.org>\n')
  assert.equal(line('.joe@x'), 'Return-Path: <".joe"@x>\n')
  assert.equal(line('a@b@x'), 'Return-Path: <"a@b"@x>\n')
  assert.equal(line('@x'), 'Return-Path: <""@x>\n')
})

test('property: an address never makes a second line, and its other bytes are kept', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
    const address = textOf(bytes)
    for (const line of [returnPathLine(address), deliveredToLine(address)]) {
      assert.equal(line.indexOf('\n'), line.length - 1)
      assert.ok(!line.includes('\r') && !line.includes('\0'))
    }
    const kept = Buffer.from(bytes.map((byte) => (byte === 0 || byte === 10 || byte === 13 ? 0x5f : byte)))
    assert.deepEqual(deliveredToLine(address), Buffer.concat([Buffer.from('Delivered-To: '), kept, Buffer.from('\n')]))
  }))
})

const found = (message: string, cuts: readonly number[], line = 'Delivered-To: a@b\n'): boolean => {
  const search = new HeaderLineSearch(Buffer.from(line))
  const places = [...cuts.map((cut) => cut % (message.length + 1)).toSorted((a, b) => a - b), message.length]
  let from = 0
  return places.map((to) => search.push(Buffer.from(message.slice(from, from = to)))).includes(true)
}

test('property: a line is found in the header and nowhere else, however the message is cut', () => {
  const line = fc.constantFrom(
    'Delivered-To: a@b', 'Delivered-To: a@b ', 'delivered-to: a@b', 'X: y', '', ' Delivered-To: a@b', 'Delivered-To: a@bc')
  const lines = fc.array(line, { maxLength: 8 })
  fc.assert(fc.property(lines, fc.array(fc.nat(), { maxLength: 6 }), (all, cuts) => {
    const message = all.map((line) => `${line}\n`).join('')
    const end = all.indexOf('')
    assert.equal(found(message, cuts), all.slice(0, end < 0 ? all.length : end).includes('Delivered-To: a@b'))
  }))
})
