/** The dialogue over real sockets: order, limits, clients that flood, hang and leave, and a server that is told to stop. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { SmtpClient } from '../client/smtp-client.ts'
import { run } from '../conformance/case.ts'
import { delivered, deliverInto, deliveryPlace, queueEmpties } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { serveLists } from '../harness/lists.ts'
import { startServer } from '../harness/server.ts'
import { CASES } from './dialogue-cases.ts'

const lists = await serveLists(CASES, { compat: false })
const FILES = { 'control/smtpplugins': `[+deliver]\n${deliverInto('all')}\n`, ...deliveryPlace('all') }
const home = await makeHome(FILES)
const server = await startServer(home)

const BEGIN = ['MAIL FROM:<a@b.example>', 'RCPT TO:<u@local.example>', 'DATA'] as const

async function greeted(): Promise<SmtpClient> {
  const client = await server.connect()
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  return client
}

describe('the dialogue', { concurrency: 4 }, () => {
  for (const one of CASES) test(`${one.name}: ${one.about}`, () => run(lists, one))
})

describe('command lines', () => {
  test('one of 4096 bytes with its line end is read, a longer one is refused once and skipped', async () => {
    const client = await greeted()
    assert.equal(await client.command(`HELO ${'x'.repeat(4096 - 7)}`), '250 test.example')
    assert.equal(await client.command(`HELO ${'x'.repeat(4097 - 7)}`), '500 line too long (#5.5.2)')
    assert.equal(await client.command(`NOOP ${'x'.repeat(3_000_000)}`), '500 line too long (#5.5.2)')
    assert.equal(await client.command('HELP'), '214 netqmail home page: http://qmail.org/netqmail')
    await client.leave()
  })

  test('10,000 NOOPs in one write', async () => {
    const client = await greeted()
    const replies = await client.commands(...Array.from({ length: 10_000 }, () => 'NOOP'))
    assert.deepEqual(new Set(replies), new Set(['250 ok']))
    assert.equal(await client.command('HELP'), '214 netqmail home page: http://qmail.org/netqmail')
    await client.leave()
  })

  test('a session byte by byte', async () => {
    const client = await greeted()
    await client.sendBytewise(`EHLO x\r\n${BEGIN.join('\r\n')}\r\n`)
    const replies = [await client.reply(), await client.reply(), await client.reply(), await client.reply()]
    assert.deepEqual(replies.map((lines) => lines.at(-1)), ['250 SMTPUTF8', '250 ok', '250 ok', '354 go ahead'])
    await client.sendBytewise('.\r\nQUIT\r\n')
    assert.match((await client.reply()).join(), /^250 ok [0-9]+ qp /)
    assert.deepEqual(await client.reply(), ['221 test.example'])
    assert.equal(await client.rest(), '')
    await queueEmpties(home)
  })

  test('a client that reads no replies is read no further, and others are served meanwhile', async () => {
    const flooding = await greeted()
    flooding.socket.pause()
    const before = await memory(server.pid)
    // What the system's buffers take of it, and of the replies, is a few megabytes.
    const limit = 50_000_000
    const taken = await flood(flooding, 'NOOP\r\n'.repeat(10_000), limit)
    const other = await greeted()
    assert.equal(await other.command('NOOP'), '250 ok')
    const grown = await memory(server.pid) - before
    assert.ok(taken < limit, `the server read on and on: ${taken} bytes of NOOP`)
    assert.ok(grown < 150 * 1024 * 1024, `${grown} bytes more memory after ${taken} bytes of NOOP`)
    await other.leave()
    await flooding.leave()
  })
})

/** Writes until the server reads no more (nothing taken for a second), or `limit` bytes are gone. Gives the bytes taken. */
async function flood({ socket }: SmtpClient, text: string, limit: number): Promise<number> {
  while (socket.bytesWritten < limit) {
    if (socket.write(text)) continue
    const taken = socket.bytesWritten - socket.writableLength
    await pause(1000)
    if (socket.bytesWritten - socket.writableLength === taken) break
  }
  return socket.bytesWritten - socket.writableLength
}

async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(status)![1]) * 1024
}

describe('clients that leave', () => {
  test('in the middle of a message: nothing is queued, nothing stays behind', async () => {
    const known = (await delivered(home, 'all', 0)).length
    const half = [await greeted(), await greeted(), await greeted()]
    for (const client of half) assert.deepEqual(await client.commands(...BEGIN), ['250 ok', '250 ok', '354 go ahead'])
    for (const client of half) client.send('half a message\r\n'.repeat(20_000))
    await arrives(home)
    half[0]!.end()
    await half[1]!.leave()
    half[2]!.send('.\r')
    half[2]!.socket.resetAndDestroy()
    assert.equal(await half[0]!.rest(), '')
    await half[0]!.leave()
    await queueEmpties(home)
    assert.equal((await delivered(home, 'all', 0)).length, known)
  })

  test('behind the final dot: the message was promised to nobody, but it is whole or it is not there', async () => {
    const known = (await delivered(home, 'all', 0)).length
    const client = await greeted()
    await client.commands(...BEGIN)
    client.send('Subject: last\r\n\r\nwords\r\n.\r\nQUIT\r\n')
    client.end()
    const rest = await client.rest()
    assert.match(rest, /^250 ok [0-9]+ qp [^\r]+\r\n221 test\.example\r\n$/)
    const found = await delivered(home, 'all', known + 1)
    assert.match(found.at(-1)!.content, /\nSubject: last\n\nwords\n$/)
  })

  test('while a plugin is asked', async () => {
    const client = await lists.connect('pipelined')
    await client.reply()
    client.send('MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\n')
    await client.reply()
    await client.leave()
    const other = await lists.connect('pipelined')
    assert.deepEqual(await other.reply(), ['220 test.example ESMTP'])
    await other.leave()
  })
})

test('a client that falls silent is told after timeoutsmtpd, in the middle of a message, too', async () => {
  const own = await makeHome({ ...FILES, 'control/timeoutsmtpd': '1\n' })
  const impatient = await startServer(own)
  const [idle, half] = [await impatient.connect(), await impatient.connect()]
  await idle.reply()
  await half.reply()
  await half.commands(...BEGIN)
  half.send('half a message\r\n')
  for (const client of [idle, half]) {
    assert.deepEqual(await client.reply(), ['451 timeout (#4.4.2)'])
    assert.equal(await client.rest(), '')
    await client.leave()
  }
  await queueEmpties(own)
  assert.deepEqual(await delivered(own, 'all', 0), [])
})

/** Waits until a message on its way in is seen on the disk. */
async function arrives(of: Home): Promise<void> {
  while ((await readdir(of.at('queue/tmp'))).length === 0) await pause(10)
}

describe('SIGTERM', () => {
  test('a session in DATA finishes its message, idle ones hear 421, nobody new is let in, and the exit is 0', async () => {
    const own = await makeHome(FILES)
    const stopping = await startServer(own)
    const [idle, busy] = [await stopping.connect(), await stopping.connect()]
    await idle.reply()
    await busy.reply()
    await busy.commands(...BEGIN)
    busy.send('Subject: kept\r\n\r\n')
    const exit = stopping.stop()
    assert.deepEqual(await idle.reply(), ['421 shutting down, come back later (#4.3.2)'])
    assert.equal(await idle.rest(), '')
    await idle.leave()
    await assert.rejects(stopping.connect())
    busy.send('body\r\n.\r\n')
    assert.match((await busy.reply()).join(), /^250 ok [0-9]+ qp /)
    assert.deepEqual(await busy.reply(), ['421 shutting down, come back later (#4.3.2)'])
    assert.equal(await busy.rest(), '')
    await busy.leave()
    assert.deepEqual(await exit, { code: 0, signal: null })
    // Delivered before the end or after the next start, but never lost.
    await startServer(own)
    const [message, ...more] = await delivered(own, 'all', 1)
    assert.match(message!.content, /\nSubject: kept\n\nbody\n$/)
    assert.deepEqual(more, [])
  })
})
