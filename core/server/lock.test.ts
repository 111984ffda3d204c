import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../error.ts'
import { lockHome } from './lock.ts'

/** A home with a lock that is watched, and what its holder was told. */
function begin(t: TestContext) {
  const home = join(mkdtempSync(join(tmpdir(), 'helios-lock-')), 'home')
  t.mock.timers.enable({ apis: ['setInterval'] })
  const lock = lockHome(home)
  const told: string[] = []
  lock.watch(() => told.push('made anew'), (why) => told.push(why.code))
  t.after(() => {
    lock.release()
    rmSync(join(home, '..'), { recursive: true, force: true })
  })
  return { home, told, second: () => t.mock.timers.tick(1000) }
}

const isLocked = (error: unknown): boolean => error instanceof HeliosError && error.code === 'home-locked'

test('one server holds a home, until it lets go', (t) => {
  const { home, told, second } = begin(t)
  second()
  assert.throws(() => lockHome(home), isLocked)
  const other = lockHome(`${home}.other`)
  assert.throws(() => lockHome(`${home}.other`), isLocked)
  other.release()
  lockHome(`${home}.other`).release()
  assert.deepEqual(told, [])
})

test('a lock whose file, or directory, was removed is made anew, and keeps others out again', (t) => {
  const { home, told, second } = begin(t)
  for (const name of ['run/lock', 'run']) {
    rmSync(join(home, name), { recursive: true })
    second()
    assert.throws(() => lockHome(home), isLocked, name)
    second()
  }
  assert.deepEqual(told, ['made anew', 'made anew'])
})

test('who was faster and stays has the home, and the former holder is told once', (t) => {
  const { home, told, second } = begin(t)
  rmSync(join(home, 'run/lock'))
  const other = lockHome(home)
  t.after(() => other.release())
  for (let n = 0; n < 4; n++) second()
  assert.deepEqual(told, [])
  for (let n = 0; n < 4; n++) second()
  assert.deepEqual(told, ['home-locked'])
})

test('who was faster and ends at once, however often, does not cost the former holder the home', (t) => {
  const { home, told, second } = begin(t)
  const anew: string[] = []
  for (const looks of [1, 4, 4]) {
    rmSync(join(home, 'run/lock'))
    const other = lockHome(home)
    for (let n = 0; n < looks; n++) second()
    other.release()
    assert.deepEqual(told, anew)
    second()
    anew.push('made anew')
    assert.deepEqual(told, anew)
    assert.throws(() => lockHome(home), isLocked)
  }
})

test('a home that was moved away is not made anew, and the lock goes on where it comes back', (t) => {
  const { home, told, second } = begin(t)
  renameSync(home, `${home}.away`)
  second()
  assert.ok(!existsSync(home))
  renameSync(`${home}.away`, home)
  second()
  assert.throws(() => lockHome(home), isLocked)
  assert.deepEqual(told, [])
})
