import assert from 'node:assert/strict'
import { it } from 'node:test'
import { printMailbox } from './names.ts'
import { EVERYBODY, NOBODY, ownersFor, parseOwner, readList } from './owner.ts'

it('reads users and groups, with the manual\'s two spellings of everybody', () => {
  for (const [text, owner] of [
    ['joe@local.example', 'joe@local.example'], ['Joe@LOCAL.example.', 'joe@local.example'], ['[:all:]@[:all:]', '[:all:]@[:all:]'],
    ['[:any:]@[:any:]', '[:all:]@[:all:]'], ['[:ALL:]@Local.example', '[:all:]@local.example'], ['[:any:]@local.example', '[:all:]@local.example'],
    ['joe@[:all:]', 'joe@[:all:]'], ['joe@[:any:]', 'joe@[:all:]'], ['[:none:]@[:none:]', '[:none:]@[:none:]'],
  ]) {
    const read = parseOwner(text!)
    assert.ok(read.ok, text)
    assert.equal(printMailbox(read.owner), owner)
  }
})

it('says what is wrong with anything else', () => {
  for (const text of [
    '', 'joe', '@', 'joe@', '@local.example', '[:none:]@local.example', 'joe@[:none:]', '[:none:]@[:all:]', '[:login:]@[:all:]', '[:all:]@[:domain:]',
    'joe doe@local.example', '[:all:]',
  ]) {
    const read = parseOwner(text)
    assert.ok(!read.ok, text)
    assert.ok(read.reason !== '' && read.mend !== '', text)
  }
})

it('finds the lists of a user, the narrowest first, and the one of who has not logged in', () => {
  const owners = (user?: { login: string; domain: string }) => ownersFor(user).map(printMailbox)
  assert.deepEqual(owners({ login: 'joe', domain: 'local.example' }), ['joe@local.example', '[:all:]@local.example', 'joe@[:all:]', '[:all:]@[:all:]'])
  assert.deepEqual(owners(), ['[:none:]@[:none:]'])
})

it('has the defaults of the manual until somebody writes a list, were it an empty one', () => {
  const lines = (owner: typeof NOBODY, stored?: string) => readList(owner, stored).entries.map(({ text }) => text)
  assert.deepEqual(lines(NOBODY), ['! [:any:]@[:my domains:]'])
  assert.deepEqual(lines(EVERYBODY), ['[:login:]@[:domain:]', '[:aliases:]', '! [:any:]@[:my domains:]'])
  assert.deepEqual(lines({ login: 'joe', domain: 'local.example' }), [])
  assert.deepEqual([lines(NOBODY, ''), readList(NOBODY, '').isDefault, readList(NOBODY, undefined).isDefault], [[], false, true])
})

it('counts lines as an editor does, and keeps those it cannot read', () => {
  const { entries } = readList(EVERYBODY, '[:any:]@a.example\n\n[:ani:]\r\n\nb@b.example\r\n')
  assert.deepEqual(entries.map(({ line }) => line), [1, 3, 5])
  assert.deepEqual(entries.map((entry) => 'fault' in entry), [false, true, false])
})

it('refuses rules that speak of a user where there is none', () => {
  const faults = (owner: typeof NOBODY) => readList(owner, '[:aliases:]\n[:login:]@x.example\n! a@[:domain:]\n[:any:]').entries.map((entry) => 'fault' in entry)
  assert.deepEqual(faults(NOBODY), [true, true, true, false])
  assert.deepEqual(faults(EVERYBODY), [false, false, false, false])
})
