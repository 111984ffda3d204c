import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logSafe } from './report.ts'

test('a report is one word of visible ASCII', () => {
  assert.equal(logSafe('did 1+0+0\nqp 5\n'), 'did_1+0+0/qp_5/')
  assert.equal(logSafe('100% ü \t\u0007😀\udc80!'), '100________!')
})
