/**
 * The promise behind every 250: clients send while the server is killed again and again. Afterwards every message that
 * was answered 250 is in the Maildir, only what was in flight at a kill may be there twice, and no file is half a message.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeHome } from '../harness/home.ts'
import { descendantsOf, isAlive } from '../harness/processes.ts'
import { isQueueEmpty } from '../harness/delivered.ts'
import { freePort } from '../harness/ports.ts'
import { startServer, type Server } from '../harness/server.ts'

const CLIENTS = 8
const MESSAGES = 2000
const KILLS = 60
/** Deliveries that run at the same time: the default of control/concurrencylocal. */
const DELIVERIES = 10
const END = 'the end of this message'

const home = await makeHome({ 'control/rcpthosts': 'example.test\n', 'control/smtpplugins': '[+deliver]\nmaildir\n' })

test(`${MESSAGES} messages from ${CLIENTS} clients through ${KILLS} kills`, { timeout: 600_000 }, async () => {
  const launcher = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
  await promisify(execFile)(process.execPath, [launcher, '--home', home.path, 'domain', 'add', 'example.test'])
  await promisify(execFile)(process.execPath, [launcher, '--home', home.path, 'user', 'add', 'u@example.test', '--generate'])
  const port = await freePort()
  await home.write('helios.config.json', JSON.stringify({ listeners: [{ service: 'smtp', host: '127.0.0.1', port }], log: { level: 'error' } }))

  let server: Server = await startServer(home)
  const promised = new Set<number>()
  let next = 0
  let killing = true

  const client = async (): Promise<void> => {
    for (;;) {
      if (promised.size >= MESSAGES && !killing) return
      await talk(port, async (smtp) => {
        while (promised.size < MESSAGES || killing) {
          const id = next++
          if (await send(smtp, id)) promised.add(id)
        }
      })
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)

  for (let kill = 0; kill < KILLS; kill++) {
    // Random moments are the point; the seed of no test depends on them.
    await delay(30 + Math.random() * 120)
    const look = kill % 20 === 0
    const children = look ? await descendantsOf(server.pid) : []
    await server.kill()
    if (look) {
      assert.ok(children.length > 0, 'the broker is a child')
      await delay(2000)
      assert.deepEqual(children.filter(isAlive), [], 'children outlive a killed server')
    }
    server = await startServer(home)
  }
  killing = false
  await Promise.all(clients)
  while (!await isQueueEmpty(home)) await delay(50)
  assert.equal((await server.stop()).code, 0)

  const copies = new Map<number, number>()
  const maildir = join(home.path, 'mail', 'example.test', 'u', 'Maildir')
  for (const name of await readdir(join(maildir, 'new'))) {
    const content = await readFile(join(maildir, 'new', name), 'latin1')
    const id = Number(/^X-Number: (\d+)$/m.exec(content)?.[1])
    assert.ok(content.endsWith(`${END}\n`), `${name} is half a message`)
    copies.set(id, (copies.get(id) ?? 0) + 1)
  }
  assert.deepEqual([...promised].filter((id) => !copies.has(id)), [], 'answered 250 and lost')
  // No client sends the same number again, so a copy too many is a delivery that was running at a kill.
  const extra = [...copies.values()].reduce((sum, count) => sum + count - 1, 0)
  assert.ok(extra <= KILLS * DELIVERIES, `${extra} copies too many`)
  console.log(`${promised.size} promised, ${copies.size} arrived, ${extra} copies too many after ${KILLS} kills`)
  assert.ok(promised.size >= MESSAGES)
  assert.deepEqual(await readdir(home.at('queue/tmp')), [])
  assert.deepEqual(await readdir(home.at('queue/corrupt')), [])
})

async function talk(port: number, work: (smtp: SmtpClient) => Promise<void>): Promise<void> {
  let smtp: SmtpClient | undefined
  try {
    smtp = await SmtpClient.connect(port)
    await smtp.reply()
    await smtp.command('EHLO client.example')
    await work(smtp)
    await smtp.leave()
  } catch {
    // Killed in the middle: come back when it is up again.
    await smtp?.leave().catch(() => undefined)
    await delay(20)
  }
}

/** True when the server said 250 to the message. */
async function send(smtp: SmtpClient, id: number): Promise<boolean> {
  smtp.send('MAIL FROM:<a@far.example>\r\nRCPT TO:<u@example.test>\r\nDATA\r\n')
  await smtp.reply()
  await smtp.reply()
  if (!(await smtp.reply())[0]!.startsWith('354')) throw new Error('no 354')
  smtp.send(`X-Number: ${id}\r\n\r\n${'text of some length\r\n'.repeat(1 + (id % 400))}${END}\r\n.\r\n`)
  return (await smtp.reply())[0]!.startsWith('250')
}
