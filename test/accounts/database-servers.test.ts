/** What is only to be had with a server: tables that others made, users with rights of their own, and servers that are slow, down and back. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { Helios } from '../../core/api/helios.ts'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { changed } from '../../core/accounts/changes.ts'
import type { Database } from '../../core/accounts/database.ts'
import { checkLogin } from '../../core/accounts/login.ts'
import { migrate } from '../../core/accounts/migrations.ts'
import { grantReading } from '../../core/accounts/rights.ts'
import { databaseStatus } from '../../core/accounts/status.ts'
import { makeTables } from '../../core/accounts/tables.ts'
import { listUsers } from '../../core/accounts/users.ts'
import { HeliosError } from '../../core/error.ts'
import { defineTable } from '../../core/plugin/table.ts'
import { WorldUnavailable } from '../../core/plugin/world.ts'
import { readPage } from '../docs/pages.ts'
import type { DatabaseServer } from '../harness/database-server.ts'
import { connectionLines, newDatabase, onServers, untilAnswered } from '../harness/databases.ts'
import { alias, found, homeFor, insert, NOON, openGround } from './kit.ts'

const NOTES = defineTable({ name: 'notes', about: '', columns: { login: { text: 64 }, number: 'integer', text: 'text' }, key: ['login', 'number'] })

/** qmail-sql's own tables (spec helios 4), with other names for some, made by hand and never by Helios. */
const BY_HAND: Readonly<Record<DatabaseServer['driver'], readonly string[]>> = {
  mysql: [
    `CREATE TABLE users (name varchar(64) NOT NULL, uid int, gid int, home varchar(200), host varchar(64) NOT NULL, pw varchar(34), hardquota int NOT NULL DEFAULT 0,
      startdate datetime DEFAULT now(), stopdate datetime, enabled tinyint(1) NOT NULL DEFAULT 1, use_dotqmail tinyint(1) NOT NULL DEFAULT 0, lastlogin datetime,
      PRIMARY KEY (name, host)) CHARACTER SET latin1`,
    `CREATE TABLE dotqmails (name varchar(64) NOT NULL, host varchar(64) NOT NULL, extension varchar(64) NOT NULL DEFAULT '', dotqmail text, PRIMARY KEY (name, host, extension)) CHARACTER SET latin1`,
    'CREATE TABLE ours (host varchar(64) NOT NULL)',
  ],
  postgresql: [
    `CREATE TABLE users (name varchar(64) NOT NULL, uid integer, gid integer, home varchar(200), host varchar(64) NOT NULL, pw varchar(34), hardquota integer NOT NULL DEFAULT 0,
      startdate timestamptz DEFAULT now(), stopdate timestamptz, enabled boolean NOT NULL DEFAULT true, use_dotqmail boolean NOT NULL DEFAULT false, lastlogin timestamptz,
      PRIMARY KEY (name, host))`,
    `CREATE TABLE dotqmails (name varchar(64), host varchar(64), extension varchar(64) DEFAULT '', dotqmail text, PRIMARY KEY (name, host, extension),
      FOREIGN KEY (name, host) REFERENCES users ON DELETE CASCADE)`,
    'CREATE TABLE ours (host varchar(64) NOT NULL)',
  ],
}
const ROWS = [
  "INSERT INTO users (name, host, home, pw, startdate, hardquota) VALUES ('ann', 'example.org', '/srv/ann', 'abNANd1rDfiNc', '2026-01-01 11:59:00+00', 7)",
  "INSERT INTO users (name, host, enabled, startdate) VALUES ('off', 'example.org', false, NULL)",
  "INSERT INTO users (name, host, use_dotqmail, startdate) VALUES ('bob', 'example.org', true, NULL)",
  "INSERT INTO dotqmails (name, host, extension, dotqmail) VALUES ('bob', 'example.org', 'list', './Maildir/')",
  "INSERT INTO ours VALUES ('local.example')",
]
const NAMES = ['dbtable users', 'localtable ours', 'login_field name', 'virt_host_field host', 'passwd_field pw']

/** What the catalogue says of the columns of a table, each as one text. */
async function columnsOf(database: Database, table: string): Promise<readonly string[]> {
  const more = database.driver === 'mysql' ? sql`, column_comment` : sql``
  const { rows } = await sql<object>`SELECT column_name, character_maximum_length, is_nullable, column_default, collation_name ${more} FROM information_schema.columns
    WHERE table_name = ${table} AND table_schema = ${database.driver === 'mysql' ? sql`database()` : sql`current_schema()`} ORDER BY ordinal_position`.execute(database.write)
  return rows.map((row) => Object.values(row).join(' '))
}

await onServers((server) => {
  const { driver } = server
  test(`${driver}: a database of qmail-sql's, other names and all, is used as it stands by somebody who may only read`, async (t) => {
    const dbname = await newDatabase(server)
    const rows = driver === 'mysql' ? ROWS.map((row) => row.replace('+00', '')) : ROWS
    await server.admin([...BY_HAND[driver], ...rows], dbname)
    const database = await openGround(t, homeFor(t), server, NAMES, dbname)
    await assert.rejects(database.sql.insertInto('passwd').values({ login: 'x', virtual_host: 'y' }).execute(), 'the reader may write')
    const known = accountFacts(() => database, { locals: () => new Set(), localsMissing: () => true, now: () => NOON })
    assert.deepEqual(await known.find('Ann-x@example.org'), { login: 'ann', domain: 'example.org', home: '/srv/ann', maildir: '/srv/ann/Maildir', quota: 7, active: true })
    assert.equal((await known.find('off@example.org'))?.active, false)
    assert.equal((await known.find('bob-list@example.org'))?.login, 'bob')
    assert.equal(await known.find('bob-other@example.org'), undefined)
    assert.equal(await known.find('nobody@example.org'), undefined)
    assert.deepEqual(await Promise.all(['example.org', 'LOCAL.example', 'example.com'].map((domain) => known.hasDomain(domain))), [true, true, false])
    await known.find('ann@example.org')
    const tables = await database.write.introspection.getTables()
    assert.deepEqual(tables.map(({ name }) => name).toSorted(), ['dotqmails', 'ours', 'users'], 'looking has made tables')
  })

  test(`${driver}: a login by an old hash works where the column is too narrow for a new one, and leaves it whole`, async (t) => {
    const dbname = await newDatabase(server)
    await server.admin([...BY_HAND[driver], ...driver === 'mysql' ? ROWS.map((row) => row.replace('+00', '')) : ROWS], dbname)
    if (driver === 'postgresql') await server.admin(['GRANT ALL ON users, dotqmails, ours TO writer'], dbname)
    const database = await openGround(t, homeFor(t), server, [...NAMES, 'localpop example.org'], dbname)
    const warnings: string[] = []
    for (const [name, password, outcome] of [['ann', 'secret', 'accepted'], ['ANN@example.org', 'secret', 'accepted'], ['ann', 'wrong', 'refused'], ['off', 'secret', 'refused']] as const) {
      assert.equal((await checkLogin(database, name, password, { warn: (text) => warnings.push(text) })).outcome, outcome, name)
    }
    assert.equal(warnings.length, 2, warnings.join('\n'))
    const row = await database.write.selectFrom('passwd').select(['password', 'lastlogin']).where('login', '=', 'ann').executeTakeFirstOrThrow()
    assert.equal(row.password, 'abNANd1rDfiNc')
    assert.notEqual(row.lastlogin, null)
    const { problems } = await databaseStatus(database)
    assert.ok(problems.some((problem) => problem.includes('ALTER TABLE ')), problems.join('\n'))
  })

  test(`${driver}: the statements that status tells can be run, whatever the names are, and change no more than they should`, async (t) => {
    const dbname = await newDatabase(server)
    const quote = driver === 'mysql' ? '`' : '"'
    const tell = (text: string): string => text.replaceAll('"', quote)
    const [time, comment] = driver === 'mysql' ? ['datetime', " COMMENT 'a, b (c'"] : ['timestamp', '']
    await server.admin([
      tell(`CREATE TABLE "Order" ("Key" varchar(64) NOT NULL, uid int, gid int, home varchar(200), "select" varchar(64) NOT NULL, `)
        + tell(`"Pass" varchar(34) NOT NULL DEFAULT 'it''s'${comment}, hardquota int, startdate ${time}, stopdate ${time}, enabled boolean, use_dotqmail boolean, lastlogin ${time})`)
        + (driver === 'mysql' ? ' CHARACTER SET latin1 COLLATE latin1_bin' : ''),
      ...driver === 'mysql' ? [] : ['GRANT ALL ON "Order" TO writer'],
      tell(`INSERT INTO "Order" ("Key", "select") VALUES ('Ann', 'Example.org')`),
    ], dbname)
    const database = await openGround(t, homeFor(t), server, ['dbtable Order', 'login_field Key', 'virt_host_field select', 'passwd_field Pass'], dbname)
    await migrate(database)
    const before = await columnsOf(database, 'Order')
    const { problems } = await databaseStatus(database)
    const told = problems.map((problem) => /\(((?:ALTER TABLE|UPDATE) .*)\)$/.exec(problem)?.[1]).filter((each) => each !== undefined)
    assert.equal(told.length, 2, problems.join('\n'))
    await server.admin(told, dbname)
    assert.deepEqual((await databaseStatus(database)).problems, [])
    assert.deepEqual(await columnsOf(database, 'Order'), before.map((column) => column.replaceAll(/^Pass(.*?)\b34\b/g, 'Pass$1255')))
    await insert(database, 'bob@example.org')
    const rows = await database.write.selectFrom('passwd').select(['login', 'virtual_host', 'password']).orderBy('login').execute()
    assert.deepEqual(rows, ['ann', 'bob'].map((login) => ({ login, virtual_host: 'example.org', password: "it's" })))
  })

  test(`${driver}: Helios' own tables are made beside those of qmail-sql's, which stay as they are`, async (t) => {
    const dbname = await newDatabase(server)
    await server.admin(BY_HAND[driver], dbname)
    if (driver === 'postgresql') await server.admin(['GRANT ALL ON users, dotqmails, ours TO writer'], dbname)
    const database = await openGround(t, homeFor(t), server, NAMES, dbname)
    await migrate(database)
    await insert(database, 'ann@example.org')
    await alias(database, 'info', 'example.org', 'ann@example.org')
    assert.equal(await found(database, 'info@example.org'), 'ann@example.org')
    const width = (await database.write.introspection.getTables()).find(({ name }) => name === 'users')!
    assert.ok(width.columns.some(({ name }) => name === 'pw'))
  })

  test(`${driver}: the statements and connection strings of docs/databases.md do what they are said to`, async (t) => {
    const page = readPage('docs/databases.md').text
    const [, statements] = driver === 'mysql' ? /^ {3}MariaDB and MySQL[^\n]*\n\n((?: {7}.*\n)+)/m.exec(page)! : /^ {3}PostgreSQL[^\n]*\n\n((?: {7}.*\n)+)/m.exec(page)!
    await server.admin(statements!.split('\n').map((line) => line.trim().replace(/;$/, '')).filter((line) => line !== ''))
    const strings = page.match(/^ {7}(?:pop)?connectionstring .*$/gm)!.map((line) => line.trim().replace(/host=\S+/, `host=${server.host}`))
    assert.equal(strings.length, 2)
    const home = homeFor(t)
    writeFileSync(join(home, 'control/qmailconfig'), [`dbdriver ${driver}`, ...strings, ''].join('\n'))
    const helios = await Helios.open(home)
    t.after(() => helios.close())
    const made = await helios.migrate()
    assert.equal(made.includes('GRANT SELECT ON "helios_aliases" TO userconsult'), driver === 'postgresql', made.join('\n'))
    const { servers, problems } = await helios.status()
    assert.deepEqual([servers.map(({ role, failure }) => [role, failure]), problems], [[['read', undefined], ['write', undefined]], []])
    assert.deepEqual(await helios.users(), [])
    // As after an upgrade.
    await server.admin(["DELETE FROM helios_migrations WHERE name = 'store-1'"], 'userdb')
    assert.deepEqual((await helios.status()).problems, [])
    const [missed, ...others] = (await helios.status({ storeHere: true })).problems
    assert.match(missed!, /: store-1 is to do, and without it plugins cannot remember here, .* \(helios db migrate\)$/)
    assert.deepEqual(others, [])
  })

  test(`${driver}: a reading user without rights on the new tables gets them, or the administrator is told the statements`, async (t) => {
    const dbname = await newDatabase(server)
    const reader = driver === 'mysql' ? "'stranger'@'localhost'" : 'stranger'
    await server.admin(driver === 'mysql' ? [`CREATE USER IF NOT EXISTS ${reader}`] : [
      "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'stranger') THEN CREATE ROLE stranger LOGIN; END IF; END $$",
    ])
    await server.admin([
      ...BY_HAND[driver], ...['users', 'dotqmails', 'ours'].map((table) => `GRANT SELECT ON ${table} TO ${reader}`),
      ...(driver === 'postgresql' ? ['GRANT SELECT ON users, dotqmails, ours TO writer'] : []),
    ], dbname)
    const [driverLine, , writing] = connectionLines(server, dbname)
    const database = await openGround(t, homeFor(t), undefined, [...NAMES, driverLine!, `connectionstring user=stranger dbname=${dbname} host=${server.host}`, writing!])
    const unmade = await databaseStatus(database, [NOTES])
    assert.deepEqual(unmade.grants, [], 'nothing is made yet')
    assert.equal(unmade.problems.some((problem) => problem.includes('denies')), driver === 'mysql', unmade.problems.join('\n'))
    await migrate(database)
    await makeTables(database, [NOTES])
    await server.admin([`REVOKE SELECT ON users FROM ${reader}`], dbname)
    const [theirs, ...own] = ['users', 'helios_domains', 'helios_aliases', 'helios_notify', 'helios_notes']
      .map((name) => `GRANT SELECT ON ${driver === 'mysql' ? `\`${dbname}\`.\`${name}\`` : `"${name}"`} TO ${reader}`)
    const before = await databaseStatus(database, [NOTES])
    assert.deepEqual(before.grants, [theirs, ...own])
    assert.equal(before.problems.filter((problem) => own.every((grant) => problem.includes(grant))).length, 1)
    await assert.rejects(found(database, 'info@example.org'), (error) => error instanceof WorldUnavailable && error.message.includes('does not permit it'))
    // Who made a table may grant it in PostgreSQL, and in MySQL who was given that right.
    assert.deepEqual(await grantReading(database, [NOTES], ['users', 'dotqmails', 'ours']), driver === 'postgresql' ? own : [])
    const after = await databaseStatus(database, [NOTES])
    assert.deepEqual(after.grants, driver === 'postgresql' ? [theirs] : [theirs, ...own])
    await server.admin(after.grants, dbname)
    const away = await openGround(t, homeFor(t), undefined, [...NAMES, driverLine!, `connectionstring user=stranger dbname=${dbname} host=/nowhere/at/all`, writing!])
    assert.deepEqual(await grantReading(away, [NOTES], []), [], 'a server for reading that is down keeps nobody from migrating')
    const done = await databaseStatus(database, [NOTES])
    assert.deepEqual([done.grants, done.problems.filter((problem) => problem.includes('GRANT'))], [[], []])
    assert.equal(await found(database, 'info@example.org'), '')
  })

  test(`${driver}: what is slow is given up, others go on, and it recovers by itself`, async (t) => {
    const dbname = await newDatabase(server)
    const database = await openGround(t, homeFor(t), server, ['query_timeout 1'], dbname)
    await migrate(database)
    await insert(database, 'ann@example.org')
    assert.equal(await found(database, 'ann@example.org'), 'ann@example.org')
    const admin = await server.session(dbname)
    if (driver === 'mysql') await admin.run('LOCK TABLES passwd WRITE')
    else for (const step of ['BEGIN', 'LOCK TABLE passwd IN ACCESS EXCLUSIVE MODE']) await admin.run(step)
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => found(database, 'ann@example.org')))
    for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && outcome.reason instanceof WorldUnavailable, JSON.stringify(outcome))
    await admin.end()
    assert.equal(await untilAnswered(() => found(database, 'ann@example.org')), 'ann@example.org')
  })

  test(`${driver}: down is no answer; the next server of the file is tried; back is back`, async (t) => {
    const dbname = await newDatabase(server)
    const [driverLine, reading, writing] = connectionLines(server, dbname)
    const elsewhere = `connectionstring user=reader dbname=${dbname} host=/nowhere/at/all`
    const database = await openGround(t, homeFor(t), undefined, [driverLine!, elsewhere, reading!, writing!])
    await migrate(database)
    await insert(database, 'ann@example.org')
    assert.equal(await found(database, 'ann@example.org'), 'ann@example.org')
    await server.kill()
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => found(database, 'ann@example.org')))
    for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && outcome.reason instanceof WorldUnavailable, JSON.stringify(outcome))
    await server.start()
    assert.equal(await untilAnswered(() => found(database, 'ann@example.org')), 'ann@example.org')
  })

  test(`${driver}: killed in the middle of questions, and back, every connection is a new one`, async (t) => {
    const dbname = await newDatabase(server)
    const database = await openGround(t, homeFor(t), server, [], dbname)
    await migrate(database)
    await insert(database, 'ann@example.org')
    let [going, answers] = [true, 0]
    const asking = Promise.all(Array.from({ length: 16 }, async () => {
      for (; going; await setImmediate()) answers += (await found(database, 'ann@example.org').catch(() => '')) === '' ? 0 : 1
    }))
    await untilAnswered(() => Promise.resolve(answers > 100 || assert.fail()))
    await server.kill()
    await server.start()
    going = false
    await asking
    await untilAnswered(() => found(database, 'ann@example.org'))
    assert.deepEqual(new Set(await Promise.all(Array.from({ length: 32 }, () => found(database, 'ann@example.org')))), new Set(['ann@example.org']))
  })

  test(`${driver}: a table that somebody changes while it is asked is asked on`, async (t) => {
    const dbname = await newDatabase(server)
    const database = await openGround(t, homeFor(t), server, [], dbname)
    await migrate(database)
    await insert(database, 'ann@example.org')
    await Promise.all(Array.from({ length: 8 }, () => found(database, 'ann@example.org')))
    await server.admin([driver === 'mysql' ? 'ALTER TABLE passwd MODIFY home text' : 'ALTER TABLE passwd ALTER COLUMN home TYPE text'], dbname)
    assert.equal(await found(database, 'ann@example.org'), 'ann@example.org')
    assert.deepEqual(await Promise.all(Array.from({ length: 16 }, () => found(database, 'ann@example.org'))), Array.from({ length: 16 }, () => 'ann@example.org'))
    if (driver === 'postgresql') {
      // What a pooler does between two of its clients.
      await sql`DEALLOCATE ALL`.execute(database.sql)
      assert.equal(await found(database, 'ann@example.org'), 'ann@example.org')
    }
  })

  test(`${driver}: a login finds no other that a collation takes for equal, and an object in the place of a name nobody`, async (t) => {
    const dbname = await newDatabase(server)
    await server.admin(driver === 'mysql'
      ? ["CREATE TABLE passwd (login varchar(64), virtual_host varchar(64), home varchar(200), password varchar(255), hardquota int, startdate datetime, stopdate datetime, enabled int, use_dotqmail int, lastlogin datetime) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"]
      : ["CREATE TABLE passwd (login varchar(64), virtual_host varchar(64), home varchar(200), password varchar(255), hardquota int, startdate timestamp, stopdate timestamp, enabled int, use_dotqmail int, lastlogin timestamp)", 'ALTER TABLE passwd OWNER TO writer'], dbname)
    const database = await openGround(t, homeFor(t), server, [], dbname)
    for (const [login, host] of [['änn', 'example.org'], ['ann ', 'example.org'], ['ann', 'straße.example']] as const) await insert(database, `${login}@${host}`, { password: '{CLEAR}secret', enabled: 1 })
    for (const name of ['ann@example.org', 'ann@strase.example', 'ann@strasse.example']) assert.equal((await checkLogin(database, name, 'secret')).outcome, 'refused', name)
    await insert(database, 'ann@example.com', { password: '{CLEAR}secret', enabled: 1 })
    assert.equal((await checkLogin(database, 'ANN@Example.com', 'secret')).outcome, 'accepted')
    const odd = { login: 1 } as unknown as string
    assert.deepEqual(await database.write.selectFrom('passwd').select('login').where('login', '=', odd).execute(), [])
  })

  test(`${driver}: a connection that ends under a command is said to have ended`, async (t) => {
    const dbname = await newDatabase(server)
    const database = await openGround(t, homeFor(t), server, [], dbname)
    await migrate(database)
    const end = driver === 'mysql' ? sql`KILL CONNECTION_ID()` : sql`SELECT pg_terminate_backend(pg_backend_pid())`
    await assert.rejects(changed(() => end.execute(database.write)), (error) => error instanceof HeliosError && error.code === 'database' && error.message.startsWith('the account database: the connection ended: '))
    assert.deepEqual(await listUsers(database), [])
  })

  test(`${driver}: a wrong password and a wrong database say so, and never the password`, async (t) => {
    const [driverLine] = connectionLines(server, 'x')
    for (const line of [`user=reader password=wrongsecret dbname=nothing_there host=${server.host}`]) {
      const database = await openGround(t, homeFor(t), undefined, [driverLine!, `connectionstring ${line}`])
      await assert.rejects(found(database, 'ann@example.org'), (error) => error instanceof WorldUnavailable
        && error.message.includes(server.host) && !error.message.includes('wrongsecret'))
    }
  })
})
