import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../error.ts'
import { openDatabase } from './database.ts'

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
    using_(openDatabase(home), (database) => {
      database.raw.exec("INSERT INTO locals VALUES ('x')")
      for (const name of ['helios.db', 'helios.db-wal', 'helios.db-shm']) assert.equal(statSync(join(home, name)).mode & 0o777, 0o600, name)
    })
  } finally {
    process.umask(before)
  }
})

test('opening twice keeps what is there; foreign keys and write-ahead log are on', (t) => {
  begin(t)
  using_(openDatabase(home), ({ raw }) => {
    raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'example.org')")
    raw.exec("INSERT INTO dotqmails (login, virtual_host, dotqmail) VALUES ('Ann', 'example.org', './Maildir/')")
  })
  using_(openDatabase(home), ({ raw }) => {
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
  using_(openDatabase(home), ({ raw }) => {
    raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('ann', 'example.org')")
    assert.match(String(raw.prepare('SELECT startdate FROM passwd').get()?.['startdate']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  })
})

test('exclusively: all or nothing, and one after the other', (t) => {
  begin(t)
  using_(openDatabase(home), (one) => using_(openDatabase(home, { patience: 0 }), (other) => {
    assert.throws(() => one.exclusively(() => {
      one.raw.exec("INSERT INTO locals VALUES ('x')")
      assert.throws(() => other.exclusively(() => undefined), /locked/)
      throw new Error('no')
    }), /^Error: no$/)
    assert.equal(other.exclusively(() => other.raw.prepare('SELECT count(*) AS n FROM locals').get()?.['n']), 0)
  }))
})

test('what is no database is said with its mend', (t) => {
  begin(t)
  writeFileSync(join(home, 'helios.db'), 'not a database, but longer than a header would be'.repeat(10))
  assert.throws(
    () => openDatabase(home),
    (error) => error instanceof HeliosError && error.code === 'database' && error.message.includes(home) && error.mend.includes('backup')
  )
})

test('a home that is missing is said, too', (t) => {
  begin(t)
  chmodSync(home, 0o700)
  assert.throws(() => openDatabase(join(home, 'nowhere')), (error) => error instanceof HeliosError && /no such file/.test(error.message))
})

function using_<T extends { close(): void }>(resource: T, work: (resource: T) => void): void {
  try {
    work(resource)
  } finally {
    resource.close()
  }
}
