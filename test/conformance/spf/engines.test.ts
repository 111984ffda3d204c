/** The two engines side by side: what the pages say about SPFENGINE=spf-check is counted here. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { testPlugin, type TestOptions } from '../../../core/plugin/testing/index.ts'
import spf from '../../../plugins/spf/index.ts'
import { dnsOf, readSuite } from './suite.ts'

type Dns = NonNullable<TestOptions['dns']>
type Engine = 'mailauth' | 'spf-check'

async function resultOf(engine: Engine, dns: Dns, session: NonNullable<TestOptions['session']>): Promise<string> {
  const { commands: [first], fault } = await testPlugin(spf, { hook: 'mail', dns, session, env: { SPF: '1', SPFENGINE: engine }, control: { me: 'receiver.example\n' } })
  const text = first?.kind === 'H' || first?.kind === 'E' ? first.text : JSON.stringify(fault)
  return /^Received-SPF: (\w+)|\(SPF (\w+)\)/.exec(text)?.slice(1).find((word) => word !== undefined) ?? text
}

it('counts what spf-check decides as the suite says', async () => {
  const right: string[] = []
  for (const { zone, tests } of readSuite()) {
    for (const { name, helo, host, mailfrom, result } of tests) {
      const found = await resultOf('spf-check', dnsOf(zone), { client: { ip: host, port: 4000, host: undefined }, helo, reversePath: mailfrom })
      if (result.includes(found)) right.push(name)
    }
  }
  assert.equal(right.length, 103)
})

const ADDRESS = fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '203.0.113.9')
const QUALIFIER = fc.constantFrom('', '+', '-', '~', '?')
const HOST = fc.constantFrom('a.example', 'b.example', 'c.example')
const MECHANISM = fc.oneof(
  ADDRESS.map((ip) => `ip4:${ip}`), fc.tuple(ADDRESS, fc.integer({ min: 1, max: 32 })).map(([ip, bits]) => `ip4:${ip}/${bits}`),
  fc.constantFrom('a', 'mx', 'ip6:2001:db8::/32', 'include:inner.example'), HOST.map((name) => `a:${name}`), HOST.map((name) => `mx:${name}`),
)
const RECORD = fc.tuple(fc.array(fc.tuple(QUALIFIER, MECHANISM).map((parts) => parts.join('')), { maxLength: 4 }), fc.constantFrom('all', '-all', '~all', '?all'))
  .map(([terms, all]) => ['v=spf1', ...terms, all].join(' '))

/** What spf-check understands: no macros, exists, ptr or prefix behind a and mx; few look-ups, and every name is there. */
it('agrees with mailauth about the records it understands', async () => {
  const host = (ip: string): Dns[string] => ({ A: [ip], MX: [{ priority: 10, exchange: 'a.example' }, { priority: 20, exchange: 'b.example' }] })
  await fc.assert(fc.asyncProperty(RECORD, RECORD, ADDRESS, ADDRESS, ADDRESS, ADDRESS, async (outer, inner, a, b, c, client) => {
    const dns: Dns = {
      'far.example': { ...host(c) as object, TXT: [outer] }, 'a.example': host(a), 'b.example': host(b), 'c.example': host(c),
      'inner.example': { ...host(b) as object, TXT: [inner.replaceAll('include:inner.example', 'ip4:198.51.100.2')] },
    }
    const session = { client: { ip: client, port: 4000, host: undefined }, helo: 'helo.example', reversePath: 'joe@far.example' }
    const [ours, theirs] = [await resultOf('mailauth', dns, session), await resultOf('spf-check', dns, session)]
    assert.equal(theirs, ours, `${outer} | ${inner} | ${client}`)
  }), { numRuns: 300 })
})

it('differs where the pages say it does', async () => {
  const session = { client: { ip: '192.0.2.1', port: 4000, host: undefined }, helo: 'helo.example', reversePath: 'joe@far.example' }
  const cases: readonly (readonly [about: string, dns: Dns, right: string, theirs: string])[] = [
    ['a macro', { 'far.example': { TXT: ['v=spf1 exists:%{i}.list.example -all'] }, '192.0.2.1.list.example': { A: ['127.0.0.2'] } }, 'pass', 'permerror'],
    ['a prefix behind a', { 'far.example': { TXT: ['v=spf1 a/24 -all'], A: ['192.0.2.77'] } }, 'pass', 'temperror'],
    ['a name that is not there', { 'far.example': { TXT: ['v=spf1 a:gone.example ip4:192.0.2.1 -all'] } }, 'pass', 'temperror'],
    ['a record without terms', { 'far.example': { TXT: ['v=spf1'] } }, 'neutral', 'none'],
    ['names that are not there, without end', {
      'far.example': { TXT: ['v=spf1 a:a.gone.example a:b.gone.example a:c.gone.example ip4:192.0.2.1 -all'] },
    }, 'permerror', 'temperror'],
  ]
  for (const [about, dns, right, theirs] of cases) {
    assert.deepEqual([await resultOf('mailauth', dns, session), await resultOf('spf-check', dns, session)], [right, theirs], about)
  }
})
