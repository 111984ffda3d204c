/**
 * Situations that other servers found worth a test, each as what a client sends and the code of the reply: wrong order, wrong
 * words, empty names, other protocols. With the limits of a new server.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SmtpClient } from '../client/smtp-client.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const home = await makeHome({ 'control/smtpplugins': '[+deliver]\n:echo O\n', 'control/databytes': '1000\n' }, { limits: {} })
const server = await startServer(home)

async function greeted(): Promise<SmtpClient> {
  const client = await server.connect()
  assert.match((await client.reply()).at(-1)!, /^220 /)
  return client
}

const U = 'RCPT TO:<u@local.example>'
const FOR_ONE = [['EHLO x', 250], ['MAIL FROM:<>', 250], [U, 250], ['DATA', 354]] as const

/** Longer than RFC 5321 4.5.3.1.2 lets a domain be. */
const LONG = `${'x'.repeat(60)}@${'d'.repeat(60)}.${'e'.repeat(250)}.example`

const SITUATIONS: readonly (readonly [name: string, steps: readonly (readonly [send: string, code: number])[]])[] = [
  ['a bounce', [...FOR_ONE, ['From: x\r\n\r\nx\r\n.', 250], ['QUIT', 221]]],
  ['blanks behind the colon', [['HELO x', 250], ['MAIL FROM: <a@b.example>', 250], ['RCPT TO: <u@local.example>', 250], ['DATA', 354], ['x\r\n.', 250]]],
  ['DATA before anything', [['DATA', 503], ['HELO x', 250], ['DATA', 503], ['MAIL FROM:<a@b.example>', 250], ['DATA', 503]]],
  ['RCPT before MAIL', [['EHLO x', 250], [U, 503]]],
  ['words that are none', [['EHLO x', 250], ['MAIL FROM:<a@b.example> FOO', 555], [U, 503], ['WIZ', 502], ['', 502]]],
  ['an address in bytes that are not UTF-8', [['EHLO x', 250], ['MAIL FROM:<caf\xe9@b.example>', 555]]],
  ['an address that needs SMTPUTF8, without and with', [['EHLO x', 250], ['MAIL FROM:<caf\xc3\xa9@b.example>', 553], ['MAIL FROM:<caf\xc3\xa9@b.example> SMTPUTF8', 250]]],
  ['a recipient elsewhere', [['EHLO x', 250], ['MAIL FROM:<a@b.example>', 250], ['RCPT TO:<u@far.example>', 553], ['RCPT TO:<u%far.example@local.example>', 250], ['RCPT TO:<@local.example:u@far.example>', 553]]],
  ['a dot on a line of its own with a bare LF', [...FOR_ONE, ['x\r\n.\nMAIL FROM:<s@x.example>\r\nxxx\r\n.', 451], ['HELP', 214]]],
  ['the same in a message that is too large', [...FOR_ONE, [`${'x'.repeat(1200)}\r\n.\nHELP\r\nHELP\r\n.`, 451], ['HELP', 214]]],
  ['too large', [...FOR_ONE, [`${'x'.repeat(1200)}\r\n.`, 552], ['HELP', 214]]],
  ['too large, and said before', [['EHLO x', 250], ['MAIL FROM:<> SIZE=1001', 552], ['MAIL FROM:<> SIZE=1000', 250]]],
  ['a second MAIL begins anew', [['EHLO x', 250], ['MAIL FROM:<a@b.example>', 250], [U, 250], ['MAIL FROM:<c@d.example>', 250], ['DATA', 503]]],
  ['names that are none: taken, as qmail does', [['HELO', 250], ['EHLO', 250], ['HELO x', 250], ['QUIT', 221]]],
  ['MAIL with another word (as qmail: only the path counts), without an address (nobody), without a domain, with names that cannot be', [['HELO x', 250], ['MAIL LALA: <>', 250], ['MAIL FROM:', 250], ['MAIL FROM:<pepe>', 250], ['MAIL FROM:<a@xn--->', 250], [`MAIL FROM:<${LONG}>`, 250]]],
  ['RCPT likewise', [['HELO x', 250], ['MAIL FROM:<a@b.example>', 250], ['RCPT LALA: <>', 250], ['RCPT TO:', 250], ['RCPT TO:<pepe>', 250], ['RCPT TO:<a@xn--->', 553], [`RCPT TO:<${LONG}>`, 553], ['RCPT TO:<henry\xe2\x85\xa3@local.example>', 553]]],
  ['a header line that is none', [['HELO x', 250], ['MAIL FROM:<a@b.example>', 250], ['RCPT TO: u@local.example', 250], ['DATA', 354], ['Subject: x\r\nBad header\r\n\r\nx\r\n\r\n\r\n.', 250], ['QUIT', 221]]],
  ['the first line of another protocol', [['GET /evil HTTP/1.1', 502], ['POST /evil HTTP/1.1', 502], ['CONNECT www.evil.example:80 HTTP/1.1', 502], ['HELO x', 250]]],
  ['EHLO in the middle', [['EHLO x', 250], ['MAIL FROM:<a@b.example>', 250], [U, 250], ['EHLO x', 250], ['DATA', 503]]],
]

describe('situations', () => {
  for (const [name, steps] of SITUATIONS) {
    test(name, async () => {
      const client = await greeted()
      for (const [send, code] of steps) assert.equal((await client.command(send)).slice(0, 3), String(code), `${send}\n${client.transcript}`)
      await client.leave()
    })
  }

  test('a web browser that is made to post mail gets no further than its first packet', async () => {
    for (const method of ['GET', 'POST', 'CONNECT', 'OPTIONS']) {
      const client = await greeted()
      client.send(`${method} /evil HTTP/1.1\r\nHost: mail.example\r\n\r\nHELO x\r\nMAIL FROM:<a@b.example>\r\n${U}\r\nDATA\r\nx\r\n.\r\n`)
      assert.equal(await client.rest(), '554 you must wait for my reply before you go on (#5.5.0)\r\n')
    }
  })
})
