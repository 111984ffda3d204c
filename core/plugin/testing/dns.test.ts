import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, type DnsType } from '../index.ts'
import { testPlugin, type FakeDns } from './index.ts'

/** What a plugin is told when it asks these, in the words of its trace. */
async function ask(dns: FakeDns, ...questions: readonly (readonly [string, DnsType])[]): Promise<readonly string[]> {
  const asking = definePlugin({
    name: 'probe', summary: '', rcpt: async ({ world }) => {
      for (const [name, type] of questions) await world.dns.resolve(name, type)
    },
  })
  const { facts, fault } = await testPlugin(asking, { hook: 'rcpt', dns })
  assert.equal(fault, undefined)
  return facts.map(({ question, answer }) => `${question} = ${answer}`)
}

test('what is listed is answered, and nothing else exists', async () => {
  const dns: FakeDns = { 'Far.example': { A: ['192.0.2.1', '192.0.2.2'], MX: [{ exchange: '', priority: 0 }] }, 'a.b.example': { TXT: ['x "y"'] } }
  assert.deepEqual(await ask(dns, ['far.EXAMPLE.', 'A'], ['far.example', 'MX'], ['far.example', 'AAAA'], ['b.example', 'A'], ['no.example', 'A'],
    ['a..b', 'A'], ['a.b.example', 'TXT']), [
    'dns A far.EXAMPLE. = 192.0.2.1 192.0.2.2', 'dns MX far.example = 0 .', 'dns AAAA far.example = none: no AAAA record',
    'dns A b.example = none: no A record', 'dns A no.example = none: no such name', 'dns A a..b = none: no such name',
    'dns TXT a.b.example = "x \\"y\\""',
  ])
})

test('names and types fail as they are told to', async () => {
  const dns: FakeDns = { 'slow.example': 'timeout', 'half.example': { A: ['192.0.2.1'], TXT: 'servfail', MX: 'refused' } }
  assert.deepEqual(await ask(dns, ['slow.example', 'A'], ['half.example', 'A'], ['half.example', 'TXT'], ['half.example', 'MX']), [
    'dns A slow.example = unavailable: no reply in 5 s', 'dns A half.example = 192.0.2.1',
    'dns TXT half.example = unavailable: the name server failed (SERVFAIL)',
    'dns MX half.example = unavailable: the name server refused (REFUSED)',
  ])
})

test('aliases are followed, but not for ever', async () => {
  const dns: FakeDns = {
    'a.example': { CNAME: ['b.example'] }, 'b.example': { A: ['192.0.2.1'] }, 'gone.example': { CNAME: ['no.example'] },
    'x.example': { CNAME: ['y.example'] }, 'y.example': { CNAME: ['x.example'] },
  }
  assert.deepEqual(await ask(dns, ['a.example', 'A'], ['a.example', 'CNAME'], ['a.example', 'MX'], ['gone.example', 'A'], ['x.example', 'A']), [
    'dns A a.example = 192.0.2.1', 'dns CNAME a.example = b.example', 'dns MX a.example = none: no MX record',
    'dns A gone.example = none: no such name', 'dns A x.example = unavailable: the name server failed (SERVFAIL)',
  ])
})

test('a wildcard stands for what is not there otherwise', async () => {
  const dns: FakeDns = { '*.wild.example': { A: ['127.0.0.2'] }, 'there.wild.example': { TXT: ['x'] }, 'a.empty.wild.example': { TXT: ['x'] } }
  assert.deepEqual(await ask(dns, ['any.wild.example', 'A'], ['a.b.wild.example', 'A'], ['there.wild.example', 'A'], ['empty.wild.example', 'A'],
    ['below.there.wild.example', 'A'], ['wild.example', 'A']), [
    'dns A any.wild.example = 127.0.0.2', 'dns A a.b.wild.example = 127.0.0.2', 'dns A there.wild.example = none: no A record',
    'dns A empty.wild.example = none: no A record', 'dns A below.there.wild.example = none: no such name', 'dns A wild.example = none: no A record',
  ])
})

test('one wildcard stands for every other name, and a name may be missing below one', async () => {
  const dns: FakeDns = { '*': 'timeout', 'far.example': { A: ['192.0.2.1'] }, '*.wild.example': { A: ['127.0.0.2'] }, 'gone.wild.example': 'nxdomain' }
  assert.deepEqual(await ask(dns, ['far.example', 'A'], ['_dmarc.far.example', 'TXT'], ['any.test', 'MX'], ['gone.wild.example', 'A'], ['x.wild.example', 'A']), [
    'dns A far.example = 192.0.2.1', 'dns TXT _dmarc.far.example = unavailable: no reply in 5 s', 'dns MX any.test = unavailable: no reply in 5 s', 'dns A gone.wild.example = none: no such name',
    'dns A x.wild.example = 127.0.0.2',
  ])
})
