import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generatePassword, hashPassword, verifyPassword } from './passwords.ts'

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

test('the same letters typed in two ways are the same password', async () => {
  assert.equal(await verifyPassword('u\u0308ber', await hashPassword('\u00fcber')), true)
})

test('no account, no password, a form we do not know and absurd costs fit nothing', async () => {
  const salt = 'A'.repeat(22)
  for (const stored of [
    undefined, null, '', 'secret', '$1$abc$def', `$scrypt$ln=31,r=8,p=1$${salt}$${'A'.repeat(43)}`,
    `$scrypt$ln=15,r=0,p=1$${salt}$${'A'.repeat(43)}`,
  ]) {
    assert.equal(await verifyPassword('secret', stored), false, String(stored))
  }
})

test('generated passwords are readable and never the same', () => {
  const passwords = new Set(Array.from({ length: 200 }, generatePassword))
  assert.equal(passwords.size, 200)
  for (const password of passwords) assert.match(password, /^[2-9a-hjkmnp-z]{4}(-[2-9a-hjkmnp-z]{4}){3}$/)
})
