import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createTraceRecorder, type RecorderOptions } from './recorder.ts'
import type { TraceRecord } from './segments.ts'

let home: string
let said: string[]

/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-trace-'))
  said = []
  t.after(() => {
    rmSync(home, { recursive: true, force: true })
  })
}

function recorder(more: Partial<RecorderOptions> & { readonly maxBytes?: number } = {}) {
  const { maxBytes = 1_000_000, ...options } = more
  return createTraceRecorder({
    home, settings: {
      enabled: true, maxBytes, minFreeBytes: 1000,
    }, warn: (message) => { said.push(message) }, freeBytes: async () => 1_000_000, ...options,
  })
}

const files = (): readonly string[] => readdirSync(join(home, 'trace')).sort()
const total = (): number => files().reduce((sum, name) => sum + statSync(join(home, 'trace', name)).size, 0)
function records(): readonly TraceRecord[] {
  const lines = files().flatMap((name) => readFileSync(join(home, 'trace', name), 'utf8').split('\n'))
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TraceRecord)
}

test('a flush is one line: the session, the time, its events', async (t) => {
  begin(t)
  let now = 1000
  const trace = recorder({ now: () => now })
  const session = trace.session('s1')
  session.add({ event: 'command', line: 'HELO caf\udce9' })
  now = 1005
  session.add({ event: 'reply', text: '250 ok' })
  session.flush()
  session.flush()
  await trace.close()
  assert.deepEqual(records(), [{
    session: 's1', at: 1005, events: [{ t: 1000, event: 'command', line: 'HELO caf\udce9' }, { t: 1005, event: 'reply', text: '250 ok' }],
  }])
  assert.equal(statSync(join(home, 'trace')).mode & 0o777, 0o700)
  assert.equal(statSync(join(home, 'trace', files()[0]!)).mode & 0o777, 0o600)
  assert.deepEqual(said, [])
})

test('switched off, nothing is written', async (t) => {
  begin(t)
  const trace = recorder({ settings: { enabled: false, maxBytes: 1, minFreeBytes: 0 } })
  trace.session('s').add({ event: 'close', reason: 'x' })
  trace.session('s').flush()
  await trace.close()
  assert.throws(files)
})

test('the ring stays within its bytes and keeps the newest', async (t) => {
  begin(t)
  const trace = recorder({ maxBytes: 20_000 })
  for (let round = 0; round < 50; round++) {
    for (let each = 0; each < 10; each++) record(trace, `s${round}-${each}`, 'x'.repeat(50))
    await turn()
  }
  await trace.close()
  assert.ok(total() <= 20_000 && total() > 15_000, `${total()} bytes`)
  assert.equal(records().at(-1)?.session, 's49-9')
  assert.deepEqual(said, [])
})

test('a record larger than the ring is left out, and counted', async (t) => {
  begin(t)
  const trace = recorder({ maxBytes: 2000 })
  record(trace, 'small', 'x')
  record(trace, 'huge', 'x'.repeat(3000))
  record(trace, 'last', 'x')
  await trace.close()
  assert.deepEqual(records().map(({ session }) => session), ['small', 'last'])
  assert.deepEqual(said, ['the trace could not keep up; 1 records were left out'])
})

test('a new start goes on after the newest line, and a line that was cut short spoils no other', async (t) => {
  begin(t)
  const first = recorder()
  record(first, 's1', 'x')
  await first.close()
  appendFileSync(join(home, 'trace', files()[0]!), '{"session":"cut')
  const second = recorder()
  record(second, 's2', 'x')
  await second.close()
  assert.equal(files().length, 1)
  const lines = readFileSync(join(home, 'trace', files()[0]!), 'utf8').split('\n')
  assert.equal(lines[1], '{"session":"cut')
  assert.match(lines[2]!, /"s2"/)
})

test('a disk that is short: old segments go first, then recording stops, says so once, and resumes', async (t) => {
  begin(t)
  let free = 1_000_000
  let looks = 0
  let now = 0
  const disk = { maxBytes: 16_000, freeBytes: async () => (looks++, free), now: () => now, pause: 1000 }
  const trace = recorder(disk)
  for (let each = 0; each < 8; each++) record(trace, `s${each}`, 'x'.repeat(900))
  await trace.close()
  assert.ok(files().length > 4)
  free = 500
  const short = recorder(disk)
  record(short, 'lost-1', 'x')
  await until(() => said.length > 0)
  record(short, 'lost-2', 'x')
  assert.equal(files().length, 1)
  assert.match(said[0]!, /^the trace stops for now: 500 bytes are free on its disk, and it is set to leave 1000/)
  now = 1000
  looks = 0
  record(short, 'lost-3', 'x')
  await until(() => looks > 0)
  await turn()
  assert.equal(said.length, 1)
  free = 2000
  await until(() => {
    now += 1000
    record(short, 'kept', 'x')
    return said.length > 1
  })
  await short.close()
  assert.match(said[1]!, /^the trace records again; \d+ records were left out$/)
  assert.equal(said.length, 2)
  assert.equal(records().at(-1)?.session, 'kept')
})

test('a directory that cannot be written stops the trace and nothing else', async (t) => {
  begin(t)
  writeFileSync(join(home, 'trace'), 'a file where the directory should be')
  const trace = recorder()
  record(trace, 's1', 'x')
  await trace.close()
  record(trace, 's2', 'x')
  assert.equal(said.length, 1)
  assert.match(said[0]!, /^the trace stops for now: /)
})

test('what JSON cannot say is dropped, and throws nothing', async (t) => {
  begin(t)
  const trace = recorder()
  const session = trace.session('s')
  session.add({ event: 'reply', text: 1n as unknown as string })
  session.flush()
  record(trace, 'good', 'x')
  await trace.close()
  assert.deepEqual(records().map(({ session: id }) => id), ['good'])
})

test('a session that never flushes is flushed for it', async (t) => {
  begin(t)
  const trace = recorder()
  const session = trace.session('s')
  for (let each = 0; each < 1000; each++) session.add({ event: 'command', line: 'NOOP' })
  await trace.close()
  assert.deepEqual(records().map(({ events }) => events.length), [256, 256, 256])
})

test('faster than any disk: memory stays bounded, what found no room is counted', async (t) => {
  begin(t)
  const trace = recorder({ maxBytes: 100_000_000 })
  for (let each = 0; each < 40; each++) record(trace, `s${each}`, 'x'.repeat(1_000_000))
  await trace.close()
  assert.ok(records().length >= 10 && records().length < 40)
  assert.match(said[0]!, /could not keep up/)
})

test('other files in the directory are let alone', async (t) => {
  begin(t)
  mkdirSync(join(home, 'trace'))
  writeFileSync(join(home, 'trace', 'notes.txt'), 'mine')
  chmodSync(join(home, 'trace'), 0o755)
  const trace = recorder({ maxBytes: 100 })
  for (let each = 0; each < 10; each++) record(trace, `s${each}`, 'x')
  await trace.close()
  assert.equal(readFileSync(join(home, 'trace', 'notes.txt'), 'utf8'), 'mine')
  assert.equal(statSync(join(home, 'trace')).mode & 0o777, 0o700)
})

function record(trace: ReturnType<typeof recorder>, id: string, text: string): void {
  const session = trace.session(id)
  session.add({ event: 'command', line: text })
  session.flush()
}

function turn(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve) })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}
