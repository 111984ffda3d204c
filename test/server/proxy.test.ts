/** Behind a proxy: a PROXY header counts from the networks that the listener names, and then everything goes by what it says. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { LAUNCHER } from '../cli/kit.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { deliverInto, delivered, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const GREETING = ['220 test.example ESMTP']
const SHOW = `[connection]\n:echo "P220-$TCPREMOTEIP:$TCPREMOTEPORT to $TCPLOCALIP:$TCPLOCALPORT"\n[+deliver]\n${deliverInto('mail')}\n`
const PROXY = '127.0.0.5'

const home = await makeHome({
  'control/smtpplugins': SHOW, ...deliveryPlace('mail'),
  'control/smtp-tcprules': '192.0.2.66:deny\n192.0.2.:allow,RELAYCLIENT=""\n203.0.113.:allow,LIMITS="connections=1"\n',
}, { listeners: [{ proxy: [`${PROXY}/32`, '127.1.0.0/16'] }, { compat: 'qmail-spp', proxy: [PROXY] }], limits: {} })
const server = await startServer(home)

const v1 = (ip: string): string => `PROXY TCP4 ${ip} 198.51.100.9 4711 25\r\n`
/** Version 2 with a TLV behind the addresses. */
function v2(ip: string, command = 0x21): string {
  const bytes = (text: string): number[] => text.split('.').map(Number)
  const body = [...bytes(ip), ...bytes('198.51.100.9'), 0x12, 0x67, 0, 25, 4, 0, 2, 1, 1]
  return `\r\n\r\n\0\r\nQUIT\n${String.fromCharCode(command, 0x11, 0, body.length, ...body)}`
}

/** What `helios why` says of this client, once the trace is on the disk. */
async function why(client: string): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const { status, stdout } = spawnSync(process.execPath, [LAUNCHER, '--home', home.path, 'why', '--client', client], { encoding: 'utf8' })
    if (status === 0) return stdout
    await pause(100)
  }
  return 'nothing'
}

async function via(bytes: string, from = PROXY, port = server.port): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port, { from })
  client.send(bytes)
  return client
}

const greeting = (ip: string): string[] => [`220-${ip}:4711 to 198.51.100.9:25`, ...GREETING]

for (const port of server.ports) {
  test(`both versions, whole and byte by byte (listener ${server.ports.indexOf(port) + 1})`, async () => {
    for (const header of [v1('203.0.113.8'), v2('203.0.113.8')]) {
      const whole = await via(header, PROXY, port)
      assert.deepEqual(await whole.reply(), greeting('203.0.113.8'))
      await whole.leave()
      const slow = await SmtpClient.connect(port, { from: PROXY })
      await slow.sendBytewise(header)
      // The one before may not be gone yet.
      const reply = await slow.reply()
      assert.ok(reply[0] === greeting('203.0.113.8')[0] || reply[0]!.startsWith('421 too many connections'), reply.join())
      await slow.leave()
    }
  })
}

test('rules go by the address it carries, and the log and the trace name both', async () => {
  assert.equal(await (await via(v1('192.0.2.66'))).rest(), '', 'denied')
  const client = await via(v2('192.0.2.7'))
  assert.deepEqual(await client.reply(), greeting('192.0.2.7'))
  assert.deepEqual(await client.commands('EHLO x'), ['250 SMTPUTF8'])
  assert.deepEqual(await client.commands('MAIL FROM:<a@b.example>', 'RCPT TO:<u@far.example>'), ['250 ok', '250 ok'], 'it may relay')
  assert.equal(await client.command('DATA'), '354 go ahead')
  assert.match(await client.command('Subject: x\r\n\r\nx\r\n.'), /^250 ok /)
  await client.leave()
  const [message] = await delivered(home, 'mail', 1)
  assert.match(message!.content, /^Received: from unknown \(HELO x\) \(192\.0\.2\.7\)\n  by 198\.51\.100\.9 with ESMTP; /)
  assert.match(await why('192.0.2.7'), /connected from 192\.0\.2\.7:4711 through 127\.0\.0\.5 to smtp/)
})

test('limits count the address it carries', async () => {
  const first = await via(v1('203.0.113.77'))
  assert.deepEqual(await first.reply(), greeting('203.0.113.77'))
  assert.equal(await (await via(v1('203.0.113.77'))).rest(), '421 too many connections from your network (#4.7.0)\r\n')
  const other = await via(v1('203.0.113.78'))
  assert.deepEqual(await other.reply(), greeting('203.0.113.78'))
  await Promise.all([first, other].map((client) => client.leave()))
})

test('LOCAL and UNKNOWN: the proxy speaks for itself', async () => {
  for (const header of [v2('203.0.113.8', 0x20), 'PROXY UNKNOWN\r\n']) {
    const client = await via(header)
    assert.match((await client.reply())[0]!, /^220-127\.0\.0\.5:[0-9]+ to 127\.0\.0\.1:[0-9]+$/)
    await client.leave()
  }
})

test('an IPv4 address written as IPv6 is that IPv4 address, for rules and for plugins', async () => {
  for (const ip of ['::ffff:198.18.0.9', '::ffff:c612:9', '0:0:0:0:0:FFFF:198.18.0.9']) {
    const client = await via(`PROXY TCP6 ${ip} ::ffff:198.51.100.9 4711 25\r\n`)
    assert.deepEqual(await client.reply(), greeting('198.18.0.9'), ip)
    await client.leave()
  }
  assert.equal(await (await via('PROXY TCP6 ::ffff:192.0.2.66 2001:db8::1 4711 25\r\n')).rest(), '', 'denied')
})

test('what stands behind the header in the same packet came before the greeting', async () => {
  const client = await via(`${v1('203.0.113.9')}EHLO x\r\n`)
  assert.equal((await client.rest()).split('\r\n').at(-2), '554 you must wait for my reply before you go on (#5.5.0)')
})

describe('no header, or no good one: closed without a word, and the log says why', () => {
  for (const [bytes, fault] of [
    ['EHLO x\r\n', 'it does not begin with PROXY'], ['PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n', 'a port is wrong'],
    ['\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c', 'its version or command is not known'], [`PROXY ${'x'.repeat(200)}`, 'its line has no end'],
  ] as const) {
    test(fault, async () => {
      assert.equal(await (await via(bytes, '127.1.2.3')).rest(), '')
      await server.told(new RegExp(`the PROXY header of 127.1.2.3 cannot be used: ${fault}`))
    })
  }

  test('half of one, and then nothing more', async () => {
    const client = await via('PROXY TCP4', '127.1.2.3')
    client.end()
    assert.equal(await client.rest(), '')
  })
})

describe('from anybody else it is a command like any other', () => {
  test('behind the greeting: not known, and it changes nothing', async () => {
    const client = await SmtpClient.connect(server.port)
    const [first] = await client.reply()
    assert.match(first!, /^220-127\.0\.0\.1:/)
    assert.equal(await client.command(v1('192.0.2.7').trimEnd()), '502 unimplemented (#5.5.1)')
    assert.equal(await client.command('EHLO x'), '250 SMTPUTF8')
    assert.equal(await client.command('MAIL FROM:<a@b.example>'), '250 ok')
    assert.match(await client.command('RCPT TO:<u@far.example>'), /^553 /, 'it may not relay')
    await client.leave()
  })

  test('in place of the client\'s first words: out of turn', async () => {
    for (const header of [v1('192.0.2.7'), v2('192.0.2.7')]) {
      const client = await via(header, '127.0.0.6')
      assert.match(await client.rest(), /554 you must wait|502 unimplemented/)
    }
  })
})
