import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseConnInfo } from './conninfo.ts'

function pairs(text: string): Record<string, string> | string {
  const parsed = parseConnInfo(text)
  return parsed.ok ? Object.fromEntries(parsed.pairs) : parsed.reason
}

test('pairs with blanks, quotes and backslashes', () => {
  assert.deepEqual(pairs('user=userconsult password=readonly dbname=userdb host=localhost'), {
    user: 'userconsult', password: 'readonly', dbname: 'userdb', host: 'localhost',
  })
  assert.deepEqual(pairs("  a = 'b c'  d=e\\ f g='it\\'s' h='' i=x'y j=\\\\ k= l='a'm=n "), {
    a: 'b c', d: 'e f', g: "it's", h: '', i: "x'y", j: '\\', k: 'l=\'a\'m=n',
  })
  assert.deepEqual(pairs('a=1 a=2'), { a: '2' })
  assert.deepEqual(pairs(''), {})
})

test('what is none is named without its value', () => {
  assert.match(String(pairs("user=x password='secret")), /^the quote that begins the value of "password" does not end$/)
  assert.match(String(pairs('user')), /missing after the keyword "user"/)
  assert.match(String(pairs('=x')), /without a keyword/)
  assert.doesNotMatch(String(pairs("password='a b")), /a b/)
})

test('property: every quoted value comes back', () => {
  fc.assert(fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string()), (values) => {
    const text = Object.entries(values).map(([key, value]) => `${key} = '${value.replace(/[\\']/g, '\\$&')}'`).join(' ')
    assert.deepEqual(pairs(text), { ...values })
  }))
})
