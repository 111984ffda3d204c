import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Restarts } from './restarts.ts'

test('six ends within a minute begin a rest; one call tries it then', () => {
  let now = 0
  const restarts = new Restarts({ most: 6, windowMs: 60_000, restMs: 30_000, now: () => now })
  for (let i = 0; i < 5; i++) assert.equal(restarts.failed(), false)
  assert.equal(restarts.allows(), true)
  assert.equal(restarts.failed(), true)
  assert.equal(restarts.failed(), false, 'a call that was running')
  assert.equal(restarts.allows(), false)
  now = 30_000
  assert.equal(restarts.allows(), true)
  assert.equal(restarts.allows(), false, 'one caller only')
  assert.equal(restarts.failed(), false)
  now = 59_999
  assert.equal(restarts.allows(), false, 'it rests again')
  now = 60_000
  assert.equal(restarts.allows(), true)
  restarts.withdrawn()
  assert.equal(restarts.allows(), true, 'a probe whose client left gives its place back')
  assert.equal(restarts.succeeded(), true)
  assert.equal(restarts.allows(), true)
  assert.equal(restarts.succeeded(), false)
})

test('ends that lie further apart begin none', () => {
  let now = 0
  const restarts = new Restarts({ most: 2, windowMs: 1000, restMs: 1, now: () => now })
  for (now = 0; now < 100_000; now += 1000) assert.equal(restarts.failed(), false)
  now -= 500
  assert.equal(restarts.failed(), true)
})
