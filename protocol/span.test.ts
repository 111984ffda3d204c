import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseSpan } from './span.ts'

it('is read in seconds, minutes, hours and days', () => {
  assert.deepEqual(['90', '90s', '5m', '1h', '36d'].map((text) => parseSpan(text, 1e9)), [90, 90, 300, 3600, 3_110_400])
})

it('is nothing else, not 0, and no longer than it may be', () => {
  for (const text of ['', '0', '0d', '-1', '1.5h', ' 5m', '5 m', '5M', 'm', '5mm', '1e3', '99999999999']) assert.equal(parseSpan(text, 1e12), undefined, text)
  assert.deepEqual([parseSpan('61', 60), parseSpan('60', 60)], [undefined, 60])
})
