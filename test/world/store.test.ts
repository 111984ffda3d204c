/** The store of a home: its thread, several processes at one file, kills and broken files. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { WorldUnavailable } from '../../core/plugin/world.ts'
import { storeInFile } from '../../core/world/store/in-file.ts'
import type { Store } from '../../core/world/store/types.ts'

const NOW = 1_790_000_000_000
const HOUR = 3600_000

function homeOf(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'helios-store-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return home
}

function open(t: TestContext, home: string) {
  const store = storeInFile(home)
  t.after(() => store.close())
  return { store, ...questions(store) }
}

function questions(store: Store) {
  return {
    get: (key: string) => store.ask({ ask: 'get', space: 'p', key, now: NOW }),
    set: (key: string, value: string) => store.ask({ ask: 'set', space: 'p', key, value, until: NOW + HOUR, now: NOW }),
    add: (key: string, most = Infinity) => store.ask({ ask: 'add', space: 'p', key, window: HOUR, amount: 1, most, now: NOW }),
    read: (key: string) => store.ask({ ask: 'read', space: 'p', key, window: HOUR, now: NOW }),
  }
}

test('what is kept lasts over a close, in a file for its owner only', async (t) => {
  const home = homeOf(t)
  const first = storeInFile(home)
  const { set, add } = questions(first)
  await set('k', 'é\u{dce9}')
  assert.deepEqual(await Promise.all([add('c'), add('c')]), [1, 2])
  assert.equal(statSync(join(home, 'store.db')).mode & 0o777, 0o600)
  await first.close()
  await first.close()
  await assert.rejects(add('c'), /Helios is stopping/)
  const { get, read } = open(t, home)
  assert.deepEqual([await get('k'), await read('c')], ['é\u{dce9}', 2])
})

test('two stores of one home count together, and never above the most', async (t) => {
  const home = homeOf(t)
  const [one, other] = [open(t, home), open(t, home)]
  const sums = await Promise.all(Array.from({ length: 200 }, (_, n) => (n % 2 === 0 ? one : other).add('c', 150)))
  assert.equal(sums.filter((sum) => Number(sum) <= 150).length, 150)
  assert.deepEqual([await one.read('c'), await other.read('c')], [150, 150])
})

test('a killed process leaves what it kept', async (t) => {
  const home = homeOf(t)
  const child = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), home], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]) as [unknown]
  assert.equal(String(said), 'kept\n')
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  const { get, read } = open(t, home)
  for (let n = 0; n < 50; n++) assert.equal(await get(`k${n}`), 'v')
  assert.ok(Number(await read('c')) >= 1)
})

test('a broken file is unavailable, with a mend, and works again once it is removed', async (t) => {
  const home = homeOf(t)
  const path = join(home, 'store.db')
  writeFileSync(path, 'no database at all, but longer than the header of one would be: '.repeat(20))
  const { get, set } = open(t, home)
  await assert.rejects(get('k'), (error: Error) => {
    assert.ok(error instanceof WorldUnavailable)
    assert.match(error.message, /store\.db does not answer: .*not a database.*remove it/)
    return true
  })
  await assert.rejects(set('k', 'v'), WorldUnavailable)
  assert.match(readFileSync(path, 'latin1'), /^no database/)
  rmSync(path)
  await set('k', 'v')
  assert.equal(await get('k'), 'v')
})

test('a home that cannot be written to is unavailable', async (t) => {
  const { get } = open(t, join(homeOf(t), 'missing'))
  await assert.rejects(get('k'), WorldUnavailable)
})

test('a store nobody asks starts nothing and makes no file', async (t) => {
  const home = homeOf(t)
  const store = storeInFile(home)
  await store.close()
  assert.throws(() => statSync(join(home, 'store.db')), /ENOENT/)
})
