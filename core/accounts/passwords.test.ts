import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encrypt } from 'unixcrypt'
import { WorldUnavailable } from '../plugin/world.ts'
import { generatePassword, hashPassword, keepClear, verifyPassword } from './passwords.ts'
import { clearText, isOutdated, parseScram, schemeOf } from './passwords/texts.ts'

test('a password fits its hash and no other does', async () => {
  const stored = await hashPassword('correct horse')
  assert.match(stored, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.equal(await verifyPassword('correct horse', stored), true)
  assert.equal(await verifyPassword('correct hors', stored), false)
  assert.equal(await verifyPassword('', stored), false)
  assert.notEqual(await hashPassword('correct horse'), stored)
})

test('a hash made elsewhere is read: RFC 7914 12, third vector', async () => {
  const hash = Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex'
  )
  const unpadded = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  assert.equal(
    await verifyPassword('pleaseletmein', `$scrypt$ln=14,r=8,p=1$${unpadded(Buffer.from('SodiumChloride'))}$${unpadded(hash)}`), true
  )
})

/** As libxcrypt's crypt(3) makes them. */
const OLD: readonly (readonly [string, string])[] = [
  ['secret', 'abNANd1rDfiNc'], ['pässword', '9Alnm5V0Wai9g'], ['test1234', 'KzUNR6BndSUNg'], ['', './Una9Fi.seRo'],
  ['secret', '$1$absalt$bNqKs1Gh2u7o638EwkdLj.'], ['longer than eight', '$1$zZsalt$pG1jFUwRS381JtdU46Xn21'], ['', '$1$./salt$73LHXAVKftRnpPGo/piIz1'],
  ['secret', '{CRYPT}$1$absalt$bNqKs1Gh2u7o638EwkdLj.'], ['secret', '{CLEAR}secret'], ['se{cret', '{PLAIN}se{cret'],
]

test('passwords of former days fit, and no others', async () => {
  for (const [password, stored] of OLD) {
    assert.equal(await verifyPassword(password, stored), true, stored)
    assert.equal(await verifyPassword(`x${password}`, stored), false, stored)
  }
  assert.equal(await verifyPassword('longer th and more', await hashPassword('longer th')), false)
})

/** As `doveadm pw -s SCRAM-SHA-256` of Dovecot 2.3.19 makes them of `pencil`. */
const DOVECOT = [
  '{SCRAM-SHA-256}4096,AaTtJy+Yg+wSiqIljMdYhQ==,Ot/PLvsJUpkcB3ebADpbQXgSaEz36bm6RdBMahqJ7Vc=,IoBgoQmGiJy3DgIrMSpB/SroWDs9aZeu+Xzw0bgOltA=',
  '{SCRAM-SHA-256}4096,lUJZUJRRUGSkfmHsYg5MmA==,m4zvggXNsC4IztevGwSOPKADvPTtQnJErbxf0ybZzbw=,IfknKabJb6hNdWioapR/fEOMFCD1uFMyXNH/jT3mrQ4=',
]

test('keys of SCRAM fit their password, ours and others', async () => {
  const own = await hashPassword('pencil', 'scram')
  assert.match(own, /^\{SCRAM-SHA-256\}4096,[A-Za-z0-9+/]{22}==,[A-Za-z0-9+/]{43}=,[A-Za-z0-9+/]{43}=$/)
  assert.notEqual(await hashPassword('pencil', 'scram'), own)
  for (const stored of [own, ...DOVECOT]) {
    assert.equal(await verifyPassword('pencil', stored), true)
    assert.equal(await verifyPassword('pencils', stored), false)
    assert.equal(isOutdated(stored), false)
    assert.equal(schemeOf(stored), 'SCRAM-SHA-256')
  }
  for (const [what, into] of [['4096', '4095'], ['4096', '9999999'], ['4096,', '4096,,'], ['{SCRAM-SHA-256}', '{SCRAM-SHA-1}'], ['=,Io', ',Io'], ['==', '==,']] as const) {
    const stored = DOVECOT[0]!.replace(what, into)
    assert.equal(parseScram(stored), undefined, stored)
    assert.equal(await verifyPassword('pencil', stored), false, stored)
  }
})

test('the same letters typed in two ways are the same password', async () => {
  assert.equal(await verifyPassword('u\u0308ber', await hashPassword('\u00fcber')), true)
})

test('no account, no password, a form we do not know and absurd costs fit nothing', async () => {
  const salt = 'A'.repeat(22)
  for (const stored of [
    undefined, null, '', 'secret', '$1$abc$def', '*', '!', 'abNANd1rDfiN', '{CLEAR', '$2y$31$abcdefghijklmnopqrstuu', '$6$rounds=999999999$salt$AAAA',
    '$6$s\u00e4lt$' + 'A'.repeat(86), `$scrypt$ln=20,r=1,p=1$${salt}$${'A'.repeat(43)}`, `$scrypt$ln=18,r=8,p=16$${salt}$${'A'.repeat(43)}`,
    `$scrypt$ln=31,r=8,p=1$${salt}$${'A'.repeat(43)}`, `$scrypt$ln=20,r=32,p=1$${salt}$${'A'.repeat(43)}`, `$scrypt$ln=15,r=0,p=1$${salt}$${'A'.repeat(43)}`,
  ]) {
    assert.equal(await verifyPassword('secret', stored), false, String(stored))
  }
})

test('a password that is longer than crypt(3) takes fits none of its texts, whose rounds each go through all of it', async () => {
  for (const salt of ['$6$rounds=5000$salt', '$5$salt']) {
    assert.equal(await verifyPassword('x'.repeat(512), encrypt('x'.repeat(512), salt)), true)
    assert.equal(await verifyPassword('x'.repeat(513), encrypt('x'.repeat(513), salt)), false)
  }
})

test('clear text is told from the rest, and chosen, so no login replaces it', async () => {
  assert.equal(clearText(keepClear('a{b}c')), 'a{b}c')
  for (const stored of [null, undefined, '', 'secret', 'abNANd1rDfiNc', await hashPassword('x')]) assert.equal(clearText(stored), undefined)
  for (const [, stored] of OLD) assert.equal(isOutdated(stored), clearText(stored) === undefined, stored)
  assert.equal(isOutdated(await hashPassword('x')), false)
  assert.equal(isOutdated(`$scrypt$ln=14,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`), true)
})

test('too many at once are turned away, and those that wait are served', async () => {
  const cheap = `$scrypt$ln=1,r=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => verifyPassword('x', cheap)))
  const turnedAway = outcomes.filter((outcome) => outcome.status === 'rejected' && outcome.reason instanceof WorldUnavailable)
  assert.ok(turnedAway.length > 0)
  assert.ok(outcomes.slice(0, 60).every((outcome) => outcome.status === 'fulfilled' && !outcome.value))
})

test('generated passwords are readable and never the same', () => {
  const passwords = new Set(Array.from({ length: 200 }, generatePassword))
  assert.equal(passwords.size, 200)
  for (const password of passwords) assert.match(password, /^[2-9a-hjkmnp-z]{4}(-[2-9a-hjkmnp-z]{4}){3}$/)
})

test('how a password is kept is told by its form', async () => {
  const forms = await Promise.all([...OLD.map(async ([, stored]) => schemeOf(stored)), ...['$2y$10$x', '$6$a$b', '$5$a$b', '*', ''].map(schemeOf), schemeOf(null), hashPassword('x').then(schemeOf)])
  assert.deepEqual(forms, [
    ...Array.from({ length: 4 }, () => 'crypt(3)'), ...Array.from({ length: 4 }, () => 'MD5 crypt'), 'clear text', 'clear text',
    'bcrypt', 'SHA-512 crypt', 'SHA-256 crypt', 'none', 'none', 'none', 'scrypt',
  ])
})
