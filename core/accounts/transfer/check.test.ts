import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineTable } from '../../plugin/table.ts'
import { checkRecord, shown } from './check.ts'
import { ALIAS, DOMAIN, DOTQMAIL, kindsWith, USER, type Kind } from './kinds.ts'
import type { Values } from './record.ts'

const check = (kind: Kind, values: Values, checkHost = true) => checkRecord(kind, values, { checkHost })
const reasons = (kind: Kind, values: Values): readonly string[] => {
  const checked = check(kind, values)
  return 'complaints' in checked ? checked.complaints.map(({ reason }) => reason) : []
}
const ANN = { login: 'ann', domain: 'example.org' }

test('a user: names in lower case, what is not said, texts of CSV', () => {
  assert.deepEqual(check(USER, { login: 'Ann', domain: 'Example.ORG', quota: '5', enabled: 'no', startdate: '2026-01-31', use_dotqmail: true }), {
    row: {
      login: 'ann', virtual_host: 'example.org', password: null, hardquota: 5, enabled: 0, startdate: '2026-01-31 00:00:00', stopdate: null, use_dotqmail: 1,
      lastlogin: null, home: null, uid: null, gid: null,
    },
  })
  assert.deepEqual(check(USER, { login: 'ann', domain: '' }, false), check(USER, { login: 'ann', domain: '', quota: 0 }, false))
  assert.ok('row' in check(USER, { login: 'ann', domain: '' }, false), 'without check_host users have no domain')
})

test('what cannot be a row is said, all of it', () => {
  assert.deepEqual(reasons(USER, { quota: 1.5, enabled: 'perhaps', stopdate: '2026-02-31', colour: 'red' }), [
    'a user has no colour', 'there is no login', 'there is no domain', 'quota is no whole number', 'enabled is neither true nor false', 'stopdate is no date',
  ])
  const wrong: readonly (readonly [Kind, Values, RegExp])[] = [
    [USER, { ...ANN, login: 'a/b' }, /cannot be a login/], [USER, { ...ANN, login: '..' }, /cannot be a login/], [USER, { ...ANN, domain: 'no domain' }, /is not a domain/],
    [USER, { ...ANN, domain: '' }, /is not a domain/], [USER, { ...ANN, quota: -1 }, /below zero/], [USER, { ...ANN, home: 'x' }, /no absolute path/],
    [USER, { ...ANN, password: 'a\0' }, /NUL/], [USER, { ...ANN, password: 'a\ufffd' }, /not UTF-8/], [USER, { ...ANN, password: 'x'.repeat(256) }, /256 characters/],
    [USER, { ...ANN, password: 5 }, /password is no text/], [USER, { ...ANN, stopdate: 'infinity' }, /no date/],
    [DOTQMAIL, { ...ANN, extension: 'a@b', text: '#\n' }, /cannot be an extension/], [DOTQMAIL, { ...ANN, text: '#\n\n ./Maildir/' }, /^line 3 of the text: /],
    [ALIAS, { ...ANN, target: 'bob' }, /is not an address/], [ALIAS, { ...ANN, target: 'Ann@example.org' }, /leads to itself/], [DOMAIN, { domain: '.example.org' }, /is not a domain/],
  ]
  for (const [kind, values, reason] of wrong) assert.match(reasons(kind, values).join(), reason, JSON.stringify(values))
})

test('what a message shows of a file does nothing to a terminal', () => {
  assert.equal(shown('colour'), 'colour')
  assert.equal(shown('\x1b]0;x\x07\u009b31m ü'), '"\\u001b]0;x\\u0007?31m ?"')
  assert.equal(shown('x'.repeat(1000)).length, 42)
  assert.deepEqual(reasons(USER, { ...ANN, '\x1b[2J': 1 }), ['a user has no "\\u001b[2J"'])
})

test('aliases, catch-alls, and a table that somebody declared', () => {
  assert.deepEqual(check(ALIAS, { domain: 'example.org', target: 'Ann@Example.org' }), { row: { login: '', domain: 'example.org', target: 'ann@example.org' } })
  const colours = defineTable({ name: 'colours', about: '', columns: { login: { text: 4 }, shade: 'integer' }, key: ['login'] })
  const kind = kindsWith([colours]).at(-1)!
  assert.deepEqual(check(kind, { login: 'Ann', shade: '-3' }), { row: { login: 'Ann', shade: -3 } })
  assert.deepEqual(reasons(kind, { login: 'annie' }), ['login has 5 characters', 'there is no shade'])
})
