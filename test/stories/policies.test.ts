/** The three policies of docs/choosing-your-policy.md: loaded as the page has them, and mailed through. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { SmtpClient } from '../client/smtp-client.ts'
import { readPage } from '../docs/pages.ts'
import { homeAt, settingsText, temporaryDirectory, type Home } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startServer, type Server } from '../harness/server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const { blocks } = readPage('docs/choosing-your-policy.md')

/** Everybody is on loopback here, by the last bytes of the address. */
const FRIEND = '127.0.7.1'
const STRANGER = '127.0.8.1'
const LISTED = '127.0.9.1'
const RUDE = '127.0.10.1'

const nsd = await startNameServer(`
far.example. MX 10 mx.far.example.
far.example. TXT "v=spf1 ip4:127.0.7.0/24 -all"
_dmarc.far.example. TXT "v=DMARC1; p=reject"
mx.far.example. A 192.0.2.1
mx.far.example. A 127.0.7.1
1.7.0.127.in-addr.arpa. PTR mx.far.example.
soft.example. MX 10 mx.far.example.
soft.example. TXT "v=spf1 ip4:127.0.7.0/24 ~all"
plain.example. MX 10 mx.plain.example.
mx.plain.example. A 192.0.2.2
2.0.0.127.zen.spamhaus.org. A 127.0.0.2
1.9.0.127.zen.spamhaus.org. A 127.0.0.4
2.0.0.127.bl.spamcop.net. A 127.0.0.2
1.10.0.127.bl.spamcop.net. A 127.0.0.2
test.dbl.spamhaus.org. A 127.0.1.2
bad.example.dbl.spamhaus.org. A 127.0.1.2
bad.example. MX 10 mx.plain.example.
`)

interface Letter {
  readonly from?: string
  readonly helo?: string
  readonly sender?: string
  readonly recipients?: readonly string[]
  readonly header?: string
}

const header = (author: string): string => `From: ${author}\r\nTo: ann@example.org\r\nSubject: hello\r\nDate: Mon, 2 Nov 2026 10:00:00 +0000\r\nMessage-ID: <${Math.random()}@far.example>\r\n`

interface Place {
  readonly home: Home
  readonly server: Server
  /** The reply that decided: the first refusal, or the last reply. */
  send(letter: Letter): Promise<string>
  /** Sends it again for as long as it is told to come back, when it is told to. */
  insist(letter: Letter): Promise<string>
}

/** The page's files in a home that `helios init` made. @param shortened what would take a test too long, and what is there instead */
async function policy(name: string, shortened: readonly (readonly [string, string])[] = []): Promise<Place> {
  const home = homeAt(await temporaryDirectory())
  await home.write('helios.config.json', settingsText({ listeners: [{ tls: 'starttls' }], dns: { servers: [nsd!.address] } }))
  await run(process.execPath, [LAUNCHER, '--home', home.path, 'init', '--me', 'mx.example.org', '--domain', 'example.org', '--user', 'ann'])
  await home.write('control/badhelo', 'localhost\nmx.example.org\n')
  const files = blocks.filter(({ mark }) => mark?.startsWith(`write ${name}/`))
  assert.ok(files.length >= 3)
  for (const { mark, text } of files) {
    let content = text
    for (const [long, short] of mark!.endsWith('/smtpconfig') ? shortened : []) {
      assert.ok(content.includes(long), `${name} has no ${long}`)
      content = content.replace(long, short)
    }
    await home.write(mark!.slice(`write ${name}/`.length), content)
  }
  const checked = await run(process.execPath, [LAUNCHER, '--home', home.path, 'check'])
  assert.match(checked.stdout, /: nothing to mend$/m)
  const server = await startServer(home)
  const send = async (letter: Letter): Promise<string> => {
    const client = await server.connect({ from: letter.from ?? FRIEND })
    try {
      return await talk(client, letter)
    } finally {
      await client.leave()
    }
  }
  return {
    home, server, send,
    insist: async (letter) => {
      for (let tries = 0; ; tries++) {
        const reply = await send(letter)
        const seconds = /^451 sorry, I do not know you yet: please come back in ([0-9]+) seconds/.exec(reply)?.[1]
        if (seconds === undefined) return reply
        assert.ok(tries < 10, 'it is never let in')
        await pause(Number(seconds) * 1000)
      }
    },
  }
}

async function talk(client: SmtpClient, { helo = 'mx.far.example', sender = 'joe@far.example', recipients = ['ann@example.org'], header: given = header(sender) }: Letter): Promise<string> {
  const greeting = (await client.reply()).at(-1)!
  if (!greeting.startsWith('220')) return greeting
  for (const line of [`EHLO ${helo}`, `MAIL FROM:<${sender}>`, ...recipients.map((each) => `RCPT TO:<${each}>`), 'DATA']) {
    const reply = await client.command(line)
    if (/^[45]/.test(reply)) return reply
  }
  return client.command(`${given}\r\nHello.\r\n.`)
}

/** Waits for the letter with this in it. */
async function arrived({ home, server }: Place, mark: string): Promise<string> {
  const place = home.at('mail/example.org/ann/Maildir/new')
  const deadline = Date.now() + 15_000
  for (;;) {
    for (const name of await readdir(place).catch(() => [])) {
      const mail = await readFile(join(place, name), 'latin1')
      if (mail.includes(mark)) return mail
    }
    if (Date.now() > deadline) throw new Error(`no mail with ${mark}\n${server.stderr()}`)
    await pause(20)
  }
}

/** What every policy refuses. */
async function refusesWhatIsWrong({ send }: Place): Promise<void> {
  assert.match(await send({ helo: 'localhost' }), /^553 sorry, your HELO name is in my badhelo list/)
  assert.match(await send({ from: STRANGER }), /^550 sorry, 127\.0\.8\.1 may not send for far\.example \(SPF fail\)/)
  assert.match(await send({ from: LISTED, sender: 'x@plain.example' }), /^550 sorry, 127\.0\.9\.1 is listed in zen\.spamhaus\.org/)
  assert.match(await send({ recipients: ['nobody@example.org'] }), /^550 sorry, no mailbox here by that name/)
  assert.match(await send({ recipients: ['somebody@elsewhere.example'] }), /^553 sorry, that domain isn't in my list of allowed rcpthosts/)
  assert.match(await send({ sender: '', recipients: ['ann@example.org', 'ann@example.org'], header: header('a@plain.example') }), /^(550 sorry, too many recipients for a bounce|451 sorry, I do not know you yet)/)
}

const HEADLESS = header('joe@far.example').replace(/^From: .*\r\n/, '')

const [office, provider, paranoid] = nsd === undefined ? [] : await Promise.all([
  policy('office'),
  policy('provider', [['GREYLIST=spf', "GREYLIST='spf delay=1s'"]]),
  policy('paranoid', [['delay=10m', 'delay=1s'], ['wait=10s', 'wait=1s']]),
])

describe('small office', { skip: nsd === undefined }, () => {
  const place = office!
  test('takes honest mail at once, also from who proves nothing', async () => {
    assert.match(await place.send({}), /^250 ok /)
    assert.match(await place.send({ from: STRANGER, sender: 'eve@plain.example', helo: 'mx.plain.example' }), /^250 ok /)
    assert.match(await arrived(place, 'From: joe@far.example'), /^Authentication-Results: .*dmarc=pass/ms)
  })

  test('takes anything from this machine', async () => {
    assert.match(await place.send({ from: '127.0.0.1', helo: 'localhost.localdomain', header: 'Subject: from cron\r\n' }), /^250 ok /)
  })

  test('refuses what is wrong beyond doubt', async () => {
    await refusesWhatIsWrong(place)
    assert.match(await place.send({ sender: 'x@gone.example' }), /^550 sorry, there is no domain gone\.example/)
    assert.match(await place.send({ header: HEADLESS }), /^550 sorry, /)
    assert.match(await place.send({ header: `${header('joe@far.example')}Subject: again\r\n` }), /^550 sorry, your message has more than one Subject field/)
    assert.match(await place.send({ from: STRANGER, sender: 'eve@plain.example', header: header('joe@far.example') }), /^550 sorry, neither DKIM nor SPF shows this to be from far\.example, whose DMARC policy/)
  })
})

describe('provider', { skip: nsd === undefined }, () => {
  const place = provider!
  test('takes mail of who may send it at once, and of others when they come back', async () => {
    assert.match(await place.send({}), /^250 ok /)
    const stranger: Letter = { from: STRANGER, sender: 'eve@plain.example', helo: 'mx.plain.example' }
    assert.match(await place.send(stranger), /^451 sorry, I do not know you yet/)
    assert.match(await place.insist(stranger), /^250 ok /)
    await arrived(place, 'From: joe@far.example')
    await arrived(place, 'From: eve@plain.example')
  })

  test('refuses what is wrong, and strangers with our addresses', async () => {
    await refusesWhatIsWrong(place)
    assert.match(await place.send({ helo: 'gone.example' }), /^550 sorry, there is no host gone\.example/)
    assert.match(await place.send({ sender: 'ann@example.org' }), /^5[35]0 /)
    assert.match(await place.send({ sender: 'joe@far.example', header: header('ann@example.org') }), /^5[35]0 /)
  })

  test('does not refuse for one list of little weight', async () => {
    assert.match(await place.insist({ from: RUDE, sender: 'x@plain.example' }), /^250 ok /)
  })
})

describe('paranoid', { skip: nsd === undefined }, () => {
  const place = paranoid!
  test('takes honest mail when it comes back', async () => {
    assert.match(await place.send({}), /^451 sorry, I do not know you yet/)
    assert.match(await place.insist({}), /^250 ok /)
    await arrived(place, 'From: joe@far.example')
  })

  test('turns away who speaks before the greeting', async () => {
    const client = await place.server.connect({ from: RUDE })
    client.send('EHLO mx.far.example\r\n')
    assert.equal(await client.rest(), '554 sorry, you must wait for my greeting (#5.5.0)\r\n')
  })

  test('refuses what is wrong, and what is probably wrong', async () => {
    await refusesWhatIsWrong(place)
    assert.match(await place.send({ from: STRANGER, sender: 'x@soft.example' }), /^550 sorry, 127\.0\.8\.1 may not send for soft\.example \(SPF softfail\)/)
    assert.match(await place.send({ from: STRANGER, sender: 'x@bad.example' }), /^550 sorry, bad\.example is listed in dbl\.spamhaus\.org/)
    assert.match(await place.send({ from: STRANGER, sender: 'x@plain.example' }), /^550 sorry, your address 127\.0\.8\.1 has no name in DNS/)
    assert.match(await place.insist({ header: header('joe@far.example').replace(/^Date: .*\r\n/m, '') }), /^550 sorry, your message has no Date field/)
  })

  test('asks to come back where a list does not answer', async () => {
    await nsd!.stop()
    assert.match(await place.send({ from: '127.0.11.1', sender: 'x@plain.example' }), /^451 sorry, /)
  })
})
