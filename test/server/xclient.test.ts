/** XCLIENT from the networks that the listener names, and from others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SmtpClient } from '../client/smtp-client.ts'
import { deliverInto, delivered, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const OFFER = '250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT'
const PROXY = '127.0.0.5'

const home = await makeHome({
  ...deliveryPlace('mail'),
  'control/smtpplugins': `[connection]\n:[ -z "$TCPREMOTEHOST" ] || echo "P220-$TCPREMOTEHOST $TCPREMOTEIP:$TCPREMOTEPORT helo=$SMTPHELOHOST user=$SMTPAUTHUSER"\n[+deliver]\n${deliverInto('mail')}\n`,
  'control/qmailconfig': 'localpop example.org\n', 'control/smtp-tcprules': '192.0.2.66:deny\n192.0.2.:allow,RELAYCLIENT=""\n203.0.113.:allow,LIMITS="connections=1"\n',
}, { listeners: [{ xclient: [PROXY] }, { xclient: ['127.1.0.0/16'], compat: 'qmail-spp' }], limits: {} })
const server = await startServer(home)

async function greeted(from = PROXY): Promise<SmtpClient> {
  const client = await server.connect({ from })
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  return client
}

test('the session begins anew as that of the client', async () => {
  const client = await greeted()
  client.send('EHLO proxy\r\n')
  assert.ok((await client.reply()).includes(OFFER))
  client.send('XCLIENT NAME=mail.example.net ADDR=192.0.2.7 PORT=4711\r\n')
  assert.deepEqual(await client.reply(), ['220-mail.example.net 192.0.2.7:4711 helo= user=', '220 test.example ESMTP'])
  client.send('XCLIENT HELO=x.example LOGIN=ann PROTO=ESMTP DESTADDR=198.51.100.9\r\n')
  assert.deepEqual(await client.reply(), ['220-mail.example.net 192.0.2.7:4711 helo=x.example user=ann', '220 test.example ESMTP'])
  assert.deepEqual(await client.commands('MAIL FROM:<a@b.example>', 'RCPT TO:<u@far.example>'), ['250 ok', '250 ok'], 'it is in the network that may relay')
  assert.equal(await client.command('XCLIENT ADDR=192.0.2.8'), '503 a message is under way (#5.5.1)')
  assert.equal(await client.command('DATA'), '354 go ahead')
  assert.match(await client.command('Subject: x\r\n\r\nx\r\n.'), /^250 ok /)
  const [message] = await delivered(home, 'mail', 1)
  assert.match(message!.content, /^Received: from mail\.example\.net \(HELO x\.example\) \(ann@example\.org@192\.0\.2\.7\)\n  by 198\.51\.100\.9 with ESMTPA; /)
  client.send('XCLIENT NAME=[UNAVAILABLE] LOGIN=[UNAVAILABLE] ADDR=IPV6:2001:db8::1\r\n')
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  assert.equal(await client.command('EHLO x'), '250 SMTPUTF8')
  assert.equal(await client.command('MAIL FROM:<a@b.example>'), '250 ok')
  assert.match(await client.command('RCPT TO:<u@far.example>'), /^553 /, 'this one may not')
})

test('rules and limits go by the address it says', async () => {
  const denied = await greeted()
  denied.send('XCLIENT ADDR=192.0.2.66\r\n')
  assert.equal(await denied.rest(), '')
  const first = await greeted()
  first.send('XCLIENT ADDR=203.0.113.1\r\n')
  assert.deepEqual(await first.reply(), ['220 test.example ESMTP'])
  first.send('XCLIENT ADDR=203.0.113.1\r\n')
  assert.deepEqual(await first.reply(), ['220 test.example ESMTP'], 'it is counted once')
  const second = await greeted()
  second.send('XCLIENT ADDR=203.0.113.1\r\n')
  assert.equal(await second.rest(), '421 too many connections from your network (#4.7.0)\r\n')
})

test('what is wrong changes nothing', async () => {
  const client = await greeted()
  for (const words of ['', ' ADDR=x', ' ADDR=192.0.2.7 FOO=x', ' NAME=a+0D+0AX-Header:+20x']) {
    assert.equal(await client.command(`XCLIENT${words}`), '501 these attributes are not understood (#5.5.4)')
  }
  assert.equal(await client.command('EHLO x'), '250 SMTPUTF8')
  assert.equal(await client.command('MAIL FROM:<a@b.example>'), '250 ok')
  assert.match(await client.command('RCPT TO:<u@far.example>'), /^553 /)
})

test('what is sent behind it is not read', async () => {
  const client = await greeted()
  await client.command('EHLO x')
  client.send('XCLIENT ADDR=192.0.2.7\r\nEHLO y\r\n')
  assert.equal(await client.rest(), '554 you must wait for my reply before you go on (#5.5.0)\r\n')
})

test('from others it is unknown, and not offered', async () => {
  const client = await greeted('127.0.0.6')
  client.send('EHLO x\r\n')
  assert.ok(!(await client.reply()).some((line) => line.includes('XCLIENT')))
  assert.equal(await client.command('XCLIENT ADDR=192.0.2.7'), '502 unimplemented (#5.5.1)')
})

test('who has logged in at the proxy may relay, until the proxy says otherwise', async () => {
  const client = await greeted()
  const far = async (attributes: string): Promise<string> => {
    client.send(`XCLIENT ${attributes}\r\n`)
    assert.match((await client.reply()).at(-1)!, /^220 /)
    await client.command('MAIL FROM:<a@b.example>')
    const answer = await client.command('RCPT TO:<u@far.example>')
    await client.command('RSET')
    return answer
  }
  assert.match(await far('ADDR=198.51.100.4'), /^553 /)
  assert.equal(await far('LOGIN=ann'), '250 ok')
  assert.match(await far('LOGIN=[UNAVAILABLE]'), /^553 /)
  await client.leave()
})
