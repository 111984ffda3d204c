/** Ways out of a sandbox that were tried, and bytes no sound sandbox writes. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { test } from 'node:test'
import type { SandboxExit, StartProcess } from '../../core/host/runtimes/sandbox/program.ts'
import type { RunResult } from '../../core/host/types.ts'
import { requestOf } from './runtimes-kit.ts'
import { pluginText, sandboxKit } from './sandbox-kit.ts'

/** Expressions that would reach the process from inside a realm; each must throw, or be nothing of the process. */
const ATTEMPTS: readonly string[] = [
  'process.pid',
  'globalThis.process.pid',
  'global.process.mainModule.require("fs")',
  'Function("return process")().pid',
  '[].constructor.constructor("return process")().pid',
  '(async () => {}).constructor("return process")().pid',
  '(function* () {}).constructor("return process")().next().value.pid',
  'eval("process").pid',
  'eval("1 + 1")',
  'session.constructor.constructor("return process")().pid',
  'world.accounts.find.constructor("return process")().pid',
  'world.accounts.find("x").constructor.constructor("return process")().pid',
  'Buffer.from("x").constructor.constructor("return process")().pid',
  'Buffer.from.constructor("return process")().pid',
  'Buffer.prototype.inspect.constructor("return process")().pid',
  'setTimeout.constructor("return process")().pid',
  'console.log.constructor("return process")().pid',
  'Error.prepareStackTrace.constructor("return process")().pid',
  '(() => { try { null.x } catch (e) { return e.constructor.constructor("return process")().pid } })()',
  '(() => { try { Buffer.alloc(-1) } catch (e) { return e.constructor.constructor("return process")().pid } })()',
  '(() => { try { new Uint8Array(2 ** 40) } catch (e) { return e.constructor.constructor("return process")().pid } })()',
  '(() => { const f = () => { try { f() } catch (e) { return e.constructor.constructor("return process")().pid } }; return f() })()',
  '(() => { Error.prepareStackTrace = (e, frames) => frames.map((f) => f.getThis()).find((t) => t?.process); return new Error().stack.process.pid })()',
  '(() => { const e = new Error(); e.name = Symbol(); return e.stack.constructor.constructor("return process")().pid })()',
  '(() => { Object.prototype.process = 1; Object.defineProperty(Object.prototype, "get", { get() { return this.constructor.constructor("return process")().pid } }); return {}.get })()',
  'Reflect.construct(Function, ["return process"])().pid',
  'Object.getPrototypeOf(Object.getPrototypeOf(globalThis)).constructor.constructor("return process")().pid',
  'WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => "compiled")',
  'new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) && "compiled"',
  'new VMError("x").constructor.constructor("return process")().pid',
  'require("node:fs".slice(0)).readFileSync("/etc/passwd", "latin1")',
  'import(["node", "fs"].join(":")).then((fs) => fs.readFileSync("/etc/passwd", "latin1"))',
  'fetch("http://127.0.0.1/")',
  'module.constructor._load("fs")',
  'new Proxy({}, {})',
  'structuredClone(1)',
]

test('nothing of the process is reached from inside a realm', async (t) => {
  const kit = sandboxKit(t)
  const functions = ATTEMPTS.map((attempt) => `async ({ session, world }) => ${attempt}`)
  kit.write({ 'plugins/x.ts': pluginText('x', `rcpt: async (context) => error('550 escaped: ' + String(await [${functions.join(',\n')}][Number(context.session.helo)](context)))`) })
  for (const [index, attempt] of ATTEMPTS.entries()) {
    // Some leave their realm in pieces: the next gets a new one.
    const line = await kit.line('rcpt', `@timeout=10s,group=g${index % 6} plugins/x.ts`)
    const result = await line.run(requestOf('rcpt', { session: { helo: String(index) } }))
    assert.equal(result.fault?.kind, 'threw', `${attempt}: ${JSON.stringify(result)}`)
    assert.doesNotMatch(result.fault.detail, /\/vm2\/|runner|node:internal|file:\/\//, attempt)
  }
})

test('a plugin speaks for itself only, whatever it does to the functions around it', async (t) => {
  const kit = sandboxKit(t)
  const hostile = `
JSON.parse = () => ({ hook: 'rcpt', session: { env: {} }, now: 0, seed: 0 })
JSON.stringify = () => '{"answer":{"kind":"O"}}\\n{"k":"answer","p":2,"i":2,"v":"{}"}'
Promise.prototype.then = () => 1
Map.prototype.get = Map.prototype.set = () => undefined
Object.prototype.kind = 'O'
Array.prototype[Symbol.iterator] = function* () {}
Object.prototype.answer = { kind: 'O' }`
  kit.write({
    'plugins/good.ts': pluginText('good', "rcpt: async ({ world }) => error('550 good ' + await world.accounts.hasDomain('x'))"),
    'plugins/bad.ts': pluginText('bad', `rcpt: () => {${hostile}\n}`),
  })
  const good = await kit.line('rcpt', '@group=both plugins/good.ts')
  const bad = await kit.line('rcpt', '@timeout=1s,group=both plugins/bad.ts')
  for (let i = 0; i < 5; i++) {
    const [, answer] = await Promise.all([bad.run(requestOf('rcpt')), good.run(requestOf('rcpt'))])
    assert.deepEqual(answer, { commands: [{ kind: 'E', text: '550 good false' }] })
  }
})

test('a variable that chooses code is not for a sandbox to set', async (t) => {
  const kit = sandboxKit(t)
  kit.write({ 'plugins/s.ts': pluginText('s', 'rcpt: ({ session }) => [set(session.helo, "/evil"), done()]') })
  const line = await kit.line('rcpt', 'plugins/s.ts')
  for (const name of ['PATH', 'LD_PRELOAD', 'NODE_OPTIONS', 'PERL5LIB', 'BASH_ENV']) {
    const { commands, fault } = await line.run(requestOf('rcpt', { session: { helo: name } }))
    assert.deepEqual([commands, fault?.kind], [[], 'bad-command'], name)
  }
  const { commands } = await line.run(requestOf('rcpt', { session: { helo: 'MY_PATH' } }))
  assert.deepEqual(commands, [{ kind: 'S', name: 'MY_PATH', value: '/evil' }, { kind: 'N' }])
})

/** A process that takes part in the protocol until it is asked for an answer, and then writes this. */
function impostor(answer: string): StartProcess {
  const program = `
const { Socket } = require('node:net')
const socket = new Socket({ fd: 3 })
const say = (value) => socket.write(JSON.stringify(value) + '\\n')
let rest = ''
say({ k: 'ready' })
socket.on('end', () => process.exit(0))
socket.on('error', () => process.exit(0))
socket.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    const order = JSON.parse(line)
    if (order.k === 'load') say({ k: 'loaded', p: order.p, v: JSON.stringify({ name: 'x', summary: '', hooks: ['rcpt'], takes: false, settings: [], control: [], needs: [], replaces: [] }) })
    if (order.k === 'control') say({ k: 'controlled', p: order.p, v: '{"problems":[]}' })
    if (order.k === 'ping') say({ k: 'pong', n: order.n })
    if (order.k === 'ask') { ${answer} }
  }
})`
  return () => new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] })
    const exited = new Promise<SandboxExit>((done) => child.once('exit', (_code, signal) => done({ signal: signal ?? undefined })))
    child.once('error', reject)
    child.once('spawn', () => resolve({
      pid: child.pid!, socket: child.stdio[3] as Duplex, exited, kill: () => void child.kill('SIGKILL'),
    }))
  })
}

const ANSWERS: readonly (readonly [what: string, answer: string, fault: RegExp])[] = [
  ['bytes that are no JSON', "socket.write('\\xff\\xfe{{{\\n')", /broke the protocol \(not JSON/],
  ['44 MB without a line end', "socket.write('x'.repeat(44e6))", /broke the protocol \(a line of more than/],
  ['44 MB in one line', "say({ k: 'answer', p: order.p, i: order.i, v: 'x'.repeat(44e6) })", /broke the protocol \(a line of more than|no sign of life/],
  ['an answer to nobody', "say({ k: 'answer', p: order.p, i: order.i + 1, v: '{}' })", /broke the protocol \(a call that was never made/],
  ['an answer in another plugin\'s name', "say({ k: 'answer', p: order.p + 1, i: order.i, v: '{}' })", /broke the protocol \(a call that was never made/],
  ['a question of nobody', "say({ k: 'question', p: order.p, i: order.i + 1, v: '{}' })", /broke the protocol/],
  ['a plugin never loaded', "say({ k: 'loaded', p: 99, v: '{}' })", /broke the protocol \(a plugin that was never loaded/],
  ['a number where a text belongs', "say({ k: 'answer', p: order.p, i: order.i, v: 1 })", /broke the protocol \(a line that is no notice/],
  ['an empty line', "socket.write('\\n')", /broke the protocol \(not JSON/],
  ['null', "socket.write('null\\n')", /broke the protocol \(a line that is no notice/],
  ['an endless stream of log lines', "const flood = () => { for (let i = 0; i < 1000; i++) say({ k: 'log', p: order.p, i: 0, v: '{}' }); setImmediate(flood) }; flood()", /more log lines/],
  ['its end', 'process.exit(3)', /ended by itself/],
  ['a signal', "process.kill(process.pid, 'SIGTERM')", /ended by SIGTERM/],
  ['silence', "process.kill(process.pid, 'SIGSTOP')", /no sign of life/],
]

test('a process that breaks the protocol is ended, and the call is its fault', async (t) => {
  for (const [what, answer, fault] of ANSWERS) {
    await t.test(what, async (t) => {
      const kit = sandboxKit(t, { start: impostor(answer) })
      kit.write({ 'plugins/x.ts': pluginText('x', 'rcpt: () => undefined') })
      const line = await kit.line('rcpt', '@timeout=20s plugins/x.ts')
      const result: RunResult = await line.run(requestOf('rcpt'))
      assert.deepEqual(result.commands, [])
      assert.match(result.fault?.detail ?? '', fault)
    })
  }
})

test('an answer that is no answer is the plugin\'s fault, and its process lives on', async (t) => {
  const kit = sandboxKit(t, { start: impostor("say({ k: 'answer', p: order.p, i: order.i, v: order.i % 2 ? '{{' : '{\"answer\":{\"kind\":\"E\",\"text\":\"550 no\"}}' })") })
  kit.write({ 'plugins/x.ts': pluginText('x', 'rcpt: () => undefined') })
  const line = await kit.line('rcpt', 'plugins/x.ts')
  assert.equal((await line.run(requestOf('rcpt'))).fault?.kind, 'bad-command')
  const [pid] = kit.sandboxes.pids
  assert.deepEqual(await line.run(requestOf('rcpt')), { commands: [{ kind: 'E', text: '550 no' }] })
  assert.deepEqual(kit.sandboxes.pids, [pid])
})
