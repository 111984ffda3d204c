import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../../error.ts'
import { openSqlite } from '../database.ts'
import { exclusively } from '../file-lock.ts'
import { migrate, MIGRATIONS, migrationStates, type Migration } from '../migrations.ts'

let home: string

/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-database-'))
  t.after(() => {
    rmSync(home, { recursive: true, force: true })
  })
}

test('the file is for its owner only, with the log files beside it, whatever the umask', (t) => {
  begin(t)
  const before = process.umask(0)
  try {
    using_(openSqlite(home), (database) => {
      database.raw.exec("INSERT INTO locals VALUES ('x')")
      for (const name of ['helios.db', 'helios.db-wal', 'helios.db-shm']) assert.equal(statSync(join(home, name)).mode & 0o777, 0o600, name)
    })
  } finally {
    process.umask(before)
  }
})

test('opening twice keeps what is there; foreign keys and write-ahead log are on', (t) => {
  begin(t)
  using_(openSqlite(home), ({ raw }) => {
    raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'example.org')")
    raw.exec("INSERT INTO dotqmails (login, virtual_host, dotqmail) VALUES ('Ann', 'example.org', './Maildir/')")
  })
  using_(openSqlite(home), ({ raw }) => {
    const joined = 'SELECT hardquota, enabled, use_dotqmail, extension FROM passwd JOIN dotqmails USING (login, virtual_host)'
    assert.deepEqual({ ...raw.prepare(joined).get() }, { hardquota: 0, enabled: 1, use_dotqmail: 0, extension: '' })
    assert.equal(raw.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal')
    raw.exec("DELETE FROM passwd")
    assert.equal(raw.prepare('SELECT count(*) AS n FROM dotqmails').get()?.['n'], 0)
    assert.throws(() => raw.exec("INSERT INTO dotqmails (login, virtual_host, dotqmail) VALUES ('nobody', 'x', '')"), /FOREIGN KEY/)
  })
})

test('startdate is now unless said otherwise', (t) => {
  begin(t)
  using_(openSqlite(home), ({ raw }) => {
    raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'example.org')")
    assert.match(String(raw.prepare('SELECT startdate FROM passwd').get()?.['startdate']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  })
})

test('one command at a time changes a file of the operator\'s, and a failure lets go', (t) => {
  begin(t)
  assert.equal(exclusively(home, () => 7), 7)
  assert.throws(() => exclusively(home, () => { throw new Error('no') }), /^Error: no$/)
  exclusively(home, () => {
    using_(new DatabaseSync(join(home, 'run', 'control.lock'), { timeout: 0 }), (other) => {
      assert.throws(() => other.exec('BEGIN EXCLUSIVE'), /locked/)
    })
  })
})

test('the steps of the tables are done once, and noted', async (t) => {
  begin(t)
  const first = openSqlite(home)
  const second = openSqlite(home)
  assert.deepEqual(await migrate(first), [])
  const later: Migration = { name: 'later', statements: () => ['CREATE TABLE later (x)'] }
  assert.deepEqual(await Promise.all([migrate(first, [...MIGRATIONS, later]), migrate(second, [...MIGRATIONS, later])]), [['later'], []])
  const bad: Migration = { name: 'bad', statements: () => ['CREATE TABLE half (x)', 'NONSENSE'] }
  await assert.rejects(migrate(first, [bad]), /NONSENSE/)
  assert.equal(first.raw.prepare("SELECT 1 FROM sqlite_master WHERE name = 'half'").get(), undefined)
  const states = await migrationStates(first, [...MIGRATIONS, later, bad])
  assert.deepEqual(states.map(({ name, applied }) => [name, applied !== undefined]), [...MIGRATIONS.map(({ name }) => [name, true]), ['later', true], ['bad', false]])
  await first.close()
  await second.close()
})

test('a database of the version before this one is taken over with its rows', (t) => {
  begin(t)
  using_(new DatabaseSync(join(home, 'helios.db')), (old) => {
    old.exec(`CREATE TABLE passwd (login varchar(64) NOT NULL COLLATE NOCASE, uid integer, gid integer, home varchar(200), virtual_host varchar(64) NOT NULL COLLATE NOCASE,
      password varchar(34), hardquota integer NOT NULL DEFAULT 0, startdate datetime DEFAULT CURRENT_TIMESTAMP, stopdate datetime, enabled boolean NOT NULL DEFAULT 1,
      use_dotqmail boolean NOT NULL DEFAULT 0, lastlogin datetime, PRIMARY KEY (login, virtual_host)); INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'example.org')`)
  })
  using_(openSqlite(home), ({ raw }) => {
    assert.equal(raw.prepare('SELECT count(*) AS n FROM passwd').get()?.['n'], 1)
    assert.equal(raw.prepare('SELECT count(*) AS n FROM helios_aliases').get()?.['n'], 0)
  })
})

test('what is no database is said with its mend', (t) => {
  begin(t)
  writeFileSync(join(home, 'helios.db'), 'not a database, but longer than a header would be'.repeat(10))
  assert.throws(
    () => openSqlite(home),
    (error) => error instanceof HeliosError && error.code === 'database' && error.message.includes(home) && error.mend.includes('backup')
  )
})

test('a home that is missing is said, too', (t) => {
  begin(t)
  chmodSync(home, 0o700)
  assert.throws(() => openSqlite(join(home, 'nowhere')), (error) => error instanceof HeliosError && /no such file/.test(error.message))
})

function using_<T extends { close(): unknown }>(resource: T, work: (resource: T) => void): void {
  try {
    work(resource)
  } finally {
    resource.close()
  }
}
