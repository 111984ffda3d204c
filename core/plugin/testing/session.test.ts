import assert from 'node:assert/strict'
import { it } from 'node:test'
import { HOOKS } from '../plugin.ts'
import { testSession } from './session.ts'

const variables = (session: ReturnType<typeof testSession>) =>
  ['SMTPRCPTTO', 'SMTPRCPTCOUNT', 'SMTPRCPTCOUNTALL', 'SMTPRCPTHOSTSOK'].map((name) => session.env[name])

it('knows at each hook what a server knows then', () => {
  assert.deepEqual(HOOKS.filter((hook) => testSession(hook).helo === undefined), ['connection'])
  assert.deepEqual(HOOKS.filter((hook) => testSession(hook).reversePath === undefined), ['connection', 'helo', 'auth'])
  assert.deepEqual(HOOKS.filter((hook) => testSession(hook).recipient !== undefined), ['rcpt', 'pass', 'deliver'])
  assert.deepEqual(HOOKS.filter((hook) => testSession(hook).recipients.length > 0), ['data', 'message'])
  assert.deepEqual(HOOKS.filter((hook) => testSession(hook).auth !== undefined), ['auth'])
})

it('derives the environment from its fields', () => {
  const { env } = testSession('mail', { client: { ip: '2001:db8::1', port: 7, host: 'mx.far.example' }, helo: 'mx', reversePath: '' })
  assert.deepEqual([env['TCPREMOTEIP'], env['TCPREMOTEPORT'], env['TCPREMOTEHOST'], env['SMTPHELOHOST'], env['SMTPMAILFROM']],
    ['2001:db8::1', '7', 'mx.far.example', 'mx', ''])
  assert.ok(!('SMTPRCPTTO' in env) && !('SMTPAUTHUSER' in env) && !('RELAYCLIENT' in env))
})

it('counts recipients as the server does: accepted ones, and those asked about', () => {
  const recipients = ['a@local.example', 'b@local.example']
  assert.deepEqual(variables(testSession('rcpt', { recipients, recipient: 'c@x.example' })), ['c@x.example', '2', '3', '1'])
  assert.deepEqual(variables(testSession('rcpt', { recipients, recipientsAsked: 9, recipientAllowed: false })),
    ['user@local.example', '2', '9', '0'])
  assert.deepEqual(variables(testSession('pass', { recipients })), ['user@local.example', '3', '3', '1'])
  assert.deepEqual(variables(testSession('data', { recipients })), ['b@local.example', '1', '2', '1'])
})

it('shows who may relay and who has logged in', () => {
  const relay = testSession('rcpt', { relayClient: true, recipientAllowed: false })
  assert.deepEqual([relay.env['RELAYCLIENT'], relay.env['SMTPRCPTHOSTSOK']], ['', '1'])
  const user = testSession('mail', { auth: { user: 'joe', method: 'login' } })
  assert.deepEqual([user.env['SMTPAUTHUSER'], user.env['SMTPAUTHMETHOD']], ['joe', 'login'])
})

it('gives the environment of the test the last word', () => {
  const { env } = testSession('rcpt', {}, { SMTPRCPTCOUNT: '7', SMTPHELOHOST: undefined, MAXRECIPIENTS: '3' })
  assert.deepEqual([env['SMTPRCPTCOUNT'], env['MAXRECIPIENTS'], 'SMTPHELOHOST' in env], ['7', '3', false])
})
