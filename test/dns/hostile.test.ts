/** Answers that were made to hurt, from a real name server to a real server: none of them breaks a reply or a header. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { delivered, deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startServer } from '../harness/server.ts'

const strings = (text: string): string => text.match(/[^]{1,240}/g)!.map((part) => `"${part}"`).join(' ')
/** Line ends, an escape sequence, a NUL and a byte that is not UTF-8, as a zone file writes them. */
const ODD = '\\013\\010250 ok\\013\\010X-Evil: 1\\027[31m\\000\\233'

const nsd = await startNameServer(`
5.0.0.127.bl.test. A 127.0.0.2
5.0.0.127.bl.test. TXT "listed${ODD}"
6.0.0.127.bl.test. A 127.0.0.2
6.0.0.127.bl.test. TXT ${strings('%IP% '.repeat(12_000))}
7.0.0.127.bl.test. A 127.0.0.2
${Array.from({ length: 300 }, (_, index) => `7.0.0.127.bl.test. TXT "reason ${index} ${'x'.repeat(100)}"`).join('\n')}
${Array.from({ length: 1000 }, (_, index) => `8.0.0.127.bl.test. A 127.0.${index >> 8}.${index & 255}`).join('\n')}
10.0.0.127.in-addr.arpa. PTR evil${ODD.replaceAll(' ', '\\032')}.test.
${Array.from({ length: 300 }, (_, index) => `11.0.0.127.in-addr.arpa. PTR name${index}.test.`).join('\n')}
odd.test. MX 10 evil${ODD.replaceAll(' ', '\\032')}.test.
dotted.test. MX 10 a\\.b.test.
crowd.test. MX 10 crowd-of-addresses.test.
${Array.from({ length: 1000 }, (_, index) => `crowd-of-addresses.test. A 10.0.${index >> 8}.${index & 255}`).join('\n')}
spf.test. TXT "v=spf1 ?all ${ODD}"
_dmarc.spf.test. TXT "v=DMARC1; p=reject${ODD}"
policy.test. TXT "v=spf1 -all"
_dmarc.policy.test. TXT "v=DMARC1; p=reject; x=${ODD}"
s._domainkey.policy.test. TXT ${strings(`v=DKIM1; k=rsa; n=${ODD.repeat(3)}; p=${'A'.repeat(60_000)}`)}
`)

/** Everything at once, where the address of the client says what is looked at. */
function makeIt(): Promise<Home> {
  return makeHome({
    'control/smtpplugins': `[mail]\nrbl\nfcrdns\nmfdnscheck\nspf\n[+message]\nauthheaders\n[+deliver]\n${deliverInto('out')}\n`, ...deliveryPlace('out'),
    'control/smtp-tcprules': [
      '127.0.0.5-8:allow,SMTPRBLS="bl.test"', '127.0.0.10-11:allow,FCRDNS="2"', '127.0.0.20:allow,MFDNSCHECK="2"', '127.0.0.30:allow,SPF="1",DMARC="0"',
      '127.0.0.31:allow,SPF="6",DMARC="3"', '127.0.0.32:allow,DMARC="3"', ':allow',
    ].join('\n'),
  }, { dns: { servers: [nsd!.address] } })
}

const home = nsd === undefined ? undefined : await makeIt()
const server = home === undefined ? undefined : await startServer(home)

/** The reply to MAIL; a reply that was broken by its text would leave the next one out of step. */
async function mailFrom(from: string, sender: string): Promise<string> {
  const client = await server!.connect({ from })
  await client.reply()
  await client.command('HELO client.example')
  const said = await client.command(`MAIL FROM:<${sender}>`)
  assert.equal(await client.command('NOOP'), '250 ok')
  await client.leave()
  assert.match(said, /^[245][0-9]{2} [ -~]{0,500}$/)
  return said
}

async function send(from: string, sender: string, header: readonly string[]): Promise<string> {
  const client = await server!.connect({ from })
  await client.reply()
  await client.commands('HELO client.example', `MAIL FROM:<${sender}>`, 'RCPT TO:<you@local.example>', 'DATA')
  client.send([...header, 'To: you@local.example', '', 'Hello.', '.', ''].join('\r\n'))
  const [said] = await client.reply()
  assert.equal(await client.command('NOOP'), '250 ok')
  await client.leave()
  return said!
}

describe('hostile answers', { skip: nsd === undefined }, () => {
  it('of block lists become one line of a reply', async () => {
    assert.equal(await mailFrom('127.0.0.5', 'a@far.example'), '550 sorry, 127.0.0.5 is listed in bl.test: listed??250 ok??X-Evil: 1?[31m?? (#5.7.1)')
    assert.match(await mailFrom('127.0.0.6', 'a@far.example'), /^550 sorry, 127\.0\.0\.6 is listed in bl\.test: (127\.0\.0\.6 )+1?2?7?\.?0?\.?0? ?\(#5\.7\.1\)$/)
    assert.match(await mailFrom('127.0.0.7', 'a@far.example'), /^550 sorry, 127\.0\.0\.7 is listed in bl\.test: reason \d+ x{100} \(#5\.7\.1\)$/)
    assert.equal(await mailFrom('127.0.0.8', 'a@far.example'), '250 ok', 'a thousand addresses, 127.0.0.1 among them')
  })

  it('about a client\'s name are no name', async () => {
    assert.equal(await mailFrom('127.0.0.10', 'a@far.example'), '550 sorry, your address 127.0.0.10 has no name in DNS (#5.7.25)')
    assert.match(await mailFrom('127.0.0.11', 'a@far.example'), /^550 sorry, your address 127\.0\.0\.11 is not the address of name\d+\.test, its name in DNS \(#5\.7\.25\)$/)
  })

  it('about mail exchangers lead nowhere', async () => {
    for (const domain of ['odd.test', 'dotted.test', 'crowd.test']) {
      assert.equal(await mailFrom('127.0.0.20', `a@${domain}`), `550 sorry, no mail from here can reach ${domain} to answer your message (#5.1.8)`)
    }
  })

  it('about policies and keys add no line to a header or reply', async () => {
    assert.match(await mailFrom('127.0.0.31', 'a@spf.test'), /^550 sorry, the SPF policy of spf\.test is broken/)
    const signature = 'DKIM-Signature: v=1; a=rsa-sha256; d=policy.test; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA'
    assert.match(await send('127.0.0.30', 'a@spf.test', [signature, 'From: a@policy.test']), /^250 /)
    const [{ content } = { content: '' }] = await delivered(home!, 'out', 1)
    const [header = ''] = content.split('\n\n')
    assert.match(header, /^Received-SPF: permerror /m)
    assert.match(header, /^Authentication-Results: /m)
    assert.doesNotMatch(header, /^X-Evil/m)
    for (const line of header.split('\n')) assert.match(line, /^[\t -~]{0,998}$/)
    assert.match(await send('127.0.0.32', 'a@policy.test', [signature, 'From: a@policy.test']), /^550 sorry, neither DKIM nor SPF shows this to be from policy\.test/)
  })
})
