/** The resolver against Debian's nsd, and against a name server that misbehaves. */
import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { DnsSettings } from '../../config/settings.ts'
import type { DnsFacts, DnsType } from '../../core/plugin/dns.ts'
import { printDnsAnswer } from '../../core/plugin/dns-print.ts'
import { openDns } from '../../core/world/dns.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startOddNameServer } from '../harness/odd-name-server.ts'

const MANY_MX = Array.from({ length: 300 }, (_, index) => `many.test. MX ${index} mail-exchanger-number-${index}.many.test.`)
const ZONE = `
far.test. A 192.0.2.1
far.test. A 192.0.2.2
far.test. AAAA 2001:0DB8:0:0:0:0:0:1
far.test. MX 10 MX.Far.Test.
far.test. TXT "v=spf1 " "-all"
null.test. MX 0 .
bytes.test. TXT "caf\\195\\169 \\233\\010"
alias.test. CNAME far.test.
dangling.test. CNAME nowhere.test.
round.test. CNAME about.test.
about.test. CNAME round.test.
*.wild.test. A 127.0.0.2
a.empty.test. TXT "x"
1.2.0.192.in-addr.arpa. PTR mx.far.test.
${MANY_MX.join('\n')}
`

function open(server: string, settings: Partial<DnsSettings> = {}): DnsFacts {
  return openDns({ servers: server === '' ? [] : [server], timeoutSeconds: 30, cacheBytes: 1_000_000, questionsPerHook: 100, secondsPerHook: 100, ...settings })
}

async function say(dns: DnsFacts, name: string, type: DnsType): Promise<string> {
  return printDnsAnswer(type, await dns.resolve(name, type))
}

const nsd = await startNameServer(ZONE)

describe('a real name server', { skip: nsd === undefined }, () => {
  const dns = open(nsd?.address ?? '')

  const answers: readonly (readonly [name: string, type: DnsType, answer: string])[] = [
    ['FAR.test.', 'A', '192.0.2.1 192.0.2.2'],
    ['far.test', 'AAAA', '2001:db8::1'],
    ['far.test', 'MX', '10 mx.far.test'],
    ['far.test', 'TXT', '"v=spf1 -all"'],
    ['null.test', 'MX', '0 .'],
    ['bytes.test', 'TXT', JSON.stringify('café \udce9\n')],
    ['alias.test', 'A', '192.0.2.1 192.0.2.2'],
    ['alias.test', 'CNAME', 'far.test'],
    ['dangling.test', 'A', 'none: no such name'],
    ['any.wild.test', 'A', '127.0.0.2'],
    ['1.2.0.192.in-addr.arpa', 'PTR', 'mx.far.test'],
    ['null.test', 'A', 'none: no A record'],
    ['empty.test', 'TXT', 'none: no TXT record'],
    ['nowhere.test', 'A', 'none: no such name'],
    ['a..b', 'A', 'none: no such name'],
    ['o\'neil.wild.test', 'A', 'none: no such name'],
    ['a b.wild.test', 'A', 'none: no such name'],
    ['a@b.wild.test', 'A', 'none: no such name'],
    ['_a-b.wild.test', 'A', '127.0.0.2'],
  ]
  for (const [name, type, answer] of answers) {
    it(`answers ${type} ${name}`, async () => {
      const said = await say(dns, name, type)
      // Addresses come in any order.
      assert.equal(type === 'A' ? said.split(' ').toSorted().join(' ') : said, type === 'A' ? answer.split(' ').toSorted().join(' ') : answer)
    })
  }

  it('is asked over TCP for what no datagram holds', async () => {
    const found = await dns.resolve('many.test', 'MX')
    assert.equal(found.kind === 'answer' && found.records.length, 300)
  })

  it('comes to an end with aliases that lead in a circle', async () => {
    assert.notEqual((await dns.resolve('round.test', 'A')).kind, 'answer')
  })
})

test('a name server that does not reply well is nobody\'s yes or no', async () => {
  const server = await startOddNameServer((name) => name.split('.')[0] as never)
  const reasons: readonly (readonly [string, RegExp])[] = [
    ['silent.test', /^unavailable: no (name server replied in time|reply in 1 s)$/],
    ['stray.test', /^unavailable: no (name server replied in time|reply in 1 s)$/],
    ['servfail.test', /^unavailable: the name server failed \(SERVFAIL\)$/],
    ['refused.test', /^unavailable: the name server refused \(REFUSED\)$/],
    ['truncated.test', /^unavailable: nobody listens where the name server should be$/],
    ['garbage.test', /^unavailable: the reply cannot be read$/],
    ['nxdomain.test', /^none: no such name$/],
  ]
  const said = await Promise.all(reasons.map(([name]) => say(open(server.address, { timeoutSeconds: 1 }), name, 'A')))
  for (const [index, [, expected]] of reasons.entries()) assert.match(said[index]!, expected)
})

test('the second name server is asked when the first does not reply', async () => {
  const [dead, alive] = await Promise.all([startOddNameServer(() => 'silent'), startOddNameServer(() => ({ a: ['192.0.2.7'] }))])
  const dns = openDns({
    servers: [dead.address, alive.address], timeoutSeconds: 6, cacheBytes: 1_000_000, questionsPerHook: 100, secondsPerHook: 100,
  })
  assert.deepEqual(await dns.resolve('x.test', 'A'), { kind: 'answer', records: ['192.0.2.7'], ttl: 60 })
})

test('a question under way is sent once, and its reply kept for its time', async () => {
  const server = await startOddNameServer((name) => ({ a: ['192.0.2.7'], ttl: name.startsWith('zero') ? 0 : 60 }))
  const dns = open(server.address)
  const release = server.hold()
  const three = Promise.all([dns.resolve('x.test', 'A'), dns.resolve('X.test', 'A'), dns.resolve('x.test.', 'A')])
  while (server.asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  release()
  await three
  await dns.resolve('x.test', 'A')
  assert.deepEqual(server.asked, ['A x.test'])
  await dns.resolve('zero.test', 'A')
  await dns.resolve('zero.test', 'A')
  assert.deepEqual(server.asked, ['A x.test', 'A zero.test', 'A zero.test'])
})
