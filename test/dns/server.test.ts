/** What an operator sees of names: `helios dns`, and TCP rules for hosts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { place } from '../cli/kit.ts'
import { makeHome } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startOddNameServer } from '../harness/odd-name-server.ts'
import { startServer } from '../harness/server.ts'

const nsd = await startNameServer(`
far.test. A 192.0.2.1
far.test. MX 10 mx.far.test.
far.test. TXT "\\027[31mred"
1.2.0.192.in-addr.arpa. PTR mx.far.test.
1.0.0.127.in-addr.arpa. PTR liar.test.
1.0.0.127.in-addr.arpa. PTR client.test.
client.test. A 127.0.0.1
`)

test('helios dns shows what a plugin would be told', { skip: nsd === undefined }, async (t) => {
  const here = place(t)
  here.write('helios.config.json', JSON.stringify({ dns: { servers: [nsd?.address] } }))
  const seen = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await here.helios(['dns', ...args])
    return `${code} ${out}${err}`
  }
  assert.equal(await seen('far.test'), '0 answer: 1 record, to be kept for 60 s\n  192.0.2.1\n')
  assert.equal(await seen('FAR.test.', 'mx'), '0 answer: 1 record\n  10 mx.far.test\n')
  assert.equal(await seen('far.test', 'TXT'), '0 answer: 1 record\n  "\\u001b[31mred"\n')
  assert.equal(await seen('192.0.2.1'), '0 answer: 1 record\n  mx.far.test\n')
  assert.equal(await seen('no.test'), '1 none: there is no name no.test\n')
  assert.equal(await seen('far.test', 'AAAA'), '1 none: far.test has no AAAA records\n')
  assert.deepEqual(JSON.parse((await here.helios(['dns', '--json', 'far.test', 'MX'])).out),
    { name: 'far.test', type: 'MX', kind: 'answer', records: [{ exchange: 'mx.far.test', priority: 10 }] })
  assert.match(await seen('far.test', 'MY'), /^2 helios: .*Write one of A, AAAA, MX/)
})

test('helios dns says when nobody knows', async (t) => {
  const odd = await startOddNameServer(() => 'servfail')
  const here = place(t)
  here.write('helios.config.json', JSON.stringify({ dns: { servers: [odd.address] } }))
  const { code, out } = await here.helios(['dns', 'far.test', 'MX'])
  assert.equal(code, 3)
  assert.equal(out, 'unavailable: nobody knows now whether far.test has MX records: the name server failed (SERVFAIL)\n')
})

test('a rule for a host applies to who has its name and is at its address', { skip: nsd === undefined }, async () => {
  const rules = (text: string) => makeHome({ 'control/smtp-tcprules': text }, { dns: { servers: [nsd!.address] } })
  const client = await (await startServer(await rules('=client.test:deny\n'))).connect()
  assert.equal(await client.rest(), '')
  const other = await (await startServer(await rules('=liar.test:deny\n'))).connect()
  assert.match(await other.line(), /^220 /)
})
