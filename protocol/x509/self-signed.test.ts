import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { integer, objectId, tagged, time } from './der.ts'
import { selfSignedCertificate } from './self-signed.ts'

test('lengths, integers, identifiers and times', () => {
  assert.deepEqual(tagged(4, Buffer.alloc(127)).subarray(0, 2), Buffer.of(4, 127))
  assert.deepEqual(tagged(4, Buffer.alloc(128)).subarray(0, 3), Buffer.of(4, 0x81, 128))
  assert.deepEqual(tagged(4, Buffer.alloc(65_536)).subarray(0, 5), Buffer.of(4, 0x83, 1, 0, 0))
  assert.deepEqual(integer(Buffer.of(0, 0, 0x7f)), Buffer.of(2, 1, 0x7f))
  assert.deepEqual(integer(Buffer.of(0x80)), Buffer.of(2, 2, 0, 0x80))
  assert.deepEqual(integer(Buffer.of(0)), Buffer.of(2, 1, 0))
  assert.deepEqual(objectId('1.2.840.10045.4.3.2'), Buffer.from('06082a8648ce3d040302', 'hex'))
  assert.equal(time(new Date('2049-12-31T23:59:59.999Z')).toString('latin1'), '\x17\x0d491231235959Z')
  assert.equal(time(new Date('2050-01-01T00:00:00Z')).toString('latin1'), '\x18\x0f20500101000000Z')
})

test('the certificate is read, and proves its own key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.array(fc.stringMatching(/^[a-z0-9]{1,63}(\.[a-z]{1,63}){1,2}$/), { minLength: 1, maxLength: 9 }), (serial, hosts) => {
    const names = hosts as [string, ...string[]]
    const pem = selfSignedCertificate({ names, publicKey, privateKey, from: new Date('2026-01-01'), to: new Date('2056-01-01'), serial })
    const certificate = new X509Certificate(pem)
    assert.equal(certificate.verify(publicKey), true)
    assert.equal(certificate.checkPrivateKey(privateKey), true)
    assert.equal(certificate.checkIssued(certificate), true)
    for (const name of names) assert.equal(certificate.checkHost(name), name)
    assert.equal(certificate.checkHost('other.test.invalid'), undefined)
    assert.deepEqual([certificate.validFromDate.toISOString().slice(0, 10), certificate.validToDate.toISOString().slice(0, 10)], ['2026-01-01', '2056-01-01'])
    assert.equal(certificate.ca, false)
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  }), { numRuns: 50 })
})
