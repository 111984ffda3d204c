import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { findSessions, type TraceQuery } from './read.ts'
import { segmentPath } from './segments.ts'
import type { TraceEvent } from './types.ts'

let home: string
/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-read-'))
  mkdirSync(join(home, 'trace'))
  t.after(() => {
    rmSync(home, { recursive: true, force: true })
  })
}

const connect = (t: number, ip: string, host?: string): TraceEvent => ({
  t, event: 'connect', ip, port: 1, service: 'smtp', generation: 1, ...(host !== undefined && { host }),
})
const command = (t: number, line: string): TraceEvent => ({ t, event: 'command', line })
const message = (t: number, id: string, from: string, ...to: string[]): TraceEvent => ({ t, event: 'message', id, from, to, size: 1 })
const delivery = (t: number, id: string, to: string): TraceEvent => ({ t, event: 'delivery', id, to, status: 'delivered', text: '', ms: 1 })
const line = (session: string, ...events: TraceEvent[]): string => JSON.stringify({ session, at: events.at(-1)!.t, events })
const segment = (number: number, ...lines: string[]): void => { writeFileSync(
  segmentPath(join(home, 'trace'), number), lines.map((each) => `${each}\n`).join('')
) }

async function find(query: Partial<TraceQuery>): Promise<readonly (readonly [string, readonly number[]])[]> {
  return (await findSessions(home, { last: 1, ...query })).map(({ session, events }) => [session, events.map(({ t }) => t)] as const)
}

/** Two clients, interleaved over three segments; b's message is delivered long after. */
function story(): void {
  segment(
    1, line('a', connect(1, '192.0.2.1', 'mail.example.org'), command(2, 'HELO x')),
    line('b', connect(3, '2001:db8::1'), command(4, 'MAIL FROM:<bob@example.net>'), message(5, 'm-b', 'bob@example.net', 'ann@example.com'))
  )
  segment(
    2, line('a', command(6, 'MAIL FROM:<Ann@example.org>'), command(7, 'RCPT TO:<refused@example.com>')), '{"session":"a","cut', '', 'null',
    '{"session":"x"}', '{"session":"x","events":[null]}'
  )
  segment(
    3, line('a', message(8, 'm-a', 'Ann@example.org', 'cat@example.com')), line('b', delivery(9, 'm-b', 'ann@example.com')),
    line('c', connect(10, '192.0.2.3'))
  )
}

test('the newest session, and the newest few', async (t) => {
  begin(t)
  story()
  assert.deepEqual(await find({}), [['c', [10]]])
  assert.deepEqual(await find({ last: 2 }), [['c', [10]], ['b', [3, 4, 5, 9]]])
  assert.deepEqual((await find({ last: 99 })).map(([id]) => id), ['c', 'b', 'a'])
})

test('by session id, from all segments, in order of time', async (t) => {
  begin(t)
  story()
  assert.deepEqual(await find({ id: 'a' }), [['a', [1, 2, 6, 7, 8]]])
  assert.deepEqual(await find({ id: 'nobody' }), [])
})

test('by message id, with the deliveries', async (t) => {
  begin(t)
  story()
  assert.deepEqual(await find({ id: 'm-b' }), [['b', [3, 4, 5, 9]]])
  assert.deepEqual(await find({ id: 'm-a' }), [['a', [1, 2, 6, 7, 8]]])
})

test('by sender, recipient and client; refused commands count, case does not', async (t) => {
  begin(t)
  story()
  assert.deepEqual(await find({ from: 'ann@EXAMPLE' }), [['a', [1, 2, 6, 7, 8]]])
  assert.deepEqual(await find({ to: 'refused@' }), [['a', [1, 2, 6, 7, 8]]])
  assert.deepEqual((await find({ client: '2001:db8' })).map(([id]) => id), ['b'])
  assert.deepEqual((await find({ client: 'MAIL.example' })).map(([id]) => id), ['a'])
  assert.deepEqual((await find({ client: '192.0.2', last: 5 })).map(([id]) => id), ['c', 'a'])
  assert.deepEqual((await find({ client: '192.0.2', from: 'ann', to: 'cat', last: 5 })).map(([id]) => id), ['a'])
  assert.deepEqual(await find({ client: '192.0.2', from: 'bob' }), [])
})

test('a session whose beginning has left the ring is still shown', async (t) => {
  begin(t)
  segment(7, line('b', delivery(9, 'm-b', 'ann@example.com')))
  assert.deepEqual(await find({ id: 'm-b' }), [['b', [9]]])
})

test('no trace at all is an empty answer', async (t) => {
  begin(t)
  rmSync(join(home, 'trace'), { recursive: true })
  assert.deepEqual(await find({}), [])
})

test('lines that are JSON and not whole records are passed over, wherever they come from', async (t) => {
  begin(t)
  const kinds = ['connect', 'command', 'hook', 'fact', 'reply', 'message', 'delivery', 'close']
  segment(1, ...kinds.map((event) => JSON.stringify({ session: event, at: 1, events: [{ t: 1, event }] })),
    '{"session":"new","at":1,"events":[{"t":1,"event":"from a newer version"}]}', line('a', connect(1, '192.0.2.1')))
  assert.deepEqual(await find({ last: 20 }), [['a', [1]], ['new', [1]]])
  assert.deepEqual(await find({ last: 20, from: 'x' }), [])
})
