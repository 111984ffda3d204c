import assert from 'node:assert/strict'
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../error.ts'
import { addAlias, deleteAlias } from './aliases.ts'
import { changed } from './changes.ts'
import { openSqlite, type SqliteDatabase } from './database.ts'
import { addDomain, isKnownDomain, listDomains } from './domains.ts'
import { checkAddress, checkDomain } from './names.ts'
import { verifyPassword } from './passwords.ts'
import { addUser, listUsers, renameUser, requireUser, setPassword, setQuota } from './users.ts'

let home: string
let database: SqliteDatabase
const rcpthosts = (): string => join(home, 'control', 'rcpthosts')

/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-users-'))
  mkdirSync(join(home, 'control'))
  database = openSqlite(home)
  t.after(() => {
    database.close()
    rmSync(home, { recursive: true, force: true })
  })
}

function code(expected: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof HeliosError)
    assert.equal(error.code, expected)
    assert.notEqual(error.mend, '')
    return true
  }
}

test('a domain is added below what the operator wrote, once', async (t) => {
  begin(t)
  writeFileSync(rcpthosts(), '# ours\nmail.example.org\n\n#example.net\n caf\u00e9 ')
  chmodSync(rcpthosts(), 0o640)
  assert.deepEqual(await addDomain(database, 'Example.NET'), { domain: 'example.net', listed: true, directory: true })
  assert.equal(readFileSync(rcpthosts(), 'utf8'), '# ours\nmail.example.org\n\n#example.net\n caf\u00e9 \nexample.net\n')
  assert.equal(statSync(rcpthosts()).mode & 0o777, 0o640)
  assert.deepEqual(await addDomain(database, 'example.net'), { domain: 'example.net', listed: false, directory: false })
  assert.equal(statSync(join(home, 'mail', 'example.net')).mode & 0o777, 0o700)
})

test('bytes that are not UTF-8 stay as they were, and a link stays a link', async (t) => {
  begin(t)
  const target = join(home, 'hosts')
  writeFileSync(target, Buffer.from([0x23, 0xe9, 0x0a]))
  symlinkSync('../hosts', rcpthosts())
  await addDomain(database, 'example.org')
  assert.deepEqual(readFileSync(target), Buffer.concat([Buffer.from([0x23, 0xe9, 0x0a]), Buffer.from('example.org\n')]))
  assert.equal(lstatSync(rcpthosts()).isSymbolicLink(), true)
})

test('without the file it is made: from an open relay in qmail to a list of one', async (t) => {
  begin(t)
  await addDomain(database, 'example.org')
  assert.equal(readFileSync(rcpthosts(), 'utf8'), 'example.org\n')
})

test('a file that cannot be changed is said with its mend', async (t) => {
  begin(t)
  mkdirSync(rcpthosts())
  await assert.rejects(addDomain(database, 'example.org'), code('control-file'))
})

test('domains are listed with their users, whether accepted or not', async (t) => {
  begin(t)
  writeFileSync(rcpthosts(), '.example.org\nexample.net\n')
  await addUser(database, { address: 'ann@lists.example.org', password: 'x' })
  database.raw.exec("INSERT INTO passwd (login, virtual_host) VALUES ('bob', 'example.com')")
  assert.deepEqual(await listDomains(database), [
    { domain: '.example.org', accepted: true, users: 0 },
    { domain: 'example.com', accepted: false, users: 1 },
    { domain: 'example.net', accepted: true, users: 0 },
    { domain: 'lists.example.org', accepted: true, users: 1 },
  ])
  assert.deepEqual(await Promise.all([
    'example.com', 'example.org', 'a.b.example.org', 'example.edu',
  ].map((domain) => isKnownDomain(database, domain))), [true, false, true, false])
})

test('a user gets a row, a home and a Maildir for the owner only', async (t) => {
  begin(t)
  await addDomain(database, 'example.org')
  const user = await addUser(database, { address: 'Ann.B@Example.org', password: 'secret', quota: 1000 })
  assert.deepEqual(user, { login: 'ann.b', domain: 'example.org', home: join(home, 'mail/example.org/ann.b'), quota: 1000, enabled: true })
  for (const part of [
    '', 'Maildir', 'Maildir/tmp', 'Maildir/new', 'Maildir/cur',
  ]) assert.equal(statSync(join(user.home, part)).mode & 0o777, 0o700, part)
  assert.deepEqual(await listUsers(database), [user])
  assert.deepEqual(await listUsers(database, 'example.net'), [])
  const row = database.raw.prepare('SELECT * FROM passwd').get()!
  assert.equal(row['uid'], statSync(home).uid)
  assert.equal(await verifyPassword('secret', String(row['password'])), true)
})

test('a domain nobody accepts, a user twice, and a bad password are refused', async (t) => {
  begin(t)
  await assert.rejects(addUser(database, { address: 'ann@example.org', password: 'x' }), code('unknown-domain'))
  await addDomain(database, 'example.org')
  await addUser(database, { address: 'ann@example.org', password: 'x' })
  await assert.rejects(addUser(database, { address: 'ANN@example.org', password: 'x' }), code('user-exists'))
  for (const password of [
    '', 'a\nb', 'a\0b', 'a\ud800', 'x'.repeat(1025),
  ]) await assert.rejects(addUser(database, { address: 'bob@example.org', password }), code('bad-password'))
  await assert.rejects(requireUser(database, 'bob@example.org'), code('unknown-user'))
})

test('a user would hide an alias of that name', async (t) => {
  begin(t)
  await addDomain(database, 'example.org')
  await addUser(database, { address: 'ann@example.org', password: 'x' })
  await addAlias(database, 'sales@example.org', ['ann@example.org'], { locals: () => new Set() })
  await assert.rejects(addUser(database, { address: 'sales@example.org', password: 'x' }), code('alias-exists'))
  await assert.rejects(renameUser(database, 'ann@example.org', 'sales@example.org'), code('alias-exists'))
  await deleteAlias(database, 'sales@example.org')
  await renameUser(database, 'ann@example.org', 'sales@example.org')
})

test('a password is changed for who is there', async (t) => {
  begin(t)
  await addDomain(database, 'example.org')
  await addUser(database, { address: 'ann@example.org', password: 'old' })
  await setPassword(database, 'Ann@example.org', 'new')
  assert.equal(await verifyPassword('new', String(database.raw.prepare('SELECT password FROM passwd').get()!['password'])), true)
  await assert.rejects(setPassword(database, 'bob@example.org', 'new'), code('unknown-user'))
})

test('names that would leave the mail directory, or that no mail reaches, are refused', async (t) => {
  begin(t)
  for (const address of [
    'ann', '@example.org', '../x@example.org', 'a/b@example.org', '.ann@example.org', 'ann.@example.org', 'a..b@example.org',
    '-ann@example.org', 'a b@example.org', 'a\0@example.org', 'j\u00fc@example.org', `${'a'.repeat(65)}@example.org`,
  ]) {
    assert.throws(() => checkAddress(address), code('bad-address'), address)
  }
  for (const domain of [
    '', '.', '..', 'a/b', 'example..org', '-a.org', 'example.org.', 'a b', `${'a'.repeat(64)}.org`, 'a\n', '[127.0.0.1]',
  ]) assert.throws(() => checkDomain(domain), code('bad-domain'), domain)
  assert.throws(
    () => checkDomain('b\u00fccher.example'), (error) => error instanceof HeliosError && error.mend.includes('xn--bcher-kva.example')
  )
  assert.deepEqual(checkAddress('Ann+x@Example.org'), { login: 'ann+x', domain: 'example.org' })
})

test('a quota is a number of bytes, or nothing is done', async (t) => {
  begin(t)
  await addDomain(database, 'example.org')
  const address = 'ann@example.org'
  for (const quota of [-1, 1.5, Number.NaN, Infinity, 2 ** 53]) {
    await assert.rejects(addUser(database, { address, password: 'secret', quota }), code('bad-quota'), String(quota))
  }
  await addUser(database, { address, password: 'secret', quota: 7 })
  await assert.rejects(setQuota(database, address, -1), code('bad-quota'))
  assert.deepEqual((await listUsers(database)).map(({ quota }) => quota), [7])
})

test('a database that was closed says so', async (t) => {
  begin(t)
  database.close()
  await assert.rejects(changed(() => listUsers(database)), code('database'))
})
