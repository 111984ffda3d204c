import assert from 'node:assert/strict'
import { it } from 'node:test'
import { together } from './together.ts'

it('does what waits for one name in one turn, names apart, and in order', async () => {
  const turns: string[][] = []
  const ask = together(async (questions: readonly string[]) => {
    turns.push([...questions])
    await Promise.resolve()
    return questions.map((question) => question.toUpperCase())
  })
  const answers = await Promise.all([ask('a', 'a1'), ask('a', 'a2'), ask('b', 'b1'), ask('a', 'a3')])
  assert.deepEqual(answers, ['A1', 'A2', 'B1', 'A3'])
  assert.deepEqual(turns, [['a1'], ['b1'], ['a2', 'a3']])
  assert.equal(await ask('a', 'a4'), 'A4')
})

it('fails for those of a turn alone', async () => {
  let turn = 0
  const ask = together(async (questions: readonly number[]) => {
    if (++turn === 2) throw new Error('the second')
    return questions
  })
  const outcomes = await Promise.allSettled([ask('a', 1), ask('a', 2), ask('a', 3)])
  assert.deepEqual(outcomes.map(({ status }) => status), ['fulfilled', 'rejected', 'rejected'])
  assert.equal(await ask('a', 4), 4)
})
