/** The plugin spf in a real server that asks a real name server: the limits of RFC 7208, and records that were written to hurt. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeHome } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startOddNameServer } from '../harness/odd-name-server.ts'
import { startServer, type Server } from '../harness/server.ts'

const numbered = (count: number, each: (number: number) => string): string => Array.from({ length: count }, (_, index) => each(index)).join(' ')
const hosts = (count: number): string => numbered(count, (number) => `a:h${number}.test`)
const strings = (text: string): string => text.match(/.{1,255}/g)!.map((part) => `"${part}"`).join(' ')

const nsd = await startNameServer(`
${Array.from({ length: 11 }, (_, index) => `h${index}.test. A 192.0.2.${index + 1}`).join('\n')}
ten.test. TXT "v=spf1 ${hosts(10)} ip4:127.0.0.1 -all"
eleven.test. TXT "v=spf1 ${hosts(11)} ip4:127.0.0.1 -all"
void2.test. TXT "v=spf1 a:no1.test a:no2.test ip4:127.0.0.1 -all"
void3.test. TXT "v=spf1 a:no1.test a:no2.test a:no3.test ip4:127.0.0.1 -all"
itself.test. TXT "v=spf1 include:itself.test ip4:127.0.0.1 -all"
one.test. TXT "v=spf1 redirect=other.test"
other.test. TXT "v=spf1 redirect=one.test"
round.test. CNAME about.test.
about.test. CNAME round.test.
circle.test. TXT "v=spf1 a:round.test ip4:127.0.0.1 -all"
alias.test. CNAME ten.test.
*.wild.test. TXT "v=spf1 -all"
two.test. TXT "v=spf1 -all"
two.test. TXT "v=spf1 ip4:127.0.0.1 -all"
${Array.from({ length: 300 }, (_, index) => `many.test. MX ${index} mx${index}.many.test.`).join('\n')}
many.test. TXT "v=spf1 mx ip4:127.0.0.1 -all"
tenmx.test. TXT "v=spf1 mx ip4:127.0.0.1 -all"
${Array.from({ length: 10 }, (_, index) => `tenmx.test. MX 10 h${index}.test.`).join('\n')}
long.test. TXT ${strings(`v=spf1 ${numbered(400, (number) => `ip4:198.51.${number >> 8}.${number & 255}`)} ip4:127.0.0.1 -all`)}
huge.test. TXT ${strings(`v=spf1 ${'x'.repeat(60_000)} -all`)}
words.test. TXT "v=spf1 -all exp=said.test"
said.test. TXT "look here\\013\\010250 ok\\000 %{i}"
filled.test. TXT "v=spf1 -all exp=full.test"
full.test. TXT ${strings('%{i}%{d}'.repeat(7000))}
`)
const odd = await startOddNameServer((name) => name.startsWith('silent') ? 'silent' : name.startsWith('cut') ? 'truncated' : 'servfail')

async function serverAt(level: number, nameServer: string): Promise<(domain: string) => Promise<string>> {
  const home = await makeHome({ 'control/smtpplugins': '[mail]\nspf\n', 'control/smtpconfig': `export SPF=${level}\n` }, { dns: { servers: [nameServer], timeoutSeconds: 1 } })
  const server = await startServer(home)
  return (domain) => replyTo(server, domain)
}

async function replyTo(server: Server, domain: string): Promise<string> {
  const client = await server.connect()
  await client.reply()
  await client.command('HELO client.test')
  const said = await client.command(`MAIL FROM:<ann@${domain}>`)
  // Whatever a record says, one reply has been sent.
  assert.equal(await client.command('NOOP'), '250 ok')
  await client.leave()
  return said
}

const PASS = '250 ok'
const broken = (domain: string, why: RegExp | string = '.*'): RegExp =>
  new RegExp(`^550 sorry, the SPF policy of ${domain.replace('.', '\\.')} is broken(: ${typeof why === 'string' ? why : why.source})? \\(#5\\.7\\.24\\)$`)

const CASES: readonly (readonly [domain: string, reply: string | RegExp, what: string])[] = [
  ['ten.test', PASS, '10 look-ups'],
  ['eleven.test', broken('eleven.test'), '11 look-ups'],
  ['void2.test', PASS, '2 look-ups without an answer'],
  ['void3.test', broken('void3.test'), '3 look-ups without an answer'],
  ['itself.test', broken('itself.test'), 'a record that includes itself'],
  ['one.test', broken('one.test'), 'two records that lead to one another'],
  ['circle.test', PASS, 'a circle of aliases, which is no answer'],
  ['alias.test', PASS, 'a record behind an alias'],
  ['any.wild.test', '550 sorry, 127.0.0.1 may not send for any.wild.test (SPF fail) (#5.7.23)', 'a wildcard'],
  ['two.test', broken('two.test'), 'two records'],
  ['tenmx.test', PASS, '10 mail exchangers'],
  ['many.test', broken('many.test'), '300 mail exchangers, in a reply that comes over TCP'],
  ['long.test', PASS, 'a record that comes over TCP'],
  ['huge.test', broken('huge.test'), 'a record of 60 KB that is none'],
  ['words.test', '550 sorry, 127.0.0.1 may not send for words.test (SPF fail) (#5.7.23)', 'line ends in an explanation, which then is none'],
  ['filled.test', /^550 sorry, 127\.0\.0\.1 may not send for filled\.test \(SPF fail\): its owner explains: (127\.0\.0\.1filled\.test)+[^ ]* \(#5\.7\.23\)$/, 'an explanation of 56 KB'],
  ['nowhere.test', '550 sorry, nowhere.test does not say who may send for it (SPF none) (#5.7.23)', 'no such name'],
]

describe('SPF at level 6', { skip: nsd === undefined }, () => {
  it('keeps the limits of RFC 7208, whatever a record asks for', async () => {
    const reply = await serverAt(6, nsd!.address)
    for (const [domain, expected, what] of CASES) {
      const said = await reply(domain)
      assert.ok(said.length <= 510, `${domain}: a reply is one line (RFC 5321 section 4.5.3.1.5)`)
      if (typeof expected === 'string') assert.equal(said, expected, what)
      else assert.match(said, expected, what)
    }
  })
})

describe('SPF without an answer', () => {
  it('is asked for again at level 5, and lets mail in below', async () => {
    const [strict, lenient] = await Promise.all([serverAt(5, odd.address), serverAt(4, odd.address)])
    for (const domain of ['silent.test', 'failing.test', 'cut.test']) {
      assert.equal(await strict(domain), `451 sorry, I cannot look up now who may send for ${domain} (#4.7.24)`)
      assert.equal(await lenient(domain), PASS)
    }
  })
})
