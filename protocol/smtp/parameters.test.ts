import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../text.ts'
import { checkMailParameters, checkRcptParameters, parseParameters } from './parameters.ts'

const limits = { smtputf8: true, sizeLimit: 1000, requireTls: true }

function mail(text: string, own = limits): unknown {
  const parsed = parseParameters(text)
  assert.ok(parsed.ok)
  const checked = checkMailParameters(parsed.parameters, own)
  return checked.ok ? checked.values : checked.reply
}

test('keywords have no case, values keep theirs', () => {
  const parsed = parseParameters(' size=10  Body=8bitMIME X-1 ')
  assert.ok(parsed.ok)
  assert.deepEqual([...parsed.parameters], [['SIZE', '10'], ['BODY', '8bitMIME'], ['X-1', true]])
  assert.deepEqual(parseParameters(''), { ok: true, parameters: new Map() })
})

test('what is no parameter is named', () => {
  assert.deepEqual(parseParameters('SIZE='), { ok: false, reason: 'malformed parameter SIZE=' })
  assert.deepEqual(parseParameters('A=b=c'), { ok: false, reason: 'malformed parameter A=b=c' })
  assert.deepEqual(parseParameters('-A'), { ok: false, reason: 'malformed parameter -A' })
  assert.deepEqual(parseParameters('A\tB'), { ok: false, reason: 'malformed parameter A?B' })
  assert.deepEqual(parseParameters(`=${'x'.repeat(40)}`), { ok: false, reason: `malformed parameter =${'x'.repeat(31)}...` })
  assert.deepEqual(parseParameters('SIZE=1 size=2'), { ok: false, reason: 'parameter SIZE given twice' })
})

test('the parameters of MAIL', () => {
  assert.deepEqual(mail('SIZE=1000 BODY=8bitmime SMTPUTF8'), { size: 1000, body: '8BITMIME', smtputf8: true })
  assert.deepEqual(mail(''), {})
  assert.deepEqual(mail('REQUIRETLS RET=hdrs ENVID=QQ314+2B159'), { requireTls: true, ret: 'HDRS', envid: 'QQ314+2B159' })
  assert.deepEqual(mail('SIZE=0 BODY=7BIT'), { size: 0, body: '7BIT' })
  assert.deepEqual(mail('SIZE=99999999999999999999', { ...limits, sizeLimit: 0 }), { size: Number.MAX_SAFE_INTEGER })
})

test('refusals of MAIL', () => {
  assert.equal(mail('SIZE=1001'), '552 sorry, that message size exceeds my databytes limit (#5.3.4)')
  assert.equal(mail('SIZE=99999999999999999999'), '552 sorry, that message size exceeds my databytes limit (#5.3.4)')
  assert.equal(mail('SIZE'), '501 SIZE needs a number of bytes (#5.5.4)')
  assert.equal(mail('SIZE=-1'), '501 SIZE needs a number of bytes (#5.5.4)')
  assert.equal(mail('SIZE=1e3'), '501 SIZE needs a number of bytes (#5.5.4)')
  assert.equal(mail('BODY'), '501 BODY needs a value: 7BIT or 8BITMIME (#5.5.4)')
  assert.equal(mail('BODY=BINARYMIME'), '555 BODY=BINARYMIME is not offered here (#5.5.4)')
  assert.equal(mail('SMTPUTF8=1'), '501 SMTPUTF8 takes no value (#5.5.4)')
  assert.equal(mail('SMTPUTF8', { ...limits, smtputf8: false }), '555 parameter SMTPUTF8 is not known here (#5.5.4)')
  assert.equal(mail('REQUIRETLS', { ...limits, requireTls: false }), '555 parameter REQUIRETLS is not known here (#5.5.4)')
  assert.equal(mail('REQUIRETLS=1'), '501 REQUIRETLS takes no value (#5.5.4)')
  for (const text of ['RET', 'RET=ALL']) assert.equal(mail(text), '501 RET needs a value: FULL or HDRS (#5.5.4)')
  for (const text of ['ENVID', 'ENVID=a+b', 'ENVID=a+2', `ENVID=${'x'.repeat(101)}`]) {
    assert.equal(mail(text), '501 ENVID needs a value: up to 100 characters of xtext (#5.5.4)')
  }
  assert.equal(mail('CONSTRUCTOR'), '555 parameter CONSTRUCTOR is not known here (#5.5.4)')
})

function rcpt(text: string): unknown {
  const parsed = parseParameters(text)
  assert.ok(parsed.ok)
  const checked = checkRcptParameters(parsed.parameters, limits)
  return checked.ok ? checked.values : checked.reply
}

test('the parameters of RCPT', () => {
  assert.deepEqual(rcpt(''), {})
  assert.deepEqual(rcpt('NOTIFY=never'), { notify: 'NEVER' })
  assert.deepEqual(rcpt('NOTIFY=SUCCESS,Delay ORCPT=rfc822;Ann+2Bx@example.org'), { notify: 'SUCCESS,DELAY', orcpt: 'rfc822;Ann+2Bx@example.org' })
})

test('refusals of RCPT', () => {
  for (const text of ['NOTIFY', 'NOTIFY=NEVER,FAILURE', 'NOTIFY=SUCCESS,SUCCESS', 'NOTIFY=ALWAYS', 'NOTIFY=,']) {
    assert.equal(rcpt(text), '501 NOTIFY needs a value: NEVER, or some of SUCCESS,FAILURE,DELAY (#5.5.4)', text)
  }
  for (const text of ['ORCPT', 'ORCPT=ann@example.org', 'ORCPT=rfc822;', 'ORCPT=rfc822;a+b', `ORCPT=rfc822;${'x'.repeat(500)}`]) {
    assert.equal(rcpt(text), '501 ORCPT needs a value: a type, a semicolon and xtext (#5.5.4)', text)
  }
  assert.equal(rcpt('SIZE=1'), '555 parameter SIZE is not known here (#5.5.4)')
})

test('no text makes it throw, every refusal is one line of printable ASCII, and what is accepted prints back', () => {
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map(textOf),
    fc.array(fc.constantFrom('SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'NOTIFY', 'ORCPT', 'rfc822;', '+4', '=', ' ', '1', '7BIT', 'x-y', '\r', 'é')).map((parts) => parts.join('')),
  )
  fc.assert(fc.property(text, (line) => {
    const parsed = parseParameters(line)
    if (!parsed.ok) {
      assert.match(parsed.reason, /^[ -~]{1,100}$/)
      return
    }
    const printed = [...parsed.parameters].map(([keyword, value]) => (value === true ? keyword : `${keyword}=${value}`)).join(' ')
    assert.deepEqual(parseParameters(printed), parsed)
    for (const checked of [checkMailParameters(parsed.parameters, limits), checkRcptParameters(parsed.parameters, limits)]) {
      if (!checked.ok) assert.match(checked.reply, /^5[0-9]{2} [ -~]{1,100}$/)
    }
  }), { numRuns: 3000 })
})
