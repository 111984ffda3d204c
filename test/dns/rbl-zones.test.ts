/** Lists in master files, as those who run one publish them, on a real name server: what each kind of entry makes of a client. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { makeHome } from '../harness/home.ts'
import { startNameServer } from '../harness/name-server.ts'
import { startServer } from '../harness/server.ts'

/** The records of a file, for a server whose one zone is the root. */
function recordsOf(zone: string): string {
  const records = readFileSync(join(import.meta.dirname, 'zones', `${zone}.zone`), 'utf8').split('\n')
    .filter((line) => line !== '' && !/^(;|\$|@)/.test(line))
  return records.map((line) => line.replace(/^\S+/, (name) => `${name}.${zone}.`)).join('\n')
}

const nsd = await startNameServer(`${recordsOf('dnsbl.test')}\n${recordsOf('dbl.test')}\n`)
const listed = (who: string, why = '', zone = 'dnsbl.test'): string => `550 sorry, ${who} is listed in ${zone}${why} (#5.7.1)`

it('clients that are listed, in every way a list can say it, and those that are not', { skip: nsd === undefined }, async () => {
  const home = await makeHome({
    'control/smtpplugins': '[mail]\nrbl\n[+deliver]\n:echo O\n', 'control/smtpconfig': 'export SMTPRBLS=dnsbl.test SMTPDBLS=dbl.test\n',
  }, { listeners: [{ proxy: ['127.0.0.1'] }], dns: { servers: [nsd!.address] } })
  const server = await startServer(home)
  const replyTo = async (ip: string, sender = 'ann@far.example'): Promise<string> => {
    const client = await server.connect()
    const [family, local] = ip.includes(':') ? ['TCP6', '2001:db8::1'] : ['TCP4', '198.51.100.9']
    client.send(`PROXY ${family} ${ip} ${local} 4711 25\r\n`)
    await client.reply()
    await client.command('EHLO client.example')
    const reply = await client.command(`MAIL FROM:<${sender}>`)
    await client.leave()
    return reply
  }
  for (const [ip, reply] of [
    ['127.0.0.2', listed('127.0.0.2', ': https://dnsbl.test/lookup?ip=127.0.0.2')],
    ['192.0.2.6', listed('192.0.2.6')],
    ['198.51.100.77', listed('198.51.100.77', ': whole net listed')],
    ['192.0.2.10', listed('192.0.2.10', ': first half, second half')],
    ['2001:db8::25', listed('2001:db8::25')],
    ['::ffff:127.0.0.2', listed('127.0.0.2', ': https://dnsbl.test/lookup?ip=127.0.0.2')],
    // Codes that are errors of the list, and an address that is no code.
    ['192.0.2.7', '250 ok'], ['192.0.2.8', '250 ok'], ['192.0.2.9', '250 ok'],
    ['192.0.2.4', '250 ok'], ['127.0.0.1', '250 ok'], ['2001:db8::26', '250 ok'],
  ] as const) {
    assert.equal(await replyTo(ip), reply, ip)
  }
  // A server may give its records in any order.
  assert.match(await replyTo('192.0.2.5'), /^550 sorry, 192\.0\.2\.5 is listed in dnsbl\.test: reason (one|two)\b.* \(#5\.7\.1\)$/)
  // Line ends in a text make no reply of their own.
  const injected = await replyTo('192.0.2.11')
  assert.match(injected, /^550 sorry, 192\.0\.2\.11 is listed in dnsbl\.test: line.*250 injected \(#5\.7\.1\)$/)
  for (const domain of ['spam.example', 'mx.spam.example']) assert.equal(await replyTo('192.0.2.4', `x@${domain}`), listed(domain, '', 'dbl.test'), domain)
  assert.equal(await replyTo('192.0.2.4', 'x@ham.example'), '250 ok')
})
