/** What the verbs of `helios plugin` do, without their process: one home, many plugins. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { withLab } from '../../core/cli/plugin/workbench.ts'
import type { Io } from '../../core/cli/command.ts'
import { loadSettings } from '../../config/load.ts'
import { readControl } from '../../config/control.ts'
import { stopBundling } from '../../core/host/runtimes/sandbox/bundle.ts'
import { LANGUAGES, scaffold } from '../../core/lab/scaffold.ts'
import { findTarget } from '../../core/lab/target.ts'
import { runTranscript } from '../../core/lab/test.ts'
import { tryLine, type Question } from '../../core/lab/try.ts'
import { SECTIONS, type Section } from '../../protocol/spp/list.ts'
import { parseTranscript } from '../../protocol/spp/transcript.ts'
import { printHook } from '../../protocol/spp/transcript-words.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { peer } from '../peers.ts'

let home: Home
before(async () => { home = await makeHome() })
after(() => stopBundling())

function write(name: string, content: string, executable: boolean): void {
  mkdirSync(dirname(home.at(name)), { recursive: true })
  writeFileSync(home.at(name), content)
  if (executable) chmodSync(home.at(name), 0o755)
}

async function run(word: string, transcript: string) {
  const settings = await loadSettings({ home: home.path, cwd: home.path })
  const { control } = await readControl(home.path)
  const { transcript: parsed, problems } = parseTranscript(transcript)
  assert.deepEqual(problems, [])
  return runTranscript(parsed, findTarget(word, { home: home.path, cwd: home.path }), { settings, control })
}

async function ask(word: string, hook: Section, question: Partial<Question> = {}) {
  const io = { settings: () => loadSettings({ home: home.path, cwd: home.path }) } as Io
  return withLab(io, async ({ lab, control }) => {
    const target = findTarget(word, { home: home.path, cwd: home.path })
    return tryLine(await lab.line(target, hook), { hook, ip: '192.0.2.1', helo: 'h', from: 'a@far.example', to: [], env: {}, ...question },
      control)
  })
}

/** What makes each hook's example answer. */
const BAD: Readonly<Record<Section, Partial<Question>>> = {
  connection: { ip: '192.0.2.66' }, helo: { helo: 'nobody.example' }, auth: { to: ['nobody@local.example'] },
    mail: { from: 'nobody@far.example' },
  rcpt: { to: ['nobody@local.example'] }, pass: { to: ['nobody@local.example'] }, data: { from: 'nobody@far.example' },
  message: { from: 'nobody@far.example' }, deliver: { to: ['nobody@local.example'] },
}

describe('a new plugin passes its test and answers when it is tried', () => {
  for (const hook of SECTIONS) {
    for (const lang of LANGUAGES) {
      test(`${lang} at ${printHook(hook)}`, { skip: lang === 'python' && peer('python3') === undefined }, async () => {
        const [plugin, transcript] = scaffold(`${lang}-${hook}`, lang, hook).files
        write(plugin!.path, plugin!.content, plugin!.executable)
        const results = await run(`${lang}-${hook}`, transcript!.content)
        assert.deepEqual(results.map(({ passed, got }) => [passed, got.length]), [[true, 1], [true, 1]])
        const { asked, reply, closes } = await ask(`${lang}-${hook}`, hook, BAD[hook])
        assert.equal(asked!.runtime, lang === 'ts' ? 'sandbox' : 'program')
        assert.deepEqual([asked!.fault, asked!.answer.length], [undefined, 1])
        assert.equal(asked!.verdict, hook === 'connection' ? 'hang-up' : 'refuse')
        assert.deepEqual(reply, hook === 'deliver' ? [] : [asked!.answer[0]!.slice(1)])
        assert.equal(closes, hook === 'connection')
      })
    }
  }
})

/** What a test file's lines make of the session, told by a module and by a program alike. */
const SESSIONS = `hook rcpt
SMTPRCPTTO=u@local.example
> P250-rcpt 192.0.2.1 client.far.example sender@far.example u@local.example 0 1 1

hook rcpt
TCPREMOTEIP=192.0.2.9
SMTPHELOHOST=\udce9
SMTPMAILFROM=
SMTPRCPTTO=u@local.example
SMTPRCPTCOUNT=3
SMTPRCPTCOUNTALL=7
SMTPRCPTHOSTSOK=0
> P250-rcpt 192.0.2.9 \udce9  u@local.example 3 7 0

hook rcpt
RELAYCLIENT=
accepted a@local.example
accepted b@local.example
SMTPRCPTTO=c@far.example
> P250-rcpt 192.0.2.1 client.far.example sender@far.example c@far.example 2 3 1
`

test('a module and a program are told the same session', async () => {
  write('plugins/told.ts', `import { definePlugin, print } from 'helios-mail/plugin'
export default definePlugin({
  name: 'told', summary: 'x',
  rcpt: ({ session: s }) => print(['250-rcpt', s.client.ip, s.helo, s.reversePath, s.recipient, s.recipients.length, s.recipientsAsked, s.recipientAllowed || s.relayClient ? 1 : 0].join(' ')),
})
`, false)
  write('plugins/told-sh', '#!/bin/sh\necho "P250-rcpt $TCPREMOTEIP $SMTPHELOHOST $SMTPMAILFROM $SMTPRCPTTO $SMTPRCPTCOUNT $SMTPRCPTCOUNTALL $SMTPRCPTHOSTSOK"\n', true)
  for (const word of ['told', 'told-sh']) {
    const results = await run(word, SESSIONS)
    assert.deepEqual(results.map(({ got }) => got), results.map(({ expected }) => expected), word)
  }
})

test('edits, and a command that nobody should be sent, in a test', async () => {
  write('plugins/edits.ts', `import { changeRecipients, changeReversePath, definePlugin, error, insertField, removeField, replaceField } from 'helios-mail/plugin'
export default definePlugin({
  name: 'edits', summary: 'x', helo: () => error('no code'),
  message: () => [insertField('X-A', ' one\\n\\ttwo'), removeField('X-B', 1), replaceField('Subject', 'back\\\\slash'), changeReversePath(''), changeRecipients(['a@b', 'c@d'])],
})
`, false)
  const [message, helo] = await run('edits', `hook +message
> insert top X-A: one\\n\ttwo
> remove X-B 1
> replace Subject: back\\\\slash
> reverse-path ${''}
> recipients a@b c@d

hook helo
fault bad-command
`)
  assert.deepEqual(message!.got, message!.expected)
  assert.ok(helo!.passed, JSON.stringify(helo))
})

test('in shadow a plugin is tried as if it were obeyed', async () => {
  const { asked, reply } = await ask('@shadow :echo E550 no', 'mail')
  assert.deepEqual([asked!.verdict, reply], ['refuse', ['550 no']])
})

test('onerror decides what a failure means; a plugin that is off is not asked', async () => {
  assert.deepEqual((await ask('@onerror=open :kill -9 $$', 'mail')).reply, ['250 ok'])
  assert.deepEqual((await ask('@onerror=refuse :kill -9 $$', 'mail')).reply, ['554 qmail-spp failure: :kill -9 $$: child crashed (#5.3.0)'])
  assert.equal((await ask(':echo N', 'mail', { env: { NOSPP: '' } })).asked, undefined)
})

test('a case says what the plugin remembers', async () => {
  const results = await run('ratelimit', `always
hook pass
RATELIMIT=client=3/1h

counted 2/1h recipient client 192.0.2.1
> (nothing)

counted 2/1h recipient client 192.0.2.1
counted 1/1h recipient client 192.0.2.1
> E451 sorry, too many recipients from you for now (#4.7.1)

# another window is another counter
counted 3/2h recipient client 192.0.2.1
> (nothing)

unavailable store
fault unavailable
`)
  assert.deepEqual(results.map(({ passed }) => passed), [true, true, true, true], JSON.stringify(results))
  const known = await run('earlytalker', `always
hook connection
EARLYTALKER=wait=5s

> (nothing)
slept 5

stored waited 192.0.2.1 = yes
> (nothing)
slept 0
`)
  assert.deepEqual(known.map(({ passed }) => passed), [true, true], JSON.stringify(known))
})
