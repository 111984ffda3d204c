/** The server as an operator meets it: what it prints, how it stops, what it refuses to start with. */
import assert from 'node:assert/strict'
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { HeliosError } from '../../core/error.ts'
import { lockHome } from '../../core/server/lock.ts'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const helios = (home: Home, ...args: string[]) => run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })
const TAKE_ALL = `[+deliver]\n${deliverInto('out')}\n`

test('a lock that was removed is made anew, and who comes in before that is the only one', async () => {
  const home = await makeHome()
  const server = await startServer(home)
  const pepper = await readFile(home.at('run/pepper'))
  rmSync(home.at('run'), { recursive: true })
  await server.told(/run\/lock was removed, and made anew/)
  assert.deepEqual(await readFile(home.at('run/pepper')), pepper)
  await assert.rejects(helios(home, 'serve'), /another server is running in /)
  let other: ReturnType<typeof lockHome> | undefined
  while (other === undefined) {
    try {
      rmSync(home.at('run/lock'))
      other = lockHome(home.path)
    } catch (error) {
      // The server was faster.
      if (!(error instanceof HeliosError)) throw error
    }
  }
  assert.equal((await server.ended()).code, 1)
  assert.match(server.stderr(), /this one stops/)
  other.release()
})

test('of two servers that start at the same moment one has the home', async () => {
  const home = await makeHome()
  const starters = [0, 1].map(() => fork(join(import.meta.dirname, 'lock-taker.ts'), [home.path]))
  const ended = starters.map((starter) => once(starter, 'exit'))
  const answer = async (starter: ChildProcess): Promise<unknown> => (await once(starter, 'message'))[0]
  await Promise.all(starters.map(answer))
  for (let round = 0; round < 10; round++) {
    rmSync(home.at('run/lock'), { force: true })
    const answers = starters.map(answer)
    const at = Date.now() + 5
    for (const starter of starters) starter.send({ at })
    assert.deepEqual((await Promise.all(answers)).toSorted(), ['has it', 'home-locked'])
    const released = starters.map(answer)
    for (const starter of starters) starter.send({})
    await Promise.all(released)
  }
  for (const starter of starters) starter.disconnect()
  await Promise.all(ended)
})

test('a second server that cannot listen does not cost the first one the home', async () => {
  const home = await makeHome()
  const server = await startServer(home)
  const file = JSON.parse(await readFile(home.at('helios.config.json'), 'utf8')) as { listeners: readonly object[] }
  await writeFile(home.at('helios.config.json'), JSON.stringify({ ...file, listeners: file.listeners.map((listener) => ({ ...listener, port: server.port })) }))
  for (let round = 0; round < 4; round++) {
    rmSync(home.at('run/lock'), { force: true })
    await assert.rejects(helios(home, 'serve'), /EADDRINUSE|another server is running in /)
  }
  await server.told(/made anew|this one stops/)
  assert.doesNotMatch(server.stderr(), /this one stops/)
  assert.equal((await server.stop()).code, 0)
})

test('a second server on the same home says so and exits', async () => {
  const home = await makeHome()
  const server = await startServer(home)
  await assert.rejects(helios(home, 'serve'), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 1)
    assert.match(error.stderr, /another server is running in .*--home/s)
    return true
  })
  assert.equal((await server.stop()).code, 0)
  const again = await startServer(home)
  assert.equal((await again.stop()).code, 0, 'the lock ends with its server')
})

test('two servers on one home after a kill: the lock is not stale', async () => {
  const home = await makeHome()
  await (await startServer(home)).kill()
  assert.equal((await (await startServer(home)).stop()).code, 0)
})

test('what an operator wrote wrong keeps the server from starting, with file, line and mend', async () => {
  const home = await makeHome({ 'control/smtpplugins': '[rcpt]\n@timeuot=5s plugins/x\n', 'control/rcpthosts': undefined })
  await assert.rejects(helios(home, 'serve'), (error: { code: number; stderr: string }) => {
    assert.equal(error.code, 1)
    assert.match(error.stderr, /control\/rcpthosts: error: .*\(.+\)/)
    return true
  })
  const listed = await makeHome({ 'control/smtpplugins': '[rcpt]\n@timeuot=5s plugins/x\n' })
  await assert.rejects(helios(listed, 'serve'), (error: { stderr: string }) => {
    assert.match(error.stderr, /control\/smtpplugins:2: error: .*timeout/)
    return true
  })
})

test('a port that is taken is named', async () => {
  const home = await makeHome()
  const server = await startServer(home)
  const other = await makeHome()
  await other.write('helios.config.json', JSON.stringify({ listeners: [{ service: 'smtp', host: '127.0.0.1', port: server.port }] }))
  await assert.rejects(helios(other, 'serve'), (error: { stderr: string }) => {
    assert.match(error.stderr, new RegExp(`cannot listen on 127.0.0.1 port ${server.port}.*EADDRINUSE`))
    return true
  })
})

test('a listed plugin file that changes, a broken list and a mended one: sessions keep what they began with', async () => {
  const home = await makeHome({ 'control/smtpplugins': '[helo]\n:echo "E550 first"\n' })
  const server = await startServer(home)
  const old = await server.connect()
  await old.reply()
  await home.write('control/smtpplugins', '[helo]\n:echo "E550 second"\n')
  const fresh = await server.connect()
  await fresh.reply()
  assert.deepEqual(await fresh.command('EHLO x'), '550 second')
  assert.deepEqual(await old.command('EHLO x'), '550 first')
  await home.write('control/smtpplugins', '[helo]\n@nonsense :echo "E550 third"\n')
  for (let i = 0; i < 3; i++) {
    const client = await server.connect()
    await client.reply()
    assert.deepEqual(await client.command('EHLO x'), '550 second')
    await client.leave()
  }
  assert.match((await helios(home, 'status')).stdout, /smtpplugins:2/)
  await server.told(/reload failed/)
  assert.equal(server.stderr().match(/reload failed/g)?.length, 1, 'told once')
  await home.write('control/smtpplugins', '[helo]\n:echo "E550 fourth"\n')
  const last = await server.connect()
  await last.reply()
  assert.deepEqual(await last.command('EHLO x'), '550 fourth')
})

test('denied by a TCP rule: closed without a word; SPPCONFFILE of a rule gives its clients a list of their own', async () => {
  const home = await makeHome({
    'control/smtp-tcprules': '127.0.0.2:deny\n127.0.0.3:allow,SPPCONFFILE="control/strict"\n:allow\n',
    'control/strict': '[helo]\n:echo "E550 strict"\n',
  })
  const server = await startServer(home)
  const denied = await server.connect({ from: '127.0.0.2' })
  assert.equal(await denied.rest(), '')
  const strict = await server.connect({ from: '127.0.0.3' })
  await strict.reply()
  assert.equal(await strict.command('EHLO x'), '550 strict')
  const usual = await server.connect()
  await usual.reply()
  assert.match(await usual.command('HELO x'), /^250 /)
})

test('why and status tell what happened, and AUTH arguments are nowhere', async () => {
  const home = await makeHome({ 'control/smtpplugins': '[rcpt]\n:[ "$SMTPRCPTTO" = bad@local.example ] && echo "E550 not you"; true\n' + TAKE_ALL, ...deliveryPlace('out') })
  const server = await startServer(home)
  const client = await server.connect()
  await client.reply()
  await client.commands('EHLO x', 'AUTH PLAIN c2VjcmV0', 'MAIL FROM:<a@b.example>')
  assert.equal(await client.command('RCPT TO:<bad@local.example>'), '550 not you')
  assert.match(await client.command('RCPT TO:<good@local.example>'), /^250/)
  await client.command('DATA')
  client.send('Subject: x\r\n\r\nhello\r\n.\r\n')
  const [okay] = await client.reply()
  const id = / qp (\S+)/.exec(okay!)![1]!
  await client.command('QUIT')
  await delivered(home, 'out', 1)
  let told = ''
  for (let i = 0; i < 50 && !told.includes('delivered'); i++) {
    told = (await helios(home, 'why', id)).stdout
    await delay(100)
  }
  assert.match(told, /550 not you/)
  assert.match(told, /control\/smtpplugins:2/)
  assert.match(told, /good@local\.example/)
  const refused = server.stderr().split('\n').find((line) => line.includes('refused: 550 not you'))
  assert.ok(refused?.includes('control/smtpplugins:2'), 'the log names the line that refused')
  const json = (await helios(home, 'why', id, '--json')).stdout
  for (const text of [told, json, server.stderr()]) assert.ok(!text.includes('c2VjcmV0'), 'an AUTH argument')
  for (const name of await readdir(home.at('trace'))) assert.ok(!(await readFile(home.at(`trace/${name}`), 'utf8')).includes('c2VjcmV0'))
  assert.match((await helios(home, 'status')).stdout, /generation/i)
})

test('a message of 100 MB more costs no more memory', { timeout: 120_000 }, async () => {
  const home = await makeHome({ 'control/smtpplugins': TAKE_ALL, ...deliveryPlace('out') })
  const server = await startServer(home)
  const send = async (megabytes: number): Promise<void> => {
    const client = await server.connect()
    await client.reply()
    await client.commands('EHLO x', 'MAIL FROM:<a@b.example>', 'RCPT TO:<u@local.example>', 'DATA')
    const block = `${'x'.repeat(1022)}\r\n`.repeat(1024)
    client.send('Subject: long\r\n\r\n')
    for (let i = 0; i < megabytes; i++) await client.sendParts([block])
    client.send('.\r\n')
    assert.match((await client.reply())[0]!, /^250/)
    await client.command('QUIT')
  }
  // What any stream needs, and what the collector leaves lying, is there after the first.
  await send(40)
  const before = await peakMemory(server.pid)
  await send(140)
  const grown = await peakMemory(server.pid) - before
  assert.ok(grown < 48 * 1024, `${grown} KiB more at its peak for 100 MB more of message`)
})

test('a tarpit costs nothing once its client has left', async () => {
  const home = await makeHome({ 'control/smtpplugins': `[rcpt]\ntarpit\n${TAKE_ALL}`, 'control/smtpconfig': 'export TARPITCOUNT=0\nexport TARPITDELAY=200\n', ...deliveryPlace('out') })
  const server = await startServer(home)
  const client = await server.connect()
  await client.reply()
  await client.commands('HELO x', 'MAIL FROM:<a@b.example>')
  client.send('RCPT TO:<u@local.example>\r\n')
  await delay(300)
  await client.leave()
  // 200 seconds are left of the sleep; the stop waits for running sessions.
  assert.equal((await server.stop()).code, 0)
  const told = (await helios(home, 'why', '--last', '1')).stdout
  assert.match(told, /tarpit/)
})

/** KiB: the most the process ever held. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? /^VmRSS:\s+(\d+) kB$/m.exec(status)![1])
}
