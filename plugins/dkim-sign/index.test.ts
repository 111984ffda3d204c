import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { it } from 'node:test'
import fc from 'fast-check'
import { dkimVerify, type DNSResolver } from 'mailauth'
import { error } from '../../core/plugin/index.ts'
import { DEFAULT_NOW, keyTools, testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import { authorOf } from './author.ts'
import dkimSign from './index.ts'
import { recordText } from './record.ts'

const MESSAGE = 'Received: from x\nFrom: Joe <joe@far.example>\nTo: user@local.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n folded\nDate: Mon, 21 Sep 2026 14:13:20 +0000\n\nHello.\n\n.dot\r x \n\n\n'
const pemOf = (pair: { readonly privateKey: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }): string => String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
const RSA = pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const ED = pemOf(generateKeyPairSync('ed25519'))
const ROWS = [
  { domain: 'far.example', selector: 'rsa1', pem: RSA, used: 1 }, { domain: 'far.example', selector: 'ed1', pem: ED, used: 1 },
  { domain: 'far.example', selector: 'rsa2', pem: RSA, used: 0 }, { domain: 'other.example', selector: 'rsa1', pem: RSA, used: 1 },
]
const JOE = { user: 'joe@far.example', method: 'plain' }

const ask = (options: Partial<TestOptions> = {}) => testPlugin(dkimSign, {
  hook: 'message', message: Buffer.from(MESSAGE, 'latin1'), tables: { dkim_sign: ROWS },
  accounts: { mailboxes: ['joe@far.example', 'ann@other.example'], aliases: { 'ann@other.example': ['sales@far.example'] } },
  session: { auth: JOE }, ...options,
})
const signers = async (...given: Parameters<typeof ask>): Promise<readonly string[]> => {
  const { edits, commands, fault } = await ask(...given)
  assert.deepEqual([commands, fault], [[], undefined])
  return edits.map((edit) => edit.edit === 'insert' && edit.name === 'DKIM-Signature' ? `${/ d=([^;]+)/.exec(edit.value)?.[1]} ${/ s=([^;]+)/.exec(edit.value)?.[1]}` : JSON.stringify(edit))
}

const resolver: DNSResolver = async (name) => {
  const row = ROWS.find(({ domain, selector }) => name === `${selector}._domainkey.${domain}`)
  return [[recordText(keyTools.describe(row!.pem)!)]]
}

it('signs with every key of the domain that is in use, so that a verifier is content', async () => {
  const { edits } = await ask()
  const fields = edits.map((edit) => edit.edit === 'insert' ? `${edit.name}:${edit.value}\n` : '').join('')
  assert.equal(fields.match(/^DKIM-Signature:/gm)?.length, 2)
  for (const line of fields.split('\n')) assert.match(line, /^[ -~\t]{0,100}$/)
  const wire = (fields + MESSAGE).replaceAll('\n', '\r\n')
  const { results } = await dkimVerify(wire, { resolver, strict: true, curTime: new Date(DEFAULT_NOW) } as Parameters<typeof dkimVerify>[1])
  assert.deepEqual(results.map(({ status, selector }) => `${selector} ${status.result}`).toSorted(), ['ed1 pass', 'rsa1 pass'])
  assert.match(fields, new RegExp(`t=${DEFAULT_NOW / 1000};`))
})

it('signs for relay clients and authenticated users, and nobody else', async () => {
  assert.equal((await signers({ session: { relayClient: true } })).length, 2)
  assert.equal((await signers({ session: { auth: JOE } })).length, 2)
  const { edits, facts } = await ask({ session: {} })
  assert.deepEqual([edits, facts], [[], []])
  assert.deepEqual(await signers({ env: { DKIMSIGN: 'no' } }), [])
})

it('signs nothing without a key in use', async () => {
  assert.deepEqual(await signers({ tables: { dkim_sign: ROWS.filter(({ used }) => used === 0) } }), [])
  assert.deepEqual(await signers({ tables: {} }), [])
})

it('lets a user sign as his domain or as an address of his, and warns of others', async () => {
  const session = { auth: { user: 'ann@other.example', method: 'plain' } }
  const from = (address: string) => ({ session, message: MESSAGE.replace('joe@far.example', address) })
  assert.deepEqual(await signers(from('Anybody@OTHER.example')), ['other.example rsa1'])
  assert.equal((await signers(from('sales@far.example'))).length, 2)
  const { edits, logged } = await ask(from('joe@far.example'))
  assert.deepEqual(edits, [])
  assert.deepEqual(logged, [{ level: 'warn', message: 'not signed: the message is in the name of somebody else', fields: { domain: 'far.example' } }])
  assert.equal((await signers({ ...from('joe@far.example'), env: { DKIMSIGN: 'any' } })).length, 2)
  assert.deepEqual(await signers({ session: { auth: { user: 'nobody@far.example', method: 'plain' } } }), [])
  // Relaying after a login by POP3 or IMAP is no more than the login.
  assert.equal((await signers({ session: { relayClient: true, logins: ['joe@far.example'] } })).length, 2)
  assert.deepEqual(await signers({ session: { relayClient: true, logins: ['ann@other.example'] } }), [])
})

it('refuses a header in which another author could hide', async () => {
  const { commands } = await ask({ message: `${'X: y\n'.repeat(6000)}${MESSAGE}` })
  assert.deepEqual(commands, [error('554 sorry, the header of this message is too long to be signed (#5.6.0)')])
})

it('refuses a line that is dear to sign', async () => {
  assert.deepEqual((await ask({ message: `${MESSAGE}${'x'.repeat(257 * 1024)}\n` })).commands, [error('554 sorry, a line of this message is too long to be signed (#5.6.0)')])
})

it('keeps its word that no unsigned mail leaves: a broken key, or a database that does not answer, is a failure', async () => {
  const broken = await ask({ tables: { dkim_sign: [{ ...ROWS[0]!, pem: '-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n' }] } })
  assert.match(broken.fault?.detail ?? '', /^the key rsa1 of far\.example cannot sign: /)
  assert.doesNotMatch(JSON.stringify(broken), /SECRET/)
  assert.equal((await ask({ tables: { unavailable: 'the database is down' } })).fault?.kind, 'unavailable')
})

it('shows no key to whoever reads the trace or the log', async () => {
  const { facts, logged, edits } = await ask()
  const secret = RSA.split('\n')[2]!
  assert.ok(facts.length > 0)
  assert.ok(!JSON.stringify({ facts, logged, edits }).includes(secret))
})

it('signs only what has one author\'s domain, however it is written', () => {
  const author = (...values: readonly string[]) => authorOf(values.map((value) => ({ name: 'From', value })))
  const joe = { domain: 'far.example', address: 'joe@far.example' }
  for (const value of [
    ' joe@far.example', ' Joe <joe@far.example>', '<joe@far.example> (me @ home)', '"x@evil.example" <joe@far.example>', ' Joe\n <joe@far.example>', '"a\\"b@c" <joe@far.example>',
  ]) assert.deepEqual(author(value), joe, value)
  assert.deepEqual(author(' a@far.example, B <b@FAR.example>'), { domain: 'far.example', address: undefined })
  assert.deepEqual(author(' team: a@far.example, b@far.example;'), { domain: 'far.example', address: undefined })
  for (const value of [
    '', ' joe', ' a@far.example, b@evil.example', ' x@evil.example <joe@far.example>', ' joe@far.example@evil.example', ' "open <joe@far.example>', ' (open <joe@far.example>',
    ' joe@[192.0.2.1]', ' joe@far', ' <@evil.example:joe@far.example>',
  ]) assert.equal(author(value), undefined, value)
  assert.equal(author(' joe@far.example', ' joe@far.example'), undefined)
  assert.equal(authorOf([{ name: 'from ', value: ' x@evil.example' }, { name: 'From', value: ' joe@far.example' }]), undefined)
})

it('never signs for a domain that stands nowhere in From', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('@', '"', '(', ')', '<', '>', ',', '\\', 'evil.example', 'a@b.example', ':', ';'))), async (parts) => {
    const value = parts.join('')
    const found = authorOf([{ name: 'From', value }])
    assert.ok(found === undefined || value.toLowerCase().includes(`@${found.domain}`), value)
  }), { numRuns: 500 })
})
