import assert from 'node:assert/strict'
import { readFileSync, renameSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { settle } from '../../core/host/chain.ts'
import type { Message } from '../../core/plugin/message.ts'
import { isAlive, pidsIn, until } from './children-kit.ts'
import { requestOf } from './runtimes-kit.ts'
import { ask, looping, print, said, slowly, valueOf, workerStage } from './worker-kit.ts'

test('a line knows where it stands and what it is called', async (t) => {
  const { line } = await workerStage(t)
  const { run, ...plain } = line('@protocol=spp2,timeout=5s,name=mine plugins/x')
  assert.equal(typeof run, 'function')
  assert.deepEqual(plain, {
    hook: 'helo', text: 'plugins/x', file: 'control/smtpplugins', number: 2, options: { protocol: 'spp2', timeout: 5000, name: 'mine' },
    runtime: 'worker', name: 'mine',
  })
})

test('one process answers many requests, each with its hook and its variables', async (t) => {
  const { line } = await workerStage(t)
  const asked = line(looping(`${valueOf('X')}; echo "P250-$hook $n $v $$"; echo "SSEEN=$n"; [ "$v" != no ] || echo "E550 no"; echo N`))
  const { commands: [first, ...rest], fault } = await ask(asked, { X: 'one' })
  assert.equal(fault, undefined)
  assert.deepEqual(rest, [{ kind: 'S', name: 'SEEN', value: '1' }, { kind: 'N' }])
  assert.match((first as { text: string }).text, /^250-helo 1 one \d+$/)
  const pid = (first as { text: string }).text.split(' ').at(-1)
  assert.deepEqual((await ask(asked, { X: 'no' })).commands, [
    print(`250-helo 2 no ${pid}`), { kind: 'S', name: 'SEEN', value: '2' }, { kind: 'E', text: '550 no' },
  ])
  const silent = await ask(line(looping('true')))
  assert.deepEqual(silent, { commands: [] })
})

test('what it is started with: its own environment, directory and name, nothing of a session', async (t) => {
  const { line, home, file } = await workerStage(t)
  const text = looping('echo "P250-$PWD $SPP_PROTOCOL ${X-unset} $PATH"')
  assert.match(await said(line(text), { X: '1' }), new RegExp(`^250-${home} 2 unset /usr/local/sbin:`))
  file('plugins/worker', `#!/bin/sh\n${looping('echo "P250-$0 $#"').slice(1)}\n`)
  assert.match(await said(line('plugins/worker')), /^250-plugins\/worker [1-9]/)
})

test('values arrive to the byte', async (t) => {
  const { line, file } = await workerStage(t)
  file('plugins/echo', `#!/usr/bin/env node
const chunks = []
process.stdout.write('spp/2\\n')
process.stdin.on('data', (chunk) => {
  chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('latin1')
  if (!text.endsWith('\\n\\n')) return
  chunks.length = 0
  const line = text.split('\\n').find((each) => each.startsWith('X='))
  process.stdout.write(Buffer.from('P250-' + line.slice(2) + '\\n.\\n', 'latin1'))
})
`)
  const echo = line('plugins/echo')
  const escapes = [['\\', '\\\\'], ['\r\n', '\\r\\n'], ['\\n', '\\\\n']] as const
  for (const [value, escaped] of escapes) assert.equal(await said(echo, { X: value }), `250-${escaped}`)
  for (const value of ['a=b \t', '\udce9é', '']) assert.equal(await said(echo, { X: value }), `250-${value}`)
})

test('an answer can come in pieces, and with CR', async (t) => {
  const { line } = await workerStage(t)
  const pieces = ['printf P250', 'printf -- "-a"', 'printf "\\\\n."', 'printf "\\\\r"', 'printf "\\\\n"', 'continue']
  const slow = looping(pieces.join('; sleep 0.02; '))
  assert.equal(await said(line(slow)), '250-a')
  assert.equal(await said(line(slow)), '250-a')
})

test('stray lines are told once, standard error each time', async (t) => {
  const { line, logged } = await workerStage(t)
  const asked = line(`@name=mine ${looping('echo hello >&2; echo nonsense; echo P250-x')}`)
  await said(asked)
  await said(asked)
  await until('both remarks', () => logged.filter((message) => message === 'mine: hello').length === 2)
  assert.deepEqual(logged.filter((message) => /no commands/.test(message)).length, 1)
})

test('a forbidden S is a failure, and nothing of the answer is kept', async (t) => {
  const { line } = await workerStage(t)
  const asked = line(looping(`${valueOf('NAME')}; echo P250-before; echo "S$v=/evil"`))
  for (const name of ['PATH', 'LD_PRELOAD', 'PERL5OPT', 'BASH_ENV']) {
    const result = await ask(asked, { NAME: name })
    assert.deepEqual([result.fault?.kind, result.commands], ['bad-command', []])
    assert.match(result.fault!.detail, new RegExp(`^S${name}=`))
    const compat = settle(asked, result, true)
    assert.deepEqual([compat.apply, compat.outcome], [[], 'refuse'])
  }
  assert.deepEqual((await ask(asked, { NAME: 'FINE' })).fault, undefined)
  assert.equal(await said(asked, { NAME: 'FINE' }), '250-before')
})

test('what no program could be given fails that request only', async (t) => {
  const { line } = await workerStage(t)
  const asked = line(looping('echo "P250-$#"'))
  assert.match((await ask(asked, { X: 'a\0b' })).fault!.detail, /NUL/)
  assert.equal((await ask(asked, { X: 'x'.repeat(200_000) })).fault?.kind, 'cannot-execute')
  assert.equal(await said(asked, { '': 'nameless', 'a=b': 'cannot be told' }), '250-2')
})

test('a message is a file, a delivery has its envelope', async (t) => {
  const { line, file } = await workerStage(t)
  const message: Message = {
    id: '1', size: 5, file: () => Promise.resolve(file('message', 'body\n')), header: () => Promise.resolve([]), async *content() {},
  }
  const names = ['SPPMESSAGE', 'SENDER', 'RECIPIENT', 'LOCAL', 'HOST']
  const asked = line(looping(`r=; ${names.map((name) => `${valueOf(name)}; r="$r $v"; v=`).join('; ')}; echo "P250-$r"`), {}, '+deliver')
  const request = requestOf('deliver', { message, session: { recipient: 'a@b@host.example', reversePath: 's@far.example' } })
  const { commands } = await asked.run(request)
  assert.match((commands[0] as { text: string }).text, /^250- \S+\/message s@far\.example a@b@host\.example a@b host\.example$/)
  const unreadable = await asked.run({ ...request, message: { ...message, file: () => Promise.reject(new Error('disk')) } })
  assert.deepEqual(unreadable.fault, { kind: 'unavailable', detail: 'the message cannot be read: disk' })
})

test('many at once share the pool, in the order they came; quick programs stay at one process', async (t) => {
  const { line, home } = await workerStage(t)
  const quick = line(looping('echo "P250-$$"'))
  const pids = new Set<string>()
  for (let i = 0; i < 200; i++) pids.add(await said(quick))
  assert.equal(pids.size, 1)
  const slow = line(`@protocol=spp2,workers=3 ${looping('sleep 0.05; echo $$ >>pids; echo "P250-$$"')}`)
  const answers = await Promise.all(Array.from({ length: 24 }, () => said(slow)))
  assert.equal(new Set(answers).size, 3)
  assert.equal(readFileSync(join(home, 'pids'), 'latin1').trim().split('\n').length, 24)
  const one = line(`@protocol=spp2,workers=1 ${looping(`${valueOf('X')}; echo "P250-$v"`)}`)
  const order: string[] = []
  await Promise.all(Array.from({ length: 50 }, async (_, index) => { order.push(await said(one, { X: String(index) })) }))
  assert.deepEqual(order, Array.from({ length: 50 }, (_, index) => `250-${index}`))
})

test('lines that say the same share processes, whatever their section; other options make others', async (t) => {
  const { line } = await workerStage(t)
  const text = looping('echo "P250-$$"')
  const lines = [line(text), line(text, {}, 'rcpt'), line(`@timeout=9s ${text}`), line(`${text} # 2`)]
  // One after the other: a call that waits for a busy process may start a second one.
  const pids: string[] = []
  for (const each of lines) pids.push(await said(each))
  assert.equal(pids[0], pids[1])
  assert.equal(new Set(pids).size, 3)
})

test('a pool that no line is left for ends its processes', async (t) => {
  const { line } = await workerStage(t)
  const collect = await garbageCollector()
  const text = looping('echo "P250-$$"')
  const kept = line(text)
  const pid = Number((await said(line(text))).slice(4))
  for (let generation = 0; generation < 64; generation++) assert.equal(await said(line(text)), `250-${pid}`)
  await collect()
  assert.equal(await said(kept), `250-${pid}`)
  const other = Number((await said(line(`@timeout=9s ${text}`))).slice(4))
  await until('it to be sent away', () => {
    void collect()
    return !isAlive(other)
  })
  assert.equal(await said(kept), `250-${pid}`)
})

async function garbageCollector(): Promise<() => Promise<void>> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  return async () => {
    await wait(5)
    gc()
    await wait(5)
  }
}

test('an edit of the program starts it anew, a running answer first', async (t) => {
  const { line, file, home, logged } = await workerStage(t)
  const version = (n: number): string => `#!/bin/sh\n${looping(slowly(`P250-${n} $$`)).slice(1)}\n`
  file('plugins/mine', version(1))
  const asked = line('@workers=1 plugins/mine')
  const [, first] = (await said(asked)).split(' ')
  await wait(20)
  file('next', version(2))
  const past = new Date(Date.now() - 60_000)
  utimesSync(join(home, 'next'), past, past)
  const running = said(asked, { X: 'slow' })
  await pidsIn(join(home, 'pid'), 1)
  renameSync(join(home, 'next'), join(home, 'plugins/mine'))
  // Looked at when it is asked, at most once a second.
  const waiting: Promise<string>[] = []
  while (!logged.some((message) => /its file has changed/.test(message))) {
    waiting.push(said(asked))
    await wait(100)
  }
  file('go', '')
  assert.equal(await running, `250-1 ${first}`)
  for (const answer of await Promise.all(waiting)) assert.match(answer, /^250-2 /)
  assert.equal(logged.filter((message) => /its file has changed/.test(message)).length, 1)
  await until('the old one to be gone', () => !isAlive(Number(first)))
})

test('a client that leaves: it is told at once, the answer is thrown away, the process lives', async (t) => {
  const { line, home, file } = await workerStage(t)
  const asked = line(`@workers=1 ${looping(slowly('P250-$v $$'))}`)
  const leaving = new AbortController()
  const running = ask(asked, { X: 'slow' }, { signal: leaving.signal })
  const [pid] = await pidsIn(join(home, 'pid'), 1)
  const queued = new AbortController()
  const never = ask(asked, { X: 'never' }, { signal: queued.signal })
  const next = said(asked, { X: 'next' })
  leaving.abort()
  queued.abort()
  for (const left of [running, never]) {
    assert.deepEqual((await left).fault, { kind: 'unavailable', detail: 'nobody waits for the answer any more' })
  }
  assert.ok(isAlive(pid!))
  file('go', '')
  assert.equal(await next, `250-next ${pid}`)
  assert.equal((await ask(asked, {}, { signal: leaving.signal })).fault?.kind, 'unavailable')
})

test('the end of the broker ends the workers, a broker that dies is no failure of theirs', async (t) => {
  const { line, broker, logged } = await workerStage(t)
  const asked = line(looping(`${valueOf('X')}; [ "$v" != hang ] || sleep 1000; echo "P250-$$"`))
  const pid = Number((await said(asked)).slice(4))
  for (let i = 0; i < 3; i++) {
    const hanging = ask(asked, { X: 'hang' })
    await wait(5)
    process.kill(broker.pid!, 'SIGKILL')
    assert.deepEqual((await hanging).fault, { kind: 'unavailable', detail: 'broker died, and the program with it' })
    await until('another broker', () => broker.pid !== undefined)
    assert.match(await said(asked), /^250-\d+$/)
  }
  await until('the first to be gone', () => !isAlive(pid))
  const last = Number((await said(asked)).slice(4))
  assert.ok(!logged.some((message) => /has failed/.test(message)))
  await broker.close()
  await until('the last to be gone', () => !isAlive(last))
  assert.deepEqual((await ask(asked)).fault?.kind, 'cannot-start')
})
