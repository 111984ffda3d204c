import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { WorkerPool, type PoolOptions } from '../../core/host/runtimes/worker/pool.ts'
import { LIMITS, type Outcome, type WorkerLimits } from '../../core/host/runtimes/worker/process.ts'
import type { Fault } from '../../core/host/types.ts'
import { printRequest } from '../../protocol/spp/framing.ts'
import { ENV, isAlive, pidsIn, startKit, until, type Kit } from './children-kit.ts'
import { ask, looping, said, valueOf, workerStage } from './worker-kit.ts'

interface PoolStage extends Kit {
  readonly pool: WorkerPool
  /** Programs started so far. */
  starts(): number
  ask(x?: string, signal?: AbortSignal): Promise<Outcome>
  fault(x?: string): Promise<Fault | undefined>
}

async function poolStage(
  t: TestContext, text: string, options: Partial<PoolOptions> = {}, limits: Partial<WorkerLimits> = {},
): Promise<PoolStage> {
  const kit = await startKit(t)
  let starts = 0
  const pool = new WorkerPool({
    name: 'mine', most: 1, timeoutMs: 10_000, log: kit.log, limits: { ...LIMITS, ...limits },
    start: () => {
      starts++
      return kit.broker.start({ form: 'shell', text: text.slice(1), cwd: kit.home, env: ENV, duplex: 'stdio', onStderr: () => undefined })
    },
    ...options,
  })
  const asked: PoolStage['ask'] = (x = '', signal = new AbortController().signal) => pool.ask(printRequest('helo', [`X=${x}`]), signal)
  return { ...kit, pool, starts: () => starts, ask: asked, fault: async (x) => (await asked(x)).fault }
}

/** What a worker does when it is asked with this X. */
const BEHAVES = looping(`${valueOf('X')}; case $v in
  die) exit 7 ;;
  killed) kill -KILL $$ ;;
  half) echo P250-a; exit 0 ;;
  refuse) exit 120 ;;
  hang) echo P250-a; echo $$ >pids; sh -c "trap '' TERM; echo \\$\\$ >>pids; sleep 1000" ;;
  flood) head -c 300000 /dev/zero | tr "\\0" x ;;
  endless) yes ;;
  close) exec >&- <&-; sleep 1000 ;;
esac; echo "P250-$$"`)

test('what ends a worker fails the request it had, and the next one is answered by another', async (t) => {
  const { ask: asked, fault, starts } = await poolStage(t, BEHAVES)
  const expected: Readonly<Record<string, readonly [Fault, (number | string)?]>> = {
    die: [{ kind: 'crashed', detail: 'it ended with status 7 in a request' }, 7],
    killed: [{ kind: 'crashed', detail: 'killed by SIGKILL in a request' }, 'SIGKILL'],
    half: [{ kind: 'crashed', detail: 'it ended with status 0 in a request' }, 0],
    refuse: [{ kind: 'cannot-execute', detail: 'it ended with status 120' }, 120],
    flood: [{ kind: 'too-much-output', detail: 'more than 262144 bytes before the dot' }],
  }
  let times = 1
  for (const [x, [failure, exit]] of Object.entries(expected)) {
    assert.deepEqual(await asked(x), exit === undefined ? { fault: failure } : { fault: failure, exit }, x)
    assert.equal(await fault(), undefined)
    assert.equal(starts(), ++times)
  }
})

test('endless output, and a socket closed by one that stays', async (t) => {
  const { fault } = await poolStage(t, BEHAVES)
  assert.equal((await fault('endless'))?.kind, 'too-much-output')
  assert.deepEqual(await fault('close'), { kind: 'crashed', detail: 'killed by SIGKILL in a request' })
  assert.equal(await fault(), undefined)
})

test('no answer in time: the process group is killed', async (t) => {
  const { fault, home } = await poolStage(t, BEHAVES, { timeoutMs: 500 })
  assert.deepEqual(await fault('hang'), { kind: 'timed-out', detail: 'no answer after 0.5 s' })
  const pids = await pidsIn(join(home, 'pids'), 2)
  await until('both to be gone', () => !pids.some(isAlive))
  assert.equal(await fault(), undefined)
})

test('no free process in time', async (t) => {
  const { fault } = await poolStage(t, looping('read -r forever'), { timeoutMs: 300 })
  const running = fault()
  const waiting = fault()
  assert.equal((await running)?.kind, 'timed-out')
  assert.match((await waiting)!.detail, /no process was free within 0\.3 s|no answer after 0\.3 s/)
})

test('what is no worker', async (t) => {
  const { line, file } = await workerStage(t)
  file('no-bit', 'x', 0o644)
  const fault = async (text: string): Promise<Fault | undefined> => (await ask(line(text))).fault
  assert.deepEqual(await fault(':echo "E550 no"; cat'), { kind: 'bad-command', detail: 'its first line is "E550 no" and not spp/2' })
  assert.deepEqual(await fault(':echo spp/2.0; cat'), { kind: 'bad-command', detail: 'its first line is "spp/2.0" and not spp/2' })
  const zeros = JSON.stringify(`${'\0'.repeat(60)}…`)
  assert.equal((await fault(':head -c 100000 /dev/zero; cat'))?.detail, `its first line is ${zeros} and not spp/2`)
  assert.deepEqual(await fault(":printf 'spp/2\\n.\\n'; cat"), { kind: 'bad-command', detail: 'it printed ".\\n" before it was asked' })
  assert.deepEqual(await fault(':exit 0'), { kind: 'crashed', detail: 'it ended with status 0 before it said spp/2' })
  assert.deepEqual(await fault(':no-such-program'), { kind: 'crashed', detail: 'it ended with status 127 before it said spp/2' })
  assert.deepEqual(await fault(':exit 120'), { kind: 'cannot-execute', detail: 'it ended with status 120' })
  assert.deepEqual(await fault(':kill -SEGV $$'), { kind: 'crashed', detail: 'killed by SIGSEGV before it said spp/2' })
  assert.deepEqual(await fault('no-bit'), { kind: 'cannot-execute', detail: 'it is not executable for this user' })
  assert.deepEqual(await fault('none'), { kind: 'cannot-execute', detail: 'there is no such file, or no such interpreter' })
})

test('one that never says hello is killed', async (t) => {
  const { fault, home } = await poolStage(t, ':echo $$ >pids; printf spp; sleep 1000', {}, { helloMs: 200 })
  assert.deepEqual(await fault(), { kind: 'bad-command', detail: 'it did not say spp/2 within 0.2 s, only "spp"' })
  const pids = await pidsIn(join(home, 'pids'), 1)
  await until('it to be gone', () => !pids.some(isAlive))
  const silent = await poolStage(t, ':sleep 1000', {}, { helloMs: 200 })
  assert.deepEqual(await silent.fault(), { kind: 'bad-command', detail: 'it did not say spp/2 within 0.2 s' })
})

test('what follows an answer never becomes the next one', async (t) => {
  const { ask: asked, starts } = await poolStage(t, looping(`${valueOf('X')}; [ "$v" != twice ] || printf 'E550 a\\n.\\nE550 b\\n.\\n'`))
  const twice = await asked('twice')
  assert.equal(twice.fault, undefined)
  assert.equal(Buffer.from(twice.fault === undefined ? twice.output : []).toString(), 'E550 a\n')
  const next = await asked()
  assert.equal(Buffer.from(next.fault === undefined ? next.output : []).toString(), '')
  assert.equal(starts(), 2)
})

test('one that speaks while nobody asks is sent away, and nobody is hurt', async (t) => {
  const { line } = await workerStage(t)
  const asked = line(looping('{ (sleep 0.1; echo "E550 late") & }; echo "P250-$$"'))
  const first = await said(asked)
  await until('it to be killed', () => !isAlive(Number(first.slice(4))))
  assert.notEqual(await said(asked), first)
})

test('at most six starts while it fails, then the breaker is open, said once; a probe closes it', async (t) => {
  let time = 0
  const { ask: asked, fault, starts, logged, file } = await poolStage(
    t, `:[ -e mended ] || exit 3; ${looping('true').slice(1)}`, { now: () => time },
  )
  const kinds: (string | undefined)[] = []
  for (let times = 0; times < 20; times++) kinds.push((await fault())?.kind)
  assert.deepEqual(kinds, [...Array.from({ length: 6 }, () => 'crashed'), ...Array.from({ length: 14 }, () => 'unavailable')])
  assert.equal(starts(), 6)
  const said = logged.filter((message) => message.startsWith('mine: it has failed'))
  assert.deepEqual(said, [
    'mine: it has failed 6 times in 60 s and is not asked for 60 s; the last time: crashed: it ended with status 3 before it said spp/2 '
    + '(mend the program, or put # before its line)',
  ])
  time = 60_000
  const probes = await Promise.all([fault(), fault(), fault()])
  assert.deepEqual(probes.map((each) => each?.kind), ['crashed', 'unavailable', 'unavailable'])
  assert.equal(starts(), 7)
  file('mended', '')
  time = 179_999
  assert.equal((await fault())?.kind, 'unavailable')
  time = 180_000
  const [first, second] = await Promise.all([asked(), asked()])
  assert.deepEqual([first.fault, second.fault?.kind], [undefined, 'unavailable'])
  assert.equal((await fault()), undefined)
  assert.deepEqual(logged.filter((message) => message.startsWith('mine:')), [...said, 'mine: it answers again'])
})

test('a probe whose client left while it waited gives its place back', async (t) => {
  let time = 0
  const { ask: asked, fault, file } = await poolStage(t, `:[ -e mended ] || exit 3; ${looping('true').slice(1)}`, { now: () => time })
  for (let times = 0; times < 6; times++) await fault()
  file('mended', '')
  time = 60_000
  const leaving = new AbortController()
  const probe = asked('', leaving.signal)
  leaving.abort()
  assert.equal((await probe).fault?.kind, 'unavailable')
  assert.equal(await fault(), undefined)
})

test('those who wait when the breaker opens are answered at once', async (t) => {
  const { fault } = await poolStage(t, looping(`${valueOf('X')}; [ "$v" != die ] || exit 9`), { now: () => 0 })
  const faults = await Promise.all(Array.from({ length: 10 }, () => fault('die')))
  const kinds = faults.map((each) => each?.kind)
  assert.deepEqual(kinds, [...Array.from({ length: 6 }, () => 'crashed'), ...Array.from({ length: 4 }, () => 'unavailable')])
})

test('a program that fails to start does not fail those whom another process can answer', async (t) => {
  const { fault, starts } = await poolStage(t, `:mkdir first || exit 3; ${looping('sleep 0.1').slice(1)}`, { most: 2 })
  const faults = await Promise.all(Array.from({ length: 3 }, () => fault()))
  assert.deepEqual(faults, [undefined, undefined, undefined])
  assert.ok(starts() >= 2)
})

test('sent away: the end of input, and the end of patience', async (t) => {
  const polite = await poolStage(t, looping('echo $$ >pids'))
  await polite.ask()
  const [first] = await pidsIn(join(polite.home, 'pids'), 1)
  polite.pool.rest()
  await until('it to exit', () => !isAlive(first!))
  assert.equal((await polite.ask()).fault, undefined)
  const stubborn = await poolStage(t, `${looping('echo $$ >pids')}; sleep 1000`, {}, { endMs: 100 })
  await stubborn.ask()
  const [second] = await pidsIn(join(stubborn.home, 'pids'), 1)
  stubborn.pool.rest()
  await until('it to be killed', () => !isAlive(second!))
})

test('64 sessions beside one that crashes its process: each gets its own answer', async (t) => {
  const { line } = await workerStage(t)
  const asked = line(`@workers=4 ${looping(`${valueOf('X')}; [ "$v" != die ] || exit 9; echo "P250-$v"`)}`)
  const answers = await Promise.all(Array.from({ length: 64 }, async (_, session) => {
    const got: string[] = []
    for (let times = 0; times < 5; times++) {
      if (session === 7 && times % 2 === 0) assert.equal((await ask(asked, { X: 'die' })).fault?.kind, 'crashed')
      else got.push(await said(asked, { X: `${session}-${times}` }))
    }
    return got
  }))
  for (const [session, got] of answers.entries()) {
    assert.deepEqual(got, [0, 1, 2, 3, 4].filter((times) => session !== 7 || times % 2 === 1).map((times) => `250-${session}-${times}`))
  }
})
