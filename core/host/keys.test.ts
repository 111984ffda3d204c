import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { keyTools } from './keys.ts'

test('a key that was made is described, and its public half verifies what it signs', async () => {
  for (const kind of ['rsa', 'ed25519'] as const) {
    const pem = await keyTools.make(kind)
    const found = keyTools.describe(pem)
    assert.equal(found?.kind, kind)
    assert.equal(found?.pem, pem)
    const key = createPublicKey({ key: Buffer.from(found!.publicKey, 'base64'), format: 'der', type: 'spki' })
    const bytes = Buffer.from('x')
    assert.ok(verify(null, bytes, key, sign(null, bytes, pem)))
  }
})

test('older forms are read, and what cannot sign is none', () => {
  const pair = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  const old = pair(1024).export({ type: 'pkcs1', format: 'pem' })
  assert.match(keyTools.describe(old.toString())?.pem ?? '', /^-----BEGIN PRIVATE KEY-----/)
  const locked = pair(1024).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' })
  const short = pair(512).export({ type: 'pkcs8', format: 'pem' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  for (const text of ['', 'x', locked.toString(), short.toString(), other.toString()]) assert.equal(keyTools.describe(text), undefined)
})
