import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineTable } from '../plugin/table.ts'
import { dropAccountRows, dropDomainRows, moveAccountRows } from './account-rows.ts'
import { openDatabase } from './database.ts'
import { makeTables, tablesOf } from './tables.ts'

const PENS = defineTable({
  name: 'pens', about: '', columns: { who: { text: 64 }, where: { text: 64 }, colour: { text: 20 } }, key: ['who', 'where', 'colour'],
  account: { login: 'who', domain: 'where' },
})
const OTHER = defineTable({ name: 'other', about: '', columns: { who: { text: 64 } }, key: ['who'] })
const NEVER_MADE = defineTable({ name: 'never', about: '', columns: { who: { text: 64 }, where: { text: 64 } }, key: ['who'], account: { login: 'who', domain: 'where' } })
const ALL = [PENS, OTHER, NEVER_MADE]

test('rows go with their account, and stay with everybody else', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'helios-rows-'))
  const database = openDatabase(home)
  t.after(async () => {
    await database.close()
    rmSync(home, { recursive: true, force: true })
  })
  await makeTables(database, [PENS, OTHER])
  const tables = tablesOf(database)
  const put = async (...pens: readonly string[]): Promise<void> => {
    for (const pen of pens) {
      const [who, where, colour] = pen.split(' ') as [string, string, string]
      await tables.change(PENS, { who, where, colour }, () => ({ who, where, colour }))
    }
  }
  const pens = async () => (await tables.find(PENS, {})).map(({ who, where, colour }) => `${who} ${where} ${colour}`)
  await tables.change(OTHER, { who: 'ann' }, () => ({ who: 'ann' }))
  await put('ann a.example red', 'ann a.example blue', 'ann b.example red', 'bob a.example red', 'eve a.example green', '[:all:] a.example red')

  await moveAccountRows(database, ALL, { login: 'ann', domain: 'a.example' }, { login: 'eve', domain: 'a.example' })
  assert.deepEqual(await pens(), ['[:all:] a.example red', 'ann b.example red', 'bob a.example red', 'eve a.example blue', 'eve a.example red'])
  await dropAccountRows(database, ALL, { login: 'bob', domain: 'a.example' })
  assert.deepEqual(await pens(), ['[:all:] a.example red', 'ann b.example red', 'eve a.example blue', 'eve a.example red'])
  await dropDomainRows(database, ALL, 'a.example')
  assert.deepEqual(await pens(), ['ann b.example red'])
  assert.equal((await tables.find(OTHER, {})).length, 1)
})
