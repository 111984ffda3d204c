import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { openTables, type TablesOptions } from './tables.ts'

const DAY = 86_400_000
const NOW = 1_790_000_000_000

function fresh(options: TablesOptions = {}) {
  const database = new DatabaseSync(':memory:')
  const tables = openTables(database, options)
  return {
    database, tables,
    get: (key: string, now = NOW, space = 'p') => tables.answer({ ask: 'get', space, key, now }),
    set: (key: string, value: string, until = NOW + DAY, now = NOW, space = 'p') => tables.answer({ ask: 'set', space, key, value, until, now }),
    setIfAbsent: (key: string, value: string, until = NOW + DAY, now = NOW) => tables.answer({ ask: 'setIfAbsent', space: 'p', key, value, until, now }),
    remove: (key: string) => tables.answer({ ask: 'delete', space: 'p', key, now: NOW }),
    add: (key: string, { amount = 1, most = Infinity, now = NOW, window = 3600_000, space = 'p' } = {}) =>
      tables.answer({ ask: 'add', space, key, window, amount, most, now }),
    read: (key: string, { now = NOW, window = 3600_000, space = 'p' } = {}) => tables.answer({ ask: 'read', space, key, window, now }),
    rows: (table: string) => (database.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { readonly n: number }).n,
  }
}

describe('values', () => {
  it('are what was set, until their time is over', () => {
    const { get, set, remove } = fresh()
    assert.equal(get('k'), undefined)
    set('k', 'v', NOW + 10)
    assert.equal(get('k', NOW + 9), 'v')
    assert.equal(get('k', NOW + 10), undefined)
    set('k', 'w')
    assert.equal(get('k'), 'w')
    remove('k')
    assert.equal(get('k'), undefined)
  })

  it('take any text as key and value, bytes outside UTF-8, NUL and length included', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('\0', '\u{dce9}', 'é', '\u{1f600}', "'", '%'), fc.string({ minLength: 1, maxLength: 1 })), minLength: 1, maxLength: 300 })
    fc.assert(fc.property(text.filter((key) => !/[\ud800-\udfff]/.test(key.replaceAll(/[\udc80-\udcff]/g, '')) || key.isWellFormed()), (key) => {
      const { get, set } = fresh()
      set(key, key)
      assert.equal(get(key), key)
      assert.equal(get(`${key}x`), undefined)
    }), { numRuns: 200 })
  })

  it('keep long keys apart', () => {
    const { get, set } = fresh()
    const long = 'a'.repeat(5000)
    set(`${long}1`, 'one')
    set(`${long}2`, 'two')
    assert.deepEqual([get(`${long}1`), get(`${long}2`)], ['one', 'two'])
  })

  it('of one plugin are nothing to another', () => {
    const { get, set } = fresh()
    set('k', 'mine', NOW + DAY, NOW, 'a')
    assert.deepEqual([get('k', NOW, 'a'), get('k', NOW, 'b')], ['mine', undefined])
  })

  it('are set by the first where absence is asked for, and again once the first is over', () => {
    const { setIfAbsent } = fresh()
    assert.equal(setIfAbsent('k', 'first', NOW + 10), 'first')
    assert.equal(setIfAbsent('k', 'second'), 'first')
    assert.equal(setIfAbsent('k', 'third', NOW + DAY, NOW + 10), 'third')
  })
})

describe('counters', () => {
  it('answer the sum of their window, each key and window by itself', () => {
    const { add, read } = fresh()
    assert.deepEqual([add('k'), add('k', { amount: 4 }), read('k'), read('l'), read('k', { window: 60_000 })], [1, 5, 5, 0, 0])
    assert.equal(add('k', { space: 'other' }), 1)
    assert.equal(read('k', { now: NOW + 2 * 3600_000 }), 0)
  })

  it('do not keep what goes above the most, and say what it would have been', () => {
    const { add, read } = fresh()
    assert.deepEqual([add('k', { most: 2 }), add('k', { most: 2 }), add('k', { most: 2 }), read('k')], [1, 2, 3, 2])
    assert.deepEqual([add('k', { amount: 5, most: 6 }), read('k')], [7, 2])
  })

  it('never let more than the most into any window', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }), (most, steps) => {
      const { add } = fresh()
      const kept: number[] = []
      let now = NOW
      for (const step of steps) {
        now += step
        if (Number(add('k', { most, now, window: 60_000 })) <= most) kept.push(now)
      }
      for (const at of kept) assert.ok(kept.filter((each) => each > at - 60_000 && each <= at).length <= most)
    }), { numRuns: 60 })
  })
})

describe('upkeep', () => {
  it('removes what has ended, so many at a time, and nothing else', () => {
    const { set, add, tables, get, rows } = fresh()
    for (let n = 0; n < 10; n++) set(`k${n}`, 'v', NOW + 100)
    set('long', 'v')
    add('c')
    assert.equal(tables.prune(NOW + 99, 100), 0)
    assert.deepEqual([tables.prune(NOW + 100, 4), tables.prune(NOW + 100, 100)], [4, 6])
    assert.deepEqual([get('long'), rows('store_values'), rows('store_counters')], ['v', 1, 1])
    assert.equal(tables.prune(NOW + DAY + 1, 100), 2)
    assert.deepEqual([rows('store_values'), rows('store_counters')], [0, 0])
  })

  it('lets the ones go that would end first, when a plugin has too many', () => {
    const { set, get, rows } = fresh({ most: 10 })
    set('last', 'v', NOW + DAY)
    for (let n = 0; n < 100; n++) set(`k${n}`, 'v', NOW + 1000 + n)
    assert.equal(get('last'), 'v')
    assert.equal(get('k0'), undefined)
    assert.ok(rows('store_values') <= 20, 'never twice the most')
  })

  it('lets counters go by the same rule, and not those of another plugin', () => {
    const { add, read, rows } = fresh({ most: 10 })
    add('other', { space: 'other' })
    for (let n = 0; n < 100; n++) add(`k${n}`, { now: NOW + n * 3600_000 })
    assert.ok(rows('store_counters') <= 21)
    assert.equal(read('other', { space: 'other' }), 1)
  })
})
