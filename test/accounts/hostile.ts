/** What the commands must bear on every database: rows and files that somebody made odd, and others who are at it at the same time. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { addAlias } from '../../core/accounts/aliases.ts'
import type { Database } from '../../core/accounts/database.ts'
import { makeTables, tablesOf } from '../../core/accounts/tables.ts'
import { exportAll } from '../../core/accounts/transfer/export.ts'
import { importAll, ImportRefused, type Imported } from '../../core/accounts/transfer/import.ts'
import { read, type Format } from '../../core/accounts/transfer/record.ts'
import { addUser, listUsers, renameUser, setQuota } from '../../core/accounts/users.ts'
import type { HeliosError } from '../../core/error.ts'
import { defineTable } from '../../core/plugin/table.ts'

const WORDS = defineTable({ name: 'words', about: '', columns: { word: { text: 64 }, meaning: 'text' }, key: ['word'] })

export function hostileStories(name: string, open: (t: TestContext, ...directives: readonly string[]) => Promise<Database>): void {
  const begin = async (t: TestContext): Promise<Database> => {
    const database = await open(t)
    writeFileSync(join(database.home, 'control/rcpthosts'), 'example.org\n')
    return database
  }

  test(`${name}: of several who rename a user at once one does, and the mailbox goes with that name`, async (t) => {
    const database = await begin(t)
    await addUser(database, { address: 'ann@example.org', password: 'correct horse' })
    writeFileSync(join(database.home, 'mail/example.org/ann/Maildir/new/1.mail'), 'kept')
    const tries = await Promise.allSettled(['b', 'c', 'd', 'e'].map((login) => renameUser(database, 'ann@example.org', `${login}@example.org`)))
    assert.deepEqual(tries.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected', 'rejected'])
    for (const each of tries) if (each.status === 'rejected') assert.equal((each.reason as HeliosError).code, 'unknown-user', String(each.reason))
    const [user, ...more] = await listUsers(database)
    assert.deepEqual([more, readdirSync(join(database.home, 'mail/example.org'))], [[], [user!.login]])
    assert.ok(existsSync(join(user!.home, 'Maildir/new/1.mail')))
  })

  test(`${name}: of two users who get one name at once one does, and both keep their mailboxes`, async (t) => {
    const database = await begin(t)
    for (const login of ['a', 'b']) {
      await addUser(database, { address: `${login}@example.org`, password: 'correct horse' })
      writeFileSync(join(database.home, `mail/example.org/${login}/Maildir/new/${login}`), '')
    }
    const tries = await Promise.allSettled(['a', 'b'].map((login) => renameUser(database, `${login}@example.org`, 'c@example.org')))
    const failed = tries.filter((each) => each.status === 'rejected')
    assert.deepEqual(failed.map(({ reason }) => (reason as HeliosError).code), ['user-exists'])
    const loser = tries[0]!.status === 'rejected' ? 'a' : 'b'
    assert.deepEqual((await listUsers(database)).map(({ login }) => login), [loser, 'c'])
    assert.deepEqual(readdirSync(join(database.home, `mail/example.org/${loser}/Maildir/new`)), [loser])
  })

  test(`${name}: a mailbox that cannot be moved leaves the user under the old name`, async (t) => {
    const database = await begin(t)
    await addUser(database, { address: 'ann@example.org', password: 'correct horse' })
    mkdirSync(join(database.home, 'mail/example.org/bob'))
    await assert.rejects(renameUser(database, 'ann@example.org', 'bob@example.org'), { code: 'mailbox' })
    assert.deepEqual((await listUsers(database)).map(({ login }) => login), ['ann'])
    assert.ok(existsSync(join(database.home, 'mail/example.org/ann/Maildir')))
  })

  test(`${name}: a quota that no database holds, and one that is none, are refused`, async (t) => {
    const database = await begin(t)
    await addUser(database, { address: 'ann@example.org', password: 'correct horse', quota: Number.MAX_SAFE_INTEGER })
    for (const quota of [2 ** 53, 1e21, -1, 1.5, NaN, Infinity]) {
      await assert.rejects(setQuota(database, 'ann@example.org', quota), { code: 'bad-quota' })
      await assert.rejects(addUser(database, { address: 'bob@example.org', password: 'correct horse', quota }), { code: 'bad-quota' })
    }
    assert.deepEqual((await listUsers(database)).map(({ login, quota }) => [login, quota]), [['ann', Number.MAX_SAFE_INTEGER]])
  })

  test(`${name}: a plugin's table tells every letter from every other`, async (t) => {
    const database = await begin(t)
    await makeTables(database, [WORDS])
    const { find, change } = tablesOf(database)
    const words = ['ann', 'ánn', 'änn', 'ann\u0301', 'Ann', 'ße', 'sse', 'жук', '😀', 'a_n', 'a%n', "a'n", 'a"n', 'a\\n']
    for (const word of words) assert.equal((await change(WORDS, { word }, () => ({ word, meaning: `of ${word}` })))?.meaning, `of ${word}`)
    for (const word of words) assert.deepEqual(await find(WORDS, { word }), [{ word, meaning: `of ${word}` }])
    await change(WORDS, { word: 'ánn' }, () => undefined)
    assert.equal((await find(WORDS, {})).length, words.length - 1)
  })

  test(`${name}: rows without login or domain are shown and harm nobody`, async (t) => {
    const database = await begin(t)
    await addUser(database, { address: 'ann@example.org', password: 'correct horse' })
    const passwd = sql.table('passwd')
    if (database.driver === 'sqlite') {
      database.raw!.exec('DROP TABLE dotqmails; DROP TABLE passwd; CREATE TABLE passwd (login text, virtual_host text, home text, hardquota, enabled, password, startdate, stopdate, lastlogin, use_dotqmail, uid, gid)')
    } else {
      await sql`DROP TABLE ${passwd}`.execute(database.write)
      await sql`CREATE TABLE ${passwd} (login varchar(64), virtual_host varchar(64), home varchar(200), hardquota int, enabled char(1), password varchar(34))`.execute(database.write)
    }
    await sql`INSERT INTO ${passwd} (login, virtual_host, enabled) VALUES ('ann', 'example.org', '1'), (NULL, 'example.org', '1'), ('bob', NULL, NULL), ('carl', '', '1')`.execute(database.write)
    const users = await listUsers(database)
    assert.deepEqual(users.map(({ login, domain, enabled }) => `${login}@${domain} ${enabled}`).toSorted(), ['@example.org true', 'ann@example.org true', 'bob@ false', 'carl@ true'])
    assert.deepEqual((await listUsers(database, 'example.org')).length, 2)
  })

  test(`${name}: aliases behind one another are as many as the lookup follows, by hand and from a file`, async (t) => {
    const database = await begin(t)
    const options = { locals: () => new Set<string>() }
    await addUser(database, { address: 'user@example.org', password: 'correct horse' })
    const at = (number: number): string => number === 0 ? 'user@example.org' : `a${number}@example.org`
    for (let number = 1; number <= 10; number += 1) await addAlias(database, at(number), [at(number - 1)], options)
    assert.deepEqual((await accountFacts(() => database, options).takers(at(10))).map(({ login }) => login), ['user'])
    await assert.rejects(addAlias(database, at(11), [at(10)], options), { code: 'mail-loop' })
    // The other way round: each is near to its end, and far from where mail for the first one begins.
    const up = (number: number): string => `up${number}@example.org`
    for (let number = 10; number > 1; number -= 1) await addAlias(database, up(number), [up(number - 1)], options)
    await assert.rejects(addAlias(database, up(1), [at(1)], options), { code: 'mail-loop' })
    await assert.rejects(put(database, '{"kind":"alias","login":"up1","domain":"example.org","target":"a1@example.org"}\n'), (error) => {
      assert.ok(error instanceof ImportRefused)
      assert.deepEqual(error.problems.map(({ line, reason }) => [line, reason.replace(/ through.*/, '')]), [[1, 'up10@example.org leads']])
      return true
    })
    await addAlias(database, up(1), [at(0)], options)
    const long = Array.from({ length: 4000 }, (_, number) => `{"kind":"alias","login":"b${number}","domain":"example.org","target":"b${number + 1}@example.org"}\n`)
    const circle = '{"kind":"alias","login":"c","domain":"example.org","target":"d@example.org"}\n{"kind":"alias","login":"d","domain":"example.org","target":"c@example.org"}\n'
    await assert.rejects(put(database, [...long, circle].join('')), (error) => {
      assert.ok(error instanceof ImportRefused)
      assert.equal(error.total, 4000 - 10 + 2)
      assert.match(error.problems[0]!.reason, /^b0@example\.org leads through more than 10 aliases/)
      return true
    })
    await assert.rejects(put(database, circle), (error) => error instanceof ImportRefused && error.problems.every(({ reason }) => reason.includes('leads back to')))
  })

  test(`${name}: a list of some columns leaves the others as they are`, async (t) => {
    const database = await begin(t)
    const whole = [
      '{"kind":"user","login":"ann","domain":"example.org","password":"{CLEAR}x","quota":1,"enabled":false,"startdate":"2020-01-02 03:04:05","use_dotqmail":true,"home":"/srv/ann","uid":7,"gid":8}\n',
      '{"kind":"dotqmail","login":"ann","domain":"example.org","text":"#\\n"}\n',
    ].join('')
    await put(database, whole)
    const list = 'login,domain,quota\nann,example.org,2\nnew,example.org,3\n'
    await assert.rejects(put(database, list, { format: 'csv' }), ImportRefused)
    const { kinds, withoutPassword } = await put(database, list, { format: 'csv', replace: true })
    assert.deepEqual([kinds['user'], withoutPassword], [{ added: 1, replaced: 1, same: 0 }, 1])
    const { kinds: again } = await put(database, list, { format: 'csv' })
    assert.deepEqual(again['user'], { added: 0, replaced: 0, same: 2 })
    await put(database, 'kind,domain\ndomain,b.example\n', { format: 'csv' })
    const lines: string[] = []
    for await (const line of exportAll(database, { format: 'json', tables: [] })) if (!line.includes('"new"')) lines.push(line)
    assert.equal(lines.slice(1).join(''), `{"kind":"domain","domain":"b.example"}\n{"kind":"domain","domain":"example.org"}\n${whole.replace('"quota":1', '"quota":2')}`)
    // In a line of JSON what is not said is the usual, as an export writes it.
    await put(database, '{"login":"ann","domain":"example.org"}\n', { replace: true })
    assert.deepEqual((await listUsers(database)).map(({ login, quota, enabled }) => [login, quota, enabled]), [['ann', 0, true], ['new', 3, true]])
  })

  test(`${name}: what a column cannot hold is said before anything is written`, async (t) => {
    const database = await begin(t)
    const wrong: readonly (readonly [line: string, reason: RegExp])[] = [
      ['{"kind":"user","login":"a","domain":"example.org","uid":2147483648}', /uid or gid is above 2147483647/],
      ['{"kind":"user","login":"a","domain":"example.org","startdate":"2026-01-01 24:00:00"}', /startdate is no date/],
      ['{"kind":"user","login":"a","domain":"example.org","startdate":"2026-02-29"}', /startdate is no date/],
      ['{"kind":"user","login":"a","domain":"example.org","quota":9007199254740992}', /quota is no whole number/],
      ['{"kind":"notify","login":"x/../y","domain":"example.org"}', /cannot be a login/],
      ['{"kind":"notify","login":"[:none:]","domain":"example.org"}', /cannot be a login/],
      ['{"kind":"notify","login":"a","domain":"example.org","jid":"no jid"}', /is not a Jabber address/],
      ['{"kind":"dotqmail","login":"a","domain":"example.org","extension":"\\u001b[2J","text":"#\\n"}', /^"\?|cannot be an extension/],
    ]
    for (const [line, reason] of wrong) {
      await assert.rejects(put(database, `{"kind":"user","login":"b","domain":"example.org"}\n${line}\n`), (error) => {
        assert.ok(error instanceof ImportRefused, `${line}: ${String(error)}`)
        assert.match(error.problems[0]!.reason, reason)
        // oxlint-disable-next-line no-control-regex -- exactly these are meant
        assert.doesNotMatch(error.problems[0]!.reason, /[\x00-\x1f]/)
        return true
      })
    }
    assert.deepEqual(await listUsers(database), [])
    await put(database, '{"kind":"notify","login":"[:ANY:]","domain":"Example.ORG","jid":"a@jabber.example"}\n{"kind":"user","login":"old","domain":"example.org","startdate":"0050-01-01 00:00:00"}\n')
    assert.deepEqual((await database.write.selectFrom('helios_notify').select(['login', 'domain']).execute()).map((row) => `${row.login}@${row.domain}`), ['[:all:]@example.org'])
    assert.deepEqual((await database.write.selectFrom('passwd').select('startdate').execute()).map((row) => row.startdate), ['0050-01-01 00:00:00'])
  })
}

async function put(database: Database, text: string, { format = 'json', replace = false }: { readonly format?: Format; readonly replace?: boolean } = {}): Promise<Imported> {
  const chunks = (async function* () { yield text })()
  return importAll(database, read(format, chunks), { file: `file.${format}`, tables: [], accounts: { locals: () => new Set() }, replace })
}
