import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { keepPepper, pepperOf } from './pepper.ts'

test('a home has one of its own, which stays, and which nobody else can read', (t) => {
  const [home, other] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'helios-')))
  t.after(() => { for (const path of [home!, other!]) rmSync(path, { recursive: true }) })
  const made = pepperOf(home!)
  assert.equal(made.length, 32)
  assert.deepEqual(pepperOf(home!), made)
  assert.notDeepEqual(pepperOf(other!), made)
  assert.equal(statSync(join(home!, 'run/pepper')).mode & 0o777, 0o600)
  rmSync(join(home!, 'run/pepper'))
  keepPepper(home!, made)
  keepPepper(home!, new Uint8Array(32))
  assert.deepEqual(pepperOf(home!), made, 'written again, and never over one that is there')
  assert.equal(statSync(join(home!, 'run/pepper')).mode & 0o777, 0o600)
  writeFileSync(join(home!, 'run/pepper'), 'half of it')
  assert.equal(pepperOf(home!).length, 32)
})
