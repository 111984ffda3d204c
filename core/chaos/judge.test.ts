import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OnError } from '../../protocol/spp/list.ts'
import type { Runtime } from '../host/types.ts'
import { FAULTS } from './catalogue.ts'
import { makeCells, type Cell } from './cell.ts'
import { judge, type HookEvent } from './judge.ts'
import type { Visit } from './visit.ts'

const UNDISTURBED = { connection: ['220 mx ESMTP'], helo: ['250-mx', '250 SIZE 0'], mail: ['250 ok'], rcpt: ['250 ok'] }

function cellOf(name: string, runtime: Runtime, onerror: OnError = 'tempfail'): Cell {
  const faults = FAULTS.filter((fault) => fault.name === name)
  const [cell] = makeCells({ faults, stages: ['mail'], runtimes: [runtime], onerror, list: '' })
  return cell!
}

function failure(cell: Cell, words: string, code = '451', status = '#4.3.0'): Visit {
  return visitOf(`${code} qmail-spp failure: ${cell.text}: ${words} (${status})`)
}

function visitOf(...reply: readonly string[]): Visit {
  return { replies: { connection: ['220 mx ESMTP'], helo: ['250 mx'], mail: reply }, ms: 1 }
}

function eventOf(cell: Cell, fault?: string, more: Partial<HookEvent> = {}): HookEvent {
  return {
    t: 0, event: 'hook', hook: 'mail', line: cell.text, file: cell.listFile, number: 2, plugin: 'x', runtime: cell.runtime, ms: 1,
    commands: [],
    ...(fault === undefined ? {} : { fault }), ...more,
  }
}

function why(cell: Cell, visits: readonly Visit[], events: readonly HookEvent[]): string | undefined {
  const verdict = judge(cell, visits, events, UNDISTURBED)
  assert.equal(verdict.ok, verdict.why === undefined)
  return verdict.why
}

test('a fault is answered by the line\'s policy, in the words of that fault', () => {
  const threw = cellOf('throw', 'sandbox')
  const event = eventOf(threw, 'threw')
  assert.equal(why(threw, [failure(threw, 'failed')], [event]), undefined)
  assert.equal(judge(threw, [visitOf('250 ok')], [event], UNDISTURBED).policy, '451 failed')
  for (const wrong of [visitOf('250 ok'), failure(threw, 'failed', '554', '#5.3.0'), failure(threw, 'timed out')]) {
    assert.match(why(threw, [wrong], [event]) ?? '', /the client read/)
  }
  const refusing = cellOf('throw', 'sandbox', 'refuse')
  assert.equal(why(refusing, [failure(refusing, 'failed', '554', '#5.3.0')], [eventOf(refusing, 'threw')]), undefined)
})

test('open, and no fault, read as without the line', () => {
  const open = cellOf('throw', 'sandbox', 'open')
  assert.equal(why(open, [visitOf('250 ok')], [eventOf(open, 'threw')]), undefined)
  assert.match(why(open, [visitOf('451 no')], [eventOf(open, 'threw')]) ?? '', /the client read/)
  const none = cellOf('exit-early', 'program')
  assert.equal(why(none, [visitOf('250 ok')], [eventOf(none)]), undefined)
  const answer = cellOf('no-newline', 'program')
  assert.equal(why(answer, [visitOf('550 chaos')], [eventOf(answer)]), undefined)
  assert.match(why(answer, [visitOf('250 ok')], [eventOf(answer)]) ?? '', /the client read/)
})

test('the trace has one event of the line for each session, and names fault, line and runtime', () => {
  const cell = cellOf('sigkill', 'program')
  const visit = failure(cell, 'child crashed')
  assert.match(why(cell, [visit], []) ?? '', /0 events/)
  assert.match(why(cell, [visit], [eventOf(cell, 'crashed'), eventOf(cell, 'crashed')]) ?? '', /2 events/)
  assert.match(why(cell, [visit], [eventOf(cell)]) ?? '', /ended as none/)
  assert.match(why(cell, [visit], [eventOf(cell, 'timed-out', { detail: 'late' })]) ?? '', /timed-out \(late\)/)
  assert.match(why(cell, [visit], [eventOf(cell, 'crashed', { line: 'other' })]) ?? '', /"other"/)
  assert.match(why(cell, [visit], [eventOf(cell, 'crashed', { runtime: 'worker' })]) ?? '', /worker/)
  const theirs = eventOf(cell, undefined, { number: 9 })
  assert.equal(why(cell, [visit], [eventOf(cell, 'crashed'), theirs]), undefined)
})

test('who fails often rests, but not at once', () => {
  const cell = cellOf('sigkill', 'worker')
  const [crashed, rests] = [failure(cell, 'child crashed'), failure(cell, 'unavailable')]
  assert.match(why(cell, [rests], [eventOf(cell, 'unavailable')]) ?? '', /unavailable/)
  assert.equal(why(cell, [crashed, rests], [eventOf(cell, 'crashed'), eventOf(cell, 'unavailable')]), undefined)
  assert.match(why(cell, [rests, rests], [eventOf(cell, 'unavailable'), eventOf(cell, 'unavailable')]) ?? '', /none of its runs/)
})

test('a conversation out of step is wrong, whatever was read', () => {
  const cell = cellOf('exit-early', 'program')
  assert.equal(why(cell, [{ ...visitOf('250 ok'), trouble: 'more came' }], [eventOf(cell)]), 'more came')
  assert.match(why(cell, [{ replies: { connection: ['421 no'] }, ms: 1 }], [eventOf(cell)]) ?? '', /mail was not reached: 421 no/)
})
