/** The same stories on SQLite, MariaDB and PostgreSQL. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { addAlias, deleteAlias, listAliases } from '../../core/accounts/aliases.ts'
import type { Database } from '../../core/accounts/database.ts'
import { deleteDomain, deleteUser, lookAtDomain, lookAtUser } from '../../core/accounts/deletion.ts'
import { addDomain, listDomains } from '../../core/accounts/domains.ts'
import { checkLogin } from '../../core/accounts/login.ts'
import { migrate, MIGRATIONS, migrationStates } from '../../core/accounts/migrations.ts'
import { verifyPassword } from '../../core/accounts/passwords.ts'
import { addPostmaster, checkPostmaster } from '../../core/accounts/postmaster.ts'
import { LOGINS, recordLogin } from '../../core/accounts/logins.ts'
import { makeTables, tablesOf } from '../../core/accounts/tables.ts'
import { addUser, listUsers, renameUser, requireUser, setEnabled, setPassword } from '../../core/accounts/users.ts'
import { HeliosError } from '../../core/error.ts'
import { defineTable } from '../../core/plugin/table.ts'
import { WorldUnavailable } from '../../core/plugin/world.ts'
import { newDatabase, onServers } from '../harness/databases.ts'
import { alias, facts, found, homeFor, insert, NOON, openGround, type Fields, type Ground } from './kit.ts'
import { hostileStories } from './hostile.ts'
import { toolStories } from './tools.ts'
import { transferStories } from './transfer.ts'

const NOTES = defineTable({ name: 'notes', about: '', columns: { login: { text: 64 }, number: 'integer', text: 'text' }, key: ['login', 'number'] })

function stories(name: string, ground: Ground): void {
  const open = async (t: Parameters<typeof homeFor>[0], ...directives: readonly string[]): Promise<Database> => {
    const database = await openGround(t, homeFor(t), ground, directives)
    await migrate(database)
    return database
  }

  toolStories(name, open)
  transferStories(name, open)
  hostileStories(name, open)

  test(`${name}: the tables are made once, from two sides at once, and noted`, async (t) => {
    const home = homeFor(t)
    const dbname = ground === undefined ? undefined : await newDatabase(ground)
    const [one, two] = [await openGround(t, home, ground, [], dbname), await openGround(t, home, ground, [], dbname)]
    if (ground !== undefined) assert.deepEqual((await migrationStates(one)).map(({ applied }) => applied), MIGRATIONS.map(() => undefined))
    const done = await Promise.all([migrate(one), migrate(two)])
    if (ground !== undefined) assert.deepEqual(done.flat().toSorted(), MIGRATIONS.map((step) => step.name))
    assert.deepEqual(await migrate(one), [])
    assert.ok((await migrationStates(two)).every(({ applied }) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(applied ?? '')))
  })

  test(`${name}: an account is found by its address, with its paths and its quota`, async (t) => {
    const database = await open(t)
    await insert(database, 'ann@example.org', { hardquota: 5_000_000_000 })
    await insert(database, 'bob@example.org', { home: '/srv/bob' })
    const home = join(database.home, 'mail/example.org/ann')
    assert.deepEqual(await facts(database).find('ANN@Example.ORG'), {
      login: 'ann', domain: 'example.org', home, maildir: join(home, 'Maildir'), quota: 5_000_000_000, active: true,
    })
    assert.equal((await facts(database).find('bob@example.org'))?.maildir, '/srv/bob/Maildir')
    for (const address of ['', '@', 'ann', 'ann@', '@example.org', 'ann@@example.org', 'ann@example.com', 'ánn@example.org', 'ann @example.org', "x' OR '1'='1@example.org", 'ann\udce9@example.org', 'ann\0@example.org', 'ann@example.org\0']) {
      assert.equal(await found(database, address), '', address)
    }
  })

  test(`${name}: exact login, extension, alias, catch-all, globaldomain, nobody: in this order`, async (t) => {
    const database = await open(t, 'globaldomain all.example')
    for (const address of ['ann@example.org', 'ann-lists@example.org', 'sales@example.org', 'eve@all.example', 'ann@all.example']) await insert(database, address)
    await alias(database, 'info', 'example.org', 'ann@example.org', 'sales@example.org')
    await alias(database, 'ann', 'example.org', 'sales@example.org')
    await alias(database, 'help', 'example.net', 'info@example.org')
    await alias(database, '', 'example.net', 'eve@all.example')
    await alias(database, 'round', 'example.org', 'and-round@example.org')
    await alias(database, 'and-round', 'example.org', 'round@example.org')
    await alias(database, 'lost', 'example.org', 'nobody@example.org')
    const cases: readonly (readonly [string, string])[] = [
      ['ann@example.org', 'ann@example.org'], ['ann-shop@example.org', 'ann@example.org'], ['ann-lists-bugs@example.org', 'ann-lists@example.org'],
      ['INFO@Example.org', 'ann@example.org sales@example.org'], ['help@example.net', 'ann@example.org sales@example.org'],
      ['anything@example.net', 'eve@all.example'], ['eve@example.org', 'eve@all.example'], ['eve-x@example.org', 'eve@all.example'],
      ['nobody@example.org', ''], ['round@example.org', ''], ['lost@example.org', ''], ['nobody@example.com', ''], ['@example.net', ''],
    ]
    for (const [address, expected] of cases) assert.equal(await found(database, address), expected, address)
  })

  test(`${name}: an alias that leads elsewhere keeps its mail waiting, and so does one that is too deep`, async (t) => {
    const database = await open(t)
    await insert(database, 'ann@example.org')
    await alias(database, 'away', 'example.org', 'ann@far.example')
    await assert.rejects(facts(database).takers('away@example.org'), (error) => error instanceof WorldUnavailable && error.message.includes('far.example'))
    for (let n = 0; n < 12; n += 1) await alias(database, `a${n}`, 'example.org', `a${n + 1}@example.org`)
    await assert.rejects(facts(database).takers('a0@example.org'), WorldUnavailable)
  })

  test(`${name}: a user with dot-qmail texts has the extensions that stand there`, async (t) => {
    const database = await open(t)
    await insert(database, 'ann@example.org', { use_dotqmail: 1 })
    for (const extension of ['shop', 'list-default', '']) {
      await database.write.insertInto('dotqmails').values({ login: 'ann', virtual_host: 'example.org', extension, dotqmail: './Maildir/\n' }).execute()
    }
    const expected = { ann: 'ann@example.org', 'ann-Shop': 'ann@example.org', 'ann-list-x': 'ann@example.org', 'ann-other': '', 'ann-': '', 'ann-list': '' }
    for (const [local, taker] of Object.entries(expected)) assert.equal(await found(database, `${local}@example.org`), taker, local)
  })

  test(`${name}: a domain is known by users, aliases, its own row or control/locals, in any spelling`, async (t) => {
    const database = await open(t)
    await insert(database, 'ann@users.example')
    await alias(database, 'x', 'aliases.example', 'ann@users.example')
    await database.write.insertInto('helios_domains').values([{ domain: 'rows.example' }, { domain: 'xn--bcher-kva.example' }]).execute()
    const known = facts(database, ['locals.example'])
    const asked = ['USERS.example', 'aliases.example', 'Rows.Example', 'bücher.example', 'BÜCHER.example', 'locals.example', 'example', '', 'rows.example ', 'x\udc80']
    assert.deepEqual(await Promise.all(asked.map((domain) => known.hasDomain(domain))), [true, true, true, true, true, true, false, false, false, false])
    await insert(database, 'ann@xn--bcher-kva.example')
    assert.equal(await found(database, 'ann@bücher.example'), 'ann@xn--bcher-kva.example')
  })

  test(`${name}: active means enabled, and between its dates in UTC`, async (t) => {
    const database = await open(t)
    const cases: readonly (readonly [string, Fields, boolean])[] = [
      ['plain', {}, true], ['disabled', { enabled: 0 }, false], ['future', { startdate: '2026-01-01 12:00:01' }, false], ['begun', { startdate: '2026-01-01 12:00:00' }, true],
      ['stopped', { stopdate: '2026-01-01 12:00:00' }, false], ['stopping', { stopdate: '2026-01-01 12:00:01' }, true], ['day', { stopdate: '2026-01-02' }, true],
    ]
    for (const [login, fields, active] of cases) {
      await insert(database, `${login}@example.org`, fields)
      assert.equal((await facts(database).find(`${login}@example.org`))?.active, active, login)
    }
    await database.write.insertInto('passwd').values({ login: 'now', virtual_host: 'example.org' }).execute()
    const real = accountFacts(() => database, { locals: () => new Set() })
    assert.equal((await real.find('now@example.org'))?.active, true, 'a start date of now, as the database makes it')
  })

  test(`${name}: without check_host the rows without a domain count`, async (t) => {
    const database = await open(t, 'check_host no')
    await insert(database, 'ann@')
    await insert(database, 'bob@example.org')
    assert.equal(await found(database, 'ann@anything.example'), 'ann@anything.example')
    assert.equal((await facts(database).find('ann@anything.example'))?.home, join(database.home, 'mail/ann'))
    assert.equal(await found(database, 'bob@example.org'), '')
  })

  test(`${name}: tables that plugins declare, and the logins`, async (t) => {
    const database = await open(t)
    await Promise.all([makeTables(database, [NOTES, LOGINS]), makeTables(database, [NOTES, LOGINS])])
    const tables = tablesOf(database)
    const jose = { login: 'jose', number: 5_000_000_000 }
    await Promise.all(['a', 'b', 'c', 'd'].map((letter) => tables.change(NOTES, jose, (row) => ({ ...jose, text: `${row?.text ?? ''}${letter}` }))))
    assert.deepEqual((await tables.find(NOTES, jose)).map(({ login, number, text }) => [login, number, [...text].toSorted().join('')]), [['jose', 5_000_000_000, 'abcd']])
    for (const login of ['josé', 'JOSE', 'jose ']) assert.deepEqual(await tables.find(NOTES, { login }), [], login)
    await tables.change(NOTES, jose, () => undefined)
    assert.deepEqual(await tables.find(NOTES, {}), [])
    await insert(database, 'ann@example.org')
    for (const [ip, account, at] of [['::ffff:192.0.2.1', 'ann@example.org', 2000], ['192.0.2.1', 'ann@example.org', 1000], ['192.0.2.1', 'eve@example.org', 3000]] as const) {
      await recordLogin(database, { ip, account, at: NOON + at })
    }
    assert.deepEqual(await facts(database).loginsFrom('192.0.2.1', NOON), [{ account: 'ann@example.org', at: NOON + 2000 }])
    assert.deepEqual(await facts(database).loginsFrom('192.0.2.1', NOON + 3000), [])
  })

  test(`${name}: the commands' own functions`, async (t) => {
    const database = await open(t)
    writeFileSync(join(database.home, 'control/rcpthosts'), '')
    assert.deepEqual(await addDomain(database, 'Example.org'), { domain: 'example.org', listed: true, directory: true })
    assert.deepEqual(await addDomain(database, 'example.org'), { domain: 'example.org', listed: false, directory: false })
    const ann = await addUser(database, { address: 'Ann@example.org', password: 'secret', quota: 1000 })
    assert.deepEqual(await listUsers(database, 'example.org'), [ann])
    await assert.rejects(addUser(database, { address: 'ann@example.org', password: 'x' }), (error) => error instanceof HeliosError && error.code === 'user-exists')
    await setPassword(database, 'ann@example.org', 'new')
    const { password } = await database.write.selectFrom('passwd').select('password').executeTakeFirstOrThrow()
    assert.equal(await verifyPassword('new', password), true)
    await assert.rejects(requireUser(database, 'bob@example.org'), (error) => error instanceof HeliosError && error.code === 'unknown-user')
    assert.deepEqual(await listDomains(database), [{ domain: 'example.org', accepted: true, users: 1 }])
  })

  test(`${name}: aliases are made, refused where they cannot be, and taken away`, async (t) => {
    const database = await open(t)
    const options = { locals: () => new Set<string>() }
    writeFileSync(join(database.home, 'control/rcpthosts'), 'example.org\nempty.example\n')
    for (const login of ['ann', 'bob']) await insert(database, `${login}@example.org`)
    assert.deepEqual(await addAlias(database, 'Info@example.org', ['ANN@example.org', 'bob@example.org'], options), {
      added: ['ann@example.org', 'bob@example.org'], takers: ['ann@example.org', 'bob@example.org'],
    })
    assert.deepEqual((await addAlias(database, 'info@example.org', ['ann@example.org'], options)).added, [])
    await addAlias(database, 'help@example.org', ['info@example.org'], options)
    await addAlias(database, '@empty.example', ['help@example.org'], options)
    assert.equal(await found(database, 'x@empty.example'), 'ann@example.org bob@example.org')
    assert.deepEqual(await facts(database).aliases('ann@example.org'), ['help@example.org', 'info@example.org'])
    for (const [alias, target, code] of [
      ['ann@example.org', 'bob@example.org', 'user-exists'], ['x@example.com', 'ann@example.org', 'unknown-domain'], ['x@example.org', 'ann@example.com', 'alias-elsewhere'],
      ['x@example.org', 'x@example.org', 'mail-loop'], ['info@example.org', 'help@example.org', 'mail-loop'], ['x y@example.org', 'ann@example.org', 'bad-address'],
    ] as const) await assert.rejects(addAlias(database, alias, [target], options), (error) => error instanceof HeliosError && error.code === code, `${alias} ${target}`)
    assert.deepEqual(await listAliases(database, 'example.org'), [
      { alias: 'help@example.org', targets: ['info@example.org'] }, { alias: 'info@example.org', targets: ['ann@example.org', 'bob@example.org'] },
    ])
    assert.deepEqual(await deleteAlias(database, 'info@example.org', ['bob@example.org']), ['bob@example.org'])
    assert.deepEqual(await deleteAlias(database, '@empty.example'), ['help@example.org'])
    await assert.rejects(deleteAlias(database, 'info@example.org', ['bob@example.org']), (error) => error instanceof HeliosError && error.code === 'unknown-alias')
  })

  test(`${name}: a user is switched off, renamed and deleted with all that is its own`, async (t) => {
    const database = await open(t)
    const options = { locals: () => new Set<string>() }
    await addDomain(database, 'example.org')
    await addDomain(database, 'example.net')
    const ann = await addUser(database, { address: 'ann@example.org', password: 'secret' })
    await addAlias(database, 'info@example.org', ['ann@example.org'], options)
    await database.write.insertInto('dotqmails').values({ login: 'ann', virtual_host: 'example.org', extension: 'x', dotqmail: './Maildir/' }).execute()
    await setEnabled(database, 'ann@example.org', false)
    assert.equal((await facts(database).find('ann@example.org'))?.active, false)
    await setEnabled(database, 'ann@example.org', true)
    writeFileSync(join(ann.home, 'Maildir/new/1'), 'mail')
    const eve = await renameUser(database, 'ann@example.org', 'Eve@example.net')
    assert.deepEqual([eve.login, eve.domain, eve.home], ['eve', 'example.net', join(database.home, 'mail/example.net/eve')])
    assert.ok(existsSync(join(eve.home, 'Maildir/new/1')) && !existsSync(ann.home))
    assert.equal(await found(database, 'info@example.org'), 'eve@example.net')
    assert.equal((await checkLogin(database, 'eve@example.net', 'secret')).outcome, 'accepted')
    assert.equal(await found(database, 'ann@example.org'), '')
    const deletion = await lookAtUser(database, 'eve@example.net')
    assert.deepEqual([deletion.messages, deletion.aliases, deletion.kept], [1, ['info@example.org'], []])
    await deleteUser(database, deletion.users[0]!)
    assert.equal(await found(database, 'info@example.org'), '')
    assert.ok(!existsSync(eve.home))
    assert.equal((await database.write.selectFrom('dotqmails').select('login').execute()).length, 0)
    const elsewhere = join(database.home, 'elsewhere')
    mkdirSync(elsewhere)
    await insert(database, 'out@example.org', { home: elsewhere })
    assert.deepEqual((await lookAtDomain(database, 'example.org')).kept, [elsewhere])
    assert.equal(await deleteDomain(database, 'example.org'), true)
    assert.equal(await deleteDomain(database, 'example.org'), false)
    assert.ok(existsSync(elsewhere) && !existsSync(join(database.home, 'mail/example.org')))
    assert.deepEqual((await listDomains(database)).map(({ domain }) => domain), ['example.net'])
  })

  test(`${name}: the postmaster of a new domain leads to host_postmaster, and never round`, async (t) => {
    const database = await open(t, 'host_postmaster root@example.org')
    const options = { locals: () => new Set<string>() }
    await addDomain(database, 'example.org')
    await insert(database, 'root@example.org')
    await addDomain(database, 'example.net')
    await checkPostmaster(database, 'example.net')
    assert.equal(await addPostmaster(database, 'example.net', 'me.example', options), 'root@example.org')
    assert.equal(await found(database, 'postmaster@example.net'), 'root@example.org')
    const round = await open(t, 'host_postmaster postmaster@example.org')
    await assert.rejects(checkPostmaster(round, 'example.org'), (error) => error instanceof HeliosError && error.code === 'mail-loop')
  })
}

// One after the other: three servers at once are much for a small machine.
describe('sqlite', () => stories('sqlite', undefined))
await onServers((server) => stories(server.driver, server))
