import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Control } from '../../config/control.ts'
import { parseTcpRules } from '../../protocol/qmail/tcprules.ts'
import { access, type NameOf } from './access.ts'

const peer = { remoteAddress: '::ffff:192.0.2.7', remotePort: 4000, localAddress: '::ffff:192.0.2.1', localPort: 25 }
const nobody: NameOf = async () => undefined

function control(rules: string, smtpconfig: Control['smtpconfig'] = []): Control {
  return { tcprules: parseTcpRules(rules).rules, smtpconfig } as Control
}

test('the environment is PATH, the listener\'s TCP variables, smtpconfig, and the one rule that applies, in this order', async () => {
  const granted = await access(peer, control('192.0.2.:allow,A="rule",B="rule"\n:allow,A="default"\n', [['B', 'config'], ['C', 'config']]), nobody)
  assert.equal(granted.allow, true)
  assert.equal(granted.rule, 'control/smtp-tcprules:1')
  const { PATH, LANG, TZ, ...env } = granted.env
  assert.match(PATH!, /\/usr\/bin/)
  assert.deepEqual(env, {
    PROTO: 'TCP', TCPLOCALIP: '192.0.2.1', TCPLOCALPORT: '25', TCPREMOTEIP: '192.0.2.7', TCPREMOTEPORT: '4000', A: 'rule', B: 'rule', C: 'config',
  })
  assert.deepEqual([LANG, TZ], [process.env['LANG'], process.env['TZ']])
})

test('names are asked for only when a rule has one, and set TCPREMOTEHOST', async () => {
  let asked = 0
  const nameOf: NameOf = async () => {
    asked += 1
    return 'mail.example.org'
  }
  assert.equal((await access(peer, control(':allow\n'), nameOf)).host, undefined)
  assert.equal(asked, 0)
  const granted = await access(peer, control('=.example.org:allow,RELAYCLIENT=""\n:deny\n'), nameOf)
  assert.deepEqual([granted.allow, granted.host, granted.env['TCPREMOTEHOST'], granted.env['RELAYCLIENT']], [true, 'mail.example.org', 'mail.example.org', ''])
  assert.equal((await access(peer, control('=.example.org:allow\n:deny\n'), nobody)).allow, false)
})
