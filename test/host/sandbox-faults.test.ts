/** What a plugin can do to its process, and what becomes of the call, of the others in it, and of the next one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fault, RunResult } from '../../core/host/types.ts'
import { requestOf } from './runtimes-kit.ts'
import { pluginText, sandboxKit } from './sandbox-kit.ts'

/** A plugin's handler for RCPT, and the fault it must end in. */
const CASES: readonly (readonly [name: string, handler: string, kinds: readonly Fault['kind'][], detail: RegExp])[] = [
  ['throws', "() => { throw new Error('oops') }", ['threw'], /^oops \(plugins\/bad\.ts:3\)$/],
  ['throws what is no error', '() => { throw { toString() { throw 1 } } }', ['threw'], /cannot be shown/],
  ['rejects later', "async ({ world }) => { await world.accounts.hasDomain('x'); throw new TypeError('late') }", ['threw'], /^TypeError: late \(plugins\/bad/],
  ['throws in a timer while it is asked', "() => new Promise(() => setTimeout(() => { throw new Error('tick') }, 5))", ['threw'], /in a timer: tick \(plugins\/bad/],
  ['never answers', '() => new Promise(() => {})', ['timed-out'], /no answer after 0\.4 s/],
  ['loops', '() => { for (;;); }', ['timed-out'], /no sign of life/],
  ['loops after an await', "async ({ world }) => { await world.accounts.find('x'); for (;;); }", ['timed-out'], /no sign of life/],
  ['loops in microtasks', 'async () => { for (;;) await null }', ['timed-out'], /no sign of life/],
  ['waits for a lock nobody opens', '() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)', ['threw'], /Atomics\.wait is not a function/],
  ['allocates a gigabyte at once', '() => { new Uint8Array(2 ** 30) }', ['threw'], /exceeds bufferAllocLimit/],
  ['allocates a gigabyte in parts', '() => { const all = []; for (let i = 0; i < 128; i++) all.push(new Uint8Array(2 ** 23).fill(1)); return all.length }',
    ['crashed', 'timed-out'], /more than 256 MiB|no sign of life/],
  ['leaks into a Map', '() => { const all = new Map(); for (let i = 0; ; i++) all.set(i, { i }) }', ['crashed', 'timed-out'], /its process ended by|no sign of life/],
  ['makes a string of half a gigabyte', "() => error('550 ' + 'x'.repeat(2 ** 28))", ['too-much-output', 'crashed', 'timed-out', 'threw'], /./],
  ['answers with 44 MB', "() => error('550 ' + 'x'.repeat(44e6))", ['too-much-output', 'timed-out', 'crashed'], /more than 131072 characters|no sign of life|its process ended by/],
  ['answers in a circle', '() => { const a = []; a.push(a); return a }', ['threw'], /circular/i],
  ['fills its stack', '() => { const f = () => f() + 1; return f() }', ['threw'], /call stack/],
  ['exits', '() => { process.exit(0) }', ['threw'], /process is not defined/],
  ['asks without end', "async ({ world }) => { for (;;) await world.accounts.hasDomain('x') }", ['threw'], /more than 1000 questions/],
  ['asks without waiting', "({ world }) => { for (;;) world.accounts.hasDomain('x') }", ['threw', 'timed-out', 'crashed'], /./],
  ['logs without end', "({ log }) => { for (;;) log.info('x') }", ['timed-out'], /no sign of life/],
  ['says something without end', '() => { for (;;) console.log("x") }', ['timed-out', 'crashed'], /./],
]

test('a plugin that misbehaves is answered by its fault, and its neighbour in the same process answers on', async (t) => {
  const kit = sandboxKit(t, { spare: true })
  kit.write({ 'plugins/good.ts': pluginText('good', "rcpt: async ({ world }) => { await world.sleep(0.2); return error('550 good') }, mail: () => error('550 at once'), needs: ['sleep']") })
  const good = await kit.line('rcpt', '@group=both plugins/good.ts')
  const atOnce = await kit.line('mail', '@group=both plugins/good.ts')
  for (const [name, handler, kinds, detail] of CASES) {
    await t.test(name, async () => {
      kit.write({ 'plugins/bad.ts': pluginText('bad', `rcpt: ${handler}`).replaceAll('\n\n', '\n') })
      const bad = await kit.line('rcpt', `@timeout=${name === 'never answers' ? '400ms' : '20s'},group=both plugins/bad.ts`)
      const neighbour = good.run(requestOf('rcpt'))
      const result = await bad.run(requestOf('rcpt'))
      assert.deepEqual(result.commands, [])
      assert.ok(result.fault !== undefined && kinds.includes(result.fault.kind), JSON.stringify(result.fault))
      assert.match(result.fault.detail, detail)
      assert.deepEqual(await neighbour, { commands: [{ kind: 'E', text: '550 good' }] } satisfies RunResult)
      assert.deepEqual(await atOnce.run(requestOf('mail')), { commands: [{ kind: 'E', text: '550 at once' }] } satisfies RunResult)
    })
  }
})
