/** Limits of a running server: connections of a network, times, what plugins see, and memory when each is driven to its end. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeHome } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

const GREETING = ['220 test.example ESMTP']
const BEGIN = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\n'
const DELIVER = '[+deliver]\n:echo O\n'

test('a network may have so many connections at a time; another has its own', async () => {
  const home = await makeHome({ 'control/smtp-tcprules': '127.0.0.9:allow\n127.:allow,LIMITS="connections=2"\n' }, { limits: {} })
  const server = await startServer(home)
  const [first, second] = [await server.connect(), await server.connect()]
  assert.deepEqual([await first.reply(), await second.reply()], [GREETING, GREETING])
  const third = await server.connect()
  assert.equal(await third.rest(), '421 too many connections from your network (#4.7.0)\r\n')
  for (const from of ['127.0.0.2', '127.0.0.9', '127.0.0.9', '127.0.0.9']) assert.deepEqual(await (await server.connect({ from })).reply(), GREETING)
  await first.leave()
  // The server hears of it when it hears of it.
  for (;;) {
    const [words] = await (await server.connect()).reply()
    if (words === GREETING[0]) break
    assert.match(words!, /^421 /)
  }
  await server.told(/421 too many connections from your network/)
})

test('the server has so many connections in all, from wherever; who is allowed more still gets in', async () => {
  const home = await makeHome({ 'control/smtp-tcprules': '127.0.0.9:allow,LIMITS="allConnections=3"\n:allow\n' }, { limits: { allConnections: 2 } })
  const server = await startServer(home)
  const first = await server.connect({ from: '127.0.0.2' })
  assert.deepEqual([await first.reply(), await (await server.connect({ from: '127.0.0.3' })).reply()], [GREETING, GREETING])
  assert.equal(await (await server.connect({ from: '127.0.0.4' })).rest(), '421 too many connections, come back later (#4.3.2)\r\n')
  assert.deepEqual(await (await server.connect({ from: '127.0.0.9' })).reply(), GREETING)
  assert.match(await (await server.connect({ from: '127.0.0.9' })).rest(), /^421 /)
})

test('a slow client is told, and a quick one is served', async () => {
  const home = await makeHome({ 'control/smtpplugins': DELIVER }, { limits: { commandSeconds: 1, dataSeconds: 1, sessionSeconds: 3 } })
  const server = await startServer(home)
  const [command, data, long] = [await server.connect(), await server.connect(), await server.connect()]
  for (const client of [command, data, long]) assert.deepEqual(await client.reply(), GREETING)
  command.send('NOO')
  assert.deepEqual(await data.command('EHLO x'), '250 SMTPUTF8')
  data.send(BEGIN)
  const quick = (async () => {
    for (;;) {
      const reply = await long.command('RSET')
      if (reply !== '250 flushed') return reply
      await pause(100)
    }
  })()
  assert.equal(await command.rest(), '451 timeout (#4.4.2)\r\n')
  assert.match(await data.rest(), /354 go ahead\r\n451 timeout \(#4\.4\.2\)\r\n$/)
  assert.equal(await quick, '421 this session has lasted too long, come again (#4.4.2)')
})

test('programs see who speaks out of turn', async () => {
  const home = await makeHome({
    'control/smtpplugins': `[connection]\n:sleep 0.3\n:[ -z "$SMTPEARLYTALKER" ] || echo "P220-early"\n[helo]\n:[ -z "$SMTPBADPIPELINING" ] || echo "P250-pipelined"\n${DELIVER}`,
  }, { limits: { earlyTalkers: 'note', pipelining: 'note' } })
  const server = await startServer(home)
  const rude = await server.connect()
  rude.send('HELO x\r\nNOOP\r\n')
  assert.deepEqual(await rude.reply(), ['220-early', ...GREETING])
  assert.deepEqual(await rude.reply(), ['250-pipelined', '250 test.example'])
  const polite = await server.connect()
  assert.deepEqual(await polite.reply(), GREETING)
  assert.equal(await polite.command('HELO x'), '250 test.example')
})

test('the delay of the greeting shows early talkers', async () => {
  const home = await makeHome({ 'control/smtpplugins': DELIVER }, { limits: { greetingDelay: 300 } })
  const server = await startServer(home)
  const [rude, polite] = [await server.connect(), await server.connect()]
  rude.send('EHLO x\r\n')
  assert.equal(await rude.rest(), '554 you must wait for my reply before you go on (#5.5.0)\r\n')
  assert.deepEqual(await polite.reply(), GREETING)
})

/** Bytes the server has in memory. */
function memoryOf({ pid }: Server): number {
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024
}

const MIB = 1024 * 1024

describe('memory', () => {
  test('stays flat, whoever does what, and the server serves others', async (t) => {
    const home = await makeHome({ 'control/smtpplugins': DELIVER }, { limits: { errors: 0, junkCommands: 0 } })
    const server = await startServer(home)
    const many = async (count: number): Promise<SmtpClient[]> => {
      const clients: SmtpClient[] = []
      while (clients.length < count) {
        clients.push(...await Promise.all(Array.from({ length: 50 }, async () => {
          const client = await SmtpClient.connect(server.port)
          assert.deepEqual(await client.reply(), GREETING)
          return client
        })))
      }
      return clients
    }
    const leave = (clients: readonly SmtpClient[]): Promise<unknown> => Promise.all(clients.map((client) => client.leave()))
    await leave(await many(100))
    const before = memoryOf(server)
    const grown = (what: string, most: number): void => {
      const bytes = memoryOf(server) - before
      t.diagnostic(`${what}: ${(bytes / MIB).toFixed(1)} MiB more`)
      assert.ok(bytes < most, `${what}: ${(bytes / MIB).toFixed(1)} MiB more than before`)
    }

    const idle = await many(2000)
    grown('2,000 idle connections', 100 * MIB)

    // Commands and the replies to them would be 10 MB a client.
    const deaf = idle.slice(0, 50)
    const commands = Buffer.from('NOOP\r\n'.repeat(700_000))
    await Promise.all(deaf.map(async (client) => {
      client.send('EHLO x\r\n')
      await client.reply()
      client.socket.pause()
      client.socket.write(commands)
    }))
    const slow = idle.slice(50, 250)
    for (const client of slow) client.send(`NOOP ${'x'.repeat(4000)}`)
    const trickling = idle.slice(250, 450)
    await Promise.all(trickling.map(async (client) => {
      await client.commands('EHLO x')
      client.send(BEGIN)
      for (let reply = 0; reply < 3; reply++) await client.reply()
    }))
    for (let round = 0; round < 50; round++) {
      for (const client of slow) client.socket.write('x')
      for (const client of trickling) client.socket.write('x')
      await pause(1)
    }
    const other = await server.connect()
    assert.deepEqual(await other.reply(), GREETING)
    assert.equal(await other.command('NOOP'), '250 ok')
    // Most of it is garbage that nobody needed to collect yet.
    grown('50 that read nothing, 200 in a command, 200 in a message', 260 * MIB)
    await leave(idle)
  })
})
