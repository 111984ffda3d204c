import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { openSqlite, type SqliteDatabase } from './database.ts'
import { checkLogin, clearPassword, loginIdentity, loginSecret, splitLogin } from './login.ts'
import { hashPassword } from './passwords.ts'

function begin(t: TestContext, directives = ''): SqliteDatabase {
  const home = mkdtempSync(join(tmpdir(), 'helios-login-'))
  const database = openSqlite(home, { config: parseQmailConfig(directives).config })
  t.after(async () => {
    await database.close()
    rmSync(home, { recursive: true, force: true })
  })
  return database
}

async function insert({ write }: SqliteDatabase, address: string, more: Readonly<Record<string, string | number | null>> = {}): Promise<void> {
  const [login, domain] = address.split('@') as [string, string]
  await write.insertInto('passwd').values({ login, virtual_host: domain, startdate: null, password: 'abNANd1rDfiNc', ...more }).execute()
}

async function outcome(database: SqliteDatabase, name: string, password = 'secret'): Promise<string> {
  const result = await checkLogin(database, name, password)
  return result.outcome === 'accepted' ? `${result.account.login}@${result.account.domain}` : result.outcome
}

test('a name is parted at the last separator; localpop stands in', () => {
  const parts = (name: string, directives: string): string => {
    const found = splitLogin(name, parseQmailConfig(directives).config)
    return found === undefined ? 'none' : `${found.login} at ${found.domain}`
  }
  assert.equal(parts('ann@Example.org', ''), 'ann at example.org')
  assert.equal(parts('ann', ''), 'none')
  assert.equal(parts('ann', 'localpop example.org'), 'ann at example.org')
  assert.equal(parts('ann%example.org', 'domain_separators @%+'), 'ann at example.org')
  assert.equal(parts('ann+tag%example.org', 'domain_separators @%+'), 'ann+tag at example.org')
  assert.equal(parts('ann%x@example.org', 'domain_separators %'), 'ann at x@example.org')
  assert.equal(parts('ann@bücher.example', ''), 'ann at xn--bcher-kva.example')
  assert.equal(parts('ann', 'check_host no'), 'ann at ')
  for (const name of ['', '@example.org', 'a\0b@example.org', 'a\ud800@example.org', `${'a'.repeat(65)}@example.org`, 'ann@']) assert.equal(parts(name, ''), 'none', name)
})

test('all names of one account are one to those who count failures', () => {
  const same = (directives: string, one: string, other: string): boolean => {
    const { config } = parseQmailConfig(directives)
    const identity = loginIdentity(one, config)
    assert.doesNotMatch(identity ?? '', /ann/i)
    return identity !== undefined && identity === loginIdentity(other, config)
  }
  assert.equal(same('domain_separators @%\nlocalpop example.org', 'Ann', 'ann%Example.ORG'), true)
  assert.equal(same('', 'ann@example.org', 'ann@example.net'), false)
  assert.equal(same('', 'ann@example.org', 'bob@example.org'), false)
  for (const any of ['globaldomain all.example', 'check_host no']) assert.equal(same(any, 'ann@example.org', 'ann@anything.example'), true, any)
  assert.equal(loginIdentity('ann', parseQmailConfig('').config), undefined)
})

test('the right password of an active account is let in, everything else refused', async (t) => {
  const database = begin(t, 'globaldomain all.example')
  await insert(database, 'ann@example.org')
  await insert(database, 'off@example.org', { enabled: 0 })
  await insert(database, 'over@example.org', { stopdate: '2020-01-01 00:00:00' })
  await insert(database, 'none@example.org', { password: null })
  await insert(database, 'eve@all.example')
  assert.equal(await outcome(database, 'Ann@Example.ORG'), 'ann@example.org')
  assert.equal(await outcome(database, 'eve@example.org'), 'eve@all.example')
  for (const name of ['off@example.org', 'over@example.org', 'none@example.org', 'nobody@example.org', 'ann@example.com', 'ann-x@example.org', '', 'ann']) {
    assert.equal(await outcome(database, name), 'refused', name)
  }
  assert.equal(await outcome(database, 'ann@example.org', 'Secret'), 'refused')
  assert.equal(await outcome(database, 'ann@example.org', ''), 'refused')
})

test('a login notes its time and brings the hash up to date; a failed one does neither', async (t) => {
  const database = begin(t)
  await insert(database, 'ann@example.org')
  await insert(database, 'clear@example.org', { password: '{CLEAR}secret' })
  const row = async (login: string) => ({ ...await database.write.selectFrom('passwd').select(['password', 'lastlogin']).where('login', '=', login).executeTakeFirstOrThrow() })
  await checkLogin(database, 'ann@example.org', 'wrong')
  assert.deepEqual(await row('ann'), { password: 'abNANd1rDfiNc', lastlogin: null })
  const at = Date.UTC(2026, 0, 2, 3, 4, 5)
  for (const login of ['ann', 'clear']) assert.equal((await checkLogin(database, `${login}@example.org`, 'secret', { now: () => at })).outcome, 'accepted')
  assert.match((await row('ann')).password!, /^\$scrypt\$/)
  assert.equal((await row('ann')).lastlogin, '2026-01-02 03:04:05')
  assert.equal((await row('clear')).password, '{CLEAR}secret')
  assert.equal(await outcome(database, 'ann@example.org'), 'ann@example.org')
  assert.equal(await outcome(database, 'ann@example.org', 'secretx'), 'refused')
})

test('who is let in stays in when nothing can be written; no answer is neither yes nor no', async (t) => {
  const database = begin(t)
  await insert(database, 'ann@example.org')
  database.raw.exec('PRAGMA query_only = ON')
  const warnings: string[] = []
  assert.equal((await checkLogin(database, 'ann@example.org', 'secret', { warn: (message) => warnings.push(message) })).outcome, 'accepted')
  assert.equal(warnings.length, 1)
  assert.doesNotMatch(warnings[0]!, /secret|abNA/)
  database.raw.exec('PRAGMA query_only = OFF; DROP TABLE dotqmails; DROP TABLE passwd')
  assert.equal(await outcome(database, 'ann@example.org'), 'unavailable')
})

test('clear text comes out for those who chose it, while they are active', async (t) => {
  const database = begin(t)
  await insert(database, 'ann@example.org', { password: '{CLEAR}open' })
  await insert(database, 'bob@example.org')
  await insert(database, 'off@example.org', { password: '{CLEAR}open', enabled: 0 })
  assert.equal((await clearPassword(database, 'ann@example.org'))?.password, 'open')
  for (const name of ['bob@example.org', 'off@example.org', 'nobody@example.org']) assert.equal(await clearPassword(database, name), undefined, name)
  await insert(database, 'scram@example.org', { password: await hashPassword('pencil', 'scram') })
  assert.equal(await clearPassword(database, 'scram@example.org'), undefined)
  for (const [name, kind] of [['ann', 'password'], ['scram', 'scram'], ['bob', undefined], ['off', undefined]] as const) {
    assert.equal((await loginSecret(database, `${name}@example.org`))?.secret.kind, kind, name)
  }
})
