import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { availableParallelism, getPriority } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../../protocol/text.ts'
import { ENV, isAlive, startKit, until } from './children-kit.ts'

test('a shell line: the shell, the environment and nothing else, the directory, an empty fd 0', async (t) => {
  const kit = await startKit(t)
  const result = await kit.shell('echo "$0:$X:$PWD"; cat; exit 3', { env: { ...ENV, X: 'a  b' } })
  assert.equal(result.stdout.toString(), `/bin/sh:a  b:${kit.home}\n`)
  assert.equal(result.exit, 3)
  assert.equal(result.signal, undefined)
  const env = await kit.run({ text: '/usr/bin/env', env: { A: '1', B: '', C: undefined, 'no identifier': 'x y', TZ: 'Z\n' } })
  assert.deepEqual(env.stdout.toString().split('\n').sort(), ['', '', 'A=1', 'B=', 'TZ=Z', 'no identifier=x y'])
})

test('a path line: the file of that name, no arguments, argv[0] is the line, no search', async (t) => {
  const kit = await startKit(t)
  kit.file('plugins/real', '#!/bin/sh\necho "$0 $#"\n')
  assert.equal((await kit.run({ text: 'plugins/real' })).stdout.toString(), 'plugins/real 0\n')
  kit.file('plugins/real arg', '#!/bin/sh\necho blank\n')
  assert.equal((await kit.run({ text: 'plugins/real arg' })).stdout.toString(), 'blank\n')
  assert.equal((await kit.run({ text: 'env' })).cannotExecute, 'there is no such file, or no such interpreter')
  kit.file('env', '#!/bin/sh\necho mine\n')
  assert.equal((await kit.run({ text: 'env' })).stdout.toString(), 'mine\n')
  symlinkSync(process.execPath, join(kit.home, 'plugins/node'))
  const stdin = kit.file('stdin.js', 'console.log(process.argv0)')
  assert.equal((await kit.run({ text: 'plugins/node', stdin })).stdout.toString(), 'plugins/node\n')
})

test('exit statuses and signals', async (t) => {
  const kit = await startKit(t)
  for (const status of [0, 1, 2, 99, 111, 119, 120, 121, 126, 127, 128, 137, 200, 255]) {
    assert.equal((await kit.shell(`exit ${status}`)).exit, status)
  }
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGSEGV', 'SIGPIPE']) {
    const result = await kit.shell(`kill -${signal.slice(3)} $$`)
    assert.equal(result.signal, signal)
    assert.equal(result.exit, undefined)
    assert.equal(result.timedOut, false)
  }
})

test('what cannot be executed', async (t) => {
  const kit = await startKit(t)
  kit.file('no-bit', '#!/bin/sh\n', 0o644)
  kit.file('no-shebang', 'echo "E550 run by a shell"\n')
  kit.file('empty', '')
  kit.file('no-name', '#! \necho hello\n')
  kit.file('no-interpreter', '#!/nowhere/sh\n')
  kit.file('dos', '#!/bin/sh\r\necho N\r\n')
  kit.file('other-machine', '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x02\0')
  kit.file('damaged', `#!${join(kit.home, 'no-shebang')}\n`)
  mkdirSync(join(kit.home, 'directory'))
  symlinkSync('loop', join(kit.home, 'loop'))
  const expected: Readonly<Record<string, RegExp>> = {
    'none': /no such file/, 'no-bit': /not executable/, 'no-shebang': /neither a binary nor does it begin with #!/,
    'empty': /neither a binary/,
    'no-name': /names no interpreter/, 'no-interpreter': /its interpreter \/nowhere\/sh is not there/, 'dos': /carriage return/, 'other-machine': /another kind of machine/,
    'directory': /directory/, 'loop': /circle/, 'no-bit/below': /no such file/, ' no-bit': /no such file/,
    [`d${'x'.repeat(300)}`]: /too long/,
    '/dev/null': /not a regular file/,
  }
  for (const [text, reason] of Object.entries(expected)) {
    const result = await kit.run({ text })
    assert.match(result.cannotExecute ?? 'executed', reason, text)
    assert.equal(result.exit, undefined)
    assert.equal(result.stdout.length, 0)
  }
  const latin = await kit.run({ text: 'no-shebang', env: { X: '\udce9' } })
  assert.match(latin.cannotExecute ?? 'executed', /neither a binary/)
  // the shell exists, what it is told to run does not: its own affair
  assert.equal((await kit.shell('plugins/none')).exit, 127)
})

test('a binary that can be run but not read', async (t) => {
  const kit = await startKit(t)
  kit.file('copy', textOf(readFileSync('/bin/true')), 0o111)
  assert.equal((await kit.run({ text: 'copy' })).exit, 0)
})

test('bytes that are not UTF-8 reach the program as they were', async (t) => {
  const kit = await startKit(t)
  const all = textOf(Uint8Array.from({ length: 255 }, (_, index) => index + 1))
  const value = await kit.shell('printf %s "$X"', { env: { ...ENV, X: all } })
  assert.equal(textOf(value.stdout), all)
  const ends = await kit.shell('printf %s "$X"', { env: { ...ENV, X: '\udce9\n\n' } })
  assert.equal(textOf(ends.stdout), '\udce9\n\n')
  const name = await kit.run({ text: '/usr/bin/env', env: { '1 \udce9': '\udcff', PLAIN: "it's", '-x': 'é', 'END': 'a\n' } })
  assert.deepEqual(textOf(name.stdout).split('\n').sort(), ['', '', '-x=é', '1 \udce9=\udcff', 'END=a', "PLAIN=it's"].sort())
  const text = await kit.shell(`printf '%s' '\udce9é'; exit 7`)
  assert.equal(textOf(text.stdout), '\udce9é')
  assert.equal(text.exit, 7)
  kit.file('plug\udce9in=x', '#!/bin/sh\nprintf %s "$0:$X"\ncat\nkill -TERM $$\n')
  const stdin = kit.file('message', 'a body\n')
  const file = await kit.run({ text: 'plug\udce9in=x', env: { ...ENV, X: 'é' }, stdin })
  assert.equal(textOf(file.stdout), './plug\udce9in=x:éa body\n')
  assert.equal(file.signal, 'SIGTERM')
  assert.equal(file.stderr, '')
})

test('any value of any bytes but NUL', async (t) => {
  const kit = await startKit(t)
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 60, min: 1 }), async (bytes) => {
    const result = await kit.shell('printf %s "$X"', { env: { ...ENV, X: textOf(bytes) } })
    assert.deepEqual(result.stdout, Buffer.from(bytes))
  }), { numRuns: 60 })
})

test('what no program can be given fails that call and no other', async (t) => {
  const kit = await startKit(t)
  const pid = kit.broker.pid
  assert.match((await kit.shell('true', { env: { X: 'a\0b' } })).cannotExecute!, /"X" has a NUL byte/)
  assert.match((await kit.shell('true\0')).cannotExecute!, /NUL byte/)
  assert.match((await kit.shell('true', { env: { X: 'x'.repeat(200_000) } })).cannotExecute!, /200002 bytes/)
  assert.match((await kit.shell('true', { env: { X: 'é\udce9'.repeat(50_000) } })).cannotExecute!, /150002 bytes/)
  assert.match((await kit.shell('x'.repeat(200_000))).cannotExecute!, /200000 bytes/)
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`X${index}`, 'x'.repeat(100_000)]))
  assert.match((await kit.shell('true', { env: many })).cannotExecute!, /the environment has/)
  const large = await kit.shell('printf %s "$X"', { env: { X: 'y'.repeat(130_000) } })
  assert.equal(large.stdout.length, 130_000)
  const latin = await kit.shell('printf %s "$X"', { env: { X: '\udce9'.repeat(120_000) } })
  assert.deepEqual(latin.stdout, Buffer.alloc(120_000, 0xe9))
  assert.equal(kit.broker.pid, pid)
})

test('a missing directory or message is no fault of the program', async (t) => {
  const kit = await startKit(t)
  assert.match((await kit.shell('true', { cwd: '/nowhere' })).cannotStart!, /\/nowhere is missing/)
  assert.match((await kit.shell('true', { stdin: '/nowhere' })).cannotStart!, /\/nowhere/)
})

test('standard input is the file; a program that never reads it ends all the same', async (t) => {
  const kit = await startKit(t)
  const stdin = kit.file('message', 'x'.repeat(1_000_000))
  assert.equal((await kit.shell('wc -c', { stdin })).stdout.toString().trim(), '1000000')
  assert.equal((await kit.shell('echo done', { stdin })).stdout.toString(), 'done\n')
  assert.equal((await kit.shell('read x; echo "P250-rc $?"')).stdout.toString(), 'P250-rc 1\n')
})

test('output beyond the limit is read on and thrown away', async (t) => {
  const kit = await startKit(t)
  const result = await kit.shell('head -c 100000000 /dev/zero | tr "\\0" x; echo end >&2')
  assert.equal(result.stdout.length, 256 * 1024)
  assert.equal(result.truncated, true)
  assert.equal(result.exit, 0)
  assert.equal(result.stderr, 'end\n')
  const exact = await kit.shell('printf 12345', { outputLimit: 5 })
  assert.equal(exact.truncated, false)
  const cut = await kit.shell('printf 123456', { outputLimit: 5 })
  assert.deepEqual([cut.stdout.toString(), cut.truncated], ['12345', true])
})

test('standard error is kept to 8 KiB, and opened by name', async (t) => {
  const kit = await startKit(t)
  const flood = await kit.shell('head -c 100000000 /dev/zero | tr "\\0" e >&2; echo out')
  assert.equal(flood.stderr, `${'e'.repeat(8192)}\n… ${100_000_000 - 8192} bytes more`)
  assert.equal(flood.stdout.toString(), 'out\n')
  const named = await kit.shell('echo one >/dev/stderr; echo two >/dev/stdout; printf "\\351\\n" >&2')
  assert.equal(named.stderr, 'one\n\udce9\n')
  assert.equal(named.stdout.toString(), 'two\n')
})

test('many at once, each with its own answer', async (t) => {
  const kit = await startKit(t)
  const numbers = Array.from({ length: 60 }, (_, index) => index)
  const results = await Promise.all(numbers.map((number) =>
    kit.shell('sleep 0.05; echo $X; echo e$X >&2', { env: { ...ENV, X: String(number) } })))
  assert.deepEqual(results.map((result) => result.stdout.toString() + result.stderr), numbers.map((number) => `${number}\ne${number}\n`))
})

test('300 runs leave no descriptor and no process behind', async (t) => {
  const kit = await startKit(t)
  kit.file('plugins/real', '#!/bin/sh\necho N\n')
  const count = (): number => readdirSync(`/proc/${kit.broker.pid}/fd`).length
  const runSome = async (): Promise<void> => {
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        kit.run({ text: 'plugins/real' }), kit.run({ text: 'plugins/none' }), kit.shell('echo $X', { env: { ...ENV, X: '\udce9' } }),
        kit.shell('exit 120'), kit.shell('kill -9 $$'), kit.shell('sleep 5', { timeoutMs: 20 }),
      ])
    }
  }
  await runSome()
  await until('the pipes of the first runs to close', () => count() < 120)
  const before = count()
  for (let times = 0; times < 5; times++) await runSome()
  await until('as few descriptors as before', () => count() <= before)
  const children = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).filter((pid) => parentOf(pid) === kit.broker.pid)
  assert.deepEqual(children, [])
  assert.equal(isAlive(kit.broker.pid!), true)
})

test('what stays in the background keeps its standard error', async (t) => {
  const kit = await startKit(t)
  const mark = join(kit.home, 'mark')
  const result = await kit.shell(`(sleep 0.2; echo late >&2; echo alive >${mark}) >/dev/null & echo now`)
  assert.equal(result.stdout.toString(), 'now\n')
  assert.equal(result.exit, 0)
  await until('the background program to survive its write', () => readdirSync(kit.home).includes('mark'))
})

test('after close nothing is started', async (t) => {
  const kit = await startKit(t)
  const pid = kit.broker.pid!
  const running = kit.shell('sleep 1000')
  await until('the program to run', () => readdirSync('/proc').some((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid))
  await kit.broker.close()
  assert.equal((await running).fault, 'broker died')
  assert.match((await kit.shell('true')).cannotStart!, /stopping/)
  assert.equal(isAlive(pid), false)
})

function parentOf(pid: string): number | undefined {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1])
  } catch {
    return undefined
  }
}

const NICE = 'read -r stat < /proc/$$/stat; set -- $stat; nice=${19}'
const behind = getPriority() >= 10 && 'these tests are behind all others themselves'

test('a program that computes goes behind all others; one that waits keeps its place', { skip: behind }, async (t) => {
  const kit = await startKit(t)
  const computing = await kit.shell(`nice=0; while [ $nice != 10 ]; do ${NICE}; done; echo $nice`)
  assert.equal(computing.stdout.toString().trim(), '10')
  const waiting = await kit.shell(`sleep 0.3; ${NICE}; echo $nice`)
  assert.equal(waiting.stdout.toString().trim(), String(getPriority()))
})

test('what starts while a crowd runs starts behind; what starts after it does not', { skip: behind }, async (t) => {
  const kit = await startKit(t)
  const waiting = `sleep 0.3; ${NICE}; echo $nice`
  const many = Array.from({ length: 2 * availableParallelism() }, () => kit.shell('sleep 1'))
  assert.equal((await kit.shell(waiting)).stdout.toString().trim(), '10')
  await Promise.all(many)
  assert.equal((await kit.shell(waiting)).stdout.toString().trim(), String(getPriority()))
  // Those that wait for something are no crowd for long.
  const waiters = Array.from({ length: 2 * availableParallelism() }, () => kit.shell('sleep 4'))
  await kit.shell('sleep 1.5')
  assert.equal((await kit.shell(waiting)).stdout.toString().trim(), String(getPriority()))
  await Promise.all(waiters)
})
