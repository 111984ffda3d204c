/** HAProxy and nginx in front of a server, with the configurations of docs/behind-a-proxy.md: who the client is, whichever way it comes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { after, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { readPage } from '../docs/pages.ts'
import { makeCertificate } from '../harness/certificates.ts'
import { deliverInto, delivered, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type HomeSettings } from '../harness/home.ts'
import { freePort } from '../harness/ports.ts'
import { startServer } from '../harness/server.ts'
import { peer } from '../peers.ts'

const MODULES = '/usr/lib/nginx/modules'
const haproxy = peer('haproxy')
const nginx = peer('nginx')
const nginxRuns = nginx !== undefined && ['mail', 'stream'].every((name) => existsSync(`${MODULES}/ngx_${name}_module.so`))
if (nginx !== undefined && !nginxRuns) {
  assert.notEqual(process.env['HELIOS_PEERS'], 'require', 'libnginx-mod-mail and libnginx-mod-stream are not installed')
  process.stderr.write('SKIPPED: nginx has no modules for mail and stream (Debian packages libnginx-mod-mail, libnginx-mod-stream)\n')
}

const page = readPage('docs/behind-a-proxy.md')
function shown(language: string): string {
  const block = page.blocks.find((each) => each.language === language && (language !== 'json' || each.text.includes('10.0.0.20')))
  assert.ok(block !== undefined, `docs/behind-a-proxy.md shows no ${language}`)
  return block.text
}

const pair = makeCertificate(['mail.example.org'])
const settings = JSON.parse(shown('json').replace(/10\.0\.0\.(?:20|7)/g, '127.0.0.1').replace(/"port": \d+/g, '"port": 0')) as HomeSettings
const places = [...shown('json').matchAll(/"port": (\d+)/g)].map((match) => match[1]!)
const home = await makeHome({
  'control/smtpplugins': `[connection]\n:echo "P220-$TCPREMOTEIP"\n[+deliver]\n${deliverInto('all')}\n`, ...deliveryPlace('all'),
  'control/smtp-tcprules': '127.0.66.:deny\n:allow\n', 'control/rcpthosts': 'local.example\n',
  'control/smtpconfig-stunnel': 'cert = tls/mail.pem\nkey = tls/mail.key\n',
  'tls/mail.pem': pair.cert, 'tls/mail.key': { content: pair.key, mode: 0o600 }, 'tls/mail-and-key.pem': { content: pair.cert + pair.key, mode: 0o600 },
}, { ...settings, limits: {} })
const database = openSqlite(home.path)
await database.write.insertInto('passwd').values({ login: 'ann', virtual_host: 'local.example', startdate: null, password: await hashPassword('right') }).execute()
await database.close()
const server = await startServer(home)

/** The page's configuration with addresses, ports and files of this test. Gives the port that stands for each of the page's. */
async function adapted(text: string, listens: RegExp): Promise<{ readonly text: string; readonly ports: ReadonlyMap<string, number> }> {
  let config = text.replaceAll('/etc/ssl/', home.at('tls/'))
  for (const [index, place] of places.entries()) {
    config = config.replaceAll(`10.0.0.20:${place}`, `127.0.0.1:${server.ports[index]!}`).replaceAll(`Auth-Port ${place}`, `Auth-Port ${server.ports[index]!}`)
  }
  config = config.replaceAll('10.0.0.20', '127.0.0.1')
  const ports = new Map<string, number>()
  for (const [, port] of text.matchAll(listens)) ports.set(port!, await freePort())
  config = config.replace(listens, (line, port: string) => line.replace(/\S+$/, `127.0.0.1:${ports.get(port)!}`))
  return { text: config.replace('127.0.0.1:9000;', `127.0.0.1:${ports.get('9000') ?? 0};`), ports }
}

/** Its ports may be somebody else's by the time it binds them: then it ends, and begins anew with others. */
async function begin(program: string, args: readonly string[], prepare: () => Promise<ReadonlyMap<string, number>>): Promise<ReadonlyMap<string, number>> {
  for (let attempt = 1; ; attempt++) {
    const ports = await prepare()
    const fault = await start(program, args, ports.values())
    if (fault === undefined) return ports
    assert.ok(attempt < 5, fault)
  }
}

/** What it said where it ended at its start. */
async function start(program: string, args: readonly string[], ports: Iterable<number>): Promise<string | undefined> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: home.path })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  const ended = once(child, 'exit')
  after(async () => {
    child.kill('SIGTERM')
    await ended
  })
  process.on('exit', () => { child.kill('SIGKILL') })
  for (const port of ports) {
    while (child.exitCode === null && !await answers(port)) await pause(20)
  }
  // Who answers may be the one that has the port.
  await Promise.race([ended, pause(500)])
  return child.exitCode === null ? undefined : `${program} ended at its start\n${output}`
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

let network = 0
let sent = 0

/** A message through the proxy, and what the server wrote of where it came from. */
async function mail(port: number, { tls = false, starttls = false, login = false, greets = true }): Promise<string> {
  const from = `127.0.8.${++network}`
  const client = await SmtpClient.connect(port, { from, ...(tls ? { tls: {} } : {}) })
  const greeting = await client.reply()
  // A proxy that speaks SMTP greets by itself.
  if (greets) assert.deepEqual(greeting, [`220-${from}`, '220 test.example ESMTP'])
  await client.command('EHLO client.example')
  if (starttls) {
    await client.startTls()
    await client.command('EHLO client.example')
  }
  if (login) assert.match(await client.command(`AUTH PLAIN ${Buffer.from('\0ann@local.example\0right').toString('base64')}`), /^235 /)
  for (const [line, code] of [['MAIL FROM:<ann@local.example>', '250'], [`RCPT TO:<u@${login ? 'far' : 'local'}.example>`, '250'], ['DATA', '354'], ['Subject: x\r\n\r\nx\r\n.', '250']] as const) {
    assert.equal((await client.command(line)).slice(0, 3), code, client.transcript)
  }
  await client.leave()
  const all = await delivered(home, 'all', ++sent)
  const found = all.map(({ content }) => content).find((content) => content.includes(`127.0.8.${network})`))
  assert.ok(found !== undefined, `none of them is from ${from}: ${JSON.stringify(all)}`)
  return /^Received: from unknown \(HELO client\.example\) \((\S+)\)\n {2}by \S+ with (\S+); /.exec(found)!.slice(1).join(' ').replace(from, 'CLIENT')
}

describe('HAProxy', { skip: haproxy === undefined }, async () => {
  if (haproxy === undefined) return
  const ports = await begin(haproxy, ['-db', '-f', home.at('haproxy.cfg')], async () => {
    const { text, ports: chosen } = await adapted(shown('haproxy'), /bind :(\d+)/g)
    await home.write('haproxy.cfg', text)
    return chosen
  })
  const port = (name: string): number => ports.get(name)!

  test('version 1, STARTTLS passed through', async () => {
    assert.equal(await mail(port('25'), { starttls: true }), 'CLIENT ESMTPS')
    assert.equal(await mail(port('25'), {}), 'CLIENT ESMTP')
  })
  test('version 2, TLS passed through', async () => {
    assert.equal(await mail(port('465'), { tls: true, login: true }), 'ann@local.example@CLIENT ESMTPSA')
  })
  test('version 2, TLS ends in HAProxy', async () => {
    assert.equal(await mail(port('466'), { tls: true, login: true }), 'ann@local.example@CLIENT ESMTPA')
  })
  test('rules go by the client', async () => {
    const client = await SmtpClient.connect(port('25'), { from: '127.0.66.1' })
    assert.equal(await client.rest(), '')
  })
})

describe('nginx', { skip: !nginxRuns }, async () => {
  if (nginx === undefined || !nginxRuns) return
  const modules = ['mail', 'stream'].map((name) => `load_module ${MODULES}/ngx_${name}_module.so;\n`).join('')
  const ports = await begin(nginx, ['-e', 'stderr', '-c', home.at('nginx.conf')], async () => {
    const { text, ports: chosen } = await adapted(shown('nginx'), /listen (?:127\.0\.0\.1:)?(\d+)/g)
    await home.write('nginx.conf', `${modules}daemon off;\nworker_processes 1;\npid ${home.at('nginx.pid')};\nerror_log stderr;\nevents {}\n${text}`)
    return chosen
  })
  const port = (name: string): number => ports.get(name)!

  test('version 1, STARTTLS passed through', async () => {
    assert.equal(await mail(port('25'), { starttls: true }), 'CLIENT ESMTPS')
  })
  test('version 1, TLS passed through', async () => {
    assert.equal(await mail(port('465'), { tls: true, login: true }), 'ann@local.example@CLIENT ESMTPSA')
  })
  test('version 1, TLS ends in nginx', async () => {
    assert.equal(await mail(port('466'), { tls: true, login: true }), 'ann@local.example@CLIENT ESMTPA')
  })
  test('XCLIENT, and the login is passed on', async () => {
    assert.equal(await mail(port('467'), { tls: true, login: true, greets: false }), 'ann@local.example@CLIENT ESMTPA')
    const client = await SmtpClient.connect(port('467'), { from: '127.0.9.1', tls: {} })
    await client.reply()
    await client.command('EHLO x')
    assert.match(await client.command(`AUTH PLAIN ${Buffer.from('\0ann@local.example\0wrong').toString('base64')}`), /^535 authentication failed/)
    await client.leave()
  })
})

test('checks of the proxies are no trouble for the log', () => {
  assert.doesNotMatch(server.stderr(), /PROXY header/)
})
