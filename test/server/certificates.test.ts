/** What is said of certificates that cannot be used, or not for long. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { printProblem } from '../../config/problem.ts'
import { loadCertificates } from '../../core/tls/certificates.ts'
import { parseStunnel } from '../../protocol/qmail/stunnel.ts'
import { makeCertificate } from '../harness/certificates.ts'
import { temporaryDirectory } from '../harness/home.ts'

const home = await temporaryDirectory()
const put = (name: string, content: string, mode = 0o600): void => {
  writeFileSync(join(home, name), content)
  chmodSync(join(home, name), mode)
}
const good = makeCertificate(['mx.example'])
put('cert', good.cert)
put('key', good.key)
put('both', good.cert + good.key)
put('loose', good.key, 0o644)
put('other', makeCertificate(['other.example']).key)
put('locked', generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey)
put('text', 'no PEM\n')
for (const [name, days] of [['old', { from: -9, to: -1 }], ['soon', { to: 5 }], ['early', { from: 1 }]] as const) {
  const { cert, key } = makeCertificate(['mx.example'], days)
  put(name, cert + key)
}

async function said(content: string): Promise<{ readonly usable: boolean; readonly problems: string }> {
  const { certificates, problems } = await loadCertificates(parseStunnel(content).options, { home, file: 'control/smtpconfig-stunnel' }, Date.now())
  return { usable: certificates !== undefined, problems: problems.map(printProblem).join('\n') }
}

test('pairs that are right, in one file or two', async () => {
  for (const content of ['cert = cert\nkey = key\n', 'cert = both\n', `cert = ${home}/cert\nkey = ${home}/key\nverify = 1\nCAfile = cert\n`, 'cert = both\nverify = 0\n']) {
    assert.deepEqual(await said(content), { usable: true, problems: '' }, content)
  }
})

test('pairs that cannot be used', async () => {
  for (const [content, problem] of [
    ['', /^control\/smtpconfig-stunnel: error: no certificate is named/], ['cert = none\n', /:1: error: the certificate none cannot be read: there is no such file/],
    ['cert = text\n', /:1: error: text holds no certificate in PEM/], ['cert = cert\n', /:1: error: cert holds no private key in PEM \(name its file: key = FILE\)/],
    ['cert = cert\nkey = text\n', /:2: error: text holds no private key in PEM/], ['cert = cert\nkey = other\n', /:2: error: the key in other is not that of the certificate in cert/],
    ['cert = cert\nkey = locked\n', /the private key in locked is locked with a passphrase/], ['cert = both\nverify = 2\n', /verify = 2 has nothing to check with/],
    ['cert = both\nverify = 2\nCAfile = none\n', /the CAfile none cannot be read/], ['cert = both\nciphers = NONE-SUCH\n', /both cannot be used: .*cipher/],
    ['cert = both\ncert = text\n', /:2: error: text holds no certificate/],
  ] as const) {
    const { usable, problems } = await said(content)
    assert.equal(usable, false, content)
    assert.match(problems, problem)
    assert.doesNotMatch(problems, /PRIVATE KEY-----\n/)
  }
})

test('what is usable, and worth a word', async () => {
  for (const [content, problem] of [
    ['cert = old\n', /:1: warning: the certificate in old has expired on /], ['cert = soon\n', /warning: the certificate in soon expires on /],
    ['cert = early\n', /warning: the certificate in early is valid only from /], ['cert = cert\nkey = loose\n', /warning: every user of this machine can read the private key in loose \(chmod o-r /],
  ] as const) {
    const { usable, problems } = await said(content)
    assert.equal(usable, true, problems)
    assert.match(problems, problem)
  }
})
