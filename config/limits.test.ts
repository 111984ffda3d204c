import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSmtpConfig } from '../protocol/qmail/smtpconfig.ts'
import { parseTcpRules } from '../protocol/qmail/tcprules.ts'
import { checkLimits, DEFAULT_LIMITS, limitsOf } from './limits.ts'

test('LIMITS changes what it names and nothing else', () => {
  assert.equal(limitsOf(undefined, DEFAULT_LIMITS), DEFAULT_LIMITS)
  assert.deepEqual(limitsOf('', DEFAULT_LIMITS), DEFAULT_LIMITS)
  assert.deepEqual(limitsOf('recipients=5000 errors=0, pipelining=note', DEFAULT_LIMITS), {
    ...DEFAULT_LIMITS, recipients: 5000, errors: 0, pipelining: 'note',
  })
})

test('what is wrong in LIMITS changes nothing, and is told', () => {
  const told: string[] = []
  const limits = limitsOf('recipients=99 recipiens=1 hops=-1 lineBytes=0 pipelining=maybe greetingDelay', DEFAULT_LIMITS, (...words) => told.push(words.join(': ')))
  assert.deepEqual(limits, DEFAULT_LIMITS)
  assert.match(told[0]!, /^recipiens: there is no such limit; did you mean "recipients"\?: the limits are recipients, /)
  assert.deepEqual(told.slice(1), [
    'recipients: this must be a whole number from 100 to 10000, or 0 for none, not 99',
    'lineBytes: this must be a whole number from 512 to 65536, not 0',
    'hops: this must be a whole number from 10 to 1000, not "-1"',
    'greetingDelay: this must be a whole number from 0 to 60000, not ""',
    'pipelining: this must be "refuse" or "note", not "maybe"',
  ].map((line) => `${line}: correct the value, or leave it out`))
})

test('the check names file and line', () => {
  const smtpconfig = parseSmtpConfig('LIMITS="hops=5"\nexport LIMITS\n').variables
  const { rules: tcprules } = parseTcpRules('127.:allow,LIMITS="errors=0"\n10.0.0.1-9:allow,LIMITS="error=0"\n')
  assert.deepEqual(checkLimits({ smtpconfig, tcprules }).map(({ file, line, reason }) => [file, line, reason]), [
    ['control/smtpconfig', undefined, 'LIMITS: hops: this must be a whole number from 10 to 1000, not 5'],
    ['control/smtp-tcprules', 2, 'LIMITS: error: there is no such limit; did you mean "errors"?'],
  ])
})

test('property: any LIMITS gives limits of the right types', () => {
  const word = fc.tuple(fc.constantFrom(...Object.keys(DEFAULT_LIMITS), '__proto__', 'toString'), fc.oneof(fc.nat().map(String), fc.string({ maxLength: 4 })))
  fc.assert(fc.property(fc.oneof(fc.string(), fc.array(word).map((words) => words.map(([name, value]) => `${name}=${value}`).join(' '))), (text) => {
    const limits = limitsOf(text, DEFAULT_LIMITS)
    for (const [key, value] of Object.entries(DEFAULT_LIMITS)) assert.equal(typeof limits[key as keyof typeof limits], typeof value)
    assert.deepEqual(Object.keys(limits), Object.keys(DEFAULT_LIMITS))
  }))
})
