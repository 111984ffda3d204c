/** STARTTLS and TLS from the first byte, over real sockets: what is offered, what is forgotten, whose certificate is shown. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { SmtpClient } from '../client/smtp-client.ts'
import { certificateFiles, makeCertificate, tlsFiles } from '../harness/certificates.ts'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

/** A program that shows what it sees when MAIL is asked. */
const SHOW = ':echo "P250-$SSL_PROTOCOL $SSL_CIPHER,$SSL_TLS_SNI_SERVERNAME,$SSL_CLIENT_VERIFY,$SSL_PEER_CERT_SUBJECT,$SMTPHELOHOST,$FROM_HELO,$FROM_CONNECTION"'
const LIST = `[connection]
:echo "SFROM_CONNECTION=$TCPREMOTEIP"; echo "HX-Connection: yes"
[helo]
:echo "SFROM_HELO=$SMTPHELOHOST"; echo "HX-Helo: $SMTPHELOHOST"
[mail]
${SHOW}
[+deliver]
${deliverInto('all')}
`
const home = await makeHome(
  { 'control/smtpplugins': LIST, 'control/smtp-tcprules': '127.9.:deny\n:allow\n', ...deliveryPlace('all'), ...tlsFiles() },
  { listeners: [{ tls: 'starttls' }, { tls: true }, { tls: 'starttls', compat: 'qmail-spp' }, {}] },
)
const server = await startServer(home)
const [STARTTLS, IMPLICIT, COMPAT, PLAIN] = server.ports as [number, number, number, number]

async function greeted(port: number, tls?: object): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port, tls === undefined ? {} : { tls })
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  return client
}

async function offers(client: SmtpClient): Promise<boolean> {
  client.send('EHLO x\r\n')
  return (await client.reply()).some((line) => line.endsWith('STARTTLS'))
}

/** The client goes on under TLS, and nothing of what it said before is known or answered. */
async function untouched(client: SmtpClient): Promise<void> {
  assert.deepEqual(await client.commands('RCPT TO:<u@local.example>', 'HELP'), ['503 MAIL first (#5.5.1)', '214 netqmail home page: http://qmail.org/netqmail'], client.transcript)
  client.send('MAIL FROM:<a@b.example>\r\n')
  assert.match((await client.reply())[0]!, /,NONE,,,,127\.0\.0\.1$/, client.transcript)
  assert.equal(client.unread, '', client.transcript)
  await client.leave()
}

describe('what is offered', () => {
  test('STARTTLS where the listener has it, until TLS is on', async () => {
    const client = await greeted(STARTTLS)
    assert.equal(await offers(client), true)
    await client.startTls()
    assert.equal(await offers(client), false)
    assert.equal(await client.command('STARTTLS'), '503 this connection has TLS already (#5.5.1)')
    await client.leave()
  })

  test('nothing on a listener without TLS, and none on one that has it from the first byte', async () => {
    const plain = await greeted(PLAIN)
    assert.equal(await offers(plain), false)
    assert.equal(await plain.command('STARTTLS'), '502 unimplemented (#5.5.1)')
    await plain.leave()
    const implicit = await greeted(IMPLICIT, {})
    assert.equal(await offers(implicit), false)
    await implicit.leave()
  })

  test('in compat mode it stands between the lines of the original', async () => {
    const client = await greeted(COMPAT)
    client.send('EHLO x\r\n')
    assert.deepEqual(await client.reply(), ['250-test.example', '250-PIPELINING', '250-STARTTLS', '250 8BITMIME'])
    await client.startTls()
    client.send('EHLO x\r\n')
    assert.deepEqual(await client.reply(), ['250-test.example', '250-PIPELINING', '250 8BITMIME'])
    await client.leave()
  })

  test('TLS 1.2 and 1.3, and nothing older', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await greeted(IMPLICIT, { minVersion: version, maxVersion: version })
      assert.equal((client.socket as TLSSocket).getProtocol(), version)
      await client.leave()
    }
    for (const version of ['TLSv1', 'TLSv1.1'] as const) {
      await assert.rejects(SmtpClient.connect(IMPLICIT, { tls: { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' } }), /alert|version|SSL/i)
    }
  })
})

test('plugins see the connection in their variables, the message in its Received, and the operator with why', async () => {
  const client = await greeted(STARTTLS)
  await client.command('EHLO before')
  await client.startTls({ servername: 'test.example', maxVersion: 'TLSv1.2' })
  await client.command('EHLO after')
  client.send('MAIL FROM:<a@b.example>\r\n')
  assert.match((await client.reply())[0]!, /^250-TLSv1\.2 ECDHE-ECDSA-[A-Z0-9-]+,test\.example,NONE,,after,after,127\.0\.0\.1$/)
  await client.commands('RCPT TO:<u@local.example>', 'DATA')
  client.send('Subject: x\r\n\r\n.\r\n')
  assert.match((await client.reply())[0]!, /^250 ok/)
  await client.leave()
  const [message] = await delivered(home, 'all', 1)
  assert.match(message!.content, /^Received: from unknown \(HELO after\) \(127\.0\.0\.1\)\n {2}by 127\.0\.0\.1 with ESMTPS; /)
  assert.match(message!.content, /^X-Connection: yes$/m, 'what was decided of the address stays')
  assert.doesNotMatch(message!.content, /before/, 'what a plugin made of the clear HELO does not')
})

describe('what came in the clear behind STARTTLS is never read', () => {
  const COMMANDS = 'EHLO injected\r\nMAIL FROM:<i@j.example>\r\nRCPT TO:<u@local.example>\r\n'

  for (const times of [1, 33, 150]) {
    test(`in the same packet, ${times * 3} lines`, async () => {
      const client = await greeted(STARTTLS)
      client.send(`STARTTLS\r\n${COMMANDS.repeat(times)}`)
      assert.deepEqual(await client.reply(), ['220 ready for tls'])
      await client.secure()
      await untouched(client)
    })
  }

  test('half a line in the same packet', async () => {
    const client = await greeted(STARTTLS)
    client.send('STARTTLS\r\nMAIL FROM:<i@j.exa')
    assert.deepEqual(await client.reply(), ['220 ready for tls'])
    await client.secure()
    assert.equal(await client.command('mple>'), '502 unimplemented (#5.5.1)')
    await untouched(client)
  })

  test('in a packet of its own, before the handshake', async () => {
    const client = await greeted(STARTTLS)
    await client.sendParts(['STARTTLS\r\n', COMMANDS])
    assert.deepEqual(await client.reply(), ['220 ready for tls'])
    // To the handshake this is garbage, unless it was dropped with the old parser.
    const over = await client.secure().then(() => 'secured', () => 'refused')
    if (over === 'secured') await untouched(client)
    else await client.leave()
  })

  test('in the middle of the handshake', async () => {
    const raw = connectTcp(STARTTLS, '127.0.0.1')
    await once(raw, 'data')
    raw.write('STARTTLS\r\n')
    await once(raw, 'data')
    let writes = 0
    const through = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        // The client's hello, and clear text right behind it.
        raw.write(writes++ === 0 ? Buffer.concat([chunk, Buffer.from(COMMANDS)]) : chunk, done)
      },
    })
    raw.on('data', (chunk: Buffer) => through.push(chunk)).on('close', () => through.push(null)).on('error', () => {})
    const tls = connectTls({ socket: through, rejectUnauthorized: false })
    const [error] = await Promise.race([once(tls, 'error'), once(tls, 'close').then(() => [undefined])]) as [Error | undefined]
    assert.ok(error === undefined || /alert|disconnected|ECONNRESET|record/i.test(error.message), String(error))
    raw.destroy()
    tls.destroy()
  })

  test('with a parameter it is no STARTTLS at all', async () => {
    const client = await greeted(STARTTLS)
    assert.deepEqual(await client.commands('STARTTLS now', 'NOOP'), ['501 STARTTLS takes no argument (#5.5.4)', '250 ok'])
    await client.startTls()
    await untouched(client)
  })

  test('twice', async () => {
    const client = await greeted(STARTTLS)
    client.send('STARTTLS\r\nSTARTTLS\r\n')
    assert.deepEqual(await client.reply(), ['220 ready for tls'])
    await client.secure()
    assert.equal(await client.command('STARTTLS'), '503 this connection has TLS already (#5.5.1)')
    await untouched(client)
  })

  test('a transaction begun in the clear is gone', async () => {
    for (const port of [STARTTLS, COMPAT]) {
      const client = await greeted(port)
      await client.commands('EHLO clear', 'MAIL FROM:<i@j.example>', 'RCPT TO:<u@local.example>')
      await client.startTls()
      await untouched(client)
    }
  })
})

test('access rules hold before the handshake', async () => {
  for (const port of [STARTTLS, IMPLICIT]) {
    const client = await SmtpClient.connect(port, { from: '127.9.0.1' })
    assert.equal(await client.rest(), '')
    await client.leave()
  }
})

test('a large message and a client that half-closes, through TLS', async () => {
  const client = await greeted(IMPLICIT, {})
  const line = `${'y'.repeat(76)}\r\n`
  client.send(`EHLO big\r\nMAIL FROM:<big@b.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\nSubject: big\r\n\r\n${line.repeat(60_000)}.\r\n`)
  client.end()
  assert.match(await client.rest(), /354 go ahead\r\n250 ok [0-9]+ qp \S+\r\n$/)
  await client.leave()
  const message = (await delivered(home, 'all', 2)).find(({ sender }) => sender === 'big@b.example')
  assert.ok(message!.content.endsWith(`\n\n${line.replace('\r', '').repeat(60_000)}`))
})

/** A server of its own, whose certificates a test changes. */
async function ownServer(stunnel: string, files: object): Promise<{ readonly home: Home; readonly server: Server }> {
  const own = await makeHome({ 'control/smtpplugins': LIST, 'control/smtpconfig-stunnel': stunnel, ...deliveryPlace('all'), ...files }, { listeners: [{ tls: true }, { tls: 'starttls' }] })
  return { home: own, server: await startServer(own) }
}

async function shown(port: number, servername?: string, options: object = {}): Promise<string> {
  const client = await greeted(port, { ...(servername === undefined ? {} : { servername }), ...options })
  const name = (client.socket as TLSSocket).getPeerX509Certificate()?.subject.replace('CN=', '') ?? 'none'
  await client.leave()
  return name
}

test('each name gets its certificate, and a new one counts without a restart', async () => {
  const files = certificateFiles({
    one: makeCertificate(['one.example']), two: makeCertificate(['two.example', 'also-two.example']), wild: makeCertificate(['*.wild.example']),
  })
  const { home: own, server: other } = await ownServer('cert = tls/one.pem\nkey = tls/one.key\ncert = tls/two.pem\nkey = tls/two.key\ncert = tls/wild.pem\nkey = tls/wild.key\n', files)
  const names = [undefined, 'one.example', 'two.example', 'ALSO-two.example', 'a.wild.example', 'a.b.wild.example', 'wild.example', 'other.example']
  const expected = ['one.example', 'one.example', 'two.example', 'two.example', '*.wild.example', 'one.example', 'one.example', 'one.example']
  assert.deepEqual(await Promise.all(names.map((name) => shown(other.port, name))), expected)
  const client = await greeted(other.ports[1]!)
  await client.startTls({ servername: 'two.example' })
  assert.equal((client.socket as TLSSocket).getPeerX509Certificate()!.subject, 'CN=two.example')

  const next = certificateFiles({ two: makeCertificate(['new.example', 'two.example']) })
  for (const [name, content] of Object.entries(next)) await own.write(name, content!)
  assert.equal(await shown(other.port, 'two.example'), 'new.example')
  assert.equal(await client.command('NOOP'), '250 ok', 'a session that began before goes on')

  await own.write('tls/two.key', makeCertificate(['x.example']).key)
  assert.equal(await shown(other.port, 'two.example'), 'new.example', 'the old pair serves until the new one is whole')
  await other.told(/reload failed, .*smtpconfig-stunnel:4: error: the key in tls\/two\.key is not that of the certificate in tls\/two\.pem/)
  await own.write('control/smtpconfig-stunnel', 'cert = tls/one.pem\nkey = tls/one.key\n')
  assert.equal(await shown(other.port, 'two.example'), 'one.example')
  await client.leave()
})

test('clients\' certificates: asked for, checked where shown, demanded', async () => {
  const [server1, known, stranger] = [makeCertificate(['mx.example']), makeCertificate(['known.example']), makeCertificate(['stranger.example'])]
  const config = (verify: number): string => `cert = tls/mx.pem\nkey = tls/mx.key\nCAfile = tls/known.pem\nverify = ${verify}\n`
  const { home: own, server: other } = await ownServer(config(0), certificateFiles({ mx: server1, known }))
  const seen = async (options: object): Promise<string> => {
    const client = await SmtpClient.connect(other.port, { tls: options })
    try {
      client.send('EHLO x\r\nMAIL FROM:<a@b.example>\r\n')
      await client.reply()
      await client.reply()
      return (await client.reply())[0]!.split(',').slice(2, 4).join(',')
    } catch {
      return 'refused'
    } finally {
      await client.leave()
    }
  }
  const all = async (): Promise<string[]> => [await seen({}), await seen(known), await seen(stranger)]
  assert.deepEqual(await all(), ['NONE,', 'SUCCESS,CN=known.example', 'FAILED,CN=stranger.example'])
  await own.write('control/smtpconfig-stunnel', config(1))
  assert.deepEqual(await all(), ['NONE,', 'SUCCESS,CN=known.example', 'refused'])
  await own.write('control/smtpconfig-stunnel', config(2))
  assert.deepEqual(await all(), ['refused', 'SUCCESS,CN=known.example', 'refused'])
})

const trace = async (): Promise<string> => (await Promise.all((await readdir(home.at('trace'))).map((name) => home.read(`trace/${name}`)))).join('')

test('why says in plain words what was wrong with a handshake', async () => {
  const send = async (bytes: string): Promise<void> => {
    const client = await SmtpClient.connect(IMPLICIT)
    client.send(bytes)
    await client.rest()
    await client.leave()
  }
  const begin = async (options: ConnectionOptions): Promise<void> => {
    const socket = connectTls({ port: IMPLICIT, host: '127.0.0.1', rejectUnauthorized: false, ...options }).on('error', () => {})
    await new Promise((resolve) => { socket.once('close', resolve) })
  }
  await send('EHLO x\r\n')
  await send('GET / HTTP/1.1\r\n\r\n')
  await begin({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' })
  await begin({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' })
  const expected = ['what the client sends is no TLS', 'what the client sends is HTTP and no TLS', 'the client knows no version of TLS that is allowed here', 'the client knows no cipher that is allowed here']
  const missing = async (): Promise<string[]> => {
    const recorded = await trace()
    return expected.filter((text) => !recorded.includes(`TLS handshake failed: ${text}"`))
  }
  for (let tries = 0; (await missing()).length > 0 && tries < 500; tries++) await pause(20)
  assert.deepEqual(await missing(), [])
})

test('a handshake that fails hurts nobody, and why tells of it', async () => {
  for (const port of [STARTTLS, IMPLICIT]) {
    const client = port === STARTTLS ? await greeted(port) : await SmtpClient.connect(port)
    if (port === STARTTLS) assert.equal(await client.command('STARTTLS'), '220 ready for tls')
    client.send('GET / HTTP/1.1\r\n\r\n')
    await client.rest()
    await client.leave()
    const aborted = port === STARTTLS ? await greeted(port) : await SmtpClient.connect(port)
    if (port === STARTTLS) assert.equal(await aborted.command('STARTTLS'), '220 ready for tls')
    aborted.socket.resetAndDestroy()
  }
  const client = await greeted(IMPLICIT, {})
  await client.leave()
  for (let tries = 0; !/TLS handshake failed: /.test(await trace()); tries++) {
    assert.ok(tries < 500, 'no trace of the handshake')
    await pause(20)
  }
})

test('who leaves before or within the handshake holds no place until it is too late', async () => {
  /** The first bytes of a ClientHello. */
  const begun = Buffer.from('160301020001000001fc0303', 'hex')
  for (const port of [STARTTLS, IMPLICIT]) {
    for (const bytes of [Buffer.alloc(0), begun]) {
      const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
      await once(socket, 'connect')
      let said = ''
      socket.setEncoding('latin1').on('data', (text: string) => { said += text })
      socket.on('error', () => {})
      if (port === STARTTLS) {
        while (!said.includes('220 ')) await pause(5)
        socket.write('STARTTLS\r\n')
        while (!said.includes('ready for tls')) await pause(5)
      }
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(40_000) })
      socket.once('end', () => socket.destroy())
      socket.end(bytes)
      await closed
    }
  }
})
