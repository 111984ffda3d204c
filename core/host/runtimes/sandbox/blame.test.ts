import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whoIsGuilty, type Scene } from './blame.ts'

interface Call {
  readonly unit: string
}

const a = { unit: 'a' }
const a2 = { unit: 'a' }
const b = { unit: 'b' }
const units: Readonly<Record<number, string>> = { 1: 'a', 2: 'b' }

type Numbered<T> = readonly (readonly [number, T])[]

function judge(running: Scene<string, Call>['running'], calls: Numbered<Call>, givenUp: Numbered<number> = []) {
  return whoIsGuilty<string, Call>({ running, calls: new Map(calls), givenUp: new Map(givenUp), unitOf: (p) => units[p] })
}

test('who is guilty of the end of a process', () => {
  const nobody = { unit: undefined, calls: [] }
  assert.deepEqual(judge(undefined, []), nobody)
  assert.deepEqual(judge(undefined, [[5, a]]), { unit: 'a', calls: [a] }, 'the only call')
  assert.deepEqual(judge({ p: 2, i: 6 }, [[5, a], [6, b]]), { unit: 'b', calls: [b] }, 'the one that was said to run')
  assert.deepEqual(judge({ p: 2, i: 4 }, [[5, a], [6, b]]), { unit: 'a', calls: [a] }, 'what was said is over: the oldest')
  assert.deepEqual(judge({ p: 1, i: 0 }, [[5, a], [6, b], [7, a2]]), { unit: 'a', calls: [a, a2] }, 'a timer: all of its calls')
  assert.deepEqual(judge({ p: 1, i: 0 }, [[6, b]]), { unit: 'a', calls: [] }, 'a timer of a plugin that is not asked')
  assert.deepEqual(judge({ p: 9, i: 0 }, [[6, b]]), nobody, 'a plugin that was dropped')
  assert.deepEqual(judge({ p: 1, i: 5 }, [[6, b]], [[5, 1]]), { unit: 'a', calls: [] }, 'a call nobody waits for')
  assert.deepEqual(judge(undefined, [[6, b]], [[5, 1]]), { unit: 'a', calls: [] })
  assert.deepEqual(judge(undefined, [[4, b]], [[5, 1]]), { unit: 'b', calls: [b] })
})
