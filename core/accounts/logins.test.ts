import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { accountFacts } from './accounts.ts'
import { openSqlite, type Database } from './database.ts'
import { forgetLogins, listLogins, LOGINS, recordLogin } from './logins.ts'
import { makeTables } from './tables.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const MINUTE = 60_000

async function begin(t: TestContext): Promise<Database> {
  const home = mkdtempSync(join(tmpdir(), 'helios-logins-'))
  const database = openSqlite(home)
  t.after(() => {
    database.close()
    rmSync(home, { recursive: true, force: true })
  })
  await makeTables(database, [LOGINS])
  for (const login of ['ann', 'bob']) database.raw.exec(`INSERT INTO passwd (login, virtual_host, startdate) VALUES ('${login}', 'local.example', NULL)`)
  return database
}

const from = (database: Database, ip: string, since: number) => accountFacts(() => database, { locals: () => new Set() }).loginsFrom(ip, since)

test('a login is found by its address until it is too old', async (t) => {
  const database = await begin(t)
  await recordLogin(database, { ip: '192.0.2.1', account: 'ann@local.example', at: NOON })
  assert.deepEqual(await from(database, '192.0.2.1', NOON - MINUTE), [{ account: 'ann@local.example', at: NOON }])
  assert.deepEqual(await from(database, '192.0.2.1', NOON), [{ account: 'ann@local.example', at: NOON }])
  assert.deepEqual(await from(database, '192.0.2.1', NOON + 1), [])
  assert.deepEqual(await from(database, '192.0.2.2', NOON), [])
})

test('the last login of each account counts, the newest first, and no earlier one takes its place', async (t) => {
  const database = await begin(t)
  for (const [account, at] of [['ann@local.example', 5], ['bob@local.example', 3], ['ann@local.example', 1]] as const) {
    await recordLogin(database, { ip: '2001:db8::1', account, at: NOON + at * 1000 })
  }
  assert.deepEqual((await listLogins(database)).map(({ account, at }) => [account, at - NOON]), [['ann@local.example', 5000], ['bob@local.example', 3000]])
})

test('an address is one in every spelling', async (t) => {
  const database = await begin(t)
  await recordLogin(database, { ip: '::ffff:192.0.2.1', account: 'ann@local.example', at: NOON })
  await recordLogin(database, { ip: '2001:DB8:0::1', account: 'ann@local.example', at: NOON })
  for (const ip of ['192.0.2.1', '2001:db8::1']) assert.equal((await from(database, ip, NOON)).length, 1, ip)
  assert.equal(await forgetLogins(database, '2001:db8:0:0::1'), 1)
  assert.deepEqual((await listLogins(database)).map(({ ip }) => ip), ['192.0.2.1'])
})

test('a login counts no longer than its account: gone, disabled or expired ones let nobody in', async (t) => {
  const database = await begin(t)
  for (const account of ['ann@local.example', 'bob@local.example', 'eve@local.example']) await recordLogin(database, { ip: '192.0.2.1', account, at: NOON })
  database.raw!.exec("UPDATE passwd SET enabled = 0 WHERE login = 'bob'")
  assert.deepEqual((await from(database, '192.0.2.1', NOON)).map(({ account }) => account), ['ann@local.example'])
})

test('what is older than a month is forgotten when somebody new logs in', async (t) => {
  const database = await begin(t)
  const days = (number: number): number => NOON + number * 24 * 60 * MINUTE
  await recordLogin(database, { ip: '192.0.2.1', account: 'ann@local.example', at: days(0) })
  await recordLogin(database, { ip: '192.0.2.2', account: 'ann@local.example', at: days(31) })
  assert.equal((await listLogins(database)).length, 2)
  await recordLogin(database, { ip: '192.0.2.3', account: 'ann@local.example', at: days(32) })
  assert.deepEqual((await listLogins(database)).map(({ ip }) => ip), ['192.0.2.3', '192.0.2.2'])
})
