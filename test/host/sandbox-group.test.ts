/** Processes of sandboxes: who shares one, what outlives its end, what is asked again, and that none is left behind. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'node:test'
import { Broker } from '../../core/host/children/broker.ts'
import { startHere, startThrough, type SandboxProcess, type StartProcess } from '../../core/host/runtimes/sandbox/program.ts'
import { readSettings } from '../../core/host/runtimes/sandbox.ts'
import type { Lease } from '../../core/host/runtimes/sandbox/unit.ts'
import { error, ok } from '../../core/plugin/index.ts'
import { testMessage } from '../../core/plugin/testing/index.ts'
import type { Line, RunResult } from '../../core/host/types.ts'
import { requestOf } from './runtimes-kit.ts'
import { account, pluginText, sandboxKit } from './sandbox-kit.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'

const UNASKED = noAccounts(() => Promise.reject(new Error('this is not asked here')))

/** Starts processes and keeps count of them. */
function counted(start: StartProcess = startHere('/')): { readonly start: StartProcess; readonly all: SandboxProcess[] } {
  const all: SandboxProcess[] = []
  return {
    all,
    async start(program) {
      const started = await start(program)
      all.push(started)
      return started
    },
  }
}

const LOOPS = "rcpt: ({ session }) => { if (session.helo === 'loop') for (;;); return error('550 bad') }"

test('a process for each plugin, one for all of a group', async (t) => {
  const kit = sandboxKit(t)
  kit.write({ 'plugins/a.ts': pluginText('a', 'rcpt: () => ok()'), 'plugins/b.ts': pluginText('b', 'rcpt: () => ok()') })
  const held: Line[] = []
  const ask = async (list: readonly string[], processes: number): Promise<void> => {
    for (const text of list) {
      const line = await kit.line('rcpt', text)
      held.push(line)
      assert.deepEqual(await line.run(requestOf('rcpt')), { commands: [ok()] })
    }
    assert.equal(kit.sandboxes.pids.length, processes)
  }
  await ask(['plugins/a.ts', 'plugins/b.ts', '@timeout=5s plugins/b.ts'], 2)
  await ask(['@group=both plugins/a.ts', '@group=both plugins/b.ts'], 3)
  await ask(['@group=alone plugins/b.ts'], 4)
  kit.write({ 'plugins/a.ts': pluginText('a', 'rcpt: () => (0, ok())') })
  await ask(['plugins/a.ts'], 4)
  assert.equal(kit.sandboxes.size, 6)
  assert.equal(held.length, 7)
})

test('what a plugin does to its process costs its neighbour nothing', async (t) => {
  const kit = sandboxKit(t, { spare: true })
  kit.write({ 'plugins/bad.ts': pluginText('bad', LOOPS), 'plugins/good.ts': pluginText('good', 'rcpt: () => ok()') })
  const bad = await kit.line('rcpt', 'plugins/bad.ts')
  const good = await kit.line('rcpt', 'plugins/good.ts')
  assert.deepEqual(await good.run(requestOf('rcpt')), { commands: [ok()] })
  const before = kit.sandboxes.pids
  let looping = true
  const loop = Promise.resolve(bad.run(requestOf('rcpt', { session: { helo: 'loop' } }))).finally(() => { looping = false })
  let answers = 0
  while (looping) {
    assert.deepEqual(await good.run(requestOf('rcpt')), { commands: [ok()] })
    answers++
  }
  assert.equal((await loop).fault?.kind, 'timed-out')
  assert.ok(answers > 1, 'asked and answered meanwhile')
  assert.equal(kit.sandboxes.pids.filter((pid) => before.includes(pid)).length, 1)
  assert.deepEqual(kit.logged.filter((line) => line.includes('process')), [
    kit.logged.find((line) => /^warn the sandbox's process of plugins\/bad\.ts gave no sign of life for \d+ ms and was killed, while bad was asked$/.test(line)),
  ])
})

test('a process that came for a plugin nobody wants any more is ended', async (t) => {
  const { start, all } = counted()
  const kit = sandboxKit(t, { start, spare: true })
  kit.write({ 'plugins/a.ts': pluginText('a', 'rcpt: () => ok()') })
  const { lease } = await kit.load('plugins/a.ts')
  lease!.release()
  assert.equal(kit.sandboxes.size, 0)
  await Promise.all(all.map(({ exited }) => exited))
  assert.deepEqual(kit.sandboxes.pids, [])
})

test('a plugin that computes goes behind all others', { skip: getPriority() >= 10 && 'these tests are behind all others themselves' }, async (t) => {
  const kit = sandboxKit(t, { limits: { heartbeatMs: 60_000, silenceMs: 60_000 } })
  kit.write({ 'plugins/bad.ts': pluginText('bad', LOOPS) })
  const bad = await kit.line('rcpt', '@timeout=2m plugins/bad.ts')
  await bad.run(requestOf('rcpt'))
  const [pid] = kit.sandboxes.pids
  assert.equal(getPriority(pid), getPriority())
  const loop = bad.run(requestOf('rcpt', { session: { helo: 'loop' } }))
  await until(() => getPriority(pid) === 10)
  await kit.sandboxes.close()
  assert.equal((await loop).fault?.kind, 'unavailable')
})

test('calls in flight when a neighbour loops are asked again, except those that had an effect', async (t) => {
  const kit = sandboxKit(t, { spare: true })
  kit.write({
    'plugins/bad.ts': pluginText('bad', LOOPS),
    'plugins/good.ts': pluginText('good', "needs: ['sleep', 'mailbox'], deliver: async ({ world, message, session }) => { if (session.helo === 'deliver') await world.mailbox.deliver(await world.accounts.find('x'), message, { reversePath: '', recipient: '' }); await world.accounts.hasDomain('x'); return ok() }"),
  })
  const waiting: (() => void)[] = []
  let deliveries = 0
  let asked = 0
  const facts = {
    accounts: { ...UNASKED, find: async () => account, hasDomain: () => new Promise<boolean>((resolve) => { asked += 1; waiting.push(() => resolve(true)) }) },
    mailbox: { deliver: async () => { deliveries += 1; return 'new/1' } },
  }
  const bad = await kit.line('rcpt', '@group=both plugins/bad.ts')
  const good = await kit.line('deliver', '@group=both plugins/good.ts', { facts })
  const message = testMessage()
  const pure = [1, 2, 3].map(() => good.run(requestOf('deliver', { message })))
  const effective = good.run(requestOf('deliver', { message, session: { helo: 'deliver' } }))
  await until(() => asked === 4)
  const [before] = kit.sandboxes.pids
  const [guilty, innocent] = await Promise.all([
    bad.run(requestOf('rcpt', { session: { helo: 'loop' } })), bad.run(requestOf('rcpt')),
  ])
  assert.equal(guilty.fault?.kind, 'timed-out')
  assert.deepEqual(innocent, { commands: [error('550 bad')] }, 'another call of the same plugin')
  await until(() => asked === 7)
  for (const answer of waiting.splice(0)) answer()
  for (const call of pure) assert.deepEqual(await call, { commands: [ok()] })
  assert.deepEqual((await effective).fault, { kind: 'crashed', detail: 'its process ended because of another plugin' })
  assert.equal(deliveries, 1)
  assert.notEqual(kit.sandboxes.pids[0], before)
})

test('a plugin that has ended the process it shared has one of its own, until it is edited', async (t) => {
  const kit = sandboxKit(t, { spare: true })
  kit.write({ 'plugins/bad.ts': pluginText('bad', LOOPS), 'plugins/good.ts': pluginText('good', 'rcpt: () => ok()') })
  const bad = await kit.line('rcpt', '@group=both plugins/bad.ts')
  const good = await kit.line('rcpt', '@group=both plugins/good.ts')
  const loop = requestOf('rcpt', { session: { helo: 'loop' } })
  assert.equal((await bad.run(loop)).fault?.kind, 'timed-out')
  assert.deepEqual(await good.run(requestOf('rcpt')), { commands: [ok()] })
  const [shared] = kit.sandboxes.pids
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await bad.run(requestOf('rcpt')), { commands: [error('550 bad')] })
    assert.equal(kit.sandboxes.pids.length, 2)
    assert.equal((await bad.run(loop)).fault?.kind, 'timed-out')
    assert.deepEqual(kit.sandboxes.pids, [shared], 'the neighbour does not notice')
    assert.deepEqual(await good.run(requestOf('rcpt')), { commands: [ok()] })
  }
  assert.equal(kit.logged.filter((line) => line.includes('bad ended the process it shared')).length, 1)
  kit.write({ 'plugins/bad.ts': pluginText('bad', "rcpt: () => error('550 mended')") })
  const mended = await kit.line('rcpt', '@group=both plugins/bad.ts')
  assert.deepEqual(await mended.run(requestOf('rcpt')), { commands: [error('550 mended')] })
  assert.deepEqual(kit.sandboxes.pids, [shared], 'an edit gives it another chance')
})

test('a plugin that keeps ending its process rests; its neighbour does not', async (t) => {
  const kit = sandboxKit(t, { spare: true, limits: { restarts: 3, restMs: 300 } })
  kit.write({ 'plugins/bad.ts': pluginText('bad', LOOPS), 'plugins/good.ts': pluginText('good', 'rcpt: () => ok()') })
  const bad = await kit.line('rcpt', 'plugins/bad.ts')
  const good = await kit.line('rcpt', 'plugins/good.ts')
  const loop = requestOf('rcpt', { session: { helo: 'loop' } })
  for (let i = 0; i < 3; i++) assert.equal((await bad.run(loop)).fault?.kind, 'timed-out')
  const resting = await bad.run(requestOf('rcpt'))
  assert.equal(resting.fault?.kind, 'unavailable')
  assert.match(resting.fault.detail, /bad has ended its process too often/)
  assert.deepEqual(await good.run(requestOf('rcpt')), { commands: [ok()] })
  assert.equal(kit.logged.filter((line) => line.includes('is not asked for')).length, 1)
  await wait(320)
  assert.deepEqual(await bad.run(requestOf('rcpt')), { commands: [error('550 bad')] }, 'one call tries it')
  assert.ok(kit.logged.includes('info the plugin bad answers again'))
})

test('no process to be had: the fault says so, and after a few tries none is tried for a while', async (t) => {
  let broken = false
  let tries = 0
  const kit = sandboxKit(t, {
    limits: { restarts: 2, restMs: 60_000 },
    start: (program) => {
      tries += 1
      return broken ? Promise.reject(new Error('EAGAIN')) : startHere('/')(program)
    },
  })
  kit.write({ 'plugins/a.ts': pluginText('a', 'rcpt: () => ok()') })
  const line = await kit.line('rcpt', 'plugins/a.ts')
  broken = true
  assert.deepEqual((await line.run(requestOf('rcpt'))).fault, { kind: 'cannot-start', detail: 'EAGAIN' })
  assert.deepEqual((await line.run(requestOf('rcpt'))).fault, { kind: 'cannot-start', detail: 'EAGAIN' })
  const before = tries
  assert.equal((await line.run(requestOf('rcpt'))).fault?.kind, 'unavailable')
  assert.equal(tries, before)
  const load = await kit.load('plugins/none.ts')
  assert.match(load.problems[0]!.reason, /no such file/)
  kit.write({ 'plugins/b.ts': pluginText('b', 'rcpt: () => ok()') })
  assert.match((await kit.load('plugins/b.ts')).problems[0]!.reason, /its process does not start: EAGAIN/)
})

test('more plugins than a process has seats for are dropped and loaded again as they are asked', async (t) => {
  const kit = sandboxKit(t, { limits: { seats: 3, seatIdleMs: 0, dropsPerProcess: 1000 } })
  const lines: Line[] = []
  for (let i = 0; i < 10; i++) {
    kit.write({ 'plugins/a.ts': pluginText('a', `rcpt: () => error('550 ${i}')`) })
    lines.push(await kit.line('rcpt', 'plugins/a.ts'))
  }
  for (let round = 0; round < 3; round++) {
    const answers: readonly RunResult[] = await Promise.all(lines.map((line) => line.run(requestOf('rcpt'))))
    assert.deepEqual(answers, lines.map((_, i) => ({ commands: [error(`550 ${i}`)] })))
    for (const [i, line] of lines.entries()) assert.deepEqual(await line.run(requestOf('rcpt')), { commands: [error(`550 ${i}`)] })
  }
  assert.equal(kit.sandboxes.pids.length, 1)
})

test('an edit is a new text beside the old one; who is let go leaves nothing behind', async (t) => {
  const { start, all } = counted()
  const kit = sandboxKit(t, { start, spare: true, limits: { dropsPerProcess: 5 } })
  const leases = []
  const lines = []
  for (let i = 0; i < 12; i++) {
    kit.write({ 'plugins/a.ts': pluginText('a', `rcpt: () => error('550 ${i}')`) })
    const line = await kit.line('rcpt', 'plugins/a.ts')
    const { lease } = await kit.load('plugins/a.ts')
    leases.push(lease!)
    lines.push(line)
    assert.deepEqual(await line.run(requestOf('rcpt')), { commands: [error(`550 ${i}`)] })
    assert.deepEqual(await line.run(requestOf('rcpt')), { commands: [error(`550 ${i}`)] })
  }
  assert.equal(kit.sandboxes.size, 12)
  kit.write({ 'plugins/a.ts': 'this is no TypeScript' })
  assert.equal((await kit.load('plugins/a.ts')).lease, undefined)
  assert.equal(kit.sandboxes.size, 12, 'a failed load changes nothing')
  for (const lease of leases) {
    lease.release()
    lease.release()
  }
  assert.equal(kit.sandboxes.size, lines.length, 'the lines hold them still')
  await kit.sandboxes.close()
  await Promise.all(all.map(({ exited }) => exited))
  for (const { pid } of all) assert.ok(!existsSync(`/proc/${pid}`), String(pid))
})

test('leases that are let go drop their text, and the last one the process', async (t) => {
  const { start, all } = counted()
  const kit = sandboxKit(t, { start, limits: { dropsPerProcess: 3 } })
  const pids = new Set<number>()
  const held: Lease[] = []
  for (let i = 0; i < 8; i++) {
    kit.write({ 'plugins/a.ts': pluginText('a', `settings: { N: api.count('n') }, rcpt: () => error('550 ${i}')`), 'plugins/b.ts': pluginText('b', 'rcpt: () => ok()') })
    const b = await kit.load('plugins/b.ts')
    const { lease } = await kit.load('plugins/a.ts')
    assert.deepEqual(await readSettings(lease!, [['N', '1']]), [undefined])
    assert.deepEqual(await readSettings(b.lease!, [['N', '1']]), [undefined])
    for (const pid of kit.sandboxes.pids) pids.add(pid)
    lease!.release()
    if (i > 0) b.lease!.release()
    else held.push(b.lease!)
    assert.equal(kit.sandboxes.size, held.length)
  }
  assert.ok(pids.size >= 2, 'a process is not kept for ever')
  await kit.sandboxes.close()
  for (const { exited, pid } of all) {
    await exited
    assert.ok(!existsSync(`/proc/${pid}`))
  }
})

test('as the server starts them: through the broker, whose death is nobody\'s fault', async (t) => {
  const logged: string[] = []
  const log = { info: () => undefined, warn: (message: string) => void logged.push(message) }
  const broker = await Broker.start({ log })
  t.after(() => broker.close())
  const { start, all } = counted(startThrough(broker, log))
  const kit = sandboxKit(t, { start, spare: true })
  kit.write({ 'plugins/a.ts': pluginText('a', "rcpt: async ({ world, session }) => { if (session.helo === 'leak') { const all = []; for (;;) all.push({ all }) } await world.accounts.hasDomain('x'); return ok() }") })
  let asked = 0
  const facts = { accounts: { ...UNASKED, find: async () => account, hasDomain: async () => { asked += 1; await wait(asked === 1 ? 60_000 : 0, true, { ref: false }); return true } } }
  const line = await kit.line('rcpt', 'plugins/a.ts', { facts })
  const call = line.run(requestOf('rcpt'))
  await until(() => asked === 1)
  process.kill(broker.pid!, 'SIGKILL')
  assert.deepEqual(await call, { commands: [ok()] }, 'asked once more')
  const leak = await line.run(requestOf('rcpt', { session: { helo: 'leak' } }))
  assert.match(leak.fault?.detail ?? '', /ended by SIGABRT, as at the end of its 64 MiB of heap|gave no sign of life/)
  await kit.sandboxes.close()
  // Whose broker died has another parent now, who buries it when he likes.
  for (const { pid } of all) await until(() => !runs(pid))
})

function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5)
}
