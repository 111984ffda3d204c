/** What users who have logged in may do: the plugins relay and ratelimit behind a real AUTH. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import type { SmtpClient } from '../client/smtp-client.ts'
import { deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const PASSWORD = 'correct horse battery staple'
const home = await makeHome({
  'control/smtpplugins': `[rcpt]\nrelay\n[pass]\nratelimit\n[+deliver]\n${deliverInto('all')}\n`, ...deliveryPlace('all'),
  'control/relayusers': 'ann@local.example\n', 'control/smtpconfig': 'export RATELIMIT=user=3/1h\n',
}, { listeners: [{ auth: 'always' }] })
const database = openSqlite(home.path)
const password = await hashPassword(PASSWORD)
for (const login of ['ann', 'guest']) {
  await database.write.insertInto('passwd').values({ login, virtual_host: 'local.example', startdate: null, password }).execute()
}
await database.close()
const server = await startServer(home)

async function begin(login?: string, from = '127.0.0.1'): Promise<SmtpClient> {
  const client = await server.connect({ from })
  await client.reply()
  await client.command('EHLO client.example')
  if (login !== undefined) {
    const secret = Buffer.from(`\0${login}@local.example\0${PASSWORD}`).toString('base64')
    assert.equal(await client.command(`AUTH PLAIN ${secret}`), '235 ok, go ahead (#2.0.0)')
  }
  assert.equal(await client.command(`MAIL FROM:<${login ?? 'joe'}@local.example>`), '250 ok')
  return client
}

test('a user who is listed may send to other domains, another one to ours only, a stranger as ever', async () => {
  assert.equal(await (await begin('ann')).command('RCPT TO:<joe@far.example>'), '250 ok')
  assert.deepEqual(await (await begin('guest')).commands('RCPT TO:<joe@far.example>', 'RCPT TO:<ann@local.example>'),
    ['550 sorry, you may not send to other domains (#5.7.1)', '250 ok'])
  assert.deepEqual(await (await begin()).commands('RCPT TO:<joe@far.example>', 'RCPT TO:<ann@local.example>'),
    ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", '250 ok'])
})

test('a limit follows a user from address to address, and no other', async () => {
  const rcpt = 'RCPT TO:<joe@far.example>'
  assert.deepEqual(await (await begin('ann', '127.0.0.2')).commands(rcpt, rcpt, rcpt), ['250 ok', '250 ok', '451 sorry, too many recipients from you for now (#4.7.1)'])
  assert.equal(await (await begin('ann', '127.0.0.3')).command(rcpt), '451 sorry, too many recipients from you for now (#4.7.1)')
  assert.equal(await (await begin('guest', '127.0.0.3')).command('RCPT TO:<ann@local.example>'), '250 ok')
})
