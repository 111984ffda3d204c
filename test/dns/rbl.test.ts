/** Block lists over a real name server and a misbehaving one, asked by a real server; and the package dnsbl beside it. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import { openDns } from '../../core/world/dns.ts'
import { askWorld } from '../../plugins/rbl/ask.ts'
import { parseLists } from '../../plugins/rbl/lists.ts'
import { askDnsbl } from '../../plugins/rbl/other-engine.ts'
import { questionOf } from '../../plugins/rbl/verdict.ts'
import { place } from '../cli/kit.ts'
import { makeHome } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startOddNameServer } from '../harness/odd-name-server.ts'
import { startServer } from '../harness/server.ts'

/** Lists as RFC 5782 wants them, and some that are not. Test clients are at 127.0.0.N. */
const ZONE = `
2.0.0.127.bl.test. A 127.0.0.2
5.0.0.127.bl.test. A 127.0.0.2
5.0.0.127.bl.test. A 127.0.0.4
5.0.0.127.bl.test. TXT "first half, " "second half"
6.0.0.127.bl.test. A 127.0.0.3
*.100.51.198.bl.test. A 127.0.0.2
7.0.0.127.bl.test. A 127.255.255.254
8.0.0.127.bl.test. A 203.0.113.9
9.0.0.127.bl.test. CNAME 5.0.0.127.bl.test.
10.0.0.127.bl.test. CNAME round.test.
round.test. CNAME 10.0.0.127.bl.test.
5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test. A 127.0.0.2
2.0.0.127.white.test. A 127.0.0.2
6.0.0.127.white.test. A 127.0.0.9
test.dbl.test. A 127.0.1.2
*.spam.example.dbl.test. A 127.0.1.2
spam.example.dbl.test. A 127.0.1.2
*.all.test. A 127.0.0.2
`
const nsd = await startNameServer(ZONE)
const MAIL = 'MAIL FROM:<ann@far.example>'

describe('a server with block lists', { skip: nsd === undefined }, () => {
  it('refuses who is listed and nobody else, and helios why shows what the lists said', async (t) => {
    const home = await makeHome({
      'control/smtpplugins': '[mail]\nrbl\n[+deliver]\n:echo O\n',
      'control/smtpconfig': 'SMTPRBLS=\'bl.test -a white.test\'\nSMTPDBLS=dbl.test\nexport SMTPRBLS SMTPDBLS\n',
      'control/smtp-tcprules': '127.0.0.11:allow,RELAYCLIENT=""\n127.0.0.12:allow,RBLSMTPD="-not you"\n:allow\n',
    }, { dns: { servers: [nsd!.address] } })
    const server = await startServer(home)
    const replyTo = async (from: string, mail = MAIL, helo = 'EHLO client.example'): Promise<string> => {
      const client = await server.connect({ from })
      await client.reply()
      await client.command(helo)
      return client.command(mail)
    }
    assert.equal(await replyTo('127.0.0.5'), '550 sorry, 127.0.0.5 is listed in bl.test: first half, second half (#5.7.1)')
    assert.equal(await replyTo('127.0.0.6'), '250 ok', 'the other list lets it through')
    assert.equal(await replyTo('127.0.0.4'), '250 ok')
    assert.equal(await replyTo('127.0.0.7'), '250 ok', 'a list that refuses us')
    assert.equal(await replyTo('127.0.0.8'), '250 ok', 'a list that was given up')
    assert.equal(await replyTo('127.0.0.9'), '550 sorry, 127.0.0.9 is listed in bl.test: first half, second half (#5.7.1)', 'an alias')
    assert.equal(await replyTo('127.0.0.10'), '250 ok', 'a circle of aliases')
    assert.equal(await replyTo('127.0.0.12'), '553 not you (#5.7.1)')
    assert.equal(await replyTo('127.0.0.4', 'MAIL FROM:<x@mx.spam.example>'), '550 sorry, mx.spam.example is listed in dbl.test (#5.7.1)')
    assert.equal(await replyTo('127.0.0.4', MAIL, 'EHLO spam.example'), '550 sorry, spam.example is listed in dbl.test (#5.7.1)')
    assert.equal(await replyTo('127.0.0.11', 'MAIL FROM:<x@mx.spam.example>'), '250 ok', 'a relay client')
    await server.stop()
    const { out } = await place(t).helios(['--home', home.path, 'why', '--client', '127.0.0.5'])
    assert.match(out, /rbl asked dns A 5\.0\.0\.127\.bl\.test: 127\.0\.0\.[24] 127\.0\.0\.[24] \(/)
    assert.match(out, /decided by control\/smtpplugins:2 rbl/)
  })

  it('is told after a load which lists do not work', async () => {
    const home = await makeHome({
      'control/smtpplugins': '[mail]\nrbl\n', 'control/smtpconfig': 'export SMTPRBLS=\'bl.test all.test\'\n',
      'control/smtp-tcprules': '192.0.2.:allow,SMTPRBLS="gone.test"\n:allow\n',
    }, { dns: { servers: [nsd!.address] } })
    const server = await startServer(home)
    await server.told(/rbl: the list all\.test has the entry 127\.0\.0\.1, which no list may have/)
    await server.told(/rbl: the list gone\.test has no test entry 127\.0\.0\.2/)
    await home.write('control/smtpconfig', 'export SMTPRBLS=lost.test\n')
    await server.told(/rbl: the list lost\.test has no test entry 127\.0\.0\.2/)
    assert.doesNotMatch(server.stderr(), /rbl: the list bl\.test/)
  })
})

test('a list that does not answer holds mail up no longer than a question may take, and then not at all', async () => {
  const odd = await startOddNameServer((name) => name.endsWith('silent.test') ? 'silent' : name.endsWith('failing.test') ? 'servfail' : { a: ['127.0.0.2'] })
  const home = await makeHome({
    'control/smtpplugins': '[mail]\nrbl\n', 'control/smtpconfig': 'export SMTPRBLS=\'silent.test;score=1 failing.test;score=1 good.test;score=3\' RBLTHRESHOLD=3\n',
  }, { dns: { servers: [odd.address], timeoutSeconds: 1 } })
  const server = await startServer(home)
  const replyTo = async (from: string): Promise<void> => {
    const client = await server.connect({ from })
    await client.reply()
    assert.equal(await client.command(MAIL), `550 sorry, ${from} is listed in good.test (#5.7.1)`)
  }
  await Promise.all(Array.from({ length: 10 }, (_, index) => replyTo(`127.0.0.${20 + index}`)))
  for (const zone of ['silent', 'failing']) await server.told(new RegExp(`the list ${zone}\\.test keeps failing and is left out for some minutes`))
  await replyTo('127.0.0.31')
  for (const zone of ['silent', 'failing']) {
    assert.ok(!odd.asked.some((question) => question.endsWith(`31.0.0.127.${zone}.test`)), `${zone} was asked about the last client`)
  }
})

/** What each engine says of a client, and whether they agree. Where they do not, dnsbl is wrong. */
const CLIENTS: readonly (readonly [ip: string, helios: string, dnsbl: string, why: string])[] = [
  ['127.0.0.5', 'listed', 'listed', 'two codes'],
  ['127.0.0.6', 'listed', 'listed', 'no TXT record'],
  ['127.0.0.4', 'not-listed', 'not-listed', 'no such name'],
  ['198.51.100.77', 'listed', 'listed', 'a wildcard'],
  ['127.0.0.9', 'listed', 'listed', 'an alias'],
  ['127.0.0.10', 'not-listed', 'not-listed', 'a circle of aliases'],
  ['2001:db8::25', 'listed', 'listed', 'IPv6'],
  ['2001:db8::26', 'not-listed', 'not-listed', 'IPv6'],
  ['127.0.0.7', 'unknown', 'listed', 'the list refuses us: 127.255.255.254'],
  ['127.0.0.8', 'unknown', 'listed', 'the list was given up: an address outside 127/8'],
]

async function verdicts(server: string, ip: string): Promise<readonly [helios: string, dnsbl: string]> {
  const parsed = parseLists('bl.test')
  const questions = parsed.ok ? parsed.value.flatMap((list) => questionOf(list, { kind: 'ip', ip }) ?? []) : []
  const dns = openDns({ servers: [server], timeoutSeconds: 1, cacheBytes: 0, questionsPerHook: 100, secondsPerHook: 100 })
  const ours = askWorld({ dns })
  const [mine, other] = await Promise.all([ours(questions), askDnsbl([server], ours)(questions)])
  return [mine[0]!.finding.kind, other[0]!.finding.kind]
}

describe('beside the package dnsbl', () => {
  for (const [ip, helios, dnsbl, why] of CLIENTS) {
    it(`${ip} is ${helios}${helios === dnsbl ? '' : `, and dnsbl says ${dnsbl}`}: ${why}`, { skip: nsd === undefined }, async () => {
      assert.deepEqual(await verdicts(nsd!.address, ip), [helios, dnsbl])
    })
  }

  for (const oddity of ['servfail', 'refused', 'silent'] as const) {
    it(`a name server that answers ${oddity} leaves it unknown, and dnsbl says not-listed`, async () => {
      const odd = await startOddNameServer(() => oddity)
      assert.deepEqual(await verdicts(odd.address, '127.0.0.5'), ['unknown', 'not-listed'])
    })
  }

  it('is chosen by a variable, and helios check warns', { skip: nsd === undefined }, async (t) => {
    const home = await makeHome({
      'control/smtpplugins': '[mail]\nrbl\n', 'control/smtpconfig': `export SMTPRBLS=bl.test RBLENGINE=dnsbl RBLSERVERS=${nsd!.address}\n`,
    }, { dns: { servers: [nsd!.address] } })
    const { out } = await place(t).helios(['--home', home.path, 'check'])
    assert.match(out, /control\/smtpconfig:1: warning: RBLENGINE: the engine dnsbl takes every answer for a listing/)
    const server = await startServer(home)
    const client = await server.connect({ from: '127.0.0.7' })
    await client.reply()
    assert.equal(await client.command(MAIL), '550 sorry, 127.0.0.7 is listed in bl.test (#5.7.1)', 'as it is not')
  })
})
