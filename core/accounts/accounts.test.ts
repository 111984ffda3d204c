import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { WorldUnavailable } from '../plugin/world.ts'
import { accountFacts } from './accounts.ts'
import { openSqlite, type SqliteDatabase } from './database.ts'
import { Questions } from './questions.ts'

let home: string
let database: SqliteDatabase

/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-accounts-'))
  mkdirSync(join(home, 'control'))
  database = openSqlite(home)
  t.after(() => {
    database.close()
    rmSync(home, { recursive: true, force: true })
  })
}

const NOON = Date.UTC(2026, 0, 1, 12)

function facts(locals: readonly string[] = []) {
  return accountFacts(() => database, { locals: () => new Set(locals), now: () => NOON })
}

function insert(login: string, domain: string, more: Readonly<Record<string, string | number | null>> = {}): void {
  const row = { login, virtual_host: domain, startdate: null, ...more }
  const names = Object.keys(row)
  database.raw.prepare(`INSERT INTO passwd (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`).run(...Object.values(row))
}

test('an account is found by its address, without case, with its paths', async (t) => {
  begin(t)
  insert('ann', 'example.org', { hardquota: 5000 })
  assert.deepEqual(await facts().find('ANN@Example.ORG'), {
    login: 'ann', domain: 'example.org', home: join(home, 'mail/example.org/ann'),
    maildir: join(home, 'mail/example.org/ann/Maildir'), quota: 5000, active: true,
  })
})

test('a home of its own wins over the usual place', async (t) => {
  begin(t)
  insert('ann', 'example.org', { home: '/srv/ann' })
  assert.equal((await facts().find('ann@example.org'))?.maildir, '/srv/ann/Maildir')
})

test('an extension belongs to the user before it, the longest login first', async (t) => {
  begin(t)
  insert('ann', 'example.org')
  insert('ann-lists', 'example.org')
  for (const [address, login] of [
    ['ann-shop@example.org', 'ann'], ['ann-lists-bugs@example.org', 'ann-lists'], ['ann-@example.org', 'ann'],
    ['Ann-Lists@example.org', 'ann-lists'],
    ['annx-shop@example.org', undefined], ['-ann@example.org', undefined], ['ann-shop@example.com', undefined],
  ] as const) assert.equal((await facts().find(address))?.login, login, address)
})

test('what is no address of ours finds nobody and throws nothing', async (t) => {
  begin(t)
  insert('ann', 'example.org')
  for (const address of [
    '', '@', 'ann', '@example.org', 'ann@', 'ann@@example.org', 'ann\udce9@example.org', `${'a-'.repeat(5000)}@example.org`,
    "ann' OR 1=1 --@example.org",
  ]) {
    assert.equal(await facts().find(address), undefined, address.slice(0, 40))
  }
})

test('without case means ASCII letters, no others', async (t) => {
  begin(t)
  insert('jürgen', 'example.org')
  assert.notEqual(await facts().find('Jürgen@example.org'), undefined)
  assert.equal(await facts().find('JÜRGEN@example.org'), undefined)
})

test('active: enabled and between its dates', async (t) => {
  begin(t)
  const cases: readonly (readonly [string, Readonly<Record<string, string | number | null>>, boolean])[] = [
    ['plain', {}, true],
    ['disabled', { enabled: 0 }, false],
    ['future', { startdate: '2026-01-01 12:00:01' }, false],
    ['begun', { startdate: '2026-01-01 12:00:00' }, true],
    ['stopped', { stopdate: '2026-01-01 12:00:00' }, false],
    ['stopping', { stopdate: '2026-01-01 12:00:01' }, true],
    ['day', { stopdate: '2026-01-02' }, true],
    ['iso', { stopdate: '2026-01-02T00:00:00.000Z' }, true],
    ['zero', { stopdate: '0000-00-00 00:00:00' }, true],
  ]
  for (const [login, row, active] of cases) {
    insert(login, 'example.org', row)
    assert.equal((await facts().find(`${login}@example.org`))?.active, active, login)
  }
})

test('a date that is none is no answer, and never a bounce', async (t) => {
  begin(t)
  insert('ann', 'example.org', { stopdate: 'next year' })
  insert('bob', 'example.org', { startdate: '2026-02-31' })
  for (const login of ['ann', 'bob']) await assert.rejects(
    facts().find(`${login}@example.org`), (error) => error instanceof WorldUnavailable && error.message.includes(login)
  )
})

test('a domain is known by its users or by the local names, which may change', async (t) => {
  begin(t)
  insert('ann', 'Example.org')
  let locals = new Set(['mail.example.net'])
  const known = accountFacts(() => database, { locals: () => locals })
  assert.deepEqual(await Promise.all([
    'EXAMPLE.ORG', 'mail.Example.net', 'example.com', '', 'x\udc80',
  ].map((domain) => known.hasDomain(domain))), [true, true, false, false, false])
  locals = new Set(['example.com'])
  assert.deepEqual(await Promise.all(['mail.example.net', 'example.com'].map((domain) => known.hasDomain(domain))), [false, true])
})

test('a database that does not answer is unavailable, neither yes nor no', async (t) => {
  begin(t)
  const asked = facts(['example.net'])
  database.raw.exec('DROP TABLE passwd')
  await assert.rejects(asked.find('ann@example.org'), WorldUnavailable)
  await assert.rejects(asked.hasDomain('example.org'), WorldUnavailable)
  assert.equal(await asked.hasDomain('example.net'), true)
})

test('another process in the middle of a change makes an answer unavailable at worst', async (t) => {
  begin(t)
  insert('ann', 'example.org')
  const other = openSqlite(home)
  other.raw.exec("BEGIN EXCLUSIVE; DELETE FROM passwd")
  assert.equal((await facts().find('ann@example.org'))?.login, 'ann')
  other.raw.exec('ROLLBACK')
  other.close()
})

test('property: find agrees with the rule written the long way', async (t) => {
  begin(t)
  const login = fc.stringMatching(/^[ab-]{1,6}$/)
  await fc.assert(fc.asyncProperty(fc.uniqueArray(login, { maxLength: 6 }), login, async (logins, local) => {
    database.raw.exec('DELETE FROM passwd')
    for (const each of logins) insert(each, 'd')
    const before = [...local.matchAll(/-/g)].map(({ index }) => local.slice(0, index)).reverse()
    const expected = [local, ...before].find((candidate) => candidate !== '' && logins.includes(candidate))
    assert.equal((await facts().find(`${local}@d`))?.login, expected)
  }), { numRuns: 100 })
})

test('property: an answer that was given before is given again only while nobody has changed anything', async (t) => {
  begin(t)
  const other = openSqlite(home)
  t.after(() => other.close())
  const step = fc.constantFrom('add', 'remove', 'add elsewhere', 'remove elsewhere', 'begin', 'commit', 'rollback', 'ask')
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    database.raw.exec('DELETE FROM passwd')
    for (const each of [...steps, 'rollback']) {
      const inTransaction = database.raw.isTransaction
      const one = each.endsWith('elsewhere') ? other : database
      if (each === 'begin' && !inTransaction) one.raw.exec('BEGIN')
      if ((each === 'commit' || each === 'rollback') && inTransaction) one.raw.exec(each)
      // One that writes keeps the others waiting.
      if (each.startsWith('add') && (one === database || !inTransaction)) one.raw.exec("INSERT OR IGNORE INTO passwd (login, virtual_host) VALUES ('ann', 'd')")
      if (each.startsWith('remove') && (one === database || !inTransaction)) one.raw.exec('DELETE FROM passwd')
      const there = database.raw.prepare('SELECT 1 FROM passwd').get() !== undefined
      assert.equal(await facts().find('ann@d') !== undefined, there, each)
      assert.equal(await facts().hasDomain('d'), there, each)
    }
  }))
})

test('an answer is kept for the state of the tables that it was given of', async (t) => {
  begin(t)
  const other = openSqlite(home)
  t.after(() => other.close())
  insert('ann', 'd')
  const [before, after] = [facts(), facts()]
  const asked = before.hasDomain('e')
  other.raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'e')")
  assert.equal(await after.hasDomain('d'), true)
  await asked
  assert.equal(await facts().hasDomain('e'), true)
})

test('a table that was missing is looked for again, though nothing else has changed', async (t) => {
  begin(t)
  const other = openSqlite(home)
  t.after(() => other.close())
  insert('ann', 'd')
  other.raw.exec('DROP TABLE helios_domains')
  assert.equal(await facts().hasDomain('e'), false)
  other.raw.exec("CREATE TABLE helios_domains (domain TEXT PRIMARY KEY); INSERT INTO helios_domains VALUES ('e')")
  assert.equal(await facts().hasDomain('e'), false, 'not looked for again yet')
  const { now } = performance
  t.mock.method(performance, 'now', () => Reflect.apply(now, performance, []) + 11_000)
  assert.equal(await facts().hasDomain('e'), true)
})

test('nothing is kept of a view, whose rows may hang on the time', async (t) => {
  begin(t)
  database.raw.exec("DROP TABLE passwd; CREATE TABLE rows (shown INTEGER)")
  database.raw.exec("CREATE VIEW passwd AS SELECT 'ann' AS login, 'd' AS virtual_host, NULL AS home, 0 AS hardquota, NULL AS startdate, NULL AS stopdate, 1 AS enabled, 0 AS use_dotqmail WHERE unixepoch('subsec') < 0 OR random() IS NOT NULL")
  await database.close()
  database = openSqlite(home)
  assert.equal(database.version!(), undefined)
  assert.equal((await facts().find('ann@d'))?.login, 'ann')
})

test('a catch-all of many targets is not kept for each address that somebody guesses', async (t) => {
  begin(t)
  database.raw.exec("INSERT INTO helios_domains (domain) VALUES ('d')")
  const targets = Array.from({ length: 100 }, (_, index) => `('', 'd', 'u${index}@d')`)
  database.raw.exec(`INSERT INTO helios_aliases (login, domain, target) VALUES ${targets.join(', ')}`)
  const questions = new Questions(database)
  assert.equal((await questions.aliases('guess', 'd')).length, 100)
  assert.notEqual(await questions.aliases('guess', 'd'), await questions.aliases('guess', 'd'))
  assert.equal(await questions.users(['guess'], 'd'), await questions.users(['guess'], 'd'))
})
