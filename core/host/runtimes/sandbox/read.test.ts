import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseThrown, readAnswerPayload, readControlReport, readDescription, readLog, readNotice, readQuestion } from './read.ts'

const notices = [
  { k: 'ready' }, { k: 'pong', n: 1 }, { k: 'run', p: 0, i: 0 }, { k: 'loaded', p: 1, v: '{}' }, { k: 'stray', p: 1, v: '' },
  { k: 'answer', p: 1, i: 2, v: '{}' }, { k: 'question', p: 1, i: 2, v: '{}' }, { k: 'log', p: 1, i: 0, v: '{}' },
]

test('notices are read as they are written', () => {
  for (const notice of notices) assert.deepEqual(readNotice(notice), notice)
  assert.deepEqual(readNotice({ ...notices[5], more: 1 }), notices[5])
})

test('what is no notice is none', () => {
  const wrong: unknown[] = [
    null, 1, 'ready', [], {}, { k: 'x' }, { k: 'pong' }, { k: 'pong', n: -1 }, { k: 'pong', n: 1.5 }, { k: 'pong', n: 2 ** 60 },
    { k: 'answer', p: 1, i: 1 }, { k: 'answer', p: 1, v: '' }, { k: 'answer', p: '1', i: 1, v: '' }, { k: 'answer', p: 1, i: 1, v: {} },
    { k: 'loaded', v: '' }, { k: 'run', p: 1 }, { k: '__proto__', p: 1, i: 1, v: '' },
  ]
  for (const value of wrong) assert.equal(readNotice(value), undefined, JSON.stringify(value))
})

test('whatever a plugin says is read without a throw', () => {
  const json = fc.oneof(fc.string(), fc.json(), fc.record({
    q: fc.anything(), ask: fc.anything(), args: fc.anything(), answer: fc.anything(), thrown: fc.anything(), drawn: fc.anything(), now: fc.anything(),
    name: fc.anything(), hooks: fc.anything(), needs: fc.anything(), settings: fc.anything(), control: fc.anything(), problems: fc.anything(),
  }, { requiredKeys: [] }).map((value) => {
    try {
      return JSON.stringify(value)
    } catch {
      return '{}'
    }
  }))
  fc.assert(fc.property(json, (text) => {
    for (const read of [readAnswerPayload, readControlReport, readDescription, readLog, readQuestion, parseThrown]) read(text)
  }))
})

test('of an answer, what has the wrong type is left out', () => {
  assert.deepEqual(readAnswerPayload('{"answer":1,"now":1,"drawn":-1,"tooLarge":"yes"}'), { answer: 1 })
  assert.deepEqual(readAnswerPayload('{"thrown":{"name":1,"message":"m","at":[[1,2],[1],["1",2],3]},"drawn":1e15}'),
    { thrown: { name: 'Error', message: 'm', at: [[1, 2]] }, drawn: 100 })
  assert.equal(readAnswerPayload('[]'), undefined)
})
