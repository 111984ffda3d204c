import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { defineTable } from '../plugin/table.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { openSqlite, type SqliteDatabase } from './database.ts'
import { makeTables, tablesOf } from './tables.ts'

const COLOURS = defineTable({
  name: 'colours', about: '', columns: { login: { text: 64 }, number: 'integer', colour: 'text' }, key: ['login', 'number'],
})
const ANN = { login: 'ann', number: 2, colour: 'red' }

function begin(t: TestContext): SqliteDatabase {
  const home = mkdtempSync(join(tmpdir(), 'helios-tables-'))
  const database = openSqlite(home)
  t.after(() => {
    database.close()
    rmSync(home, { recursive: true, force: true })
  })
  return database
}

test('tables are made once, and keep what is in them', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  await tablesOf(database).change(COLOURS, { login: 'ann', number: 2 }, () => ANN)
  await makeTables(database, [COLOURS])
  assert.deepEqual(await tablesOf(database).find(COLOURS, {}), [ANN])
  assert.throws(() => database.raw.exec("INSERT INTO helios_colours VALUES ('ann', 2, 'blue')"), /UNIQUE/)
  assert.throws(() => database.raw.exec("INSERT INTO helios_colours VALUES ('bob', 2, NULL)"), /NOT NULL/)
})

test('rows are found by any columns, in the order of their keys', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  const tables = tablesOf(database)
  const rows = [['bob', 1, 'red'], ['ann', 10, 'red'], ['ann', 9, "x' OR 1=1 --"]] as const
  for (const [login, number, colour] of rows) await tables.change(COLOURS, { login, number }, () => ({ login, number, colour }))
  const found = async (where: Parameters<typeof tables.find<typeof COLOURS>>[1]) => (await tables.find(COLOURS, where)).map(({ login, number }) => `${login}${number}`)
  assert.deepEqual(await found({}), ['ann9', 'ann10', 'bob1'])
  assert.deepEqual(await found({ colour: 'red' }), ['ann10', 'bob1'])
  assert.deepEqual(await found({ login: 'ann', number: 9 }), ['ann9'])
  assert.deepEqual(await found({ login: "ann' OR 1=1 --" }), [])
})

test('a change makes, replaces and removes a row', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  const tables = tablesOf(database)
  const key = { login: 'ann', number: 2 }
  assert.equal(await tables.change(COLOURS, key, (row) => row), undefined)
  assert.deepEqual(await tables.change(COLOURS, key, (row) => row ?? ANN), ANN)
  assert.deepEqual(await tables.change(COLOURS, key, (row) => ({ ...row!, colour: 'blue' })), { ...ANN, colour: 'blue' })
  assert.equal(await tables.change(COLOURS, key, () => undefined), undefined)
  assert.deepEqual(await tables.find(COLOURS, {}), [])
})

test('what somebody else writes between the reading and the writing is not lost', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  const tables = tablesOf(database)
  const key = { login: 'ann', number: 2 }
  for (const between of ["INSERT INTO helios_colours VALUES ('ann', 2, 'green')", "UPDATE helios_colours SET colour = 'blue'", 'DELETE FROM helios_colours']) {
    const seen: (string | undefined)[] = []
    await tables.change(COLOURS, key, (row) => {
      if (seen.push(row?.colour) === 1) database.raw.exec(between)
      return { ...key, colour: `${row?.colour ?? 'none'}+` }
    })
    assert.equal(seen.length, 2, between)
    const [row] = await tables.find(COLOURS, key)
    assert.equal(row?.colour, `${seen[1] ?? 'none'}+`)
  }
})

test('a table that is not there is unavailable, neither full nor empty', async (t) => {
  const database = begin(t)
  await assert.rejects(tablesOf(database).find(COLOURS, {}), (error) => error instanceof WorldUnavailable && /colours/.test(error.message))
  await assert.rejects(tablesOf(database).change(COLOURS, { login: 'ann', number: 2 }, () => ANN), WorldUnavailable)
})

test('what the change itself throws comes out as it is, and nothing is changed', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  const refusal = new Error('not on the list')
  await assert.rejects(tablesOf(database).change(COLOURS, { login: 'ann', number: 2 }, () => { throw refusal }), (error) => error === refusal)
  assert.deepEqual(await tablesOf(database).find(COLOURS, {}), [])
})

test('property: changes made at once all count', async (t) => {
  const database = begin(t)
  await makeTables(database, [COLOURS])
  const tables = tablesOf(database)
  const key = { login: 'ann', number: 1 }
  await Promise.all(Array.from({ length: 10 }, () => tables.change(COLOURS, key, (row) => ({ ...key, colour: `${row?.colour ?? ''}x` }))))
  assert.equal((await tables.find(COLOURS, key))[0]?.colour, 'x'.repeat(10))
})
