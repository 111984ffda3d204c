/** Settings of new-mail notification, as an operator works with them. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { place } from './kit.ts'

test('set, show, test and del: the password is read where the account is new, kept, and never shown', async (t) => {
  const here = place(t)
  const note = 'note: this version keeps these settings and sends nothing yet\n'
  assert.equal((await here.helios(['init', '--domain', 'local.example', '--user', 'joe'])).code, 0)
  const nothing = await here.helios(['notify', 'test', 'joe@local.example'])
  assert.deepEqual([nothing.code, nothing.out, nothing.err], [1, 'nothing would be sent: neither joe@local.example nor a group has settings\n', note])
  const set = await here.helios(['notify', 'set', 'joe@local.example', '--jid', 'joe@jabber.example', '--send-to', '4812@sms.example'], { stdin: 'hunter2\n' })
  assert.deepEqual([set.code, set.out, set.err], [0, 'joe@local.example  on  from joe@jabber.example  to 4812@sms.example\n', note])
  // Nothing is read where nothing new is to be known.
  assert.equal((await here.helios(['notify', 'set', 'joe@local.example', '--jid', 'joe@jabber.example', '--off'], { stdin: '' })).code, 0)
  assert.equal((await here.helios(['notify', 'test', 'joe@local.example'])).out, 'nothing would be sent: joe@local.example says off\n')
  assert.equal((await here.helios(['notify', 'set', 'joe@local.example', '--on'])).code, 0)
  const tried = await here.helios(['notify', 'test', 'joe@local.example'])
  assert.equal(tried.code, 0)
  assert.match(tried.out, /log in as joe@jabber\.example, and send to 4812@sms\.example\n/)
  const shown = await here.helios(['notify', 'show', 'joe@local.example', '--json'])
  assert.deepEqual(JSON.parse(shown.out), { user: 'joe@local.example', enabled: true, jid: 'joe@jabber.example', hasPassword: true, sendTo: '4812@sms.example' })
  assert.match((await here.helios(['finger', 'joe'])).out, /^ {2}notify {6}from joe@jabber\.example to 4812@sms\.example /m)
  const database = new DatabaseSync(here.at('helios-home/helios.db'))
  assert.equal(database.prepare('SELECT password FROM helios_notify').get()?.['password'], 'hunter2')
  database.close()
  const slip = await here.helios(['notify', 'set', 'joe@local.example', '--jid', 'jabber.example'])
  assert.match(slip.err, /^helios: "jabber\.example" is not a Jabber address \(/)
  assert.equal((await here.helios(['notify', 'del', 'joe@local.example'])).out, 'joe@local.example: nothing is set any more\n')
  assert.match((await here.helios(['notify', 'set', 'joe@local.example', '--new-password'])).err, /^helios: a password was given, and no account that it is for \(add --jid ACCOUNT\)\n$/)
})
