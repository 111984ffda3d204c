import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flushSoon, type Writer } from './outbox.ts'

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

test('what is written soon is written at the end of the turn, or with nine others before', async () => {
  const written: number[] = []
  const writer = (number: number): Writer => ({ flush: () => void written.push(number) })
  for (let number = 0; number < 9; number++) flushSoon(writer(number))
  assert.deepEqual(written, [])
  flushSoon(writer(9))
  assert.deepEqual(written, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  flushSoon(writer(10))
  assert.equal(written.length, 10)
  await turn()
  assert.deepEqual(written.slice(10), [10])
  flushSoon(writer(11))
  await turn()
  assert.deepEqual(written.slice(11), [11])
})

test('one that cannot write keeps no other from it', async () => {
  const written: string[] = []
  flushSoon({ flush: () => { throw new Error('no') } })
  flushSoon({ flush: () => void written.push('after it') })
  await turn()
  assert.deepEqual(written, ['after it'])
})
