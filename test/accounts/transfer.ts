/** One file, put into every database and written by it again: byte for byte the same, so each can follow another. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Database } from '../../core/accounts/database.ts'
import { QmailSql } from '../../core/api/index.ts'
import { makeTables } from '../../core/accounts/tables.ts'
import { countRows, exportAll } from '../../core/accounts/transfer/export.ts'
import { importAll, ImportRefused, type Imported, type ImportOptions } from '../../core/accounts/transfer/import.ts'
import { read } from '../../core/accounts/transfer/record.ts'
import { defineTable } from '../../core/plugin/table.ts'

const COLOURS = defineTable({ name: 'colours', about: '', columns: { login: { text: 64 }, shade: 'integer', note: 'text' }, key: ['login', 'shade'] })

/** In the order of an export; names whose order depends on who sorts them. */
const FILE = [
  { kind: 'helios', version: 1 }, { kind: 'domain', domain: 'a.example' }, { kind: 'domain', domain: 'b.example' }, { kind: 'local', domain: 'local.example' },
  { kind: 'user', login: 'a-b', domain: 'a.example', password: '{CLEAR}grün, "zehn"', quota: 5_000_000_000, enabled: false, startdate: '2026-01-31 00:00:00', stopdate: '2027-02-28 23:59:59', lastlogin: '2026-02-01 00:00:01', uid: 7, gid: 8 },
  { kind: 'user', login: 'a.b', domain: 'a.example', use_dotqmail: true, home: '/srv/a.b', uid: 7, gid: 8 },
  { kind: 'user', login: 'a_b', domain: 'a.example', password: '', uid: 7, gid: 8 }, { kind: 'user', login: 'ab', domain: 'a.example', uid: 7, gid: 8 },
  { kind: 'user', login: 'a-b', domain: 'b.example', uid: 7, gid: 8 },
  { kind: 'dotqmail', login: 'a.b', domain: 'a.example', text: `# ${'ü😀'.repeat(2000)}\n./Maildir/\n` }, { kind: 'dotqmail', login: 'a.b', domain: 'a.example', extension: 'x', text: '#\n' },
  { kind: 'alias', domain: 'a.example', target: 'ab@a.example' }, { kind: 'alias', login: 'i-n', domain: 'a.example', target: 'ab@a.example' },
  { kind: 'alias', login: 'i.n', domain: 'a.example', target: 'i-n@a.example' },
  { kind: 'notify', login: '[:all:]', domain: 'a.example', enabled: false, jid: 'a@jabber.example' },
  { kind: 'colours', login: 'a', shade: -3, note: '' }, { kind: 'colours', login: 'a', shade: 20, note: 'rot\n' },
].map((row) => `${JSON.stringify(row)}\n`)

export function transferStories(name: string, open: (t: TestContext, ...directives: readonly string[]) => Promise<Database>): void {
  const begin = async (t: TestContext, ...directives: readonly string[]): Promise<Database> => {
    const database = await open(t, ...directives)
    await makeTables(database, [COLOURS])
    writeFileSync(join(database.home, 'control/rcpthosts'), '')
    return database
  }

  test(`${name}: an import is exported again byte for byte, and a second one changes nothing`, async (t) => {
    const database = await begin(t)
    const first = await put(database, FILE.toReversed(), { dryRun: true })
    assert.equal(await text(database), FILE[0], 'nothing was written')
    assert.deepEqual(await put(database, FILE.toReversed()), first)
    assert.equal(await text(database), FILE.join(''))
    assert.equal(await countRows(database, [COLOURS]), FILE.length - 3)
    const again = await put(database, FILE)
    assert.deepEqual(Object.values(again.kinds).map(({ added, replaced }) => added + replaced), Object.values(again.kinds).map(() => 0))
  })

  test(`${name}: other values are put in the place of those that are there when that is said`, async (t) => {
    const database = await begin(t)
    await put(database, FILE)
    const changes: readonly (readonly [string, string])[] = [['"quota":5000000000,"enabled":false', '"quota":6'], ['"note":"rot\\n"', '"note":"blau"'], ['"text":"#\\n"', '"text":"./Maildir/\\n"'], ['"enabled":false,"jid"', '"jid"']]
    const changed = changes.reduce((all, [from, to]) => all.map((line) => line.replace(from, () => to)), FILE)
    await assert.rejects(put(database, changed), (error) => error instanceof ImportRefused && error.total === 4)
    assert.equal(await text(database), FILE.join(''))
    const { kinds } = await put(database, changed, { replace: true })
    assert.deepEqual(['user', 'dotqmail', 'notify', 'colours'].map((kind) => kinds[kind]?.replaced), [1, 1, 1, 1])
    assert.equal(await text(database), changed.join(''))
  })

  test(`${name}: a table of many pages is gone through once, in the order of its key`, async (t) => {
    const database = await begin(t)
    const logins = Array.from({ length: 2200 }, (_, n) => `u${String(n).padStart(4, '0')}`)
    const hosts = ['a.example', 'b-b.example', 'b.example']
    for (const host of hosts) await database.write.insertInto('passwd').values(logins.map((login) => ({ login, virtual_host: host }))).execute()
    const seen: string[] = []
    for await (const row of new QmailSql(database).users()) seen.push(`${row.virtual_host} ${row.login}`)
    assert.deepEqual(seen, hosts.flatMap((host) => logins.map((login) => `${host} ${login}`)))
    let last = ''
    for await (const row of new QmailSql(database).users('b.example')) last = `${row.virtual_host} ${row.login}`
    assert.equal(last, 'b.example u2199')
  })

  test(`${name}: a user and an alias of one name are not let in, in whatever order they come`, async (t) => {
    const database = await begin(t)
    const user = (login: string): string => `{"kind":"user","login":"${login}","domain":"example.org"}\n`
    const alias = (login: string): string => `{"kind":"alias","login":"${login}","domain":"example.org","target":"ann@example.org"}\n`
    const refusals = async (...lines: readonly string[]): Promise<readonly string[]> => {
      const error = await put(database, lines).then(() => undefined, (refused: unknown) => refused)
      assert.ok(error instanceof ImportRefused)
      return error.problems.map(({ line, reason }) => `${line} ${reason.replace(/, and .*/, '')}`)
    }
    await put(database, ['{"kind":"domain","domain":"example.org"}\n', user('ann'), user('bob'), alias('sales')])
    assert.deepEqual(await refusals(alias('bob'), user('sales')), ['1 bob@example.org is a user', '2 sales@example.org is an alias here'])
    assert.deepEqual(await refusals(alias('new'), user('new')), ['2 new@example.org is an alias on line 1'])
    assert.deepEqual(await refusals(user('BOB'), alias('bob')), ['1 bob@example.org is an alias on line 2'])
    // Past the tools: the same once more changes nothing.
    await database.write.insertInto('helios_aliases').values({ login: 'bob', domain: 'example.org', target: 'ann@example.org' }).execute()
    assert.deepEqual((await put(database, [user('bob'), alias('bob')])).kinds, { user: { added: 0, replaced: 0, same: 1 }, alias: { added: 0, replaced: 0, same: 1 } })
  })

  test(`${name}: tables and columns under names of the operator's`, async (t) => {
    const database = await begin(t, 'dbtable people', 'login_field who', 'virt_host_field host', 'hardquota_field room')
    await put(database, FILE)
    assert.equal(await text(database), FILE.join(''))
  })
}

async function put(database: Database, lines: readonly string[], more: Partial<ImportOptions> = {}): Promise<Imported> {
  return importAll(database, read('json', chunks(lines)), { file: 'file', tables: [COLOURS], accounts: { locals: () => new Set() }, ...more })
}

async function* chunks(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

async function text(database: Database): Promise<string> {
  let all = ''
  for await (const part of exportAll(database, { format: 'json', tables: [COLOURS] })) all += part
  return all
}
