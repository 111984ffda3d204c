/** TLS and AUTH with clients that other people wrote, and the judgement of a scanner. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import nodemailer from 'nodemailer'
import { openSqlite } from '../../core/accounts/database.ts'
import { hashPassword } from '../../core/accounts/passwords.ts'
import { certificateFiles, makeCertificate } from '../harness/certificates.ts'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { peer } from '../peers.ts'

const run = promisify(execFile)
const HOST = '127.0.0.1'
const NAME = 'mx.test.example'
const FROM = 'ann@local.example'
const PASSWORD = 'correct horse battery staple'
const pair = makeCertificate([NAME])
const auth = { mechanisms: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'] }
// The limits are the server's own: no client may find them in its way.
const home = await makeHome({
  'control/smtpplugins': `[+deliver]\n${deliverInto('all')}\n`, ...deliveryPlace('all'),
  'control/smtpconfig-stunnel': 'cert = tls/mx.pem\nkey = tls/mx.key\n', ...certificateFiles({ mx: pair }),
}, { listeners: [{ service: 'submission', tls: 'starttls', auth }, { service: 'submission', tls: true, auth }], limits: {} })
const database = openSqlite(home.path)
for (const [login, password] of [['ann', await hashPassword(PASSWORD)], ['clear', `{CLEAR}${PASSWORD}`], ['scram', await hashPassword(PASSWORD, 'scram')]] as const) {
  await database.write.insertInto('passwd').values({ login, virtual_host: 'local.example', startdate: null, password }).execute()
}
await database.close()
const server = await startServer(home)
const [STARTTLS, IMPLICIT] = server.ports as [number, number]
const CERTIFICATE = home.at('tls/mx.pem')

let sent = 0

/** What a client sent, as it was delivered: whose login it was, and how it came. */
async function arrived(subject: string, user: string): Promise<void> {
  sent++
  const message = (await delivered(home, 'all', sent)).find(({ content }) => content.includes(`Subject: ${subject}\n`))
  assert.ok(message !== undefined, `${subject} did not arrive\n${server.stderr()}`)
  assert.match(message.content, new RegExp(`^Received: from [^\\n]*\\(${user}@127\\.0\\.0\\.1\\)\\n {2}by 127\\.0\\.0\\.1 with ESMTPSA; `))
  assert.equal(message.recipient, 'far@away.example')
}

function letter(subject: string): string {
  return `From: ${FROM}\r\nSubject: ${subject}\r\n\r\nHello.\r\n`
}

async function output(program: string, args: readonly string[], input: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const running = run(peer(program)!, args, { timeout: 180_000, env: { ...process.env, HOME: home.path, ...env } })
  running.child.stdin!.end(input)
  return (await running).stdout
}

describe('clients log in under TLS and send to everywhere', () => {
  for (const [how, more] of [['PLAIN', ['--tls']], ['LOGIN', ['--tls']], ['CRAM-MD5', ['--tls']], ['PLAIN', ['--tlsc']]] as const) {
    const port = more[0] === '--tlsc' ? IMPLICIT : STARTTLS
    const user = how === 'CRAM-MD5' ? 'clear@local.example' : FROM
    test(`swaks ${more[0]} ${how}`, { skip: peer('swaks') === undefined }, async () => {
      const subject = `swaks ${more[0]} ${how}`
      await output('swaks', ['--server', `${HOST}:${port}`, ...more, '--tls-verify', '--tls-ca-path', CERTIFICATE, '--auth', how, '--auth-user', user, '--auth-password', PASSWORD,
        '--from', FROM, '--to', 'far@away.example', '--h-Subject', subject, '--silent', '2'], '')
      await arrived(subject, user)
    })
  }

  for (const [how, starttls, login] of [
    ['plain', 'on', 'ann'], ['plain', 'on', 'scram'], ['login', 'on', 'ann'], ['cram-md5', 'on', 'clear'],
    ['scram-sha-256', 'on', 'clear'], ['scram-sha-256', 'off', 'clear'], ['scram-sha-256', 'on', 'scram'],
  ] as const) {
    test(`msmtp ${how}, STARTTLS ${starttls}, ${login}`, { skip: peer('msmtp') === undefined }, async () => {
      const [subject, user] = [`msmtp ${how} ${starttls} ${login}`, `${login}@local.example`]
      await output('msmtp', ['--file=/dev/null', `--host=${HOST}`, `--port=${starttls === 'on' ? STARTTLS : IMPLICIT}`, '--tls=on', `--tls-starttls=${starttls}`,
        `--tls-fingerprint=${new X509Certificate(pair.cert).fingerprint256}`, `--auth=${how}`, `--user=${user}`, '--passwordeval=printf %s "$PASSWORD"', `--from=${FROM}`, 'far@away.example'],
      letter(subject).replaceAll('\r\n', '\n'), { PASSWORD })
      await arrived(subject, user)
    })
  }

  for (const [how, port] of [['starttls', STARTTLS], ['implicit', IMPLICIT]] as const) {
    test(`python's smtplib, ${how}`, { skip: peer('python3') === undefined }, async () => {
      const subject = `smtplib ${how}`
      const script = `
import os, smtplib, ssl, sys
context = ssl.create_default_context(cafile='${CERTIFICATE}')
context.check_hostname = False
${how === 'implicit' ? `server = smtplib.SMTP_SSL('${HOST}', ${port}, context=context)` : `server = smtplib.SMTP('${HOST}', ${port}); server.starttls(context=context)`}
server.login('clear@local.example', os.environ['PASSWORD'])
server.sendmail('${FROM}', ['far@away.example'], sys.stdin.buffer.read())
server.quit()`
      await output('python3', ['-c', script], letter(subject), { PASSWORD })
      await arrived(subject, 'clear@local.example')
    })

    test(`curl, ${how}`, { skip: peer('curl') === undefined }, async () => {
      const subject = `curl ${how}`
      await output('curl', ['-sS', '--ssl-reqd', '--cacert', CERTIFICATE, '--connect-to', `::${HOST}:${port}`, '--login-options', 'AUTH=PLAIN', '--user', `${FROM}:${PASSWORD}`,
        `${how === 'implicit' ? 'smtps' : 'smtp'}://${NAME}:${port}`, '--mail-from', FROM, '--mail-rcpt', 'far@away.example', '--upload-file', '-'], letter(subject))
      await arrived(subject, FROM)
    })

    for (const authMethod of ['PLAIN', 'LOGIN', 'CRAM-MD5']) {
      test(`nodemailer ${authMethod}, ${how}`, async () => {
        const [subject, user] = [`nodemailer ${authMethod} ${how}`, authMethod === 'CRAM-MD5' ? 'clear@local.example' : FROM]
        const transport = nodemailer.createTransport({
          host: HOST, port, secure: how === 'implicit', requireTLS: true, authMethod, auth: { user, pass: PASSWORD }, tls: { ca: pair.cert, servername: NAME },
        })
        await transport.sendMail({ from: FROM, to: 'far@away.example', subject, text: 'Hello.' })
        transport.close()
        await arrived(subject, user)
      })
    }

    test(`openssl s_client, ${how}: the certificate is the host's`, { skip: peer('openssl') === undefined }, async () => {
      const stdout = await output('openssl', ['s_client', '-connect', `${HOST}:${port}`, ...how === 'starttls' ? ['-starttls', 'smtp'] : [], '-CAfile', CERTIFICATE,
        '-servername', NAME, '-verify_hostname', NAME, '-verify_return_error'], '')
      assert.match(stdout, /Verify return code: 0 \(ok\)/)
    })
  }
})

describe('a scanner finds nothing to complain about', { skip: peer('sslscan') === undefined }, () => {
  for (const [how, port, more] of [['STARTTLS', STARTTLS, ['--starttls-smtp']], ['TLS from the first byte', IMPLICIT, []]] as const) {
    test(how, async () => {
      const xml = await output('sslscan', ['--xml=-', ...more, `${HOST}:${port}`], '')
      const enabled = [...xml.matchAll(/<protocol type="(\w+)" version="([\d.]+)" enabled="1"/g)].map((match) => `${match[1]} ${match[2]}`)
      assert.deepEqual(enabled.toSorted(), ['tls 1.2', 'tls 1.3'])
      assert.match(xml, /<renegotiation supported="0"/)
      assert.doesNotMatch(xml, /vulnerable="1"|strength="(?!acceptable|strong)/)
      const suites = [...xml.matchAll(/<cipher status="\w+" sslversion="(\S+)" bits="(\d+)" cipher="(\S+)"/g)]
      assert.ok(suites.length >= 5, xml)
      for (const [, version, bits, suite] of suites) {
        assert.ok(Number(bits) >= 128, suite)
        assert.match(suite!, version === 'TLSv1.3' ? /^TLS_(AES|CHACHA20)/ : /^(ECDHE|DHE)-\S+-(GCM-SHA\d+|POLY1305)$/)
      }
    })
  }
})

/** What takes it minutes is left out: docs/tls.md has a whole scan. */
test('nor does one that tries known attacks', { skip: peer('testssl') === undefined }, async () => {
  const report = home.at('testssl.json')
  await output('testssl', [
    '--warnings', 'off', '-n', 'none', '--protocols', '--std', '--ccs-injection', '--renegotiation', '--robot', '--jsonfile', report, `${HOST}:${IMPLICIT}`,
  ], '')
  const findings = JSON.parse(await home.read('testssl.json')) as readonly { readonly id: string; readonly severity: string; readonly finding: string }[]
  // Of its own openssl, and of HTTP, which is not spoken here.
  const troubles = findings.filter(({ id, severity }) => !['OK', 'INFO'].includes(severity) && !['engine_problem', 'service'].includes(id))
  assert.deepEqual(troubles, [])
  for (const id of ['SSLv2', 'SSLv3', 'TLS1_2', 'TLS1_3', 'cipherlist_aNULL', 'cipherlist_3DES_IDEA', 'CCS', 'ROBOT', 'secure_renego', 'secure_client_renego']) {
    assert.ok(findings.some((finding) => finding.id === id), `${id} was not looked at: ${JSON.stringify(findings)}`)
  }
})
