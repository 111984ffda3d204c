import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from '../../protocol/spp/command.ts'
import type { LineOptions } from '../../protocol/spp/list.ts'
import type { Hook, Session } from '../plugin/plugin.ts'
import type { NewTraceEvent } from '../trace/types.ts'
import { askChain, settle, type SppState } from './chain.ts'
import type { Fault, HookRequest, Line, RunResult } from './types.ts'

const text = (kind: 'E' | 'R' | 'P' | 'H' | 'LM' | 'LR' | 'LD', value: string): Command => ({ kind, text: value })
const word = (kind: 'A' | 'N' | 'O' | 'D'): Command => ({ kind })
const set = (name: string, value: string): Command => ({ kind: 'S', name, value })

let asked: string[] = []

function line(answer: RunResult | (() => RunResult | Promise<RunResult>), options: LineOptions = {}, hook: Hook = 'rcpt', name = 'plugins/x'): Line {
  return {
    hook, text: name, file: 'control/smtpplugins', number: 1, options, runtime: 'program', name,
    run: () => {
      asked.push(name)
      return typeof answer === 'function' ? answer() : answer
    },
  }
}

const says = (...commands: Command[]): RunResult => ({ commands })
const fails = (fault: Fault, ...commands: Command[]): RunResult => ({ commands, fault })
const CRASH: Fault = { kind: 'crashed', detail: 'SIGKILL' }

function recorder(): SppState & { readonly log: string[] } {
  const log: string[] = []
  return {
    log, off: false,
    setVariable: (name, value) => { log.push(`S${name}=${value}`) },
    unsetVariable: (name) => { log.push(`U${name}`) },
    addHeader: (_hook, value) => { log.push(`H${value}`) },
    deferError: (kind, value) => { log.push(`${kind}${value}`) },
    changeAddress: (hook, address) => { log.push(`C${hook} ${address}`) },
  }
}

function request(hook: Hook = 'rcpt', events: NewTraceEvent[] = []): HookRequest {
  return {
    hook, session: {} as Session, signal: new AbortController().signal,
    trace: { id: 't', add: (event) => { events.push(event) }, flush: () => {} },
  }
}

test('every command leads where spp-protocol 5 says', () => {
  const rows: readonly [commands: Command[], outcome: string, replies: string[], applied: string[]][] = [
    [[], 'next', [], []],
    [[word('N')], 'go-on', [], []],
    [[word('A')], 'go-on', [], ['A']],
    [[word('O')], 'skip-checks', [], []],
    [[word('D')], 'hang-up', [], []],
    [[text('E', '550 no')], 'refuse', ['550 no'], []],
    [[text('R', '421 bye')], 'hang-up', ['421 bye'], []],
    [[text('P', '250-one')], 'next', ['250-one'], []],
    [[text('P', '550-one'), text('E', '550 two'), text('P', '250-three')], 'refuse', ['550-one', '550 two'], []],
    [[text('H', 'X: y'), { kind: 'C', address: 'a@b' }, set('A', 'b'), { kind: 'U', name: 'C' }, text('LR', '450 later')], 'next', [], ['H', 'C', 'S', 'U', 'LR']],
    [[set('A', 'b'), word('N'), set('C', 'd')], 'go-on', [], ['S']],
  ]
  for (const compat of [true, false]) {
    for (const [commands, outcome, replies, applied] of rows) {
      const settled = settle(line(says()), says(...commands), compat)
      assert.equal(settled.outcome, outcome)
      assert.deepEqual(settled.replies, replies)
      assert.deepEqual(settled.apply.map((command) => command.kind), applied)
      assert.equal(settled.fault, undefined)
    }
  }
})

test('a failure answers by onerror, and only compat keeps what was said before it', () => {
  const commands = [set('X', 'y'), text('E', '550 no')]
  const words = "451 qmail-spp failure: plugins/x: child crashed (#4.3.0)"
  const original = settle(line(says()), fails(CRASH, ...commands), true)
  assert.deepEqual(original.replies, ['550 no', words])
  assert.deepEqual(original.apply, [set('X', 'y')])
  assert.equal(original.outcome, 'refuse')
  const hardened = settle(line(says()), fails(CRASH, ...commands), false)
  assert.deepEqual(hardened.replies, [words])
  assert.deepEqual(hardened.apply, [])
  const refuse = settle(line(says(), { onerror: 'refuse' }), fails(CRASH, ...commands), false)
  assert.deepEqual(refuse.replies, ['554 qmail-spp failure: plugins/x: child crashed (#5.3.0)'])
  const open = settle(line(says(), { onerror: 'open' }), fails(CRASH, ...commands), false)
  assert.deepEqual([open.outcome, open.replies, open.apply], ['next', [], []])
})

test('every kind of failure has its words', () => {
  const kinds: readonly [Fault['kind'], string][] = [
    ['crashed', 'child crashed'], ['cannot-execute', "can't execute"], ['cannot-start', 'fork() failed'], ['timed-out', 'timed out'],
    ['too-much-output', 'too much output'], ['bad-command', 'bad command'], ['threw', 'failed'], ['unavailable', 'unavailable'],
  ]
  for (const [kind, words] of kinds) {
    assert.deepEqual(settle(line(says()), fails({ kind, detail: '' }), true).replies, [`451 qmail-spp failure: plugins/x: ${words} (#4.3.0)`])
  }
})

test('hardened: what no client should be sent is the plugin\'s fault, and one trailing CR is a line end', () => {
  for (const bad of [text('E', 'no code'), text('P', '250 no hyphen'), text('E', '550 a\r\n250 b'), text('H', '')]) {
    const settled = settle(line(says()), says(set('X', 'y'), bad), false)
    assert.equal(settled.fault?.kind, 'bad-command')
    assert.deepEqual(settled.replies, ['451 qmail-spp failure: plugins/x: bad command (#4.3.0)'])
    assert.deepEqual(settled.apply, [])
    assert.equal(settle(line(says()), says(bad), true).fault, undefined)
  }
  assert.deepEqual(settle(line(says()), says(text('E', '550 no\r')), false).replies, ['550 no'])
  assert.deepEqual(settle(line(says()), says(text('E', '550 no\r')), true).replies, ['550 no\r'])
})

test('a shadowed line is asked and never obeyed, its failure included', () => {
  for (const result of [says(text('E', '550 no')), fails(CRASH, set('X', 'y')), says(text('H', 'X: y'), word('D'))]) {
    const settled = settle(line(says(), { shadow: true }), result, false)
    assert.deepEqual([settled.outcome, settled.replies, settled.apply, settled.edits], ['next', [], [], []])
  }
})

test('the old dialect refuses with its whole reply', () => {
  const settled = settle(line(says()), { commands: [], reply: '550-sorry\n550 too many' }, true)
  assert.deepEqual([settled.outcome, settled.replies], ['refuse', ['550-sorry', '550 too many']])
})

test('lines run in order until one decides, and P lines of all of them are kept', () => {
  asked = []
  const state = recorder()
  const lines = [line(says(text('P', '250-a'), set('A', '1')), {}, 'rcpt', 'a'), line(says(text('P', '250-b'), word('N')), {}, 'rcpt', 'b'), line(says(text('E', '550 c')), {}, 'rcpt', 'c')]
  const verdict = askChain(lines, request(), state, false)
  assert.ok(!(verdict instanceof Promise), 'answers at once when no line waits')
  assert.deepEqual([verdict.kind, verdict.replies, verdict.line?.text], ['go-on', ['250-a', '250-b'], 'b'])
  assert.deepEqual(asked, ['a', 'b'])
  assert.deepEqual(state.log, ['SA=1'])
})

test('lines that wait keep the order, and a rejection is that line\'s failure', async () => {
  asked = []
  const state = recorder()
  const lines = [
    line(() => Promise.resolve(says(set('A', '1'))), {}, 'rcpt', 'a'),
    line(() => Promise.reject(new Error('oops')), { onerror: 'open' }, 'rcpt', 'b'),
    line(() => { throw new Error('sync') }, { onerror: 'open' }, 'rcpt', 'c'),
    line(says(text('E', '550 d')), {}, 'rcpt', 'd'),
  ]
  const events: NewTraceEvent[] = []
  const verdict = await askChain(lines, request('rcpt', events), state, false)
  assert.deepEqual([verdict.kind, verdict.replies, verdict.line?.text], ['refuse', ['550 d'], 'd'])
  assert.deepEqual(asked, ['a', 'b', 'c', 'd'])
  assert.deepEqual(events.map((event) => event.event === 'hook' ? [event.plugin, event.fault, event.detail] : event), [
    ['a', undefined, undefined], ['b', 'threw', 'oops'], ['c', 'threw', 'sync'], ['d', undefined, undefined],
  ])
})

test('A switches qmail-spp\'s hooks off, never the + sections', () => {
  const state = recorder()
  askChain([line(says(word('A')))], request(), state, true)
  assert.equal(state.off, true)
  asked = []
  askChain([line(says(text('E', '550 no')))], request(), state, true)
  assert.deepEqual(asked, [])
  const verdict = askChain([line(says(text('E', '550 no')), {}, 'message')], request('message'), state, true)
  assert.ok(!(verdict instanceof Promise))
  assert.equal(verdict.kind, 'refuse')
})

test('A has taken effect even when the child then crashes (compat), and has not (hardened)', () => {
  for (const compat of [true, false]) {
    const state = recorder()
    const verdict = askChain([line(fails(CRASH, word('A')))], request(), state, compat)
    assert.ok(!(verdict instanceof Promise))
    assert.equal(verdict.kind, 'refuse')
    assert.equal(state.off, compat)
  }
})

test('in +message header lines become insertions that come out in their order; in +deliver N means not mine', () => {
  const message = askChain([
    line({ ...says(text('H', 'A: 1'), text('H', 'B: 2'), text('H', ' folded')), edits: [{ edit: 'remove', name: 'C' }] }, {}, 'message'),
  ], request('message'), recorder(), false)
  assert.ok(!(message instanceof Promise))
  assert.deepEqual(message.edits, [
    { edit: 'remove', name: 'C' },
    { edit: 'insert', name: 'B', value: ' 2\n folded', at: 'top' },
    { edit: 'insert', name: 'A', value: ' 1', at: 'top' },
  ])
  asked = []
  const deliver = askChain([line(says(word('N')), {}, 'deliver', 'a'), line(says(word('O')), {}, 'deliver', 'b')], request('deliver'), recorder(), false)
  assert.ok(!(deliver instanceof Promise))
  assert.deepEqual([deliver.kind, asked], ['skip-checks', ['a', 'b']])
})

test('C matters at MAIL and RCPT only', () => {
  for (const hook of ['mail', 'rcpt', 'helo', 'data'] as const) {
    const state = recorder()
    askChain([line(says({ kind: 'C', address: 'x@y' }), {}, hook)], request(hook), state, false)
    assert.deepEqual(state.log, hook === 'mail' || hook === 'rcpt' ? [`C${hook} x@y`] : [])
  }
})
