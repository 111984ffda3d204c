/** `rcpthosts_from_db` and `allowed_recipients_from_db` at a real server: who is taken, and that `helios why` knows the reason for every refusal. */
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

const home = await makeHome({
  'control/rcpthosts': undefined, 'control/qmailconfig': 'rcpthosts_from_db yes\nallowed_recipients_from_db yes\n',
  'control/smtpplugins': `[+deliver]\n${deliverInto('out')}\n`,
})
const helios = async (...args: string[]) => (await run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })).stdout
await helios('domain', 'add', '-p', 'ours.example')
for (const user of ['joe', 'off']) await helios('user', 'add', `${user}@ours.example`, '--password', 'correct horse')
await helios('user', 'disable', 'off@ours.example')
const server = await startServer(home)

function inDatabase(sql: string): void {
  const database = new DatabaseSync(home.at('helios.db'), { timeout: 10_000 })
  database.exec(sql)
  database.close()
}

const ASKED = [
  ['joe@ours.example', /^250 /, undefined],
  ['nobody@ours.example', /^550 sorry, no mailbox here by that name \(#5\.1\.1\)/, /decided by built-in: allowed_recipients_from_db$/m],
  ['off@ours.example', /^550 sorry, that mailbox is disabled \(#5\.2\.1\)/, /decided by built-in: allowed_recipients_from_db$/m],
  ['joe@far.example', /^553 sorry, that domain isn't in my list/, /decided by built-in: rcpthosts_from_db$/m],
] as const

async function isAnswered(recipient: string, reply: RegExp, decided: RegExp | undefined): Promise<void> {
  const client = await server.connect()
  await client.reply()
  for (const line of ['HELO x', 'MAIL FROM:<eve@far.example>']) assert.match(await client.command(line), /^250 /)
  assert.match(await client.command(`RCPT TO:<${recipient}>`), reply, recipient)
  await client.leave()
  if (decided !== undefined) assert.match(await helios('why', '--to', recipient, '--last', '1'), decided, recipient)
}

test('the database says which domains and whom, and why says that it was the database', async () => {
  for (const [recipient, reply, decided] of ASKED) await isAnswered(recipient, reply, decided)
})

test('without an answer of the database the client comes back, and why has the database\'s words', async () => {
  inDatabase('ALTER TABLE passwd RENAME TO away')
  await isAnswered('joe@far.example', /^451 sorry, whether mail for that domain is taken here is not known now/, /built-in: rcpthosts_from_db: the account database does not answer: no such table: /)
  await home.write('control/rcpthosts', 'ours.example\n')
  await isAnswered('joe@ours.example', /^451 sorry, whether that mailbox exists is not known now/, /built-in: allowed_recipients_from_db: the account database does not answer: no such table: /)
})
