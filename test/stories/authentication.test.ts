/**
 * From `helios dkim new` to a receiver that believes: keys made by the command, their records as it prints them in a real
 * name server, a message signed on its way out, verified by Debian's dkimpy and by another Helios.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { LAUNCHER } from '../cli/kit.ts'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startServer, type Server } from '../harness/server.ts'
import { peer } from '../peers.ts'

const run = promisify(execFile)

const VERIFY = `
import json, sys, dkim
records = json.loads(sys.argv[1])
message = sys.stdin.buffer.read()
verifier = dkim.DKIM(message)
for index in range(message.count(b'DKIM-Signature:')):
    try:
        good = verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name.decode().rstrip('.')].encode())
    except dkim.ValidationError:
        good = False
    print('pass' if good else 'fail')
`

const MESSAGE = [
  'From: Joe <joe@local.example>', 'To: you@far.example', 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=', '  folded', 'Date: Mon, 21 Sep 2026 14:13:20 +0000',
  'Message-ID: <1@local.example>', '', 'Hello.', '..a dot', '', 'Trailing blanks  \t', 'caf\xe9', '', '', '.',
]

const signing = await makeHome({
  'control/rcpthosts': 'local.example\n', 'control/smtp-tcprules': '127.:allow,RELAYCLIENT=""\n', ...deliveryPlace('out'),
  'control/smtpplugins': `[+message]\ndkim-sign\n[+deliver]\n${deliverInto('out')}\n`,
})
const helios = async (...args: readonly string[]): Promise<string> => (await run(process.execPath, [LAUNCHER, '--home', signing.path, ...args])).stdout

await helios('dkim', 'new', 'local.example')
await helios('dkim', 'new', '--ed25519', 'local.example')
const zone = await helios('dkim', 'list')
const records = JSON.parse(await helios('dkim', 'list', '--json')) as readonly { readonly name: string; readonly text: string }[]
const sender = await startServer(signing)

/** Sends the message, and gives it as it was delivered, with the line ends it had on the wire. */
async function through(server: Server, home: Home, lines: readonly string[], count: number): Promise<string> {
  const client = await server.connect()
  await client.line()
  const replies = await client.commands('HELO client.example', 'MAIL FROM:<joe@local.example>', 'RCPT TO:<you@far.example>', 'DATA')
  assert.match(replies.at(-1)!, /^354 /)
  client.send(lines.map((line) => `${line}\r\n`).join(''))
  assert.match(await client.line(), /^250 ok /)
  await client.leave()
  const all = await delivered(home, 'out', count)
  return all.at(-1)!.content.replaceAll('\n', '\r\n')
}

describe('a message from a domain with keys', () => {
  test('is signed once its keys are switched on', async () => {
    assert.doesNotMatch(await through(sender, signing, MESSAGE, 1), /^DKIM-Signature:/m)
    await helios('dkim', 'on', 'local.example', 'rsa1')
    await helios('dkim', 'on', 'local.example', 'ed1')
    assert.equal((await through(sender, signing, MESSAGE, 2)).match(/^DKIM-Signature:/gm)?.length, 2)
  })

  test('is believed by another implementation, unless somebody touches it', { skip: peer('dkimverify') === undefined }, async () => {
    const message = await through(sender, signing, MESSAGE, 3)
    const known = JSON.stringify(Object.fromEntries(records.map(({ name, text }) => [name, text])))
    const verify = async (text: string): Promise<string> => {
      const verifying = run('/usr/bin/python3', ['-c', VERIFY, known])
      verifying.child.stdin!.end(Buffer.from(text, 'latin1'))
      return (await verifying).stdout
    }
    assert.equal(await verify(message), 'pass\npass\n')
    assert.equal(await verify(message.replace('Hello', 'Hallo')), 'fail\nfail\n')
  })

  test('is believed by a Helios that asks a name server, and refused when it is forged', { skip: peer('nsd') === undefined }, async () => {
    const names = await startNameServer(`${zone}_dmarc.local.example. TXT "v=DMARC1; p=reject"\nlocal.example. TXT "v=spf1 -all"\n`)
    const receiving = await makeHome({
      'control/rcpthosts': 'far.example\n', ...deliveryPlace('out'), 'control/smtp-tcprules': ':allow,DMARC="1"\n',
      'control/smtpplugins': `[+message]\nauthheaders\n[+deliver]\n${deliverInto('out')}\n`,
    }, { dns: { servers: [names!.address] } })
    const receiver = await startServer(receiving)
    const message = await through(sender, signing, MESSAGE, 4)
    const wire = message.replace(/^\./gm, '..').split('\r\n').slice(0, -1)
    const got = await through(receiver, receiving, [...wire, '.'], 1)
    const results = /^Authentication-Results: (test\.example;(?:\r\n[ \t].*)*)/m.exec(got)![1]!.replace(/\s+/g, ' ')
    assert.equal(results.match(/dkim=pass/g)?.length, 2)
    assert.match(results, /spf=fail .*; arc=none; dmarc=pass .*header\.from=local\.example$/)

    const client = await receiver.connect()
    await client.line()
    await client.commands('HELO client.example', 'MAIL FROM:<joe@local.example>', 'RCPT TO:<you@far.example>', 'DATA')
    client.send(MESSAGE.map((line) => `${line}\r\n`).join(''))
    assert.equal(await client.line(), '550 sorry, neither DKIM nor SPF shows this to be from local.example, whose DMARC policy asks me to refuse it (#5.7.26)\r\n')
    await client.leave()
  })

  test('shows its private keys nowhere', async () => {
    const database = new DatabaseSync(signing.at('helios.db'), { readOnly: true })
    const pems = database.prepare('select pem from helios_dkim_sign').all() as { pem: string }[]
    database.close()
    const secrets = pems.map(({ pem }) => pem.split('\n')[1]!.slice(0, 60))
    assert.equal(secrets.length, 2)
    const traced = await Promise.all((await readdir(signing.at('trace'))).map((name) => readFile(signing.at(`trace/${name}`), 'latin1')))
    const shown = [zone, await helios('why', '--json', '--last', '10'), sender.stderr(), ...traced].join('\n')
    assert.match(shown, /tables\.find dkim_sign/)
    for (const secret of secrets) assert.ok(!shown.includes(secret))
  })
})
