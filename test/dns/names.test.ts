/** The plugins that look names up, in a real server that asks a real name server, and a misbehaving one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeHome } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startOddNameServer } from '../harness/odd-name-server.ts'
import { startServer, type Server } from '../harness/server.ts'

const nsd = await startNameServer(`
far.test. MX 10 mx.far.test.
mx.far.test. A 192.0.2.1
host.test. A 192.0.2.1
null.test. MX 0 .
inside.test. MX 10 localhost.test.
localhost.test. A 127.0.0.1
round.test. CNAME about.test.
about.test. CNAME round.test.
alias.test. CNAME far.test.
*.wild.test. A 192.0.2.1
${Array.from({ length: 300 }, (_, index) => `many.test. MX ${index} mx${index}.many.test.`).join('\n')}
mx7.many.test. A 192.0.2.1
2.0.0.127.in-addr.arpa. PTR client.test.
client.test. A 127.0.0.2
3.0.0.127.in-addr.arpa. PTR mx.bank.test.
mx.bank.test. A 192.0.2.9
`)
const odd = await startOddNameServer((name) => name.startsWith('silent') ? 'silent' : name.startsWith('cut') ? 'truncated' : 'servfail')

function serverWith(list: string, settings: string, nameServer: string): Promise<Server> {
  return makeHome({ 'control/smtpplugins': list, 'control/smtpconfig': settings, 'control/smtp-tcprules': '127.0.0.9:allow,RELAYCLIENT=""\n:allow\n' },
    { dns: { servers: [nameServer], timeoutSeconds: 1 } }).then((home) => startServer(home))
}

/** The last reply to these commands from this address. */
async function replyTo(server: Server, commands: readonly string[], from = '127.0.0.1'): Promise<string> {
  const client = await server.connect({ from })
  let last = (await client.reply()).at(-1)!
  for (const command of commands) last = await client.command(command)
  await client.leave()
  return last
}

const mail = (domain: string): readonly string[] => [`MAIL FROM:<ann@${domain}>`]

describe('mfdnscheck', { skip: nsd === undefined }, () => {
  it('takes the domains that exist and refuses the others', async () => {
    const server = await serverWith('[mail]\nmfdnscheck\n', 'export MFDNSCHECK=2\n', nsd!.address)
    for (const domain of ['far.test', 'host.test', 'alias.test', 'any.wild.test', 'many.test', '[192.0.2.1]']) assert.equal(await replyTo(server, mail(domain)), '250 ok', domain)
    assert.match(await replyTo(server, mail('no.test')), /^550 .*#5\.1\.8/)
    assert.match(await replyTo(server, mail('null.test')), /^550 .*#5\.7\.27/)
    assert.match(await replyTo(server, mail('inside.test')), /^550 .*can reach inside\.test/)
    assert.match(await replyTo(server, mail('round.test')), /^550 .*#5\.1\.8/, 'a circle, as an authoritative server answers it')
    assert.equal(await replyTo(server, mail('no.test'), '127.0.0.9'), '250 ok', 'a relay client')
  })
})

describe('helodnscheck', { skip: nsd === undefined }, () => {
  it('takes the names that exist and refuses the others', async () => {
    const server = await serverWith('[helo]\nhelodnscheck\n', 'export HELODNSCHECK=2\n', nsd!.address)
    for (const name of ['host.test', 'far.test', '[192.0.2.1]']) assert.match(await replyTo(server, [`EHLO ${name}`]), /^250[ -]/, name)
    for (const name of ['no.test', 'DESKTOP-1', '127.0.0.1']) assert.equal(await replyTo(server, [`EHLO ${name}`]), `550 sorry, there is no host ${name}: tell me your real name (#5.7.1)`)
    assert.match(await replyTo(server, ['HELO localhost.test']), /^550 .*reach you by/)
  })
})

describe('fcrdns', { skip: nsd === undefined }, () => {
  it('takes addresses whose names lead back and refuses the others', async () => {
    const server = await serverWith('[mail]\nfcrdns\n', 'export FCRDNS=2\n', nsd!.address)
    assert.equal(await replyTo(server, mail('x.test'), '127.0.0.2'), '250 ok')
    assert.equal(await replyTo(server, mail('x.test'), '127.0.0.3'), '550 sorry, your address 127.0.0.3 is not the address of mx.bank.test, its name in DNS (#5.7.25)')
    assert.equal(await replyTo(server, mail('x.test'), '127.0.0.4'), '550 sorry, your address 127.0.0.4 has no name in DNS (#5.7.25)')
    assert.equal(await replyTo(server, mail('x.test'), '127.0.0.9'), '250 ok', 'a relay client')
  })
})

describe('when nobody knows', () => {
  const list = '[helo]\nhelodnscheck\n[mail]\nfcrdns\nmfdnscheck\n'

  it('clients pass at levels 1 and 2', async () => {
    const server = await serverWith(list, 'export FCRDNS=2 MFDNSCHECK=1 HELODNSCHECK=2\n', odd.address)
    for (const name of ['silent.test', 'failing.test', 'cut.test']) assert.equal(await replyTo(server, [`HELO ${name}`, ...mail(name)]), '250 ok', name)
  })

  it('and are asked to come back at level 3', async () => {
    const server = await serverWith(list, 'export FCRDNS=0 MFDNSCHECK=3 HELODNSCHECK=3\n', odd.address)
    for (const name of ['silent.test', 'failing.test', 'cut.test']) {
      for (const commands of [[`HELO ${name}`], mail(name)]) assert.equal(await replyTo(server, commands), `451 sorry, I cannot look up ${name} now (#4.4.3)`)
    }
  })
})

const ASKS = `import { definePlugin } from 'helios-mail/plugin'
export default definePlugin({ name: 'asks', summary: '', mail: async ({ world }) => {
  for (const name of ['v', 'w', 'x', 'y', 'z']) await world.dns.resolve(name + '.asks.example', 'A')
} })
`

describe('a hook', () => {
  it('asks so much and no more, and each line gets half of what those before it left, in the sandbox, too', async () => {
    const counting = await startOddNameServer(() => 'nxdomain')
    const home = await makeHome({
      'control/smtpplugins': '[mail]\nrbl\nhelodnscheck\nplugins/asks.ts\nmfdnscheck\n', 'plugins/asks.ts': ASKS,
      'control/smtpconfig': 'export SMTPRBLS="a.test b.test c.test d.test e.test" MFDNSCHECK=3 HELODNSCHECK=1\n',
    }, { dns: { servers: [counting.address], questionsPerHook: 8, timeoutSeconds: 30 } })
    const server = await startServer(home)
    await replyTo(server, ['HELO client.example', ...mail('far.example')])
    // The test of the lists after the load asks, too.
    const asked = counting.asked.filter((question) => question.includes('1.0.0.127.') || question.includes('.example'))
    assert.deepEqual(asked.toSorted(), [
      ...['a', 'b', 'c', 'd'].map((zone) => `A 1.0.0.127.${zone}.test`), 'A client.example', 'A v.asks.example', 'AAAA client.example', 'MX far.example',
    ])
  })
})
