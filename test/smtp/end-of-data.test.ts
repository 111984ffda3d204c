/**
 * SMTP smuggling: only CRLF . CRLF ends a message. Each look-alike is followed by what would be a second message if
 * somebody took it for the end, sent whole, byte by byte and cut at every place, to both kinds of listener, under TLS of both
 * kinds, and behind a proxy with each of these.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { SmtpClient } from '../client/smtp-client.ts'
import { tlsFiles } from '../harness/certificates.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { KEEP_FILES, KEEP_LINE, kept } from './keep.ts'

interface LookAlike {
  readonly id: string
  readonly bytes_b64: string
  readonly ends_data: boolean
}

const file = new URL('../../protocol/smtp/testdata/end-of-data.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly LookAlike[] }

const TAIL = 'MAIL FROM:<s@x.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\nsecond\r\n.\r\n'
const BEGIN = 'MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\n'
const BARE_LF = '451 See http://pobox.com/~djb/docs/smtplf.html.'
const QUEUED = /^250 ok [0-9]+ qp /

const home = await makeHome(
  { 'control/smtpplugins': `[+deliver]\n${KEEP_LINE}\n`, ...KEEP_FILES, ...tlsFiles() },
  {
    listeners: [
      { compat: false }, { compat: 'qmail-spp' }, { tls: 'starttls' }, { tls: true },
      ...[{}, { tls: 'starttls' }, { tls: true }].map((more) => ({ proxy: ['127.0.0.0/8'], ...more })),
    ],
  },
)
const server = await startServer(home)

const LISTENERS = ['hardened', 'compat', 'starttls', 'implicit-tls', 'proxied', 'proxied-starttls', 'proxied-implicit-tls'] as const
type ListenerName = typeof LISTENERS[number]

interface Feed {
  readonly name: string
  send(client: SmtpClient, bytes: string): void | Promise<void>
}

/** What must be stored under each subject; a subject that is missing here must not be stored at all. */
const wanted = new Map<string, string>()

/** The message by the book, slowly: lines end in CRLF, a dot in front of a line goes. Undefined: refused for a bare LF. */
function stored(data: string): string | undefined {
  const lines = data.slice(0, -'.\r\n'.length).split('\r\n').slice(0, -1)
  if (lines.some((line) => line.includes('\n'))) return undefined
  return lines.map((line) => `${line.startsWith('.') ? line.slice(1) : line}\n`).join('')
}

function feeds(length: number): readonly Feed[] {
  return [
    { name: 'whole', send: (client, bytes) => client.send(bytes) },
    { name: 'bytewise', send: (client, bytes) => client.sendBytewise(bytes) },
    ...Array.from({ length: length - 1 }, (_, index): Feed => ({
      name: `cut-${index + 1}`, send: (client, bytes) => client.sendSplit(bytes, index + 1),
    })),
  ]
}

/** Sends one message with the look-alike in it and checks every reply. Gives the client to go on with. */
async function smuggle(client: SmtpClient, { id, bytes_b64, ends_data }: LookAlike, feed: Feed, listener: ListenerName): Promise<SmtpClient> {
  const subject = `${id}/${listener}/${feed.name}`
  const head = `X: ${subject}\r\n\r\nfirst line${Buffer.from(bytes_b64, 'base64').toString('latin1')}`
  client.send(BEGIN)
  assert.deepEqual([await client.reply(), await client.reply(), await client.reply()], [['250 ok'], ['250 ok'], ['354 go ahead']], subject)
  await feed.send(client, head + TAIL)
  const content = stored(ends_data ? head : head + TAIL)
  if (content === undefined) {
    assert.deepEqual(await client.reply(), [BARE_LF], subject)
    if (listener === 'compat') {
      assert.equal(await client.rest(), '', subject)
      await client.leave()
      return newClient(listener)
    }
  } else {
    assert.match((await client.reply()).join(), QUEUED, subject)
    wanted.set(subject, content)
  }
  if (ends_data) {
    const replies = [await client.reply(), await client.reply(), await client.reply()]
    assert.deepEqual(replies, [['250 ok'], ['250 ok'], ['354 go ahead']], subject)
    assert.match((await client.reply()).join(), QUEUED, subject)
  }
  // Were any reply too many or too few, this would not be HELP's.
  assert.match(await client.command('HELP'), /^214 /, subject)
  return client
}

async function newClient(listener: ListenerName): Promise<SmtpClient> {
  const client = await SmtpClient.connect(server.ports[LISTENERS.indexOf(listener)]!)
  if (listener.startsWith('proxied')) client.send('PROXY TCP4 192.0.2.1 192.0.2.2 4711 25\r\n')
  if (listener.endsWith('implicit-tls')) await client.secure()
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  if (listener.endsWith('starttls')) await client.startTls()
  return client
}

describe('look-alikes of the end of data', { concurrency: 8 }, () => {
  for (const one of cases) {
    for (const listener of LISTENERS) {
      test(`${one.id}, ${listener}`, async () => {
        let client = await newClient(listener)
        // At least the length of what is sent: a cut behind the end is no cut.
        const length = `X: ${one.id}/${listener}/cut-000\r\n\r\nfirst line`.length + one.bytes_b64.length + TAIL.length
        // Behind a proxy's header, and out of TLS, bytes take the same way: a cut in each stretch is enough.
        const chosen = feeds(length).filter((_, index) => listener === 'hardened' || listener === 'compat' || index % 12 < 2)
        for (const feed of chosen) client = await smuggle(client, one, feed, listener)
        await client.leave()
      })
    }
  }
})

test('exactly the messages that got a 250 were stored, each as it was', async () => {
  const messages = await kept(home)
  const controls = [...wanted.keys()].filter((subject) => cases.some(({ id, ends_data }) => ends_data && subject.startsWith(`${id}/`)))
  const smuggled = messages.filter(({ sender }) => sender !== 'a@b.example')
  assert.equal(smuggled.length, controls.length, 'second messages other than those of the controls')
  const own = messages.filter(({ sender }) => sender === 'a@b.example').map(({ content }) => content.slice(content.indexOf('X: ')))
  assert.equal(own.length, wanted.size)
  const found = new Map(own.map((content) => [/^X: (\S+)\n/.exec(content)![1]!, content]))
  for (const [subject, content] of wanted) assert.equal(found.get(subject), content)
})
