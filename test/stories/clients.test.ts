/** A new home, made as the documents say, and mail into it from clients that other people wrote. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import nodemailer from 'nodemailer'
import { homeAt, settingsText, temporaryDirectory } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { peer } from '../peers.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')

const home = homeAt(await temporaryDirectory())
// A port the system chooses, in place of init's own 2525.
await home.write('helios.config.json', settingsText({}))
const { stdout } = await run(process.execPath, [LAUNCHER, '--home', home.path, 'init', '--me', 'mx.example.test'])
const address = /^user (\S+@\S+), password/m.exec(stdout)![1]!
const maildir = /^mail for it arrives in (\S+)$/m.exec(stdout)![1]!
const server = await startServer(home)

const FROM = 'someone@sender.example'

/** The mail in new/ that has this in it, latin1. Waits for it: delivery comes behind the 250. */
async function arrived(mark: string): Promise<string> {
  const deadline = Date.now() + 15_000
  for (;;) {
    const place = join(maildir, 'new')
    for (const name of await readdir(place).catch(() => [])) {
      const mail = await readFile(join(place, name), 'latin1')
      if (mail.includes(mark)) return mail
    }
    if (Date.now() > deadline) throw new Error(`no mail with ${mark} in ${place}\n${server.stderr()}`)
    await pause(20)
  }
}

/** What a delivery puts on top, and then the message to the byte, with LF for line ends. */
async function assertMail(mark: string, message: string | RegExp): Promise<void> {
  const mail = await arrived(mark)
  const top = /^Return-Path: <someone@sender\.example>\nDelivered-To: ([^\n]+)\nReceived: from [^\n]+\n {2}by 127\.0\.0\.1 with E?SMTP; [^\n]+\n/.exec(mail)
  assert.ok(top !== null, mail)
  assert.equal(top[1], address)
  const rest = mail.slice(top[0].length)
  if (typeof message === 'string') assert.equal(rest, message)
  else assert.match(rest, message)
}

interface Client {
  readonly name: string
  readonly args: readonly string[]
  readonly input: string
}

const HOST = '127.0.0.1'
/** With all fields that a client would add. */
const MAIL = (name: string): string => `Subject: from ${name}\r\nFrom: ${FROM}\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\nHello.\r\n.\r\n..two dots\r\ncaf\u00e9\r\n`
const SMTPLIB = `
import smtplib, sys
with smtplib.SMTP('${HOST}', ${server.port}) as server:
    refused = server.sendmail('${FROM}', ['${address}'], sys.stdin.buffer.read(), mail_options=['BODY=8BITMIME'])
    assert refused == {}, refused
`

const CLIENTS: readonly Client[] = [
  {
    name: 'curl', input: MAIL('curl'),
    args: ['-sS', '--max-time', '60', `smtp://${HOST}:${server.port}`, '--mail-from', FROM, '--mail-rcpt', address, '--upload-file', '-'],
  },
  {
    // swaks ends the last line itself.
    name: 'swaks', input: MAIL('swaks').slice(0, -2),
    args: ['--server', `${HOST}:${server.port}`, '--from', FROM, '--to', address, '--data', '-', '--pipeline', '--silent', '2'],
  },
  {
    name: 'msmtp', input: MAIL('msmtp').replaceAll('\r\n', '\n'),
    args: ['--file=/dev/null', `--host=${HOST}`, `--port=${server.port}`, '--tls=off', '--auth=off', `--from=${FROM}`, address],
  },
  { name: 'python3', input: MAIL('python3'), args: ['-c', SMTPLIB] },
]

describe('clients', { concurrency: 4 }, () => {
  for (const client of CLIENTS) {
    const path = peer(client.name)
    if (path === undefined) continue
    test(`${client.name} sends a message with dots and 8-bit characters`, async () => {
      const sending = run(path, client.args, { timeout: 60_000, env: { ...process.env, HOME: home.path } })
      sending.child.stdin!.end(client.input)
      await sending
      const mark = `Subject: from ${client.name}\n`
      await assertMail(mark, Buffer.from(MAIL(client.name).replaceAll('\r\n', '\n')).toString('latin1'))
    })
  }

  test('nodemailer sends text, HTML and an attachment', async () => {
    const transport = nodemailer.createTransport({ host: HOST, port: server.port, ignoreTLS: true })
    const info = await transport.sendMail({
      from: FROM, to: address, subject: 'from nodemailer', text: 'Hello.\n.\n', html: '<p>Hello.</p>',
      attachments: [{ filename: 'bytes.bin', content: Buffer.from([0, 1, 2, 255]) }],
    })
    transport.close()
    assert.deepEqual(info.accepted, [address])
    assert.match(info.response, /^250 ok [0-9]+ qp /)
    await assertMail('Subject: from nodemailer\n', /name=bytes\.bin\n[\s\S]*\nAAEC\/w==\n[\s\S]*--\n$/)
  })

  const source = peer('smtp-source')
  if (source !== undefined) {
    test('smtp-source sends twenty messages over four connections', async () => {
      await run(source, ['-s', '4', '-m', '20', '-l', '2000', '-S', 'from smtp-source', '-f', FROM, '-t', address, `${HOST}:${server.port}`], { timeout: 60_000 })
      await assertMail('Subject: from smtp-source\n', /\nX+\n/)
      const deadline = Date.now() + 15_000
      while ((await countOf('Subject: from smtp-source\n')) < 20) {
        assert.ok(Date.now() < deadline, 'not all twenty have arrived')
        await pause(20)
      }
      assert.equal(await countOf('Subject: from smtp-source\n'), 20)
    })
  }
})

async function countOf(mark: string): Promise<number> {
  const place = join(maildir, 'new')
  const mails = await Promise.all((await readdir(place)).map((name) => readFile(join(place, name), 'latin1')))
  return mails.filter((mail) => mail.includes(mark)).length
}

test('a user who is not there is refused to the client', async () => {
  const client = await server.connect()
  await client.reply()
  const nobody = `RCPT TO:<nobody${address.slice(address.lastIndexOf('@'))}>`
  const [sender, recipient] = await client.commands(`MAIL FROM:<${FROM}>`, nobody)
  assert.equal(sender, '250 ok')
  assert.match(recipient!, /^550 /)
  await client.leave()
})
