/**
 * What core/smtp/connection.ts leans on in smtp-server, which it overrides from within: an upgrade of the library that
 * changes one of these must fail here and not in somebody's mail.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { createSecureContext } from 'node:tls'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { Engine } from '../../core/smtp/connection.ts'
import { Talk } from '../../core/smtp/talk.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeCertificate } from '../harness/certificates.ts'
import { fakeDialogue, type Fake, type FakeOptions } from './fakes.ts'

interface Running {
  readonly engine: Engine
  readonly failures: unknown[]
  /** One for each connection. */
  readonly fakes: Fake[]
  readonly port: number
  connect(): Promise<SmtpClient>
}

/** Its clients and itself are gone after the test. */
async function listen(t: TestContext, options: FakeOptions & { readonly timeoutSeconds?: number; readonly refuse?: boolean; readonly hold?: Promise<void>; readonly implicitTls?: boolean } = {}): Promise<Running> {
  const failures: unknown[] = []
  const fakes: Fake[] = []
  const engine = new Engine({
    timeoutSeconds: options.timeoutSeconds ?? 60, implicitTls: options.implicitTls ?? false,
    failed: (_what, cause) => { failures.push(cause) },
    admit: async (_peer, port) => {
      if (options.refuse === true) return undefined
      await options.hold
      const fake = fakeDialogue(options)
      fakes.push(fake)
      return new Talk(port, fake.dialogue)
    },
  })
  await new Promise<void>((resolve) => { engine.listen(0, '127.0.0.1', () => resolve()) })
  const clients: SmtpClient[] = []
  t.after(async () => {
    await Promise.all(clients.map((client) => client.leave()))
    await engine.finish(1000)
  })
  const { port } = engine.server.address() as AddressInfo
  return {
    engine, failures, fakes, port,
    connect: async () => {
      const client = await SmtpClient.connect(port)
      clients.push(client)
      return client
    },
  }
}

/** Counts the calls of one method of our connection class, which only a connection can show. */
function count(engine: Engine, method: '_createParser' | '_onTimeout' | '_onClose'): { calls: number } {
  const [connection] = engine.connections
  const prototype = Object.getPrototypeOf(connection) as Record<string, (this: unknown, ...rest: unknown[]) => unknown>
  const original = prototype[method]!
  const counter = { calls: 0 }
  prototype[method] = function (...rest) {
    counter.calls++
    return original.apply(this, rest)
  }
  return counter
}

const MESSAGE = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\n'

describe('what we lean on in smtp-server', () => {
  test('nothing of its parser, greeting or command handlers ever runs', async (t) => {
    const prototype = SMTPConnection.prototype as unknown as Record<string, unknown>
    const names = Object.getOwnPropertyNames(prototype).filter((name) => /^(send|_onCommand|connectionReady|handler_.*)$/.test(name))
    assert.ok(names.includes('send') && names.includes('_onCommand') && names.includes('connectionReady'))
    assert.ok(names.filter((name) => name.startsWith('handler_')).length > 10)
    const touched: string[] = []
    const originals = names.map((name) => [name, prototype[name]] as const)
    for (const name of names) prototype[name] = () => { touched.push(name) }
    try {
      const { connect, fakes } = await listen(t)
      const client = await connect()
      assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
      await client.commands('EHLO x', 'HELO x', 'AUTH PLAIN', 'STARTTLS', 'XCLIENT ADDR=192.0.2.1', 'XFORWARD NAME=x', 'GET / HTTP/1.1', 'NOOP', 'HELP', 'VRFY x', 'LHLO x', '')
      client.send(MESSAGE)
      for (let reply = 0; reply < 3; reply++) await client.reply()
      client.send('content\r\n.\r\n')
      assert.match((await client.reply()).join(), /^250 ok/)
      assert.equal(fakes[0]!.spool.stored.length, 1)
      assert.equal(await client.command('QUIT'), '221 test.example')
      assert.equal(await client.rest(), '')
    } finally {
      for (const [name, original] of originals) prototype[name] = original
    }
    assert.deepEqual(touched, [])
  })

  test('_createParser is called once for each connection, by its constructor', async (t) => {
    const { engine, connect } = await listen(t)
    const first = await connect()
    await first.reply()
    const created = count(engine, '_createParser')
    const second = await connect()
    await second.reply()
    await second.commands('EHLO x', 'NOOP', 'RSET')
    assert.equal(created.calls, 1)
    const connections = [...engine.connections] as unknown as { readonly _parser: { readonly isClosed: unknown; readonly constructor: { readonly name: string } } }[]
    assert.deepEqual(connections.map(({ _parser }) => _parser.constructor.name), ['Intake', 'Intake'])
    assert.ok(connections.every(({ _parser }) => !_parser.isClosed), 'the gate that the library shuts')
  })

  test('_onTimeout fires for a silent client', async (t) => {
    const { engine, connect } = await listen(t, { timeoutSeconds: 0.2 })
    const client = await connect()
    await client.reply()
    const fired = count(engine, '_onTimeout')
    assert.deepEqual(await client.reply(), ['451 timeout (#4.4.2)'])
    assert.equal(await client.rest(), '')
    assert.ok(fired.calls >= 1)
  })

  test('a plugin at work is no silent client', async (t) => {
    const { connect } = await listen(t, {
      timeoutSeconds: 0.1,
      lines: { helo: [() => new Promise((resolve) => setTimeout(resolve, 600, { commands: [] }))] },
    })
    const client = await connect()
    await client.reply()
    assert.equal(await client.command('HELO x'), '250 test.example')
    await client.leave()
  })

  test('a client that never reads its replies is not kept for ever', async (t) => {
    const { engine, connect } = await listen(t, { timeoutSeconds: 0.3 })
    const client = await connect()
    await client.reply()
    client.socket.pause()
    client.socket.write('NOOP\r\n'.repeat(4_000_000))
    const [connection] = engine.connections
    await once(connection!._socket, 'close', { signal: AbortSignal.timeout(30_000) })
    assert.equal(engine.count, 0)
  })

  test('_onClose fires for a client that leaves, and its message is forgotten', async (t) => {
    const { engine, connect, fakes } = await listen(t)
    const client = await connect()
    await client.reply()
    const fired = count(engine, '_onClose')
    client.send(`${MESSAGE}half a mess`)
    for (let reply = 0; reply < 3; reply++) await client.reply()
    const { dialogue, spool } = fakes[0]!
    const left = once(dialogue.signal, 'abort')
    await client.leave()
    await left
    assert.ok(fired.calls >= 1)
    assert.equal(spool.aborted, 1)
    assert.deepEqual(spool.stored, [])
    assert.equal(engine.count, 0)
  })

  test('a reset connection hurts nobody', async (t) => {
    const { connect, failures } = await listen(t)
    const [first, second] = [await connect(), await connect()]
    await first.reply()
    await second.reply()
    first.send(`${MESSAGE}half`)
    first.socket.resetAndDestroy()
    assert.equal(await second.command('NOOP'), '250 ok')
    assert.deepEqual(failures, [])
  })

  test('a client that sends all and half-closes gets all its replies', async (t) => {
    const { connect, fakes } = await listen(t, {
      lines: { rcpt: [() => new Promise((resolve) => setTimeout(resolve, 100, { commands: [] }))] },
    })
    const client = await connect()
    client.send(`EHLO x\r\n${MESSAGE}content\r\n.\r\nNOOP\r\nHELP`)
    client.end()
    const replies = (await client.rest()).split('\r\n')
    assert.equal(replies.at(0), '220 test.example ESMTP')
    assert.deepEqual(replies.slice(-6).map((line) => line.slice(0, 6)), ['250 ok', '250 ok', '354 go', '250 ok', '250 ok', ''])
    assert.equal(fakes[0]!.spool.stored.length, 1)
  })

  test('a refused connection is closed without a word', async (t) => {
    const { connect } = await listen(t, { refuse: true })
    assert.equal(await (await connect()).rest(), '')
  })

  test('a dialogue that breaks answers, and the server goes on', async (t) => {
    const { connect, fakes } = await listen(t)
    const client = await connect()
    await client.reply()
    fakes[0]!.spool.createFails = new Error('disk full')
    assert.deepEqual(await client.commands('MAIL FROM:<>', 'RCPT TO:<u>', 'DATA', 'NOOP'), ['250 ok', '250 ok', '451 qqt failure (#4.3.0)', '250 ok'])
    const other = await connect()
    assert.deepEqual(await other.reply(), ['220 test.example ESMTP'])
  })
})

describe('the end of a listener', { concurrency: true }, () => {
  test('idle clients hear 421, one in the middle of a message finishes it, and then all is over', async (t) => {
    const { engine, connect, fakes } = await listen(t)
    const [idle, busy] = [await connect(), await connect()]
    await idle.reply()
    await busy.reply()
    busy.send(`${MESSAGE}one\r\n`)
    for (let reply = 0; reply < 3; reply++) await busy.reply()
    const over = engine.finish(20_000)
    assert.deepEqual(await idle.reply(), ['421 shutting down, come back later (#4.3.2)'])
    assert.equal(await idle.rest(), '')
    await idle.leave()
    busy.send('two\r\n.\r\n')
    assert.match((await busy.reply()).join(), /^250 ok/)
    assert.deepEqual(await busy.reply(), ['421 shutting down, come back later (#4.3.2)'])
    assert.equal(await busy.rest(), '')
    await busy.leave()
    await over
    assert.match(fakes.flatMap(({ spool }) => spool.stored)[0]!.content, /one\ntwo\n$/)
  })

  test('a client that keeps its half open does not keep the server', async (t) => {
    const { engine, connect } = await listen(t)
    const client = await connect()
    await client.reply()
    assert.equal(await client.command('QUIT'), '221 test.example')
    assert.equal(await client.rest(), '')
    await engine.finish(60_000)
    assert.equal(engine.count, 0)
  })

  test('a client that says QUIT and keeps its half open is not waited for', async (t) => {
    const { engine, connect } = await listen(t)
    const client = await connect()
    await client.reply()
    assert.equal(await client.command('QUIT'), '221 test.example')
    assert.equal(await client.rest(), '')
    assert.equal(await promisify(engine.server.getConnections.bind(engine.server))(), 0)
    assert.equal(engine.count, 0)
  })

  test('what stands behind QUIT takes nothing away of what was said before it', async (t) => {
    const { connect } = await listen(t)
    const client = await connect()
    await client.reply()
    client.send(`NOOP\r\nNOOP\r\nQUIT\r\n${'NOOP\r\n'.repeat(200_000)}`)
    assert.equal(await client.rest(), '250 ok\r\n250 ok\r\n221 test.example\r\n')
  })

  test('what is said behind QUIT costs a client that has read nothing none of its replies', async (t) => {
    const { engine, port } = await listen(t)
    const client = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    await once(client, 'data')
    client.pause()
    // More than the client's system holds for it, less than both do.
    client.write('EHLO x\r\n'.repeat(6000))
    const [connection] = engine.connections as unknown as Set<{ readonly _socket: Socket; readonly _closing: boolean }>
    // Replies have come to a halt, and so has the client.
    for (let before = -1; before !== connection!._socket.bytesWritten || before === 0;) {
      before = connection!._socket.bytesWritten
      await new Promise((resolve) => { setTimeout(resolve, 50) })
    }
    client.write('QUIT\r\n')
    while (!connection!._closing && engine.count > 0) await new Promise((resolve) => { setImmediate(resolve) })
    client.end('NOOP\r\n')
    await new Promise((resolve) => { setTimeout(resolve, 50) })
    let said = ''
    client.on('data', (chunk: Buffer) => { said += chunk.toString('latin1') }).resume()
    await once(client, 'close')
    assert.equal(said.match(/^250 /gm)?.length, 6000)
    assert.match(said, /\r\n221 test\.example\r\n$/)
  })

  test('a client that has left before it is let in is not kept', async (t) => {
    let release = (): void => {}
    const { engine, connect } = await listen(t, { hold: new Promise((resolve) => { release = resolve }) })
    const client = await connect()
    while (engine.count === 0) await new Promise((resolve) => { setImmediate(resolve) })
    const [connection] = engine.connections as unknown as Set<{ readonly _socket: Socket }>
    client.end()
    while (!connection!._socket.readableEnded) await new Promise((resolve) => { setImmediate(resolve) })
    release()
    assert.equal(await client.rest(), '220 test.example ESMTP\r\n')
    await engine.finish(60_000)
    assert.equal(engine.count, 0)
  })

  test('what is not over in time is ended', async (t) => {
    const { engine, connect, fakes } = await listen(t)
    const client = await connect()
    await client.reply()
    client.send(`${MESSAGE}half`)
    for (let reply = 0; reply < 3; reply++) await client.reply()
    await engine.finish(300)
    assert.equal(await client.rest(), '')
    assert.deepEqual(fakes[0]!.spool.stored, [])
  })
})

test('a client that waits to be let in when the server stops is told so, and does not hold the stop up', async (t) => {
  let release = (): void => {}
  const { engine, connect } = await listen(t, { hold: new Promise((resolve) => { release = resolve }) })
  const client = await connect()
  while (engine.count === 0) await new Promise((resolve) => { setImmediate(resolve) })
  const finished = engine.finish(60_000)
  release()
  assert.match(await client.rest(), /421 shutting down, come back later \(#4\.3\.2\)\r\n$/)
  await client.leave()
  await finished
})

test('a client whose STARTTLS is answered when the server stops is not waited for', { timeout: 30_000 }, async (t) => {
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => { release = resolve })
  const { engine, connect } = await listen(t, { offers: { starttls: true }, lines: { helo: [async () => { await slow; return { commands: [] } }] } })
  const client = await connect()
  await client.reply()
  client.send('EHLO x\r\nSTARTTLS\r\n')
  while (engine.connections.size === 0) await new Promise((resolve) => { setImmediate(resolve) })
  await new Promise((resolve) => { setTimeout(resolve, 50) })
  const finished = engine.finish(3_600_000)
  release()
  assert.match(await client.rest(), /^250[^]*\r\n220 [^\r]*\r\n$/)
  await client.leave()
  await finished
})

describe('TLS on what we lean on', () => {
  const pair = makeCertificate(['x.example'])

  async function listenTls(t: TestContext, options: FakeOptions & { readonly implicitTls?: boolean } = {}): Promise<Running> {
    const running = await listen(t, { offers: { starttls: options.implicitTls !== true }, ...options })
    const standard = createSecureContext(pair)
    running.engine.setCertificates({ standard, forName: () => standard, verify: undefined, useTickets: () => {} })
    return running
  }

  test('_createParser is called once more for STARTTLS, with the old parser closed first', async (t) => {
    const { engine, connect } = await listenTls(t)
    const client = await connect()
    await client.reply()
    const [connection] = engine.connections as unknown as Set<{ readonly _parser: { isClosed: boolean } }>
    const old = connection!._parser
    const created = count(engine, '_createParser')
    await client.startTls()
    assert.equal(await client.command('NOOP'), '250 ok')
    assert.equal(created.calls, 1)
    assert.equal(old.isClosed, true)
    assert.notEqual(connection!._parser, old)
    assert.equal(connection!._parser.isClosed, false)
  })

  test('nothing of its greeting or command handlers runs under TLS', async (t) => {
    const prototype = SMTPConnection.prototype as unknown as Record<string, unknown>
    const names = Object.getOwnPropertyNames(prototype).filter((name) => /^(send|_onCommand|connectionReady|handler_.*)$/.test(name))
    const touched: string[] = []
    const originals = names.map((name) => [name, prototype[name]] as const)
    for (const name of names) prototype[name] = () => { touched.push(name) }
    try {
      const { connect } = await listenTls(t)
      const client = await connect()
      await client.reply()
      await client.startTls()
      await client.commands('EHLO x', 'STARTTLS', 'NOOP')
      assert.equal(await client.command('QUIT'), '221 test.example')
      assert.equal(await client.rest(), '')
    } finally {
      for (const [name, original] of originals) prototype[name] = original
    }
    assert.deepEqual(touched, [])
  })

  test('the certificate that comes with the library, whose key everybody has, is never shown', async (t) => {
    for (const implicitTls of [true, false]) {
      const { engine, connect, port } = await listen(t, { implicitTls, offers: { starttls: true } })
      assert.equal(engine.secureContext.get('*'), undefined)
      if (implicitTls) {
        await assert.rejects(SmtpClient.connect(port, { tls: {} }))
      } else {
        const client = await connect()
        await client.reply()
        await assert.rejects(client.startTls())
      }
    }
  })

  test('a handshake that stalls does not hold the stop up, and one that is silent ends with the idle time', async (t) => {
    const { engine, connect } = await listenTls(t)
    const stalled = await connect()
    await stalled.reply()
    assert.equal(await stalled.command('STARTTLS'), '220 ready for tls')
    await engine.finish(60_000)
    assert.equal(await stalled.rest(), '')
    const silent = await listenTls(t, { timeoutSeconds: 0.3 } as FakeOptions)
    const client = await silent.connect()
    await client.reply()
    assert.equal(await client.command('STARTTLS'), '220 ready for tls')
    assert.equal(await client.rest(), '', 'no 451 in the clear in the middle of a handshake')
    while (silent.engine.count > 0) await new Promise((resolve) => { setImmediate(resolve) })
  })

  test('the 220 leaves before the handshake, however slowly the client reads its replies', async (t) => {
    const { connect } = await listenTls(t)
    const client = await connect()
    await client.reply()
    client.socket.pause()
    const noops = 60_000
    client.send(`${'NOOP\r\n'.repeat(noops)}STARTTLS\r\n`)
    await new Promise((resolve) => { setTimeout(resolve, 200) })
    client.socket.resume()
    for (let reply = 0; reply < noops; reply++) assert.equal(await client.line(), '250 ok\r\n')
    assert.deepEqual(await client.reply(), ['220 ready for tls'])
    await client.secure()
    assert.equal(await client.command('NOOP'), '250 ok')
  })

  test('under TLS from the first byte nothing is said before the handshake, and a stop is heard', async (t) => {
    const { engine, port } = await listenTls(t, { implicitTls: true })
    const client = await SmtpClient.connect(port, { tls: {} })
    assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
    const over = engine.finish(60_000)
    assert.deepEqual(await client.reply(), ['421 shutting down, come back later (#4.3.2)'])
    assert.equal(await client.rest(), '')
    await client.leave()
    await over
  })
})
