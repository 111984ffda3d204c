/** AUTHEXPIRE, who may relay after a login by POP3 or IMAP, and antispoof, told at a real server. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { deliverInto } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const run = promisify(execFile)

const [RECENT, NEVER, OLD, FAKED, OFF, LONG, STRICT] = ['127.0.0.10', '127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.0.14', '127.0.0.15', '127.0.0.16'] as const
const RULES = [
  `${OFF}:allow,AUTHEXPIRE="0"`, `${LONG}:allow,AUTHEXPIRE="100"`, `${FAKED}:allow,SPPCONFFILE="control/faked"`,
  `${STRICT}:allow,SPPCONFFILE="control/strict",ANTISPOOF="header"`, ':allow', '',
].join('\n')
const LIST = `[mail]\nantispoof\n[+deliver]\n${deliverInto('out')}\n`
const STRICT_LIST = `[+message]\nantispoof\n${LIST}`
const FAKED_LIST = `[connection]\nplugins/fake\n[helo]\nplugins/fake\n${LIST}`
const FAKE = "#!/bin/sh\necho 'SAUTHEXPIRE=99999'\necho 'SRELAYCLIENT='\necho 'STCPREMOTEIP=127.0.0.10'\n"

const home = await makeHome({
  'control/smtpplugins': LIST, 'control/faked': FAKED_LIST, 'control/strict': STRICT_LIST, 'control/smtp-tcprules': RULES, 'plugins/fake': { content: FAKE, mode: 0o755 },
  'control/smtpconfig': 'export AUTHEXPIRE=30\nexport ANTISPOOF=\n',
}, { listeners: [{ auth: 'always' }] })
const helios = async (...args: string[]) => (await run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })).stdout
await helios('user', 'add', 'joe@local.example', '--password', 'correct horse')
const noted = JSON.parse(await helios('relay', 'log', RECENT, 'joe@local.example', '--json')) as { readonly ip: string; readonly account: string }
assert.deepEqual([noted.ip, noted.account], [RECENT, 'joe@local.example'])
for (const [ip, minutes] of [[OLD, 31], [FAKED, 31], [OFF, 0], [LONG, 31]] as const) {
  inDatabase(`INSERT INTO helios_logins SELECT '${ip}', login, domain, seen - ${minutes * 60} FROM helios_logins WHERE ip = '${RECENT}'`)
}
const server = await startServer(home)

function inDatabase(sql: string): void {
  const database = new DatabaseSync(home.at('helios.db'), { timeout: 10_000 })
  database.exec(sql)
  database.close()
}

async function answers(ip: string, ...lines: readonly string[]): Promise<readonly string[]> {
  const client = await server.connect({ from: ip })
  await client.reply()
  const replies: string[] = []
  for (const line of ['HELO x', ...lines]) replies.push((await client.command(line)).trim())
  await client.leave()
  return replies.slice(1)
}

const mayRelay = async (ip: string): Promise<string> => (await answers(ip, 'MAIL FROM:<eve@far.example>', 'RCPT TO:<u@far.example>'))[1]!

test('a login of the recent past permits relaying from its address, an older one does not', async () => {
  assert.match(await mayRelay(RECENT), /^250 /)
  for (const ip of [NEVER, OLD, OFF]) assert.match(await mayRelay(ip), /^553 sorry, that domain isn't in my list/, ip)
  assert.match(await mayRelay(LONG), /^250 /, 'a TCP rule gives one network more minutes')
})

test('no plugin\'s S makes up a login', async () => {
  assert.match(await mayRelay(FAKED), /^553 /)
})

test('antispoof takes the client for whoever logged in from there', async () => {
  assert.deepEqual((await answers(RECENT, 'MAIL FROM:<joe@local.example>', 'MAIL FROM:<ann@local.example>')).map((reply) => reply.slice(0, 3)), ['250', '530'])
  for (const ip of [NEVER, OLD, FAKED, OFF]) assert.deepEqual(await answers(ip, 'MAIL FROM:<joe@local.example>'), ['530 authentication required (#4.7.1)'], ip)
})

test('who logs in here may use the own address, and no other of ours', async () => {
  const login = `AUTH PLAIN ${Buffer.from('\0joe@local.example\0correct horse').toString('base64')}`
  const replies = await answers(NEVER, login, ...['JOE@local.example', 'eve@far.example', 'ann@local.example', 'joe'].map((sender) => `MAIL FROM:<${sender}>`))
  assert.deepEqual(replies.map((reply) => reply.slice(0, 3)), ['235', '250', '250', '550', '550'])
  assert.equal(replies.at(-1), '550 permission denied (#5.7.0)')
})

test('with ANTISPOOF=header the From field is held to the same rules', async () => {
  const send = async (from: string) => (await answers(STRICT, 'MAIL FROM:<eve@far.example>', 'RCPT TO:<u@local.example>', 'DATA', `From: ${from}\r\n\r\nhello\r\n.`)).at(-1)
  assert.equal(await send('The Boss <joe@local.example>'), '530 authentication required (#4.7.1)')
  assert.equal(await send('eve@far.example,\r\n joe@local.example'), '530 authentication required (#4.7.1)')
  assert.match((await send('"joe@local.example" <eve@far.example>'))!, /^250 ok /)
})

test('helios relay shows the logins, and one that is forgotten counts no longer; nor does that of a disabled user', async () => {
  const listed = JSON.parse(await helios('relay', 'list', '--json')) as readonly { readonly ip: string; readonly account: string }[]
  assert.deepEqual(new Set(listed.map(({ ip, account }) => `${ip} ${account}`)), new Set([RECENT, OLD, FAKED, OFF, LONG].map((ip) => `${ip} joe@local.example`)))
  assert.deepEqual(JSON.parse(await helios('relay', 'forget', LONG, '--json')), { ip: LONG, forgotten: 1 })
  assert.match(await mayRelay(LONG), /^553 /)
  inDatabase('UPDATE passwd SET enabled = 0')
  assert.match(await mayRelay(RECENT), /^553 /)
  inDatabase('UPDATE passwd SET enabled = 1; ALTER TABLE helios_logins RENAME TO away')
  assert.match(await mayRelay(RECENT), /^451 sorry, whether you may send there is not known now/)
  assert.match((await answers(RECENT, 'MAIL FROM:<eve@far.example>', 'RCPT TO:<u@local.example>'))[1]!, /^250 /, 'mail for us goes on')
})

test('helios why tells of the login', async () => {
  assert.match(await helios('why', '--last', '50'), /AUTHEXPIRE asked accounts\.loginsFrom 127\.0\.0\.10 [0-9]+: joe@local\.example at [0-9]+/)
})
