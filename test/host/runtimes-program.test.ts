import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { programLine, type ProgramOptions } from '../../core/host/runtimes/program.ts'
import type { Line, RunResult } from '../../core/host/types.ts'
import type { Message } from '../../core/plugin/message.ts'
import { startKit, type Kit } from './children-kit.ts'
import { entryOf, requestOf } from './runtimes-kit.ts'

interface Stage extends Kit {
  /** The line of `[helo]` unless another section is named, in compat mode with the dialect off unless told otherwise. */
  line(text: string, options?: Partial<ProgramOptions>, section?: string): Line
  ask(text: string, options?: Partial<ProgramOptions>): Promise<RunResult>
}

async function stage(t: TestContext): Promise<Stage> {
  const kit = await startKit(t)
  const line: Stage['line'] = (text, options = {}, section = 'helo') => programLine({
    entry: entryOf(section, text), file: 'control/smtpplugins', home: kit.home, broker: kit.broker, compat: true, replyDialect: 'off',
    log: kit.log, ...options,
  })
  return { ...kit, line, ask: async (text, options) => line(text, options).run(requestOf('helo')) }
}

const HARDENED: Partial<ProgramOptions> = { compat: false, replyDialect: 'detect' }

test('a line knows where it stands and what it is called', async (t) => {
  const { line } = await stage(t)
  const { run, ...plain } = line('@timeout=5s,name=mine plugins/x')
  assert.equal(typeof run, 'function')
  assert.deepEqual(plain, {
    hook: 'helo', text: 'plugins/x', file: 'control/smtpplugins', number: 2, options: { timeout: 5000, name: 'mine' },
    runtime: 'program', name: 'mine',
  })
  assert.equal(line(':echo N').text, ':echo N')
})

test('vector 29: a command, then a crash', async (t) => {
  const { ask } = await stage(t)
  assert.deepEqual(await ask(':echo "E550 no"; kill -9 $$'), {
    commands: [{ kind: 'E', text: '550 no' }], fault: { kind: 'crashed', detail: 'killed by SIGKILL' }, exit: 'SIGKILL',
  })
})

test('vector 30: exit statuses that mean nothing', async (t) => {
  const { ask } = await stage(t)
  for (const exit of [1, 99, 111, 119, 121, 255]) assert.deepEqual(await ask(`:exit ${exit}`), { commands: [], exit })
})

test('vectors 31 to 35: what cannot be executed, and a shell that says so itself', async (t) => {
  const { ask, file } = await stage(t)
  file('plugins/real', '#!/bin/sh\necho N\n')
  const faults = async (text: string): Promise<string | undefined> => (await ask(text)).fault?.kind
  assert.equal(await faults(':exit 120'), 'cannot-execute')
  assert.equal(await faults('plugins/none'), 'cannot-execute')
  const said = await ask(':plugins/none')
  assert.deepEqual({ ...said, complaint: undefined }, { commands: [], exit: 127, complaint: undefined })
  assert.match(said.complaint?.join('\n') ?? '', /plugins\/none: not found/)
  assert.equal(await faults('plugins/real arg'), 'cannot-execute')
  assert.equal(await faults(' plugins/real'), 'cannot-execute')
  assert.deepEqual(await ask('plugins/real'), { commands: [{ kind: 'N' }], exit: 0 })
})

test('vector 36, and its twin with the dialect detected', async (t) => {
  const { ask, logged } = await stage(t)
  const text = ":printf '550 sorry, too many recipients (#5.7.1)\\n'; exit 1"
  assert.deepEqual(await ask(text), { commands: [], exit: 1 })
  assert.match(logged[0]!, /no commands.*550 sorry/)
  assert.deepEqual(await ask(text, HARDENED), { commands: [], reply: '550 sorry, too many recipients (#5.7.1)', exit: 1 })
  assert.deepEqual(await ask(":printf '550-a\\r\\n550 b\\r\\n'", HARDENED), { commands: [], reply: '550-a\n550 b', exit: 0 })
  assert.equal((await ask(":printf '550 a\\0b\\n'", HARDENED)).fault?.kind, 'bad-command')
  assert.equal((await ask(`${text}; kill -9 $$`.replace('; exit 1', ''), HARDENED)).fault?.kind, 'crashed')
})

test('vectors 43 and 49: no standard input, and a NUL that ends a text', async (t) => {
  const { ask } = await stage(t)
  assert.deepEqual((await ask(':read x; echo "P250-rc $?"')).commands, [{ kind: 'P', text: '250-rc 1' }])
  assert.deepEqual((await ask(":printf 'E550 a\\0b\\n'")).commands, [{ kind: 'E', text: '550 a' }])
})

test('vectors 5 and 6: an unterminated last line, and its hardened twin', async (t) => {
  const { ask } = await stage(t)
  assert.deepEqual((await ask(":printf 'E550 no.'")).commands, [{ kind: 'E', text: '550 no' }])
  assert.deepEqual((await ask(":printf 'E550 no.'", HARDENED)).commands, [{ kind: 'E', text: '550 no.' }])
  assert.deepEqual((await ask(":printf 'E550 no\\r\\n'")).commands, [{ kind: 'E', text: '550 no\r' }])
})

test('the old dialect, rules 1 to 6', async (t) => {
  const { ask, logged } = await stage(t)
  const reply = (text: string, options = HARDENED): Promise<RunResult> => ask(`@protocol=reply :${text}`, options)
  assert.deepEqual(await reply('echo hello'), { commands: [], exit: 0 })
  assert.match(logged.join('\n'), /accepted, and printed "hello"/)
  assert.deepEqual(await reply('true'), { commands: [], exit: 0 })
  assert.deepEqual(await reply("printf '550-a\\r\\n550 b\\r\\n'; exit 1"), { commands: [], reply: '550-a\n550 b', exit: 1 })
  assert.deepEqual(await reply("printf '550 b\\r\\nmore\\n'"), { commands: [], reply: '550 b', exit: 0 })
  assert.deepEqual((await reply('exit 1')).fault, { kind: 'crashed', detail: 'it ended with status 1 and printed no reply' })
  assert.equal((await reply('echo "550 no"; exit 120')).fault?.kind, 'cannot-execute')
  assert.equal((await reply('echo "550 no"; kill -15 $$')).fault?.kind, 'crashed')
  assert.equal((await reply('echo sorry; exit 1')).fault?.kind, 'bad-command')
  assert.deepEqual(await reply('echo sorry; exit 1', { compat: true }), { commands: [], reply: 'sorry', exit: 1 })
  assert.deepEqual(await reply('echo "E550 letters are no reply"'), { commands: [], exit: 0 })
})

test('too long: in time, and in output', async (t) => {
  const { ask } = await stage(t)
  const slow = await ask('@timeout=200ms :echo "P250-a"; sleep 1000')
  assert.deepEqual(slow, {
    commands: [{ kind: 'P', text: '250-a' }], fault: { kind: 'timed-out', detail: 'no end after 0.2 s' }, exit: 'SIGKILL',
  })
  const flood = 'head -c 300000 /dev/zero | tr "\\0" x'
  assert.equal((await ask(`:${flood}`)).fault?.kind, 'too-much-output')
  assert.deepEqual(await ask(`:echo "E550 no"; ${flood}`), { commands: [{ kind: 'E', text: '550 no' }], exit: 0 })
  // 262144 bytes end inside the second command, which must not count as half of itself
  assert.equal((await ask(':printf "P250-%0262134d\\n" 0; echo "E550 no"')).fault?.kind, 'too-much-output')
})

test('a client that leaves, and a broker that is gone', async (t) => {
  const { line, broker } = await stage(t)
  const leaving = new AbortController()
  const asked = line(':sleep 1000').run(requestOf('helo', { signal: leaving.signal }))
  leaving.abort()
  assert.equal((await asked).fault?.kind, 'unavailable')
  await broker.close()
  assert.equal((await line(':true').run(requestOf('helo'))).fault?.kind, 'cannot-start')
})

test('the environment is the session\'s, byte for byte', async (t) => {
  const { line } = await stage(t)
  const env = { SMTPHELOHOST: 'caf\udce9', SMTPMAILFROM: 'é@b.example' }
  const result = await line(':echo "P250-$SMTPHELOHOST $SMTPMAILFROM $HOME"').run(requestOf('helo', { env }))
  assert.deepEqual(result.commands, [{ kind: 'P', text: '250-caf\udce9 é@b.example ' }])
})

test('+message and +deliver: the message on fd 0, its path, the envelope', async (t) => {
  const { line, file } = await stage(t)
  const path = file('spooled', 'Subject: x\n\nbody\n')
  const message: Message = {
    id: '1', size: 17, file: () => Promise.resolve(path), header: () => Promise.resolve([]), content: () => (async function* () {})(),
  }
  const print = ':read x; echo "H$x"; printf "P250-%s\\n" "$SPPMESSAGE" "$SENDER" "$RECIPIENT" "$LOCAL" "$HOST" "$EXTRA"'
  const texts = async (hook: 'message' | 'deliver'): Promise<readonly string[]> => {
    const session = { reversePath: '', recipient: 'odd@one@local.example' }
    const { commands } = await line(print, {}, `+${hook}`).run(requestOf(hook, { message, session, env: { EXTRA: 'stored' } }))
    return commands.map((command) => 'text' in command ? command.text : '')
  }
  assert.deepEqual(await texts('message'), ['Subject: x', `250-${path}`, '250-', '250-', '250-', '250-', '250-stored'])
  assert.deepEqual(await texts('deliver'),
    ['Subject: x', `250-${path}`, '250-', '250-odd@one@local.example', '250-odd@one', '250-local.example', '250-stored'])
  const broken: Message = { ...message, file: () => Promise.reject(new Error('disk gone')) }
  assert.deepEqual((await line(print, {}, '+message').run(requestOf('message', { message: broken }))).fault,
    { kind: 'unavailable', detail: 'the message cannot be read: disk gone' })
})

test('standard error goes to the log under the line\'s name, bounded', async (t) => {
  const { ask, logged } = await stage(t)
  await ask('@name=mine :echo one >&2; echo two >&2')
  assert.deepEqual(logged, ['mine: one', 'mine: two'])
  await ask('@name=loud :i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i >&2; done')
  assert.equal(logged.length, 2 + 50 + 1)
  assert.equal(logged.at(-1), 'loud: … 10 lines more')
})

test('a program that fails says why: its last words are kept for the trace, and one that lets pass is warned of once', async (t) => {
  const { line, logged } = await stage(t)
  const failing = line(':for i in 1 2 3 4 5; do echo "trace $i" >&2; done; exit 1')
  for (const _ of [1, 2]) {
    assert.deepEqual(await failing.run(requestOf('helo')), { commands: [], exit: 1, complaint: ['trace 2', 'trace 3', 'trace 4', 'trace 5'] })
  }
  const once = logged.filter((message) => message.includes('had no objection'))
  assert.equal(once.length, 1)
  assert.match(once[0]!, /ended with status 1, answered nothing .* wrote "trace 5"/)

  assert.deepEqual((await line(':echo N; echo sorry >&2; exit 2').run(requestOf('helo'))).complaint, ['sorry'])
  assert.deepEqual((await line(':echo remark >&2').run(requestOf('helo'))).complaint, undefined, 'it ended well')
  assert.equal((await line(':head -c 5000 /dev/zero | tr "\\\\0" x >&2; exit 3').run(requestOf('helo'))).complaint?.[0]?.length, 300)
})
