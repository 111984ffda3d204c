import assert from 'node:assert/strict'
import { test } from 'node:test'
import { behindBreaker, Breaker } from './breaker.ts'
import type { HookRequest, Line, RunResult } from './types.ts'

test('twenty failures in a row open it, a success in between does not', () => {
  let now = 0
  const breaker = new Breaker(() => now)
  for (let i = 0; i < 19; i++) breaker.failed()
  breaker.succeeded()
  for (let i = 0; i < 19; i++) assert.equal(breaker.failed(), undefined)
  assert.equal(breaker.state, 'closed')
  assert.equal(breaker.failed(), 5000)
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.admit(), false)
  now = 5000
  assert.equal(breaker.state, 'half-open')
})

test('after the rest one call tries it; a failure makes the next rest longer, up to five minutes, a success ends it', () => {
  let now = 0
  const breaker = new Breaker(() => now)
  for (let i = 0; i < 20; i++) breaker.failed()
  let last = 5000
  for (let i = 0; i < 10; i++) {
    now += last
    assert.equal(breaker.admit(), true)
    assert.equal(breaker.admit(), false, 'one caller only')
    const rest = breaker.failed()
    assert.equal(rest, Math.min(last * 2, 300_000))
    last = rest!
  }
  now += last
  assert.equal(breaker.admit(), true)
  breaker.abandoned()
  assert.equal(breaker.admit(), true, 'a probe whose client left gives its place back')
  assert.equal(breaker.succeeded(), true)
  assert.equal(breaker.state, 'closed')
  assert.equal(breaker.succeeded(), false)
})

test('calls that were running when it opened do not lengthen the rest', () => {
  const breaker = new Breaker(() => 0)
  for (let i = 0; i < 20; i++) breaker.failed()
  assert.equal(breaker.failed(), undefined)
  assert.equal(breaker.state, 'open')
})

test('a line behind it is not asked while it is open, its onerror answers, and the log says so once', () => {
  let now = 0
  let asked = 0
  let answer: RunResult = { commands: [], fault: { kind: 'crashed', detail: 'SIGKILL' } }
  const logged: string[] = []
  const log = { info: (message: string) => { logged.push(message) }, warn: (message: string) => { logged.push(message) } }
  const line = {
    hook: 'rcpt', text: 'plugins/x', file: 'control/smtpplugins', number: 3, options: {}, runtime: 'program', name: 'x',
    run: () => {
      asked += 1
      return answer
    },
  } satisfies Line
  const guarded = behindBreaker(line, log, () => now)
  const request = {} as HookRequest
  for (let i = 0; i < 20; i++) guarded.run(request)
  assert.equal(asked, 20)
  const resting = guarded.run(request) as RunResult
  assert.deepEqual([asked, resting.fault?.kind, guarded.breaker?.()], [20, 'unavailable', 'open'])
  now = 5000
  answer = { commands: [{ kind: 'N' }] }
  assert.deepEqual(guarded.run(request), answer)
  assert.deepEqual([asked, guarded.breaker?.()], [21, 'closed'])
  assert.equal(logged.length, 2)
  assert.match(logged[0]!, /control\/smtpplugins:3 plugins\/x: failed .*crashed.*5 s/)
  assert.match(logged[1]!, /answers again/)
})

test('a fact that cannot be had, or a client that left, is not the line\'s failure', () => {
  const line = {
    hook: 'rcpt', text: 'x', file: 'f', number: 1, options: {}, runtime: 'inline', name: 'x',
    run: () => ({ commands: [], fault: { kind: 'unavailable', detail: 'the database' } }),
  } satisfies Line
  const guarded = behindBreaker(line, { info: () => {}, warn: () => {} })
  for (let i = 0; i < 100; i++) guarded.run({} as HookRequest)
  assert.equal(guarded.breaker?.(), 'closed')
})
