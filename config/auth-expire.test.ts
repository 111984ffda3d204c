import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSmtpConfig } from '../protocol/qmail/smtpconfig.ts'
import { parseTcpRules } from '../protocol/qmail/tcprules.ts'
import { authExpireMinutes, checkAuthExpire } from './auth-expire.ts'

test('AUTHEXPIRE is minutes, and whatever else it is lets nobody relay', () => {
  assert.deepEqual([undefined, '30', '0', '', '-1', '1.5', '30m', '9999999999', ' 5'].map(authExpireMinutes),
    [undefined, 30, undefined, undefined, undefined, undefined, undefined, undefined, undefined])
})

test('what is no number is told, with its place', () => {
  const smtpconfig = parseSmtpConfig('export AUTHEXPIRE=half\n').variables
  const { rules: tcprules } = parseTcpRules('10.0.0.1-9:allow,AUTHEXPIRE=""\n127.:allow,AUTHEXPIRE="0"\n')
  assert.deepEqual(checkAuthExpire({ smtpconfig, tcprules }).map(({ file, line, reason }) => [file, line, reason]), [
    ['control/smtpconfig', undefined, 'AUTHEXPIRE: "half" is no number of minutes'],
    ['control/smtp-tcprules', 1, 'AUTHEXPIRE: "" is no number of minutes'],
  ])
})
