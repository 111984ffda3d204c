/** Plugins that remember, over real sockets: across sessions, across a kill, and when they cannot. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { SmtpClient } from '../client/smtp-client.ts'
import { deliverInto, delivered, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

const LIST = `[connection]\nearlytalker\n[rcpt]\ngreylist\n[pass]\nratelimit\n[+message]\nheaderchecks\n[+deliver]\n${deliverInto('here')}\n`
const RULES = '127.0.0.9:allow,GREYLIST=""\n127.0.1.:allow,GREYLIST="delay=1s"\n'
  + '127.0.2.:allow,RATELIMIT="network=3/1h"\n127.0.3.:allow,HEADERCHECKS="from date received=5 singletons"\n'
  + '127.0.5.:allow,EARLYTALKER="wait=1s"\n127.0.4.:allow,GREYLIST="",SPPCONFFILE="lists/open"\n'

const home = await makeHome({
  'control/smtpplugins': LIST, 'control/smtp-tcprules': RULES, ...deliveryPlace('here'),
  'lists/open': LIST.replace('\ngreylist', '\n@onerror=open greylist'),
})

async function begin(server: Server, from: string, sender = 'joe@far.example'): Promise<SmtpClient> {
  const client = await server.connect({ from })
  await client.reply()
  await client.commands('EHLO client.far.example', `MAIL FROM:<${sender}>`)
  return client
}

/** One RCPT of a session of its own. */
async function rcpt(server: Server, from: string, recipient = 'ann@local.example'): Promise<string> {
  const client = await begin(server, from)
  const reply = await client.command(`RCPT TO:<${recipient}>`)
  await client.leave()
  return reply
}

const LIMITED = '451 sorry, too many recipients from you for now (#4.7.1)'

test('a stranger is put off, and known from its second attempt on; a limit counts a whole network', async () => {
  const server = await startServer(home)
  assert.match(await rcpt(server, '127.0.1.1'), /^451 sorry, I do not know you yet: please come back in 1 seconds \(#4\.7\.1\)$/)
  for (let tries = 0; (await rcpt(server, '127.0.1.2')).startsWith('451'); tries++) {
    assert.ok(tries < 1000, 'it is never let in')
    await pause(10)
  }
  assert.deepEqual([await rcpt(server, '127.0.2.1'), await rcpt(server, '127.0.2.2')], ['250 ok', '250 ok'])
  await server.kill()
})

test('both last over a kill; a broken header is refused, a whole one delivered', async () => {
  const server = await startServer(home)
  assert.equal(await rcpt(server, '127.0.1.3'), '250 ok')
  assert.match(await rcpt(server, '127.0.1.3', 'bob@local.example'), /^451 sorry, I do not know you yet/)
  const client = await begin(server, '127.0.2.3')
  assert.deepEqual(await client.commands('RCPT TO:<a@local.example>', 'RCPT TO:<b@local.example>'), ['250 ok', LIMITED])
  const all = await Promise.all(Array.from({ length: 5 }, (_, n) => rcpt(server, `127.0.2.${n + 10}`)))
  assert.deepEqual(new Set(all), new Set([LIMITED]))
  const send = async (header: string): Promise<string> => {
    const client = await begin(server, '127.0.3.1')
    await client.commands('RCPT TO:<ann@local.example>', 'DATA')
    return client.command(`${header}\r\nHello.\r\n.`)
  }
  assert.equal(await send('Subject: x\r\n'), '550 sorry, your message has no Date field (#5.6.0)')
  const whole = 'From: joe@far.example\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\n'
  assert.equal(await send(`${'Received: by x\r\n'.repeat(5)}${whole}`), '554 sorry, your message has passed too many hosts (#5.4.6)')
  assert.equal(await send(`${whole}From : eve@far.example\r\n`), '550 sorry, your message has more than one From field (#5.6.0)')
  assert.match(await send(`${'Received: by x\r\n'.repeat(4)}${whole}`), /^250 ok /)
  assert.equal((await delivered(home, 'here', 1)).length, 1)
})

test('who speaks before the greeting is turned away, who waits is served', async () => {
  const server = await startServer(home)
  const [rude, polite] = [await server.connect({ from: '127.0.5.1' }), await server.connect({ from: '127.0.5.2' })]
  rude.send('EHLO client.far.example\r\n')
  assert.equal(await rude.rest(), '554 sorry, you must wait for my greeting (#5.5.0)\r\n')
  assert.match((await polite.reply()).join(), /^220 /)
  assert.equal(await rcpt(server, '127.0.5.2'), '250 ok')
})

test('who cannot remember says so, tempfails or steps aside as its line says, and mends without a restart', async () => {
  for (const end of ['', '-wal', '-shm']) rmSync(home.at(`store.db${end}`), { force: true })
  await home.write('store.db', 'not a database, and long enough for its header. '.repeat(10))
  const server = await startServer(home)
  assert.equal(await rcpt(server, '127.0.0.9'), '451 qmail-spp failure: greylist: unavailable (#4.3.0)')
  assert.equal(await rcpt(server, '127.0.4.1'), '250 ok')
  await server.told(/store\.db does not answer: file is not a database/)
  rmSync(home.at('store.db'))
  assert.match(await rcpt(server, '127.0.0.9'), /^451 sorry, I do not know you yet/)
})
