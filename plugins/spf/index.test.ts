import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { error, set } from '../../core/plugin/index.ts'
import { testPlugin, type TestOptions } from '../../core/plugin/testing/index.ts'
import spf from './index.ts'

type Dns = NonNullable<TestOptions['dns']>
type Env = Readonly<Record<string, string>>

const CLIENT = '192.0.2.1'
const record = (text: string): Dns => ({ 'far.example': { TXT: [text], A: ['198.51.100.7'] } })
const ask = (dns: Dns, env: Env, session: TestOptions['session'] = {}) => testPlugin(spf, {
  hook: 'mail', dns, env: { SPF: '1', ...env }, control: { me: 'mx.local.example\n' }, session,
})
const fieldOf = async (...given: Parameters<typeof ask>): Promise<string> =>
  (await ask(...given)).commands.filter(({ kind }) => kind !== 'S').map((command) => command.kind === 'H' ? command.text : JSON.stringify(command)).join('\n')

const FAIL = error('550 sorry, 192.0.2.1 may not send for far.example (SPF fail) (#5.7.23)')

it('asks nothing until SPF is set, nor at level 0', async () => {
  for (const SPF of [undefined, '', '0']) {
    const { commands, facts } = await testPlugin(spf, { hook: 'mail', dns: record('v=spf1 -all'), env: { SPF }, control: { me: 'x' } })
    assert.deepEqual([commands, facts], [[], []], SPF)
  }
})

const LADDER: readonly (readonly [result: string, level: number, dns: Dns, reply: RegExp])[] = [
  ['pass', 7, record('v=spf1 ip4:192.0.2.0/24 -all'), /never/],
  ['fail', 1, record('v=spf1 -all'), /^550 .*\(SPF fail\) \(#5\.7\.23\)$/],
  ['softfail', 2, record('v=spf1 ~all'), /^550 .*\(SPF softfail\) \(#5\.7\.23\)$/],
  ['neutral', 3, record('v=spf1 ?all'), /^550 .*\(SPF neutral\) \(#5\.7\.23\)$/],
  ['none', 4, {}, /^550 .*\(SPF none\) \(#5\.7\.23\)$/],
  ['temperror', 5, { 'far.example': 'timeout' }, /^451 .* \(#4\.7\.24\)$/],
  ['permerror', 6, record('v=spf1 nonsense'), /^550 .* \(#5\.7\.24\)$/],
]

for (const [result, refusedFrom, dns, reply] of LADDER) {
  it(`refuses ${result} from level ${refusedFrom} on, and says it in the field below that`, async () => {
    for (let level = 1; level <= 6; level++) {
      const { commands: [first] } = await ask(dns, { SPF: String(level) })
      if (level < refusedFrom) assert.equal(first?.kind === 'H' && first.text.split(' ', 2).join(' '), `Received-SPF: ${result}`, String(level))
      else assert.match(first?.kind === 'E' ? first.text : '', reply, String(level))
    }
  })
}

it('tells later plugins the result, for every message that is not refused', async () => {
  for (const [result, refusedFrom, dns] of LADDER) {
    const { commands } = await ask(dns, { SPF: String(refusedFrom - 1) })
    if (refusedFrom > 1 && refusedFrom <= 6) assert.deepEqual(commands.at(-1), set('SPFRESULT', result))
  }
  assert.deepEqual((await ask(record('v=spf1 -all'), { SPFLOCALPOLICY: 'ip4:192.0.2.0/24' })).commands.at(-1), set('SPFRESULT', 'pass'))
})

it('writes the field with who asked whom about what', async () => {
  assert.equal(await fieldOf(record('v=spf1 ip4:192.0.2.1 -all'), {}), [
    'Received-SPF: pass (mx.local.example: far.example designates 192.0.2.1 as permitted sender)',
    '\treceiver=mx.local.example; client-ip=192.0.2.1; helo=client.far.example; identity=mailfrom;',
    '\tenvelope-from="sender@far.example";',
  ].join('\n'))
  assert.match(await fieldOf({ 'far.example': 'servfail' }, {}), /^Received-SPF: temperror .*\n.*\n\tenvelope-from="sender@far\.example"; problem="the name server failed \(SERVFAIL\)";$/)
})

it('leaves a field that no sender or HELO name can break', async () => {
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'binary', maxLength: 400 }), async (local, helo) => {
    const { commands, fault } = await ask(record('v=spf1 ?all'), {}, { reversePath: `${local}@far.example`, helo })
    assert.equal(fault, undefined)
    assert.deepEqual(commands.at(-1), set('SPFRESULT', 'neutral'))
    for (const [index, command] of commands.slice(0, -1).entries()) {
      assert.match(command.kind === 'H' ? command.text : 'no field', index === 0 ? /^Received-SPF: [ -~]+$/ : /^\t[ -~]+$/)
      assert.ok(command.kind === 'H' && command.text.length <= 998)
    }
  }), { numRuns: 60 })
})

it('keeps its lines short, whatever is said', async () => {
  for (const text of ['"'.repeat(256), '('.repeat(2000), `${'a'.repeat(60)}.`.repeat(20)]) {
    const { commands } = await ask({}, {}, { reversePath: `${text}@${text}`, helo: text })
    for (const command of commands) if (command.kind === 'H') assert.ok(command.text.length <= 998, command.text)
  }
})

it('checks the HELO name of a null sender', async () => {
  const helo: Dns = { 'client.far.example': { TXT: ['v=spf1 -all'] } }
  const { commands } = await ask(helo, {}, { reversePath: '' })
  assert.deepEqual(commands, [error('550 sorry, 192.0.2.1 may not send for client.far.example (SPF fail) (#5.7.23)')])
  assert.match(await fieldOf(helo, {}, { reversePath: '', helo: '[192.0.2.1]' }), /^Received-SPF: none .*\n.*identity=helo;$/)
  assert.match(await fieldOf({}, {}, { reversePath: '', helo: undefined }), /^Received-SPF: none /)
})

it('leaves relay clients and authenticated users alone', async () => {
  for (const session of [{ relayClient: true }, { auth: { user: 'joe@local.example', method: 'plain' } }]) {
    const { commands, facts } = await ask(record('v=spf1 -all'), {}, session)
    assert.deepEqual([commands, facts], [[], []])
  }
})

it('lets a local policy stand in where the domain does not permit the client', async () => {
  const policy = { SPF: '6', SPFLOCALPOLICY: 'ip4:203.0.113.0/24 include:trusted.example' }
  const trusted: Dns = { 'trusted.example': { TXT: [`v=spf1 ip4:${CLIENT} -all`] } }
  for (const dns of [record('v=spf1 -all'), record('v=spf1 nonsense'), { 'far.example': 'timeout' as const }, {}]) {
    assert.match(await fieldOf({ ...dns, ...trusted }, policy), /^Received-SPF: pass \(mx\.local\.example: our own policy names 192\.0\.2\.1 as permitted sender\)\n/)
  }
  assert.deepEqual((await ask(record('v=spf1 -all'), policy)).commands, [FAIL])
})

it('goes by the domain alone when the local policy cannot be evaluated, and says so', async () => {
  const { commands, logged } = await ask({ ...record('v=spf1 -all'), 'trusted.example': 'servfail' }, { SPFLOCALPOLICY: 'include:trusted.example' })
  assert.deepEqual(commands, [FAIL])
  assert.deepEqual(logged[0], { level: 'warn', message: 'SPFLOCALPOLICY could not be evaluated', fields: { problem: 'the name server failed (SERVFAIL)' } })
})

const explained = (text: string): Dns => ({ ...record('v=spf1 -all exp=why.far.example'), 'why.far.example': { TXT: [text] } })
const replyTo = async (...given: Parameters<typeof ask>): Promise<string> => {
  const { commands: [first] } = await ask(...given)
  return first?.kind === 'E' ? first.text : JSON.stringify(first)
}

it('passes on what the domain says of its refusal, as its words', async () => {
  assert.equal(await replyTo(explained('%{i} is none of ours, see http://far.example/?s=%{S}'), {}),
    '550 sorry, 192.0.2.1 may not send for far.example (SPF fail): its owner explains: 192.0.2.1 is none of ours, see http://far.example/?s=sender%40far.example (#5.7.23)')
})

it('keeps an explanation within one reply line, and out of the protocol', async () => {
  const long = await replyTo(explained('x'.repeat(2000)), {})
  assert.ok(long.length <= 510, String(long.length))
  assert.ok(long.endsWith(' (#5.7.23)'))
  // A control character in an explanation, or in what a macro stands for.
  assert.equal(await replyTo(explained('a\r\n250 ok'), {}), FAIL.kind === 'E' ? FAIL.text : '')
  assert.match(await replyTo(explained('%{l}'), {}, { reversePath: 'a\u0007\u001bb@far.example' }), /its owner explains: a\?\?b \(#5\.7\.23\)$/)
})

it('has an explanation of its own where the domain has none', async () => {
  const SPFEXPLANATION = 'see http://local.example/spf?ip=%{i}&from=%{S}&by=%{r}'
  const own = '550 sorry, 192.0.2.1 may not send for far.example (SPF fail): see http://local.example/spf?ip=192.0.2.1&from=sender%40far.example&by=mx.local.example (#5.7.23)'
  assert.equal(await replyTo(record('v=spf1 -all'), { SPFEXPLANATION }), own)
})

it('says which text of a setting is wrong', () => {
  const reject = (name: 'SPF' | 'SPFLOCALPOLICY' | 'SPFEXPLANATION' | 'SPFENGINE', ...texts: string[]): void => {
    for (const text of texts) assert.equal(spf.settings?.[name].parse(text).ok, false, `${name}=${text}`)
  }
  reject('SPF', '7', '-1', 'yes', '10')
  reject('SPFLOCALPOLICY', 'all', '-all', 'v=spf1', 'redirect=x.example', 'ip4', 'mx,a', 'unknown:x')
  reject('SPFEXPLANATION', '%', '%{x}', '%{i', '100%', 'é', 'a\nb', '%{i0}')
  reject('SPFENGINE', 'libspf2')
  assert.deepEqual(spf.settings?.SPFLOCALPOLICY.parse(' ip4:192.0.2.1  +mx  a/24 '), { ok: true, value: 'ip4:192.0.2.1 +mx a/24' })
})
