import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SECTIONS } from './list.ts'
import { printCommand } from './output.ts'
import { textOf } from '../text.ts'
import type { GivenDns } from './transcript-dns.ts'
import { FAULT_WORDS } from './transcript-words.ts'
import { printTranscript } from './transcript-print.ts'
import { givenTo, NOTHING_GIVEN, parseTranscript, type Given, type Transcript, type TranscriptCase } from './transcript.ts'

const SALES = `# Remarks at the top of a file.
# They are no title.

always
hook rcpt
account joe@local.example
control greetings: hello

# sales has moved
SMTPRCPTTO=sales@local.example
control greetings: moin
control greetings: servus
now 2026-01-31T08:00:00Z
# a remark inside
> P250-a line first
> E550 sorry, sales has moved (#5.1.6)

hook +message\r
| Subject: hi\r
|\r
| text
> (nothing)
delivered nothing
`

test('a file with a background, remarks, titles and both line ends', () => {
  const { transcript, problems } = parseTranscript(SALES)
  assert.deepEqual(problems, [])
  assert.deepEqual(transcript.always, { ...NOTHING_GIVEN, hook: 'rcpt', accounts: [{ address: 'joe@local.example' }],
    control: [['greetings', 'hello\n']] })
  const [first, second] = transcript.cases
  assert.deepEqual([first!.line, first!.title, second!.line, second!.title], [9, 'sales has moved', 18, undefined])
  assert.deepEqual(first!.expected.answer, ['P250-a line first', 'E550 sorry, sales has moved (#5.1.6)'])
  assert.equal(second!.given.message, 'Subject: hi\n\ntext\n')
  assert.deepEqual(second!.expected, { answer: [], delivered: [] })
  const given = givenTo(transcript, first!)
  assert.deepEqual(given.control, [['greetings', 'moin\nservus\n']])
  assert.deepEqual([given.hook, given.now, given.accounts.length], ['rcpt', Date.UTC(2026, 0, 31, 8), 1])
})

const WRONG: readonly (readonly [text: string, line: number, reason: RegExp])[] = [
  ['> (nothing)', 1, /which hook/],
  ['hook rcpt', 1, /must come out/],
  ['hook rcpt\n> (nothing)\n> E550 no', 1, /several/],
  ['hook rctp\n> (nothing)', 1, /there is no hook "rctp"/],
  ['hook rcpt\n> e550 no', 2, /no command/],
  ['hook rcpt\n> OK', 2, /the command O with more/],
  ['hook rcpt\n>E550 no', 2, /">" and a blank/],
  ['hook rcpt\nSMPT RCPTTO=x\n> N', 2, /does not begin with "SMPT"/],
  ['hook rcpt\nhook mail\n> N', 2, /twice/],
  ['hook rcpt\naccount joe\n> N', 2, /no account/],
  ['hook rcpt\nnow yesterday\n> N', 2, /cannot be read/],
  ['hook rcpt\ndns a..b A 192.0.2.1\n> N', 2, /no name that can be asked for/],
  ['hook rcpt\ndns far.example SRV x\n> N', 2, /"SRV" is none of A, AAAA/],
  ['hook rcpt\ndns far.example\n> N', 2, /"" is none of A, AAAA/],
  ['hook rcpt\ndns far.example none A\n> N', 2, /nothing stands behind "none"/],
  ['hook rcpt\ndns far.example A 192.0.2.256\n> N', 2, /no A record/],
  ['hook rcpt\ndns far.example MX mx.far.example\n> N', 2, /no MX record/],
  ['hook rcpt\ndns far.example TXT "open\n> N', 2, /no TXT record/],
  ['hook rcpt\ndns far.example TXT "\\256"\n> N', 2, /no TXT record/],
  ['hook rcpt\ndns far.example MX none\ndns far.example MX 0 .\n> N', 3, /said in two ways/],
  ['hook rcpt\ndns far.example A 192.0.2.1\ndns far.example unavailable\n> N', 3, /said in two ways/],
  ['hook rcpt\nrandom 1\n> N', 2, /cannot be read/],
  ['hook rcpt\ncounted 5 client 192.0.2.1\n> N', 2, /no count of something/],
  ['hook rcpt\ncounted 0/1h client\n> N', 2, /no count of something/],
  ['hook rcpt\nstored yes\n> N', 2, /no key with its value/],
  ['hook rcpt\nstored a = b\nstored a = c\n> N', 3, /twice/],
  ['hook rcpt\nunavailable disk\n> N', 2, /cannot be read/],
  ['hook rcpt\ntimeout 0s\n> N', 2, /cannot be read/],
  ['hook rcpt\nfault late', 2, /cannot be read/],
  ['hook rcpt\n|text\n> N', 2, /"\|" and a blank/],
  ['hook rcpt\nX=a\0b\n> N', 2, /NUL/],
  ['hook rcpt\n> N\n\nalways\nhook rcpt', 4, /before all cases/],
  ['always\nhook rcpt\n> N', 1, /not what comes out/],
]

test('what is wrong is said with its line', () => {
  for (const [text, line, reason] of WRONG) {
    const { problems } = parseTranscript(text)
    assert.equal(problems.length, 1, `${text}: ${JSON.stringify(problems)}`)
    assert.equal(problems[0]!.line, line, text)
    assert.match(problems[0]!.reason, reason)
    assert.notEqual(problems[0]!.mend, '')
  }
})

test('names: what a case says of a name and a type takes the place of the background', () => {
  const { transcript, problems } = parseTranscript(`always
hook mail
dns Far.Example. MX 10 MX.far.example
dns far.example A 192.0.2.1
dns far.example A 192.0.2.02
dns 192.0.2.1 PTR mx.far.example
dns gone.example none

dns far.example MX unavailable
dns gone.example TXT "a \\"b\\\\ " "\\010\\233"
> N

dns far.example none
dns v6.example aaaa 2001:DB8:0::1
dns v6.example TXT plain # text
dns v6.example MX 0 .
> N
`)
  assert.deepEqual(problems, [])
  const [first, second] = transcript.cases.map((each) => givenTo(transcript, each).dns)
  assert.deepEqual(first, [
    { name: 'far.example', type: 'A', record: '192.0.2.1' }, { name: 'far.example', type: 'A', record: '192.0.2.2' },
    { name: '1.2.0.192.in-addr.arpa', type: 'PTR', record: 'mx.far.example' },
    { name: 'far.example', type: 'MX', outcome: 'unavailable' }, { name: 'gone.example', type: 'TXT', record: 'a "b\\ \n\udce9' },
  ])
  assert.deepEqual(second, [
    { name: '1.2.0.192.in-addr.arpa', type: 'PTR', record: 'mx.far.example' }, { name: 'gone.example', outcome: 'none' },
    { name: 'far.example', outcome: 'none' }, { name: 'v6.example', type: 'AAAA', record: '2001:db8::1' },
    { name: 'v6.example', type: 'TXT', record: 'plain # text' }, { name: 'v6.example', type: 'MX', record: { priority: 0, exchange: '' } },
  ])
})

test('any text is read without throwing', () => {
  const part = fc.constantFrom('dns ', 'dns x TXT "', '\\', 'hook ', 'always', '> ', '# ', '\n', '\n\n', 'control x: ', '=', 'now ', '| ')
  fc.assert(fc.property(fc.string(), fc.array(part), (text, parts) => {
    parseTranscript(text)
    parseTranscript(parts.join(text))
  }))
})

const line = fc.string({ unit: fc.oneof(fc.constantFrom(...'aZ0 \t#>|=:@é'), fc.constant('\udce9')), maxLength: 12 })
const title = line.map((text) => text.trim()).filter((text) => text !== '')
const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
const address = fc.stringMatching(/^[a-z0-9-]{1,6}@[a-z]{1,6}$/)
const lines = fc.array(line, { minLength: 1, maxLength: 3 }).map((all) => all.map((text) => `${text}\n`).join(''))
const command = fc.oneof(
  fc.constantFrom('A', 'N', 'O', 'D', 'insert top X-A: b', 'remove X-A 2', 'replace X-A: c', 'reverse-path ', 'recipients a@b c@d'),
  fc.record({ kind: fc.constantFrom('E' as const, 'R' as const, 'P' as const, 'H' as const, 'LM' as const), text: line }).map(printCommand),
  fc.record({ kind: fc.constant('S' as const), name: variable, value: line }).map(printCommand),
)

function optional<T extends object>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>
}

const account = fc.tuple(address, optional({ inactive: fc.constant(true as const), quota: fc.nat() }))
  .map(([at, more]) => ({ address: at, ...more }))

const key = fc.stringMatching(/^[a-z0-9@.]{1,4}( [a-z0-9@.]{1,6})?$/)
const dns: fc.Arbitrary<GivenDns> = fc.tuple(fc.domain(), fc.oneof(
  fc.record({ outcome: fc.constantFrom('none' as const, 'unavailable' as const) }),
  fc.record({ type: fc.constantFrom('A' as const, 'TXT' as const), outcome: fc.constantFrom('none' as const, 'unavailable' as const) }),
  fc.record({ type: fc.constant('A' as const), record: fc.ipV4() }),
  fc.record({ type: fc.constant('TXT' as const), record: fc.oneof(line, fc.uint8Array({ maxLength: 20 }).map(textOf)) }),
  fc.record({ type: fc.constant('MX' as const), record: fc.record({ priority: fc.nat({ max: 65_535 }), exchange: fc.oneof(fc.constant(''), fc.domain()) }) }),
)).map(([name, what]) => ({ name, ...what }))

const given: fc.Arbitrary<Given> = fc.tuple(
  fc.record({
    env: fc.array(fc.tuple(variable, fc.option(line, { nil: undefined })), { maxLength: 3 }),
    accepted: fc.array(address, { maxLength: 2 }),
    accounts: fc.array(account, { maxLength: 2 }),
    domains: fc.array(fc.domain(), { maxLength: 2 }),
    counted: fc.array(fc.record({ key, amount: fc.integer({ min: 1, max: 999_999_999 }), seconds: fc.integer({ min: 1, max: 366 * 86_400 }) }), { maxLength: 2 }),
    stored: fc.uniqueArray(fc.tuple(key, line.map((text) => text.trimEnd())), { selector: ([name]) => name, maxLength: 2 }),
    dns: fc.uniqueArray(dns, { selector: ({ name }) => name, maxLength: 3 }),
    control: fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9.-]{0,6}$/), fc.oneof(fc.constant(''), lines)),
      { selector: ([name]) => name, maxLength: 2 }),
  }),
  optional({
    accountsUnavailable: fc.constant(true as const), storeUnavailable: fc.constant(true as const), now: fc.nat({ max: 4_000_000_000_000 }), leaves: fc.nat({ max: 999_999 }),
    message: lines, timeout: fc.integer({ min: 1, max: 86_400_000 }),
    random: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map(Math.abs), { minLength: 1, maxLength: 3 }),
  }),
).map(([needed, more]) => ({ ...needed, ...more }))

const outcome = fc.tuple(
  fc.oneof(fc.record({ answer: fc.array(command, { maxLength: 3 }) }),
    fc.record({ answer: fc.constant([]), fault: fc.constantFrom(...FAULT_WORDS, 'any' as const) })),
  optional({ slept: fc.nat({ max: 9999 }), delivered: fc.array(address, { maxLength: 2 }) }),
).map(([needed, more]) => ({ ...needed, ...more }))

const oneCase: fc.Arbitrary<TranscriptCase> = fc.record({ hook: fc.constantFrom(...SECTIONS), title: fc.option(title, { nil: undefined }),
  given, expected: outcome })
  .map(({ hook, title, given, expected }) => ({ line: 0, ...(title === undefined ? {} : { title }), given: { hook, ...given }, expected }))

const transcript: fc.Arbitrary<Transcript> = fc.record({ always: fc.oneof(fc.constant(NOTHING_GIVEN), given),
  cases: fc.array(oneCase, { maxLength: 4 }) })

test('what is printed is read back', () => {
  fc.assert(fc.property(transcript, (written) => {
    const { transcript: read, problems } = parseTranscript(printTranscript(written))
    assert.deepEqual(problems, [])
    const unnumbered = { ...read, cases: read.cases.map((each) => ({ ...each, line: 0 })) }
    // Arbitrary records have no prototype.
    assert.deepEqual(structuredClone(unnumbered), structuredClone(written))
  }))
})

test('printing twice is printing once', () => {
  const once = printTranscript(parseTranscript(SALES).transcript)
  assert.equal(printTranscript(parseTranscript(once).transcript), once)
})
