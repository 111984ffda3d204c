import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive, pidsIn, startKit, until } from './children-kit.ts'

/** Ignores SIGTERM, leaves a child that does too, writes both process ids, and waits. */
const STUBBORN = `trap '' TERM HUP; sh -c "trap '' TERM HUP; sleep 1000; sleep 1000" & echo $$ $! >pids; wait; wait`

test('the timeout kills the whole process group', async (t) => {
  const kit = await startKit(t)
  const result = await kit.shell(`echo before; ${STUBBORN}`, { timeoutMs: 300 })
  assert.equal(result.timedOut, true)
  assert.equal(result.signal, 'SIGKILL')
  assert.equal(result.stdout.toString(), 'before\n')
  const pids = await pidsIn(join(kit.home, 'pids'), 2)
  await until('both to be gone', () => !pids.some(isAlive))
})

test('an abort kills the whole process group; one that came before starts nothing', async (t) => {
  const kit = await startKit(t)
  const leaving = new AbortController()
  const running = kit.run({ form: 'shell', text: STUBBORN }, leaving.signal)
  const pids = await pidsIn(join(kit.home, 'pids'), 2)
  leaving.abort()
  const result = await running
  assert.equal(result.aborted, true)
  assert.equal(result.timedOut, false)
  await until('both to be gone', () => !pids.some(isAlive))
  const never = await kit.run({ form: 'shell', text: 'touch started' }, leaving.signal)
  assert.equal(never.aborted, true)
  assert.throws(() => readFileSync(join(kit.home, 'started')), { code: 'ENOENT' })
})

test('a grandchild with the output keeps us waiting until the timeout', async (t) => {
  const kit = await startKit(t)
  const result = await kit.shell('sleep 1000 & echo $! >pids; echo "E550 no"; exit 4', { timeoutMs: 300 })
  assert.equal(result.timedOut, true)
  assert.equal(result.exit, 4)
  assert.equal(result.stdout.toString(), 'E550 no\n')
  const [pid] = await pidsIn(join(kit.home, 'pids'), 1)
  await until('it to be gone', () => !isAlive(pid!))
})

test('one that left the group and holds the output does not hold us', async (t) => {
  const kit = await startKit(t)
  const result = await kit.shell('setsid sh -c "echo \\$\\$ >pids; exec sleep 1000" & sleep 1000', { timeoutMs: 300 })
  assert.equal(result.timedOut, true)
  const [pid] = await pidsIn(join(kit.home, 'pids'), 1)
  process.kill(pid!, 'SIGKILL')
})

test('a broker that dies alone: the calls in flight are told, their programs killed, the next call works', async (t) => {
  const kit = await startKit(t)
  const first = kit.broker.pid!
  const running = kit.shell(STUBBORN)
  const pids = await pidsIn(join(kit.home, 'pids'), 2)
  // Its process id is told within milliseconds; an answer to something asked later has it behind it.
  await kit.shell('sleep 0.05')
  process.kill(first, 'SIGKILL')
  const result = await running
  assert.equal(result.fault, 'broker died')
  assert.equal(result.exit, undefined)
  assert.equal((await kit.shell('echo again')).stdout.toString(), 'again\n')
  assert.notEqual(kit.broker.pid, first)
  await until('the programs to be gone', () => !pids.some(isAlive))
  assert.equal(kit.logged.filter((line) => line.includes('died')).length, 1)
})

test('a broker that dies again and again comes back each time', async (t) => {
  const kit = await startKit(t)
  for (let times = 0; times < 3; times++) {
    process.kill(kit.broker.pid!, 'SIGKILL')
    const results = await Promise.all([kit.shell('echo 1'), kit.shell('echo 2')])
    for (const result of results) assert.ok(result.fault === 'broker died' || result.exit === 0)
    assert.equal((await kit.shell('echo again')).exit, 0)
  }
})

test('a stopped broker is replaced', async (t) => {
  const kit = await startKit(t, { heartbeatMs: 50 })
  process.kill(kit.broker.pid!, 'SIGSTOP')
  assert.equal((await kit.shell('echo never')).fault, 'broker died')
  assert.equal((await kit.shell('echo again')).stdout.toString(), 'again\n')
})

test("a terminal's signals do not reach programs, and the broker leaves them to the server", async (t) => {
  const kit = await startKit(t)
  const pid = kit.broker.pid!
  const running = kit.shell('sleep 0.3; echo done')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal)
  assert.equal((await running).stdout.toString(), 'done\n')
  assert.equal(kit.broker.pid, pid)
})

test('after SIGKILL of the server nobody it started lives', async (t) => {
  const kit = await startKit(t)
  const driver = spawn(process.execPath, [join(import.meta.dirname, 'children-driver.ts'), kit.home, STUBBORN], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told = new Promise<number>((resolve) => driver.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))))
  const broker = await told
  const pids = await pidsIn(join(kit.home, 'pids'), 2)
  assert.deepEqual([broker, ...pids].map(isAlive), [true, true, true])
  driver.kill('SIGKILL')
  await until('all of them to be gone', () => ![broker, ...pids].some(isAlive))
})
