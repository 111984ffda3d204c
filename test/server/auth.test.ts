/** AUTH over real sockets: what is offered where, every mechanism, what plugins see, and what a guesser gets. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import { LAUNCHER } from '../cli/kit.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { tlsFiles } from '../harness/certificates.ts'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const PASSWORD = 'correct horse battery staple'
const CLEAR = 'kept as it is'
const LIST = `[auth]
:if [ "$SMTPAUTHUSER" = banned@local.example ]; then echo "E550 not you (#5.7.1)"; fi
[mail]
:echo "P250-$SMTPAUTHUSER $SMTPAUTHMETHOD $TCPREMOTEINFO \${RELAYCLIENT-none}"
[+deliver]
${deliverInto('all')}
`
const MECHANISMS = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256']
const home = await makeHome({ 'control/smtpplugins': LIST, ...deliveryPlace('all'), ...tlsFiles(), 'control/smtp-tcprules': '127.0.7.:allow,RELAYCLIENT=""\n:allow\n' }, {
  listeners: [
    { tls: 'starttls', auth: { mechanisms: MECHANISMS } }, { service: 'submission', tls: 'starttls' }, { service: 'submission', tls: true },
    { tls: 'starttls', auth: 'always' }, { tls: 'starttls', auth: false }, { compat: 'qmail-spp', auth: 'always' }, { compat: 'qmail-spp', tls: 'starttls' },
  ],
})
const database = openSqlite(home.path)
for (const [login, password] of [['ann', await hashPassword(PASSWORD)], ['clear', `{CLEAR}${CLEAR}`], ['banned', await hashPassword(PASSWORD)]] as const) {
  await database.write.insertInto('passwd').values({ login, virtual_host: 'local.example', startdate: null, password }).execute()
}
await database.close()
const server = await startServer(home)
const [SMTP, SUBMISSION, IMPLICIT, ALWAYS, NEVER, COMPAT, COMPAT_TLS] = server.ports as [number, number, number, number, number, number, number]
const b64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
const plain = (name: string, password: string): string => b64(`\0${name}\0${password}`)
const ACCEPTED = '235 ok, go ahead (#2.0.0)'
const WRONG = '535 authentication failed (#5.7.8)'

/** A network of its own for each test: failures of one would slow down the next. */
let networks = 20
const clients: SmtpClient[] = []
after(() => Promise.all(clients.map((client) => client.leave())))

async function begin(port: number, tls: 'clear' | 'starttls' | 'implicit', from = `127.0.${networks++}.1`): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port, { from, ...(tls === 'implicit' ? { tls: {} } : {}) })
  clients.push(client)
  assert.deepEqual(await client.reply(), ['220 test.example ESMTP'])
  if (tls === 'starttls') await client.startTls()
  return client
}

async function offer(client: SmtpClient): Promise<string | undefined> {
  client.send('EHLO x\r\n')
  return (await client.reply()).map((line) => line.slice(4)).find((line) => line.startsWith('AUTH'))
}

describe('what is offered, and where', { concurrency: true }, () => {
  test('nothing in the clear, unless the listener says so', async () => {
    for (const [port, tls, expected] of [
      [SMTP, 'clear', undefined], [SMTP, 'starttls', `AUTH ${MECHANISMS.join(' ')}`], [SUBMISSION, 'clear', undefined], [SUBMISSION, 'starttls', 'AUTH PLAIN LOGIN'],
      [IMPLICIT, 'implicit', 'AUTH PLAIN LOGIN'], [ALWAYS, 'clear', 'AUTH PLAIN LOGIN'], [NEVER, 'starttls', undefined],
      [COMPAT, 'clear', 'AUTH PLAIN LOGIN'], [COMPAT_TLS, 'starttls', undefined],
    ] as const) assert.equal(await offer(await begin(port, tls)), expected, `${port} ${tls}`)
  })

  test('a password in the clear is not even looked at', async () => {
    const client = await begin(SMTP, 'clear')
    assert.equal(await client.command(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}`), '538 encryption is required before AUTH (#5.7.11)')
    const without = await begin(NEVER, 'starttls')
    assert.equal(await without.command('AUTH PLAIN'), '502 unimplemented (#5.5.1)')
  })

  test('submission wants TLS, then a login, before MAIL; a network that may relay shows otherwise who it is', async () => {
    const client = await begin(SUBMISSION, 'clear')
    await client.command('EHLO x')
    assert.equal(await client.command('MAIL FROM:<ann@local.example>'), '530 must issue a STARTTLS command first (#5.7.0)')
    await client.startTls()
    await client.command('EHLO x')
    assert.equal(await client.command('MAIL FROM:<ann@local.example>'), '530 authentication required (#5.7.0)')
    assert.equal(await client.command(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}`), ACCEPTED)
    assert.equal(await client.command('MAIL FROM:<ann@local.example>'), '250 ok')
    const own = await begin(SUBMISSION, 'clear', '127.0.7.1')
    await own.command('EHLO x')
    assert.equal(await own.command('MAIL FROM:<ann@local.example>'), '250 ok')
  })
})

describe('the exchange', { concurrency: true }, () => {
  test('PLAIN and LOGIN, with and without an initial response', async () => {
    for (const steps of [
      [`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}`], ['auth plain', '334 ', plain('ann@local.example', PASSWORD)],
      ['AUTH LOGIN', '334 VXNlcm5hbWU6', b64('Ann@LOCAL.example'), '334 UGFzc3dvcmQ6', b64(PASSWORD)],
      [`AUTH LOGIN ${b64('ann@local.example')}`, '334 UGFzc3dvcmQ6', b64(PASSWORD)],
    ]) {
      const client = await begin(SMTP, 'starttls')
      for (let step = 0; step < steps.length - 1; step += 2) assert.equal(await client.command(steps[step]!), steps[step + 1])
      assert.equal(await client.command(steps.at(-1)!), ACCEPTED)
      assert.equal(await client.command('AUTH PLAIN'), "503 you're already authenticated (#5.5.1)")
      assert.equal(await offer(client), undefined)
    }
  })

  test('CRAM-MD5, for whom the password is kept as it is, and for nobody else', async () => {
    for (const [name, password, expected] of [['clear@local.example', CLEAR, ACCEPTED], ['clear@local.example', 'other', WRONG], ['ann@local.example', PASSWORD, WRONG]] as const) {
      const client = await begin(SMTP, 'starttls')
      const challenge = Buffer.from((await client.command('AUTH CRAM-MD5')).slice(4), 'base64').toString('latin1')
      assert.match(challenge, /^<[^<>@ ]+@test\.example>$/)
      assert.equal(await client.command(b64(`${name} ${createHmac('md5', password).update(challenge).digest('hex')}`)), expected)
    }
  })

  test('what is out of order or malformed', async () => {
    const client = await begin(SMTP, 'starttls')
    await client.command('EHLO x')
    for (const [line, expected] of [
      ['AUTH', '501 AUTH needs a mechanism, and takes one response at most (#5.5.4)'], ['AUTH GSSAPI', '504 auth type unimplemented (#5.5.4)'],
      ['AUTH PLAIN !', '501 this is no base64 (#5.5.2)'], ['AUTH PLAIN =', '501 malformed auth input (#5.5.4)'], [`AUTH PLAIN ${b64('ann')}`, '501 malformed auth input (#5.5.4)'],
      ['AUTH CRAM-MD5 =', '501 this mechanism begins with my challenge (#5.5.2)'], ['AUTH PLAIN a b', '501 AUTH needs a mechanism, and takes one response at most (#5.5.4)'],
    ] as const) assert.equal(await client.command(line), expected, line)
    assert.equal(await client.command('AUTH LOGIN'), '334 VXNlcm5hbWU6')
    assert.equal(await client.command('*'), '501 auth exchange canceled (#5.0.0)')
    assert.equal(await client.command('NOOP'), '250 ok')
    await client.command('MAIL FROM:<a@b.example>')
    assert.equal(await client.command('AUTH PLAIN'), '503 no auth during mail transaction (#5.5.1)')
  })

  test('lines may be long in an exchange, up to 12288 bytes', async () => {
    const client = await begin(SMTP, 'starttls')
    assert.equal(await client.command('AUTH PLAIN'), '334 ')
    assert.equal(await client.command('A'.repeat(12_288)), '501 malformed auth input (#5.5.4)')
    assert.equal(await client.command(`AUTH PLAIN ${'A'.repeat(12_000)}`), '501 malformed auth input (#5.5.4)')
    assert.equal(await client.command('AUTH PLAIN'), '334 ')
    assert.equal(await client.command('A'.repeat(12_292)), '500 this is longer than an authentication may be (#5.5.6)')
    assert.equal(await client.command('NOOP'), '250 ok', 'the exchange is over')
    assert.equal(await client.command(`NOOP ${'A'.repeat(5000)}`), '500 line too long (#5.5.2)')
  })

  test('a login before STARTTLS is forgotten with everything else', async () => {
    const client = await begin(ALWAYS, 'clear')
    await client.command('EHLO x')
    client.send(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}\r\n`)
    assert.deepEqual(await client.reply(), [ACCEPTED])
    await client.startTls()
    assert.equal(await offer(client), 'AUTH PLAIN LOGIN')
    client.send('MAIL FROM:<a@b.example>\r\nRCPT TO:<far@away.example>\r\n')
    assert.deepEqual(await client.reply(), ['250-   none', '250 ok'])
    assert.match((await client.reply())[0]!, /^553 /)
  })

  test('what is sent behind STARTTLS in the middle of an exchange is no answer of it', async () => {
    const client = await begin(ALWAYS, 'clear')
    await client.command('AUTH LOGIN')
    assert.equal(await client.command('STARTTLS'), '501 malformed auth input (#5.5.4)', 'an answer, whatever it looks like')
    client.send(`STARTTLS\r\nAUTH PLAIN ${plain('ann@local.example', PASSWORD)}\r\n`)
    assert.deepEqual(await client.reply(), ['220 ready for tls'])
    await client.secure()
    assert.equal(await client.command('NOOP'), '250 ok')
    assert.equal(await offer(client), 'AUTH PLAIN LOGIN')
  })
})

test('a login may relay, plugins see who, the message says how, and the log has no password', async () => {
  const client = await begin(SMTP, 'starttls')
  await client.command('EHLO mua')
  assert.equal(await client.command('RCPT TO:<far@away.example>'), '503 MAIL first (#5.5.1)')
  assert.equal(await client.command(`AUTH PLAIN ${plain('ANN@local.example', PASSWORD)}`), ACCEPTED)
  client.send('MAIL FROM:<ann@local.example> AUTH=<>\r\n')
  assert.deepEqual(await client.reply(), ['250-ANN@local.example plain ANN@local.example ', '250 ok'])
  assert.deepEqual(await client.commands('RCPT TO:<far@away.example>', 'DATA'), ['250 ok', '354 go ahead'])
  client.send('Subject: x\r\n\r\n.\r\n')
  assert.match((await client.reply())[0]!, /^250 ok/)
  const [message] = await delivered(home, 'all', 1)
  assert.match(message!.content, /^Received: from unknown \(HELO mua\) \(ann@local\.example@127\.0\.\d+\.1\)\n {2}by 127\.0\.0\.1 with ESMTPSA; /)
  assert.equal(message!.recipient, 'far@away.example')
})

test('a line of [auth] has the last word', async () => {
  const client = await begin(SMTP, 'starttls')
  assert.equal(await client.command(`AUTH PLAIN ${plain('banned@local.example', PASSWORD)}`), '550 not you (#5.7.1)')
  client.send('MAIL FROM:<a@b.example>\r\n')
  assert.deepEqual(await client.reply(), ['250-   none', '250 ok'], 'nothing of it is left')
  const original = await begin(COMPAT, 'clear')
  assert.equal(await original.command(`AUTH PLAIN ${plain('banned@local.example', PASSWORD)}`), '550 not you (#5.7.1)')
  original.send('MAIL FROM:<a@b.example>\r\n')
  assert.deepEqual(await original.reply(), ['250-banned@local.example plain  none', '250 ok'], 'the original leaves the two set')
})

test('three failures end the connection, and the network waits for its next try', async () => {
  const network = networks++
  const client = await begin(SMTP, 'starttls', `127.0.${network}.1`)
  assert.equal(await client.command(`AUTH PLAIN ${plain('ann@local.example', 'wrong')}`), WRONG)
  assert.equal(await client.command(`AUTH PLAIN ${plain('nobody@local.example', PASSWORD)}`), WRONG)
  assert.equal(await client.command(`AUTH PLAIN ${plain('ann@local.example', 'wrong')}`), '421 too many failed logins (#4.7.0)')
  assert.equal(await client.rest(), '')
  const other = await begin(SMTP, 'starttls')
  assert.equal(await other.command(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}`), ACCEPTED, 'others do not wait')
  const again = await begin(SMTP, 'starttls', `127.0.${network}.1`)
  const since = performance.now()
  assert.equal(await again.command(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}`), ACCEPTED)
  // However slow the machine is, it is not sooner.
  assert.ok(performance.now() - since >= 3950, 'the fourth try of a network waits 4 seconds, on whichever connection')
  await again.leave()
  const waited = /AUTH asked how long this login waits, after others that failed: 4 s/
  let why = ''
  for (let tries = 0; tries < 50 && !waited.test(why); tries++) {
    why = await promisify(execFile)(process.execPath, [LAUNCHER, '--home', home.path, 'why', '--client', `127.0.${network}.1`]).then(({ stdout }) => stdout, () => '')
  }
  assert.match(why, waited)
})

test('many failures of an account, of a name that is none, or of a network are one line each', async () => {
  const lines = (about: string): readonly string[] => server.stderr().split('\n').filter((line) => line.includes('"msg":"many failed logins') && line.includes(about))
  const network = `127.0.${networks++}.1`
  const guess = async (name: string, from?: string): Promise<SmtpClient> => {
    const client = await begin(ALWAYS, 'clear', from)
    client.send(`AUTH PLAIN ${plain(name, 'wrong')}\r\n`)
    return client
  }
  for (const name of ['CLEAR@local.example', 'slipped password@local.example']) {
    const guessers = await Promise.all(Array.from({ length: 10 }, () => guess(name)))
    for (const client of guessers) assert.deepEqual(await client.reply(), [WRONG])
    await guess(name)
  }
  const expected = ['as clear@local.example: 1', 'as somebody who is not here: 1', `from ${network}: `]
  while (expected.slice(0, 2).some((about) => lines(about).length === 0)) await new Promise((resolve) => { setTimeout(resolve, 20) })
  // Who does not wait for the answer, since each comes later than the one before, has failed as well.
  // Another name each time, for one and the same would be told of as well.
  for (let n = 0; lines(expected[2]!).length === 0; n++) await (await guess(`nobody${n}@local.example`, network)).leave()
  for (const about of expected) assert.equal(lines(about).length, 1, about)
  assert.equal(lines('').length, 3, lines('').join('\n'))
  assert.ok(!server.stderr().includes('slipped'))
})

test('right logins at the same time are no failures, however many', async () => {
  const network = `127.0.${networks++}.1`
  const many = await Promise.all(Array.from({ length: 12 }, async () => {
    const client = await begin(ALWAYS, 'clear', network)
    client.send(`AUTH PLAIN ${plain('ann@local.example', PASSWORD)}\r\n`)
    return client
  }))
  assert.deepEqual(await Promise.race(many.map((client) => client.reply())), [ACCEPTED])
  assert.ok(!server.stderr().includes(`many failed logins from ${network}`))
  await Promise.all(many.map((client) => client.leave()))
})

test('no password in log or trace, in whatever form', async () => {
  const client = await begin(SMTP, 'starttls')
  await client.commands('AUTH LOGIN', b64('ann@local.example'), b64(PASSWORD))
  await client.leave()
  await server.stop()
  const trace = (await Promise.all((await readdir(home.at('trace'))).map((name) => home.read(`trace/${name}`)))).join('')
  const log = server.stderr()
  assert.match(trace, /AUTH PLAIN \[\d+ characters hidden\]/)
  assert.match(log, /"login".*ann@local\.example|ann@local\.example.*"login"/)
  for (const secret of [PASSWORD, CLEAR, 'wrong', b64(PASSWORD), plain('ann@local.example', PASSWORD), plain('ann@local.example', 'wrong'), b64('ann@local.example')]) {
    assert.ok(!trace.includes(secret), `trace: ${secret}`)
    assert.ok(!log.includes(secret), `log: ${secret}`)
  }
})
