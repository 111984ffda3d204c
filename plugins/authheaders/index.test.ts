import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { it } from 'node:test'
import fc from 'fast-check'
import { dkimSign } from 'mailauth'
import { error, type Edit } from '../../core/plugin/index.ts'
import { DEFAULT_NOW, testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import authheaders from './index.ts'

type Dns = NonNullable<TestOptions['dns']>
type Options = Omit<TestOptions, 'hook' | 'message'>

const BODY = 'Hello.\n\nUntil soon.\n'
const PLAIN = `From: Joe <joe@far.example>\nTo: user@local.example\nSubject: test\nDate: Mon, 21 Sep 2026 14:13:20 +0000\n\n${BODY}`
const { privateKey, publicKey } = generateKeyPairSync('ed25519', { privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'der' } })
const KEY = { TXT: [`v=DKIM1; k=ed25519; p=${publicKey.subarray(-32).toString('base64')}`] }

const ask = (message: string, dns: Dns, options: Options = {}) => testPlugin(authheaders, {
  hook: 'message', message: Buffer.from(message, 'latin1'), dns, control: { me: 'mx.local.example\n' }, ...options,
})
/** The field on one line. */
const field = (edits: readonly Edit[]): string => {
  const [inserted, ...more] = edits.filter(({ edit }) => edit === 'insert')
  assert.equal(more.length, 0)
  return inserted?.edit === 'insert' && inserted.name === 'Authentication-Results' && inserted.at === 'top' ? inserted.value.replace(/\s+/g, ' ').trim() : ''
}
const resultsOf = async (...given: Parameters<typeof ask>): Promise<string> => {
  const { edits, commands, fault } = await ask(...given)
  assert.deepEqual([commands, fault], [[], undefined])
  return field(edits)
}
const replyTo = async (...given: Parameters<typeof ask>): Promise<string | undefined> => {
  const { commands: [first] } = await ask(...given)
  return first?.kind === 'E' ? first.text : undefined
}

async function signed(message: string, fields: Partial<Parameters<typeof dkimSign>[1]> = {}): Promise<string> {
  const signatureData = [{ signingDomain: 'far.example', selector: 's1', privateKey, ...fields }]
  const { signatures, errors } = await dkimSign(message.replaceAll('\n', '\r\n'), { signatureData, signTime: new Date(DEFAULT_NOW), ...fields } as unknown as Parameters<typeof dkimSign>[1])
  assert.deepEqual(errors, [])
  return signatures.replaceAll('\r\n', '\n') + message
}

const dmarc = (policy: string): Dns => ({ 'far.example': { TXT: ['v=spf1 -all'] }, '_dmarc.far.example': { TXT: [`v=DMARC1; p=${policy}`] } })
const WITH_KEY = { 's1._domainkey.far.example': KEY }

it('tells what DKIM, SPF, ARC and DMARC found, in one field on top', async () => {
  assert.equal(await resultsOf(PLAIN, {}), 'mx.local.example; dkim=none (message not signed); '
    + 'spf=none (mx.local.example: far.example does not designate permitted sender hosts) smtp.mailfrom=far.example; arc=none; dmarc=none header.from=far.example')
  assert.match(await resultsOf(await signed(PLAIN), { ...dmarc('reject'), ...WITH_KEY }),
    /^mx\.local\.example; dkim=pass header\.d=far\.example header\.i=@far\.example header\.s=s1 .*; spf=fail .*; arc=none; dmarc=pass \(p=REJECT.*\) policy\.dmarc=reject header\.from=far\.example$/)
})

it('notices an altered body, header or key', async () => {
  const good = await signed(PLAIN)
  assert.match(await resultsOf(good.replace('Until soon', 'Pay now'), WITH_KEY), /dkim=fail \(body hash did not verify\)/)
  assert.match(await resultsOf(good.replace('Subject: test', 'Subject: tesT'), WITH_KEY), /dkim=fail \(bad signature\)/)
  assert.match(await resultsOf(good, {}), /dkim=neutral \(no key\)/)
  assert.match(await resultsOf(good, { 's1._domainkey.far.example': 'timeout' }), /dkim=temperror/)
})

it('goes by the world\'s clock when a signature has expired', async () => {
  const message = await signed(PLAIN, { expires: new Date(DEFAULT_NOW + 1000) })
  assert.match(await resultsOf(message, WITH_KEY), /dkim=pass/)
  assert.match(await resultsOf(message, WITH_KEY, { now: DEFAULT_NOW + 2000 }), /dkim=neutral \(expired\)/)
})

it('sees each line end as it came', async () => {
  const odd = PLAIN.replace('Until soon.', 'Until\r soon.\r')
  assert.match(await resultsOf(await signed(odd), WITH_KEY), /dkim=pass/)
})

const DISOWNED = '550 sorry, neither DKIM nor SPF shows this to be from far.example, whose DMARC policy asks me to refuse it (#5.7.26)'

it('refuses what a domain disowns, as far as the operator goes along', async () => {
  for (const [policy, from] of [['reject', 1], ['quarantine', 2], ['none', 4]] as const) {
    for (let level = 0; level <= 3; level++) {
      assert.equal(await replyTo(PLAIN, dmarc(policy), { env: { DMARC: String(level) } }), level >= from ? DISOWNED : undefined, `${policy} ${level}`)
    }
  }
  assert.equal(await replyTo(PLAIN, dmarc('reject')), undefined)
  assert.equal(await replyTo(await signed(PLAIN), { ...dmarc('reject'), ...WITH_KEY }, { env: { DMARC: '3' } }), undefined)
})

it('lets an aligned SPF pass do, and no other', async () => {
  const spf = { ...dmarc('reject'), 'far.example': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] }, 'evil.example': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] } }
  assert.equal(await replyTo(PLAIN, spf, { env: { DMARC: '1' } }), undefined)
  assert.equal(await replyTo(PLAIN, spf, { env: { DMARC: '1' }, session: { reversePath: 'x@evil.example' } }), DISOWNED)
})

it('refuses for now where DNS would have to say', async () => {
  const unsure = '451 sorry, I cannot find out now whether this is from far.example (#4.7.24)'
  assert.equal(await replyTo(await signed(PLAIN), { ...dmarc('reject'), 's1._domainkey.far.example': 'servfail' }, { env: { DMARC: '1' } }), unsure)
  assert.equal(await replyTo(PLAIN, { ...dmarc('reject'), 'far.example': { TXT: 'timeout' } }, { env: { DMARC: '1' } }), unsure)
  const silent: Dns = { '_dmarc.far.example': 'timeout' }
  assert.equal(await replyTo(PLAIN, silent, { env: { DMARC: '2' } }), undefined)
  assert.equal(await replyTo(PLAIN, silent, { env: { DMARC: '3' } }), '451 sorry, I cannot look up now what far.example wants (DMARC) (#4.7.24)')
})

it('is not led astray about whose message it is', async () => {
  const at1 = { env: { DMARC: '1' } }
  const evil = { ...dmarc('reject'), 'evil.example': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] } }
  const session = { reversePath: 'x@evil.example' }
  const from = (text: string): string => PLAIN.replace('Joe <joe@far.example>', () => text)
  const two = `From: x@evil.example\n${PLAIN}`
  assert.equal(await replyTo(two, evil, { ...at1, session }), '550 sorry, I cannot tell whose message this is: more than one From field (#5.7.26)')
  assert.match(await resultsOf(two, evil, { session }), /dmarc=permerror \(more than one From field\)$/)
  // Several authors are allowed; the policy of each counts.
  assert.equal(await replyTo(from('joe@far.example, x@evil.example'), evil, { ...at1, session }), DISOWNED)
  assert.equal(await replyTo(from('x@evil.example, joe@FAR.example'), evil, { ...at1, session }), DISOWNED)
  assert.match(await replyTo(from('a@a.example, b@b.example, c@c.example, d@d.example, e@e.example'), evil, at1) ?? '', /^550 .* too many domains/)
  assert.match(await replyTo(from('joe@far.example@evil.example'), evil, { ...at1, session }) ?? '', /^550 /)
  assert.match(await resultsOf(PLAIN.replace(/^From.*\n/, ''), evil, at1), /dmarc=none \(no address in the From field\)$/)
})

it('does not take a signature for proof that leaves room for more text', async () => {
  const message = await signed(PLAIN, { maxBodyLength: 8 })
  assert.match(message, / l=8;/)
  assert.match(await resultsOf(message, { ...dmarc('reject'), ...WITH_KEY }), /dkim=pass \(undersized signature: 15 bytes unsigned\).*dmarc=fail/)
})

it('removes fields that claim to be ours, and only those', async () => {
  const lines = [
    'mx.local.example; dkim=pass', ' MX.Local.Example ; spf=pass', 'mx.local.example. 1; none', '(a (nested) comment)\n mx.local.example (x); none',
    '"mx.local.example"; none', '"mx\\.local.example"; none', '; none', '(never ends; none', 'x"y; none',
  ]
  const others = ['mx.far.example; dkim=pass', 'mail.mx.local.example; none', '"a;b"; none']
  const message = [...lines, ...others].map((line) => `Authentication-Results:${line}\n`).join('')
    + `authentication-RESULTS : mx.local.example; none\nX-Authentication-Results: mx.local.example; none\n${PLAIN}`
  for (const session of [{}, { relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
    const { edits, logged } = await ask(message, {}, { session })
    const removed = edits.flatMap((edit) => edit.edit === 'remove' && edit.name === 'Authentication-Results' ? [edit.index] : [])
    assert.deepEqual(removed, [12, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    assert.deepEqual(logged[0], { level: 'warn', message: 'the message claimed results of ours', fields: { fields: 10 } })
    assert.equal(edits.length, removed.length + (Object.keys(session).length > 0 ? 0 : 1))
  }
})

it('checks nothing of relay clients and authenticated users', async () => {
  for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
    const { commands, edits, facts } = await ask(PLAIN, dmarc('reject'), { session, env: { DMARC: '3' } })
    assert.deepEqual([commands, edits, facts], [[], [], []])
  }
})

it('refuses a header too long to be cleaned', async () => {
  const filler = `X: ${'x'.repeat(1000)}\n`.repeat(260)
  const forged = 'Authentication-Results: mx.local.example; dkim=pass\n'
  for (const session of [{}, { relayClient: true }]) {
    assert.deepEqual((await ask(`${filler}${forged}${PLAIN}`, {}, { session })).commands, [error('554 sorry, the header of this message is too long to be checked (#5.6.0)')])
  }
  assert.deepEqual((await ask(`${PLAIN}${filler}`, {})).commands, [])
})

it('does not work for minutes on a header made for that', async () => {
  const many = (line: string): string => line.repeat(6000)
  for (const lines of [many(' x\n'), many('a:\n'), many('x\n')]) {
    assert.deepEqual((await ask(`X: y\n${lines}${PLAIN}`, {})).commands, [error('554 sorry, the header of this message is too long to be checked (#5.6.0)')])
  }
  const signature = (names: number): string => `DKIM-Signature: v=1; a=rsa-sha256; d=far.example; s=s1; bh=x; b=x; h=from${':x'.repeat(names)}\n`
  assert.match(await resultsOf(signature(100) + PLAIN, {}), /dkim=fail/)
  assert.match(await resultsOf(signature(60_000) + PLAIN, {}), /dkim=none \(message not signed\)/)
})

it('looks at ten signatures of one message', async () => {
  const signature = (await signed(PLAIN)).slice(0, -PLAIN.length)
  const { edits, facts } = await ask(`${signature.repeat(300)}${PLAIN}`, WITH_KEY)
  assert.equal(field(edits).match(/dkim=pass/g)?.length, 10)
  assert.ok(facts.length < 30, String(facts.length))
})

it('looks at two signatures of a part of the body, each with its own length', async () => {
  const partial = (length: number): Promise<string> => signed(PLAIN, { maxBodyLength: length } as never)
  const signatures = await Promise.all([1, 2, 3, 4].map(async (length) => (await partial(length)).slice(0, -PLAIN.length)))
  assert.match(signatures[0]!, /; l=1;/)
  const { edits } = await ask(`${signatures.join('')}${await signed(PLAIN)}`, WITH_KEY)
  assert.equal(field(edits).match(/dkim=pass/g)?.length, 3)
})

it('refuses a line that makes a signature dear to check, and lets it pass where there is none', async () => {
  const long = (body: string): string => PLAIN.replace(BODY, body)
  const signature = 'DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=far.example; s=s1; bh=x; b=x; h=from\n'
  const seal = 'ARC-Message-Signature: i=1; a=rsa-sha256; c=simple/simple; d=far.example; s=s1; bh=x; b=x; h=from\n'
  for (const first of [signature, seal]) {
    assert.equal(await replyTo(first + long(`${'x'.repeat(257 * 1024)}\n`), WITH_KEY), '554 sorry, a line of this message is too long for its signature to be checked (#5.6.0)')
    assert.equal(await replyTo(first + long(`${'x'.repeat(127 * 1024)}\n`.repeat(3)), WITH_KEY), undefined)
  }
  assert.equal(await replyTo(long(`${' '.repeat(257 * 1024)}x\n`), WITH_KEY), undefined)
})

it('answers any message with a field that is one field', async () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('From: ', 'From: <', 'DKIM-Signature: ', 'ARC-Seal: i=1; ', 'ARC-Message-Signature: i=1; ', 'From: a@b.example'),
    fc.string({ maxLength: 60 }).map((text) => `DKIM-Signature: v=1; a=rsa-sha256; d=${text}; s=x; h=from; b=x; bh=y`),
    fc.string({ maxLength: 60 }).map((text) => `From: ${text}@${text}`),
  )
  await fc.assert(fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (lines) => {
    const { edits, commands, fault } = await ask(`${lines.join('\n')}\n\n${BODY}`, {}, { env: { DMARC: '3' } })
    assert.equal(fault, undefined)
    for (const edit of edits) if (edit.edit === 'insert') assert.match(edit.value, /^ [ -~]+(?:\n\t[ -~]+)*$/)
    for (const command of commands) assert.match(command.kind === 'E' ? command.text : '', /^[45]\d\d [ -~]+$/)
  }), { numRuns: 100 })
})
