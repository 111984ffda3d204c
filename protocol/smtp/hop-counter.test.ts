import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HopCounter } from './hop-counter.ts'

function hops(...chunks: readonly string[]): number {
  const counter = new HopCounter()
  for (const chunk of chunks) counter.add(Buffer.from(chunk, 'latin1'))
  return counter.hops
}

test('lines that begin with received or delivered count, in any case, whatever follows', () => {
  assert.equal(hops('Received: a\nDELIVERED-TO: b\nreceivedx\nDelivered'), 4)
})

test('other lines do not count', () => {
  assert.equal(hops('Receive: a\n Received: b\nX-Received: c\nXdelivered\nreceiver\ndeliverex\n'), 0)
})

test('a line that only begins like a name spoils nothing for the next', () => {
  assert.equal(hops('Rec\nDelivered-To: a\nD\nReceived: b\n'), 2)
})

test('nothing counts behind the first empty line', () => {
  assert.equal(hops('Received: a\n\nReceived: b\n'), 1)
  assert.equal(hops('\nReceived: b\n'), 0)
  assert.equal(hops('Received: a\n', '\n', 'Received: b\n'), 1)
})

test('chunks may be cut anywhere', () => {
  const header = `Received: a\n\tfolded ${'long '.repeat(20)}\nSubject: delivered\ndelivered: x\n\nreceived\n`
  for (let cut = 0; cut <= header.length; cut++) assert.equal(hops(header.slice(0, cut), header.slice(cut)), 2)
  assert.equal(hops(...header), 2)
})
