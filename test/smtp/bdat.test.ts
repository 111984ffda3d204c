/** Content by BDAT (RFC 3030), over real sockets: what is stored, what is refused, and that no byte of a chunk is ever a command. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { KEEP_FILES, KEEP_LINE, kept } from './keep.ts'

const home = await makeHome({
  'control/smtpplugins': `[data]\n:[ "$SMTPMAILFROM" != refused@b.example ] || echo 'E550 not this one (#5.7.1)'\n[+deliver]\n${KEEP_LINE}\n`, ...KEEP_FILES,
  'control/databytes': '5000\n',
}, { limits: {}, listeners: [{}, { compat: 'qmail-spp' }] })
const server = await startServer(home)

async function greeted(): Promise<SmtpClient> {
  const client = await server.connect()
  await client.reply()
  client.send('EHLO x\r\n')
  assert.ok((await client.reply()).includes('250-CHUNKING'))
  return client
}

const begin = (sender: string): string => `MAIL FROM:<${sender}@b.example>\r\nRCPT TO:<u@local.example>\r\n`
const chunk = (content: string, last = false): string => `BDAT ${content.length}${last ? ' LAST' : ''}\r\n${content}`
const QUEUED = /^250 ok [0-9]+ qp /

async function replies(client: SmtpClient, count: number): Promise<string[]> {
  const all: string[] = []
  while (all.length < count) all.push((await client.reply()).at(-1)!)
  return all
}

const wanted = new Map<string, string>()

describe('a message in chunks', () => {
  const whole = 'Subject: x\r\n\r\n.\r\n..\r\nQUIT\r\nlast'
  for (const [name, bytes, chunks] of [
    ['one', chunk(whole, true), 1], ['two', chunk(whole.slice(0, 11)) + chunk(whole.slice(11), true), 2],
    ['bytes', [...whole].map((byte) => chunk(byte)).join('') + chunk('', true), whole.length + 1], ['lower', `bdat ${whole.length} last\r\n${whole}`, 1],
  ] as const) {
    test(`${name}: dots and commands in it are content, and pipelining is welcome`, async () => {
      const client = await greeted()
      for (const send of [(text: string) => client.send(text), (text: string) => client.sendBytewise(text)]) {
        await send(`${begin(name)}${bytes}NOOP\r\n`)
        const all = await replies(client, 3 + chunks)
        assert.deepEqual(all.slice(0, 2), ['250 ok', '250 ok'])
        assert.ok(all.slice(2, 1 + chunks).every((line) => /^250 [0-9]+ bytes received$/.test(line)), all.join('\n'))
        assert.match(all.at(-2)!, QUEUED)
        assert.equal(all.at(-1), '250 ok')
      }
      wanted.set(`${name}@b.example`, 'Subject: x\n\n.\n..\nQUIT\nlast\n')
      await client.leave()
    })
  }

  test('and by DATA again in the same session', async () => {
    const client = await greeted()
    client.send(`${begin('first')}${chunk('1\r\n', true)}`)
    assert.match((await replies(client, 3)).at(-1)!, QUEUED)
    client.send(`${begin('second')}DATA\r\n`)
    assert.equal((await replies(client, 3)).at(-1), '354 go ahead')
    assert.match(await client.command('2\r\n.'), QUEUED)
    wanted.set('first@b.example', '1\n').set('second@b.example', '2\n')
    await client.leave()
  })
})

describe('refused, and the chunk is read to its end all the same', () => {
  const evil = 'MAIL FROM:<smuggled@b.example>\r\nRCPT TO:<u@local.example>\r\n'
  for (const [name, bytes, expected] of [
    ['without MAIL', chunk(evil, true), ['503 MAIL first (#5.5.1)']],
    ['without RCPT', `MAIL FROM:<a@b.example>\r\n${chunk(evil)}RCPT TO:<u@local.example>\r\n${chunk(evil, true)}`,
      ['250 ok', '503 RCPT first (#5.5.1)', '503 MAIL first (#5.5.1)', '503 MAIL first (#5.5.1)']],
    ['by a plugin', `${begin('refused')}${chunk(evil)}${chunk(evil, true)}`, ['250 ok', '250 ok', '550 not this one (#5.7.1)', '503 MAIL first (#5.5.1)']],
    ['a bare LF', `${begin('a')}${chunk('a\nb\r\n')}${chunk(evil, true)}`, ['250 ok', '250 ok', '451 See http://pobox.com/~djb/docs/smtplf.html.', '503 MAIL first (#5.5.1)']],
    ['a bare LF at the end', `${begin('a')}${chunk(evil)}${chunk('\n', true)}`, ['250 ok', '250 ok', `250 ${evil.length} bytes received`, '451 See http://pobox.com/~djb/docs/smtplf.html.']],
    ['too large', `${begin('a')}${chunk('x'.repeat(4000))}${chunk(`${evil}${'x'.repeat(2000)}`)}${chunk(evil, true)}`,
      ['250 ok', '250 ok', '250 4000 bytes received', '552 sorry, that message size exceeds my databytes limit (#5.3.4)', '503 MAIL first (#5.5.1)']],
    ['other commands between', `${begin('a')}${chunk(evil)}${evil}NOOP\r\nRSET\r\n${chunk(evil, true)}`,
      ['250 ok', '250 ok', `250 ${evil.length} bytes received`, ...Array<string>(2).fill('503 a message is under way: go on with BDAT, or RSET (#5.5.1)'),
        '250 ok', '250 flushed', '503 MAIL first (#5.5.1)']],
  ] as const) {
    test(name, async () => {
      for (const bytewise of [false, true]) {
        const client = await greeted()
        if (bytewise) await client.sendBytewise(bytes)
        else client.send(bytes)
        assert.deepEqual(await replies(client, expected.length), expected)
        assert.equal(await client.command('HELP'), '214 netqmail home page: http://qmail.org/netqmail')
        await client.leave()
      }
    })
  }

  test('DATA between chunks', async () => {
    const client = await greeted()
    client.send(`${begin('a')}${chunk('x')}`)
    await replies(client, 3)
    assert.match(await client.command('DATA'), /^503 a message is under way/)
    assert.equal(await client.command('EHLO x'), '250 SMTPUTF8')
    assert.equal(await client.command('DATA'), '503 MAIL first (#5.5.1)')
    await client.leave()
  })

  test('a size that is none ends the connection: nobody knows where the next command begins', async () => {
    for (const size of ['', ' ', ' x', ' -1', ' 1 FIRST', ' 9999999999999999', ' 1LAST']) {
      const client = await greeted()
      client.send(`${begin('a')}BDAT${size}\r\n${evil}`)
      assert.match(await client.rest(), /\r\n501 BDAT needs a number of bytes, and LAST or nothing \(#5\.5\.4\)\r\n$/)
      await client.leave()
    }
  })

  test('a client that leaves in the middle', async () => {
    for (const end of [`${begin('a')}BDAT 100 LAST\r\nhalf`, `${begin('a')}${chunk('x')}`]) {
      const client = await greeted()
      client.send(end)
      await replies(client, 2)
      await client.leave()
    }
  })
})

test('not in compat', async () => {
  const client = await SmtpClient.connect(server.ports[1]!)
  await client.reply()
  assert.equal(await client.command('EHLO x'), '250 8BITMIME')
  assert.equal(await client.command('BDAT 1'), '502 unimplemented (#5.5.1)')
  await client.leave()
})

test('exactly the messages that got their 250 were stored', async () => {
  const messages = await kept(home)
  assert.deepEqual(new Set(messages.map(({ sender }) => sender)), new Set(wanted.keys()))
  for (const { sender, content } of messages) assert.equal(content.replace(/^Received: .*\n {2}by .*\n/, ''), wanted.get(sender))
})
