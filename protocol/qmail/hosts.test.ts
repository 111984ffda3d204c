import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { badSender, parseBadMailFrom } from './badmailfrom.ts'
import { readList } from './control.ts'
import { hostKeys, hostListed, parseHosts } from './rcpthosts.ts'

const hosts = parseHosts(readList('# ours\ndom.ain\n.sub.example\n'))

test('rcpthosts compares the domain whole, then each suffix that begins at a dot', () => {
  assert.equal(hostListed('u@dom.ain', hosts), true)
  assert.equal(hostListed('u@DOM.Ain', hosts), true)
  assert.equal(hostListed('u@x.dom.ain', hosts), false)
  assert.equal(hostListed('u@sub.example', hosts), false)
  assert.equal(hostListed('u@a.b.Sub.example', hosts), true)
  assert.equal(hostListed('a@b@dom.ain', hosts), true)
  assert.equal(hostListed('dom.ain@elsewhere', hosts), false)
})

test('addresses without @ are always accepted, an empty list accepts nothing else', () => {
  assert.equal(hostListed('postmaster', parseHosts([])), true)
  assert.equal(hostListed('', parseHosts([])), true)
  assert.equal(hostListed('u@', parseHosts([])), false)
  assert.equal(hostListed('u@', hosts), false)
  assert.equal(hostListed('u@dom.ain', parseHosts([])), false)
})

test('a second table is asked with the same keys', () => {
  assert.equal(hostListed('u@a.more.example', hosts, parseHosts(readList('.more.example'))), true)
})

test('host keys: the name and what begins at its dots, longest first', () => {
  assert.deepEqual(hostKeys('a.b.c'), ['a.b.c', '.b.c', '.c'])
  assert.deepEqual(hostKeys('.b'), ['.b'])
  assert.deepEqual(hostKeys(''), [])
})

test('badmailfrom: whole addresses and whole domains, never the null sender', () => {
  const bad = parseBadMailFrom(readList('Spam@Dom.ain\n@bad.example\nodd\n@bad.example\n'))
  assert.deepEqual(badSender(bad, 'sPAM@dom.AIN'), { text: 'Spam@Dom.ain', line: 1 })
  assert.equal(badSender(bad, 'x@BAD.example')?.line, 4)
  assert.equal(badSender(bad, 'x@sub.bad.example'), undefined)
  assert.equal(badSender(bad, 'odd')?.line, 3)
  assert.equal(badSender(bad, ''), undefined)
  assert.equal(badSender(bad, 'other@dom.ain'), undefined)
})

test('no address and no list makes them throw', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', '@', '.', ' ', '\n', '\udcff') })
  fc.assert(fc.property(text, text, (list, address) => {
    hostListed(address, parseHosts(readList(list)))
    badSender(parseBadMailFrom(readList(list)), address)
  }))
})
