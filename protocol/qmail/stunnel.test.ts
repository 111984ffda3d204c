import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStunnel } from './stunnel.ts'

test('one pair, with the other words of the service', () => {
  assert.deepEqual(parseStunnel([
    '; a remark', '# another', '', 'CERT=/etc/ssl/mail.pem', '  key =  /etc/ssl/mail.key  ', 'CAfile = tls/ca.pem', 'verify = 2', 'sslVersion = TLSv1.3',
    'ciphers = HIGH:!aNULL', 'options = NO_SSLv3', 'options = NO_TLSv1\r',
  ].join('\n')), {
    options: {
      pairs: [{ cert: '/etc/ssl/mail.pem', key: '/etc/ssl/mail.key', line: 5 }], caFile: 'tls/ca.pem', verify: 2,
      minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ciphers: 'HIGH:!aNULL',
    },
    problems: [],
  })
})

test('a certificate without a key holds both, and each further one has its own', () => {
  const pairs = (text: string) => parseStunnel(text).options.pairs.map(({ cert, key }) => `${cert} ${key}`)
  assert.deepEqual(pairs('cert = a'), ['a a'])
  assert.deepEqual(pairs('cert = a\ncert = b\nkey = bk\ncert = c\n'), ['a a', 'b bk', 'c c'])
  assert.deepEqual(pairs('key = ak\ncert = a\n'), ['a ak'], 'the order of stunnel, which has none')
  assert.deepEqual(pairs('key = ak\ncert = a\ncert = b\nkey = bk\n'), ['a ak', 'b bk'])
})

test('what is wrong is named with its line', () => {
  const reasons = (text: string) => parseStunnel(text).problems.map(({ line, reason }) => `${line} ${reason}`)
  assert.deepEqual(reasons('cert = a\nsetuid = nobody\n[smtps]\njust words\nkey =\n'), [
    '2 "setuid" is not known here', '3 there are no sections in this file: it serves the SMTP service alone', '4 this is not name = value',
    '5 key has no value',
  ])
  assert.deepEqual(reasons('cert=a\nkey=b\nkey=c\nverify=3\nsslVersion=SSLv3\nverify=1\noptions=ALL\n'), [
    '3 this certificate has a key already', '4 verify = 3 is not known here', '5 SSLv3 is not spoken here', '6 verify was given before',
    '7 the option "ALL" is not known here',
  ])
  assert.deepEqual(reasons('key = a\n'), ['1 a key without a certificate'])
})

test('any text is read', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom('cert = a', 'key = b', 'verify = 1', 'sslVersion = all', '[x]', ';'))
  fc.assert(fc.property(fc.array(line), (lines) => {
    const { options, problems } = parseStunnel(lines.join('\n'))
    for (const { cert, key } of options.pairs) assert.ok(cert !== '' && key !== '')
    for (const problem of problems) assert.ok(problem.line >= 1 && problem.reason !== '' && problem.mend !== '')
  }))
})
