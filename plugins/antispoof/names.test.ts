import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { printMailbox, readDomain, readMailbox } from './names.ts'

const read = (address: string) => printMailbox(readMailbox(address, 'Mx.Local.Example'))

it('takes the domains that a reader takes for one as one', () => {
  for (const domain of ['LOCAL.example', 'local.example.', 'local\u00ad.example', 'ｌocal．example', 'loc\u200bal.example']) {
    assert.equal(read(`Joe@${domain}`), 'joe@local.example', JSON.stringify(domain))
  }
  assert.equal(read('joe@BÜCHER.example'), 'joe@xn--bcher-kva.example')
  assert.equal(read('joe@bu\u0308cher.example'), 'joe@xn--bcher-kva.example')
})

it('takes a name without a domain for one of this host', () => {
  for (const address of ['joe', 'JOE', 'joe@', 'joe@.']) assert.equal(read(address), 'joe@mx.local.example', address)
})

it('counts the last @, and folds ASCII letters only in logins', () => {
  assert.deepEqual(readMailbox('a@b@C.example', ''), { login: 'a@b', domain: 'c.example' })
  assert.equal(read('JÜRGEN@c.example'), 'jÜrgen@c.example')
})

it('leaves alone what is no domain', () => {
  for (const text of ['[192.0.2.1]', 'ö/x', 'ö@x', 'ö:25', 'x\udc80y', 'a b']) assert.equal(readDomain(text), text)
})

it('property: never throws, and reading twice changes nothing', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('ö', '.', '。', 'A', '-', '1', '\u00ad') })), (text) => {
    const once = readDomain(text)
    assert.equal(readDomain(once), once)
  }))
})
