/** Several processes that serve the sessions of one server: what is shared, what one of them costs when it dies, and how all of them end. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { isQueueEmpty } from '../harness/delivered.ts'
import type { Home } from '../harness/home.ts'
import { descendantsOf, isAlive } from '../harness/processes.ts'
import { freePort } from '../harness/ports.ts'
import { startServer } from '../harness/server.ts'
import { hello, oneOnEach, served, start, statusFile, until, WHO, type Served, type WorkerStatus } from './workers-kit.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const helios = (home: Home, ...args: string[]) => run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })

const END = 'the end of this message'

/** The tests in here follow one another at one server: each start of one costs more than a test. */
const { home, server } = await start({
  'control/smtpplugins': `[helo]\n${WHO}\n:echo "P250-first"\n`, 'control/smtp-tcprules': '127.0.7.:allow,LIMITS="connections=4"\n127.0.8.:allow,LIMITS="allConnections=4"\n:allow\n',
}, { listeners: [{ service: 'smtp', host: '127.0.0.1', port: 0, auth: 'always' }] })

test('each of them serves, and a reload, a failed one too, is one for all', async () => {
  const both = await oneOnEach(server)
  const status = await until(async () => {
    const found = await statusFile(home)
    return found?.sessions === both.length ? found : undefined
  })
  assert.deepEqual(status.workers.map(({ pid }) => pid).toSorted(), [...new Set(both.map(({ pid }) => pid))].toSorted())
  assert.deepEqual(status.workers.map(({ generation }) => generation), [1, 1])
  assert.match((await helios(home, 'status')).stdout, /^process 2 +pid \d+ +\d+ sessions? +generation 1$/m)

  await home.write('control/smtpplugins', `[helo]\n${WHO}\n:echo "P250-second"\n`)
  // The watch may have been quicker.
  assert.match((await helios(home, 'reload')).stdout, /^(generation 2 serves new sessions|nothing has changed since generation 2)$/m)
  assert.deepEqual((await statusFile(home))?.workers.map(({ generation }) => generation), [2, 2])
  for (const { client } of await oneOnEach(server)) assert.equal((await hello(client))[1], '250-second')
  for (const { client } of both) assert.equal((await hello(client))[1], '250-first', 'an old session keeps its generation')

  await home.write('control/smtpplugins', '[helo]\n@nonsense :echo\n')
  await assert.rejects(helios(home, 'reload'), ({ stderr }: { readonly stderr: string }) => {
    assert.match(stderr, /smtpplugins:2: error: .*\n.*not reloaded: generation 2 serves on/)
    return true
  })
  for (const { client } of await oneOnEach(server)) assert.equal((await hello(client))[1], '250-second')

  // Nobody tells them: the first connection after it is served by the new list, whichever process takes it.
  await home.write('control/smtpplugins', `[helo]\n${WHO}\n:echo "P250-third"\n`)
  const first = await server.connect()
  await first.reply()
  assert.equal((await hello(first))[1], '250-third')
  await until(async () => (await statusFile(home))?.workers.every(({ generation }) => generation === 3))
  await server.told(/reload failed/)
  assert.equal(server.stderr().match(/reload failed/g)?.length, 1, 'told once')
})

test('connections of a network are counted over all of them, and a killed one gives its own back', async () => {
  const from = '127.0.7.1'
  const refusal = async (): Promise<string> => (await (await server.connect({ from })).reply())[0]!
  // Four are let in, whoever serves them.
  const clients = await untilOnEach(4, async () => {
    const found: Served[] = []
    while (found.length < 4) found.push(await served(server, { from }))
    return found
  })
  assert.match(await refusal(), /^421 too many connections from your network/)
  assert.deepEqual(await (await server.connect({ from: '127.0.8.1' })).reply(), ['421 too many connections, come back later (#4.3.2)'])
  const victim = clients[0]!.pid
  process.kill(victim, 'SIGKILL')
  const lost = clients.filter(({ pid }) => pid === victim)
  for (const { client } of lost) assert.equal(await client.rest(), '', 'ends with its process')
  for (const { client, pid } of clients) if (pid !== victim) assert.match(await client.command('NOOP'), /^250/, 'the others go on')
  for (const _ of lost) await until(async () => served(server, { from }).catch(() => undefined))
  assert.match(await refusal(), /^421 too many connections/)
})

test('failed logins are counted over all of them, of networks and of accounts; who logged in here before does not wait for the others', async () => {
  const database = openSqlite(home.path)
  const password = await hashPassword('correct horse')
  await database.write.insertInto('passwd').values({ login: 'ann', virtual_host: 'example.test', startdate: null, password }).execute()
  await database.close()
  const login = async (client: SmtpClient, text: string): Promise<string> => client.command(`AUTH PLAIN ${Buffer.from(`\0ann@example.test\0${text}`).toString('base64')}`)
  const from = async (network: number): Promise<SmtpClient> => (await served(server, { from: `127.0.${network}.1` })).client

  assert.equal(await login(await from(100), 'correct horse'), '235 ok, go ahead (#2.0.0)')
  let network = 101
  const strangers = await untilOnEach(12, () => Promise.all(Array.from({ length: 12 }, () => served(server, { from: `127.0.${network++}.1` }))))
  const answers = await Promise.all(strangers.map(({ client }) => login(client, 'wrong')))
  assert.deepEqual([...new Set(answers)], ['535 authentication failed (#5.7.8)'])

  const [known, stranger] = [await from(100), await from(99)]
  const since = performance.now()
  const order: string[] = []
  const right = async (client: SmtpClient, who: string): Promise<void> => {
    assert.match(await login(client, 'correct horse'), /^235 /)
    order.push(who)
  }
  await Promise.all([right(stranger, 'stranger'), right(known, 'known')])
  assert.deepEqual(order, ['known', 'stranger'])
  // However slow the machine is, it is not sooner.
  assert.ok(performance.now() - since >= 3950, 'the thirteenth try of an account waits 4 seconds where nobody is known')
})

test('files that make no generation: no process is replaced until they are mended, and the others serve on', async () => {
  const [one] = await oneOnEach(server)
  await home.write('control/smtpplugins', '[helo]\n@nonsense :echo\n')
  await assert.rejects(helios(home, 'reload'))
  process.kill(one!.pid, 'SIGKILL')
  await until(async () => (await statusFile(home))?.workers.some(({ pid }) => pid === undefined))
  const other = await served(server)
  assert.notEqual(other.pid, one!.pid)
  await home.write('control/smtpplugins', `[helo]\n${WHO}\n`)
  await until(async () => {
    const status = await statusFile(home)
    return status !== undefined && status.lastFailedReload === undefined && status.workers.every(({ pid, generation }) => pid !== undefined && generation === status.generation.number)
  })
})

test('proxies, and networks that may speak for others, are known to each of them', async () => {
  const listener = { service: 'smtp', host: '127.0.0.1', port: 0 }
  const { server } = await start({ 'control/smtpplugins': `[helo]\n:echo "P250-$TCPREMOTEIP"\n${WHO}\n` }, {
    listeners: [{ ...listener, proxy: ['127.0.0.0/8', '2001:db8::/32'] }, { ...listener, xclient: ['127.0.0.1', '::1'] }],
  })
  const by = new Set<string>()
  await until(async () => {
    const [proxied, spoken] = await Promise.all(server.ports.map((port) => SmtpClient.connect(port)))
    proxied!.send('PROXY TCP4 203.0.113.5 198.51.100.9 4711 25\r\n')
    assert.deepEqual(await proxied!.reply(), ['220 test.example ESMTP'])
    await spoken!.reply()
    spoken!.send('XCLIENT ADDR=203.0.113.5\r\n')
    assert.deepEqual(await spoken!.reply(), ['220 test.example ESMTP'])
    for (const client of [proxied!, spoken!]) {
      const [ip, pid] = await hello(client)
      assert.equal(ip, '250-203.0.113.5')
      by.add(`${client === proxied ? 'proxy' : 'xclient'} ${pid}`)
      await client.leave()
    }
    return by.size === 4
  })
})

test('a stop ends all of them, in order', async () => {
  const both = await oneOnEach(server)
  const below = await descendantsOf(server.pid)
  // Root's own children and the brokers', none of which has the listening socket but those that serve.
  const stopped = server.stop()
  for (const { client } of both) assert.equal(await client.rest(), '421 shutting down, come back later (#4.3.2)\r\n')
  assert.equal((await stopped).code, 0)
  assert.deepEqual(below.filter(isAlive), [])
  assert.match((await helios(home, 'why', '--last', '1')).stdout, /421 shutting down/)
})

test('processes killed under load: no message with a 250 is lost, and each is replaced', { timeout: 200_000 }, async () => {
  const { home, server } = await start({ 'control/smtpplugins': '[+deliver]\nmaildir\n', 'control/rcpthosts': 'example.test\n' }, { log: { level: 'warn' } })
  await helios(home, 'domain', 'add', 'example.test')
  await helios(home, 'user', 'add', 'u@example.test', '--generate')
  const promised = new Map<number, string>()
  let next = 0
  let killing = true
  const sender = async (): Promise<void> => {
    while (killing) await send(server.port, () => next++, promised, () => killing).catch(() => pause(10))
  }
  const senders = Array.from({ length: 6 }, sender)
  const KILLS = 8
  for (let kill = 1; kill <= KILLS; kill++) {
    const { workers } = await until(async () => {
      const status = await statusFile(home)
      return status !== undefined && status.workers.every(({ pid }) => pid !== undefined) && promised.size > kill * 25 ? status : undefined
    })
    process.kill(workers[kill % 2]!.pid!, 'SIGKILL')
    await until(async () => replaced((await statusFile(home))?.workers) >= kill)
  }
  killing = false
  await Promise.all(senders)
  await until(() => isQueueEmpty(home))
  assert.deepEqual(await readdir(home.at('queue/corrupt')), [])

  const copies = new Map<number, number>()
  const maildir = home.at('mail/example.test/u/Maildir/new')
  for (const name of await readdir(maildir)) {
    const content = await readFile(join(maildir, name), 'latin1')
    assert.ok(content.endsWith(`${END}\n`), `${name} is half a message`)
    const number = Number(/^X-Number: (\d+)$/m.exec(content)?.[1])
    copies.set(number, (copies.get(number) ?? 0) + 1)
  }
  assert.deepEqual([...promised.keys()].filter((number) => !copies.has(number)), [], 'answered 250 and lost')
  // The process that delivers was never killed.
  assert.deepEqual([...copies].filter(([, count]) => count > 1), [], 'delivered twice')
  assert.match((await helios(home, 'why', [...promised.values()].at(-1)!)).stdout, /connected from .*\n[^]*> DATA[^]*delivered/)
  await server.told(/server process \d \(pid \d+\) ended \(SIGKILL\) with about \d+ sessions; another one takes its place/)
  console.log(`${promised.size} promised, ${copies.size} arrived after ${KILLS} kills of a process`)
  assert.equal((await server.stop()).code, 0)
})

test('the main process killed: all others end, and the next server finds what they accepted', { timeout: 120_000 }, async () => {
  const port = await freePort()
  const { home, server } = await start({ 'control/smtpplugins': '[+deliver]\nmaildir\n', 'control/rcpthosts': 'example.test\n', 'control/concurrencylocal': '0\n' },
    { listeners: [{ service: 'smtp', host: '127.0.0.1', port }] })
  await helios(home, 'domain', 'add', 'example.test')
  await helios(home, 'user', 'add', 'u@example.test', '--generate')
  const promised = new Map<number, string>()
  let next = 0
  let sending = true
  const senders = Array.from({ length: 4 }, async () => send(port, () => next++, promised, () => sending).catch(() => undefined))
  await until(async () => promised.size >= 20)
  const below = await descendantsOf(server.pid)
  assert.ok(below.length >= 5, 'two processes, three brokers')
  await server.kill()
  // At once: it must wait for the old ones by itself, and get their port.
  await home.write('control/concurrencylocal', '10\n')
  const again = await startServer(home)
  // The brokers end when their servers have.
  await until(async () => !below.some(isAlive))
  sending = false
  await Promise.all(senders)
  await until(() => isQueueEmpty(home))
  const arrived = new Set<number>()
  const maildir = home.at('mail/example.test/u/Maildir/new')
  for (const name of await readdir(maildir)) {
    arrived.add(Number(/^X-Number: (\d+)$/m.exec(await readFile(join(maildir, name), 'latin1'))?.[1]))
  }
  assert.deepEqual([...promised.keys()].filter((number) => !arrived.has(number)), [], 'answered 250 and lost')
  assert.equal((await again.stop()).code, 0)
})

async function untilOnEach(count: number, connect: () => Promise<readonly Served[]>): Promise<readonly Served[]> {
  return until(async () => {
    const found = await connect()
    if (new Set(found.map(({ pid }) => pid)).size === 2) return found
    for (const { client } of found.slice(0, count)) {
      await client.command('QUIT')
      await client.leave()
    }
    return undefined
  })
}

function replaced(workers: readonly WorkerStatus[] = []): number {
  return workers.reduce((sum, worker) => sum + worker.replaced, 0)
}

/** Sends messages on one connection as long as it may; each number that got its 250 is in `promised`, with the message's id. */
async function send(port: number, number: () => number, promised: Map<number, string>, more: () => boolean): Promise<void> {
  const client = await SmtpClient.connect(port)
  try {
    await client.reply()
    while (more()) {
      const id = number()
      await client.command('MAIL FROM:<a@far.example>')
      await client.command('RCPT TO:<u@example.test>')
      if (!(await client.command('DATA')).startsWith('354')) return
      // Some are held in memory, some go to disk as they come.
      const reply = await client.command(`X-Number: ${id}\r\n\r\n${'text of some length\r\n'.repeat(1 + (id % 7) * 1000)}${END}\r\n.`)
      if (reply.startsWith('250')) promised.set(id, /qp (\S+)$/.exec(reply)![1]!)
    }
    await client.command('QUIT')
  } finally {
    await client.leave()
  }
}
