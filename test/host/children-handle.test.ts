import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Broker } from '../../core/host/children/broker.ts'
import type { Handle, StartJob } from '../../core/host/children/handle.ts'
import { textOf } from '../../protocol/text.ts'
import { ENV, isAlive, pidsIn, startKit, until, type Kit } from './children-kit.ts'

interface Stage extends Kit {
  readonly complaints: readonly string[]
  start(text: string, job?: Partial<StartJob>): Promise<Handle>
}

async function stage(t: TestContext): Promise<Stage> {
  const kit = await startKit(t)
  const complaints: string[] = []
  return {
    ...kit, complaints,
    start: (text, job = {}) => kit.broker.start({
      form: 'shell', text, cwd: kit.home, env: ENV, duplex: 'stdio', onStderr: (line) => complaints.push(line), ...job,
    } as StartJob),
  }
}

/** Everything the program says until it closes. */
async function all({ socket }: Handle): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return textOf(Buffer.concat(chunks))
}

test('both directions, standard error by lines, the end of input, the exit', async (t) => {
  const { start, complaints } = await stage(t)
  const handle = await start('echo ready; while read -r line; do echo "<$line>"; done; echo one >&2; printf two >&2; exit 3')
  assert.ok(isAlive(handle.pid))
  handle.socket.write('hello\n')
  handle.socket.end('again\n')
  assert.equal(await all(handle), 'ready\n<hello>\n<again>\n')
  assert.deepEqual(await handle.exited, { code: 3, signal: undefined })
  assert.deepEqual(complaints, ['one', 'two'])
})

test('what was said before the server listened is not lost, however much it is', async (t) => {
  const { start } = await stage(t)
  const handle = await start('i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done')
  assert.equal((await all(handle)).length, 220_000)
  const echo = await start('cat')
  const sent = '0123456789\n'.repeat(100_000)
  echo.socket.end(sent)
  assert.equal(await all(echo), sent)
})

test('the path form: argv[0] is the line, no search; bytes that are not UTF-8 arrive', async (t) => {
  const { start, file } = await stage(t)
  file('plugins/real', '#!/bin/sh\necho "$0 $# $X"; read -r line; echo "$line"\n')
  const handle = await start('plugins/real', { form: 'path', env: { ...ENV, X: 'é' } })
  handle.socket.write('line\n')
  assert.equal(await all(handle), 'plugins/real 0 é\nline\n')
  file('plugins/re\udce9l', '#!/bin/sh\necho "$X"; read -r line; echo "$line" | tee /dev/stderr\n')
  const latin = await start('plugins/re\udce9l', { form: 'path', env: { ...ENV, X: '\udcff' } })
  latin.socket.write('line\n')
  assert.equal(await all(latin), '\udcff\nline\n')
  await latin.exited
})

test('a socket on fd 3, with arguments; what it prints is a complaint', async (t) => {
  const { start, complaints } = await stage(t)
  const handle = await start('/bin/sh', {
    // Unlike fd 0 it does not block, so a shell asks until there is something.
    form: 'exec', args: ['-c', 'echo out; echo err >&2; cat; until read -r line <&3; do sleep 0.01; done; echo "$1 $line" >&3', 'x', 'argument'],
    duplex: 'fd3',
  })
  handle.socket.write('line\n')
  assert.equal(await all(handle), 'argument line\n')
  assert.deepEqual(await handle.exited, { code: 0, signal: undefined })
  // What it prints comes on a way of its own and may be later than its end.
  for (let i = 0; i < 500 && complaints.length < 2; i++) await new Promise((resolve) => { setTimeout(resolve, 10) })
  assert.deepEqual(complaints.toSorted(), ['err', 'out'])
})

const linux = process.platform === 'linux'

test('one socket on fd 0 and fd 1, a pipe on fd 2, the environment, nothing else of the broker', { skip: !linux }, async (t) => {
  const { start } = await stage(t)
  const others = await Promise.all([start('read -r x'), start('read -r x')])
  const handle = await start('for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd")"; done; env | sort')
  const said = (await all(handle)).trim().split('\n')
  const sockets = said.filter((line) => line.includes(' socket:'))
  assert.deepEqual(sockets.map((line) => line.split(' ')[0]), ['0', '1'])
  assert.deepEqual(said.filter((line) => line.includes('helios-pipes')).map((line) => line.split(' ')[0]), ['2'])
  const env = said.filter((line) => !/^[0-9]/.test(line) && !/^(PWD|_|SHLVL|OLDPWD)=/.test(line))
  assert.deepEqual(env, ['LANG=C', 'PATH=/usr/bin:/bin'])
  for (const other of others) other.socket.end()
})

interface Refusal {
  readonly code: string
  readonly message: string
}

test('what cannot be started says why, and the broker goes on', async (t) => {
  const { start, file, broker, shell } = await stage(t)
  file('no-bit', '#!/bin/sh\n', 0o644)
  file('no-interpreter', '#!/nowhere/sh\n')
  const refused = async (text: string, job: Partial<StartJob> = { form: 'path' }): Promise<readonly [string, string]> => {
    const { code, message } = await start(text, job).then(() => assert.fail(`${text} was started`), (error: unknown) => error as Refusal)
    return [code, message]
  }
  assert.deepEqual(await refused('none'), ['cannot-execute', 'there is no such file, or no such interpreter'])
  assert.deepEqual(await refused('no-bit'), ['cannot-execute', 'it is not executable for this user'])
  assert.equal((await refused('no-interpreter'))[0], 'cannot-execute')
  assert.equal((await refused('true', { env: { X: 'a\0' } }))[0], 'cannot-execute')
  assert.deepEqual(await refused('true', { cwd: '/nowhere' }), ['cannot-start', 'the directory /nowhere is missing'])
  assert.equal((await shell('echo fine')).stdout.toString(), 'fine\n')
  await broker.close()
  assert.deepEqual(await refused('true', {}), ['cannot-start', 'Helios is stopping'])
})

test('one that ends at once still has a handle', async (t) => {
  const { start } = await stage(t)
  for (const status of [0, 1, 120, 255]) {
    const handle = await start(`exit ${status}`)
    assert.deepEqual(await handle.exited, { code: status, signal: undefined })
  }
  const handle = await start('kill -TERM $$')
  assert.deepEqual(await handle.exited, { code: undefined, signal: 'SIGTERM' })
})

/** Ignores SIGTERM, leaves a child that does too, writes both process ids, and waits. */
const STUBBORN = `trap '' TERM HUP; sh -c "trap '' TERM HUP; sleep 1000; sleep 1000" & echo $$ $! >pids; wait; wait`

test('kill is for the whole process group, and so is the end of its leader', async (t) => {
  const { start, home } = await stage(t)
  const handle = await start(STUBBORN)
  const pids = await pidsIn(join(home, 'pids'), 2)
  handle.kill()
  assert.deepEqual(await handle.exited, { code: undefined, signal: 'SIGKILL' })
  await until('both to be gone', () => !pids.some(isAlive))
  handle.kill()
  rmSync(join(home, 'pids'))
  const leaving = await start('sleep 1000 & echo $! >pids')
  const [left] = await pidsIn(join(home, 'pids'), 1)
  await leaving.exited
  await until('what it left to be gone', () => !isAlive(left!))
})

test('a broker that dies: its programs end, and the next start works', async (t) => {
  const { start, broker, home } = await stage(t)
  const handle = await start(STUBBORN)
  const pids = await pidsIn(join(home, 'pids'), 2)
  process.kill(broker.pid!, 'SIGKILL')
  assert.deepEqual(await handle.exited, { code: undefined, signal: undefined, fault: 'broker died' })
  await until('the programs to be gone', () => !pids.some(isAlive))
  const next = await start('echo again')
  assert.equal(await all(next), 'again\n')
})

test('a stopped broker is replaced while a start waits for it', async (t) => {
  const kit = await startKit(t, { heartbeatMs: 50 })
  process.kill(kit.broker.pid!, 'SIGSTOP')
  const job: StartJob = { form: 'shell', text: 'echo again', cwd: kit.home, env: ENV, duplex: 'stdio', onStderr: () => undefined }
  await assert.rejects(kit.broker.start(job), { code: 'broker-died' })
  assert.equal(await all(await kit.broker.start(job)), 'again\n')
})

test('the end of the broker is the end of all', async (t) => {
  const { start, broker, home } = await stage(t)
  const handle = await start(STUBBORN)
  const pids = await pidsIn(join(home, 'pids'), 2)
  await broker.close()
  assert.equal((await handle.exited).fault, 'broker died')
  await until('the programs to be gone', () => !pids.some(isAlive))
})

test('a flood on standard error is counted, not told', async (t) => {
  const { start, complaints } = await stage(t)
  const lines = 'i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done >&2'
  const handle = await start(`${lines}; head -c 10000000 /dev/zero | tr "\\0" x >&2`)
  await handle.exited
  assert.equal(complaints.length, 51)
  assert.equal(complaints[49], 'line 49')
  assert.equal(complaints[50], '… 251 lines more')
  assert.ok(complaints.every((line) => line.length < 1100))
})

test('a hundred at once', async (t) => {
  const { start } = await stage(t)
  const handles = await Promise.all(Array.from({ length: 100 }, (_, index) => start(`read -r x; echo "${index} $x"`)))
  const answers = handles.map((handle) => all(handle))
  for (const [index, handle] of handles.entries()) handle.socket.write(`${index}\n`)
  assert.deepEqual(await Promise.all(answers), handles.map((_, index) => `${index} ${index}\n`))
})

test('where the socket stands, and who may come', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'helios-run-test-'))
  const run = join(home, 'run')
  const temporary = process.env['TMPDIR']
  const tmp = join(home, 'tmp')
  mkdirSync(tmp)
  process.env['TMPDIR'] = tmp
  const log = { info: () => undefined, warn: () => undefined }
  const job: StartJob = { form: 'shell', text: 'cat', cwd: home, env: ENV, duplex: 'stdio', onStderr: () => undefined }
  t.after(() => {
    if (temporary === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = temporary
    rmSync(home, { recursive: true, force: true })
  })
  mkdirSync(run, { mode: 0o700 })
  writeFileSync(join(run, 'broker.sock'), 'left by one that was killed')
  const broker = await Broker.start({ log, runDirectory: run })
  t.after(() => broker.close())
  const handle = await broker.start(job)
  const path = join(run, 'broker.sock')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  for (const said of ['nonsense\n', '\n', 'x'.repeat(1000)]) {
    const stranger = connect(path)
    stranger.on('error', () => undefined)
    stranger.write(said)
    await once(stranger, 'close')
  }
  handle.socket.end('still here')
  assert.equal(await all(handle), 'still here')
  await broker.close()
  assert.equal(existsSync(path), false)
  for (const directory of [join(home, 'x'.repeat(100)), run]) {
    chmodSync(run, 0o755)
    const other = await Broker.start({ log, runDirectory: directory })
    const elsewhere = await other.start(job)
    assert.deepEqual(readdirSync(tmp).map((name) => name.replace(/-[^-]*$/, '')), ['helios-run'])
    elsewhere.socket.end()
    await elsewhere.exited
    await other.close()
    assert.deepEqual(readdirSync(tmp), [])
    assert.equal(existsSync(join(directory, 'broker.sock')), false)
  }
})
