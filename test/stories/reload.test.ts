/** A plugin list that is edited while mail flows: what holds from when, and what a mistake costs. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import type { SmtpClient } from '../client/smtp-client.ts'
import { deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const list = (word: string): string => `[helo]\n:echo "P250-${word}"\n[+deliver]\n${deliverInto('all')}\n`
const home = await makeHome({ 'control/smtpplugins': list('first'), ...deliveryPlace('all') })
const server = await startServer(home)

/** What the list says to this client. */
async function ask(client: SmtpClient): Promise<string> {
  client.send('HELO x\r\n')
  return (await client.reply())[0]!
}

async function newcomer(): Promise<SmtpClient> {
  const client = await server.connect()
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  return client
}

async function newcomerHears(): Promise<string> {
  const client = await newcomer()
  const said = await ask(client)
  await client.leave()
  return said
}

test('whoever connects behind an edit gets it, who came before keeps what was', async () => {
  const old = await newcomer()
  assert.equal(await ask(old), '250-first')
  for (let edit = 0; edit < 10; edit++) {
    await home.write('control/smtpplugins', list(`edit ${edit}`))
    assert.equal(await newcomerHears(), `250-edit ${edit}`)
  }
  assert.equal(await ask(old), '250-first')
  await old.leave()
})

test('a list with a mistake, or none, leaves the last good one in force, and the log says where', async () => {
  await home.write('control/smtpplugins', list('good'))
  assert.equal(await newcomerHears(), '250-good')
  await home.write('control/smtpplugins', `${list('bad')}[helo]\n@bogus=1 :true\n`)
  assert.equal(await newcomerHears(), '250-good')
  await server.told(/control\/smtpplugins:6: error: .*bogus/)
  await rm(home.at('control/smtpplugins'))
  assert.equal(await newcomerHears(), '250-good')
  await home.write('control/smtpplugins', list('mended'))
  assert.equal(await newcomerHears(), '250-mended')
})

test('control files are reloaded, too', async () => {
  await home.write('control/rcpthosts', 'other.example\n')
  const client = await newcomer()
  assert.deepEqual(await client.commands('MAIL FROM:<>', 'RCPT TO:<u@other.example>', 'RCPT TO:<u@local.example>'), [
    '250 ok', '250 ok', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
  ])
  await client.leave()
})
