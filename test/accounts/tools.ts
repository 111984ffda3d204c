/** Stories of the tools' own functions, for every database. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConfigError } from '../../config/error.ts'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { addAlias } from '../../core/accounts/aliases.ts'
import type { Database } from '../../core/accounts/database.ts'
import { findUsers, userDetails } from '../../core/accounts/details.ts'
import { deleteDotqmail, listDotqmail, readDotqmail, setDotqmail } from '../../core/accounts/dotqmail.ts'
import { LOGINS, recordLogin } from '../../core/accounts/logins.ts'
import { deleteNotify, listNotify, notifyPlan, readNotify, setNotify } from '../../core/accounts/notify.ts'
import { makeTables } from '../../core/accounts/tables.ts'
import { renameUser } from '../../core/accounts/users.ts'
import { HeliosError } from '../../core/error.ts'

const options = { locals: () => new Set<string>() }

export function toolStories(name: string, open: (t: TestContext, ...directives: readonly string[]) => Promise<Database>): void {
  test(`${name}: everything known of a user`, async (t) => {
    const database = await open(t)
    await makeTables(database, [LOGINS])
    writeFileSync(join(database.home, 'control/rcpthosts'), 'example.org\n')
    for (const address of ['ann@example.org', 'ann@example.net', 'bob@example.org']) {
      const [login, domain] = address.split('@') as [string, string]
      await database.write.insertInto('passwd').values({
        login, virtual_host: domain, password: 'abNANd1rDfiNc', hardquota: 5_000_000_000, startdate: '2020-01-31 00:00:00', stopdate: '2021-01-31 00:00:00',
        lastlogin: '2020-12-31 23:59:59', use_dotqmail: 1,
      }).execute()
    }
    await database.write.insertInto('dotqmails').values({ login: 'ann', virtual_host: 'example.org', extension: 'lists', dotqmail: './Maildir/\n' }).execute()
    await addAlias(database, 'info@example.org', ['ann@example.org', 'bob@example.org'], options)
    await addAlias(database, '@example.org', ['info@example.org'], options)
    await recordLogin(database, { ip: '192.0.2.1', account: 'ann@example.org', at: 1000 })
    await recordLogin(database, { ip: '192.0.2.2', account: 'ann@example.org', at: 2000 })
    const home = join(database.home, 'mail/example.org/ann')
    mkdirSync(join(home, 'Maildir/new'), { recursive: true })
    writeFileSync(join(home, 'Maildir/new/1'), '12345')
    assert.deepEqual(await userDetails(database, 'Ann@Example.org'), {
      login: 'ann', domain: 'example.org', home, maildir: join(home, 'Maildir'), enabled: true, active: false,
      startdate: '2020-01-31 00:00:00', stopdate: '2021-01-31 00:00:00', lastlogin: '2020-12-31 23:59:59', password: 'crypt(3)', quota: 5_000_000_000,
      mailbox: { messages: 1, unseen: 1, bytes: 5, folders: 0 }, aliases: ['info@example.org', '@example.org'],
      dotqmail: { used: true, texts: [{ extension: 'lists', text: './Maildir/\n' }] },
      notify: { outcome: 'none' },
      logins: [{ ip: '192.0.2.2', at: 2000 }, { ip: '192.0.2.1', at: 1000 }],
    })
    assert.equal((await userDetails(database, 'bob@example.org')).mailbox, null)
    await assert.rejects(userDetails(database, 'info@example.org'), (error) => error instanceof HeliosError && error.code === 'unknown-user')
    const asked: readonly (readonly [string, string, readonly string[]])[] = [
      ['ANN@example.org', 'user', ['ann@example.org']], ['ann-lists@example.org', 'address', ['ann@example.org']],
      ['info@example.org', 'address', ['ann@example.org', 'bob@example.org']], ['Ann', 'login', ['ann@example.net', 'ann@example.org']],
      ['eve', 'nobody', []], ['eve@example.net', 'nobody', []],
    ]
    for (const [text, by, users] of asked) assert.deepEqual(await findUsers(database, text, options), { by, users }, text)
  })

  test(`${name}: dot-qmail texts are set, found by extension, and taken away`, async (t) => {
    const database = await open(t)
    const takes = async (address: string): Promise<number> => (await accountFacts(() => database, options).takers(address)).length
    await database.write.insertInto('passwd').values({ login: 'ann', virtual_host: 'example.org', startdate: null }).execute()
    assert.equal(await takes('ann-anything@example.org'), 1)
    const set = await setDotqmail(database, 'Ann@example.org', 'Lists.a', '|cat >x; true\n&bob@example.org', 'stdin')
    assert.deepEqual([set.user, set.extension, set.firstUse, set.text, set.read.instructions.length], ['ann@example.org', 'lists.a', true, '|cat >x; true\n&bob@example.org\n', 2])
    assert.equal((await setDotqmail(database, 'ann@example.org', 'lists.a', '#\n', 'stdin')).firstUse, false)
    await setDotqmail(database, 'ann@example.org', '', './Maildir/ ü\n', 'stdin')
    assert.deepEqual(await listDotqmail(database, 'ann@example.org'), {
      user: 'ann@example.org', used: true, texts: [{ extension: '', text: './Maildir/ ü\n' }, { extension: 'lists.a', text: '#\n' }],
    })
    assert.deepEqual(await Promise.all(['ann-LISTS.A@example.org', 'ann-other@example.org', 'ann@example.org'].map(takes)), [1, 0, 1])
    assert.equal((await readDotqmail(database, 'ann@example.org', 'LISTS.A')).text, '#\n')
    assert.equal((await deleteDotqmail(database, 'ann@example.org', 'lists.a')).lastUse, false)
    assert.equal((await deleteDotqmail(database, 'ann@example.org', '')).lastUse, true)
    assert.deepEqual(await listDotqmail(database, 'ann@example.org'), { user: 'ann@example.org', used: false, texts: [] })
    assert.equal(await takes('ann-other@example.org'), 1)
    for (const [address, extension, text, code] of [
      ['eve@example.org', '', '#', 'unknown-user'], ['ann@example.org', 'a/b', '#', 'bad-extension'], ['ann@example.org', 'x'.repeat(65), '#', 'bad-extension'],
      ['ann@example.org', '', '', 'bad-dotqmail'], ['ann@example.org', '', `#${'x'.repeat(65_535)}`, 'bad-dotqmail'],
    ] as const) await assert.rejects(setDotqmail(database, address, extension, text, 'stdin'), (error) => error instanceof HeliosError && error.code === code, code)
    await assert.rejects(setDotqmail(database, 'ann@example.org', '', '#\n\n ./Maildir/', 'stdin'), (error) => error instanceof ConfigError && error.message.startsWith('stdin:3: error: '))
    await assert.rejects(readDotqmail(database, 'ann@example.org', 'x'), (error) => error instanceof HeliosError && error.code === 'unknown-dotqmail')
  })

  test(`${name}: notification settings of users and groups, and what follows from them`, async (t) => {
    const database = await open(t)
    writeFileSync(join(database.home, 'control/rcpthosts'), 'example.org\n')
    await database.write.insertInto('passwd').values({ login: 'ann', virtual_host: 'example.org', startdate: null }).execute()
    assert.deepEqual(await notifyPlan(database, 'ann@example.org'), { outcome: 'none' })
    assert.deepEqual(await setNotify(database, 'Ann@Example.org', { sendTo: 'phone.example' }), {
      user: 'ann@example.org', enabled: true, jid: null, hasPassword: false, sendTo: 'phone.example',
    })
    assert.deepEqual(await notifyPlan(database, 'ann@example.org'), { outcome: 'incomplete', missing: ['jid'], by: ['ann@example.org'] })
    await setNotify(database, '[:any:]@example.org', { jid: 'post@jabber.example', password: 'secret', sendTo: 'all@jabber.example' })
    assert.deepEqual(await notifyPlan(database, 'ann@example.org'), { outcome: 'sent', jid: 'post@jabber.example', sendTo: 'phone.example', by: ['ann@example.org', '[:all:]@example.org'] })
    await setNotify(database, '[:all:]@[:all:]', { enabled: false })
    assert.equal((await notifyPlan(database, 'ann@example.org')).outcome, 'sent', 'the narrowest says whether')
    assert.equal((await setNotify(database, '[:all:]@example.org', { jid: 'post@jabber.example' })).hasPassword, true)
    assert.equal((await setNotify(database, '[:all:]@example.org', { jid: 'post@other.example' })).hasPassword, false, 'another server never sees the password')
    assert.deepEqual(await notifyPlan(database, 'ann@example.org'), { outcome: 'incomplete', missing: ['password'], by: ['ann@example.org', '[:all:]@example.org'] })
    await setNotify(database, 'ann@example.org', { enabled: false })
    assert.deepEqual(await notifyPlan(database, 'ann@example.org'), { outcome: 'off', by: ['ann@example.org'] })
    await renameUser(database, 'ann@example.org', 'eve@example.org')
    assert.deepEqual((await listNotify(database)).map(({ user }) => user).toSorted(), ['[:all:]@[:all:]', '[:all:]@example.org', 'eve@example.org'])
    assert.equal((await deleteNotify(database, 'eve@example.org')).sendTo, 'phone.example')
    assert.equal(await readNotify(database, 'eve@example.org'), undefined)
    for (const [user, change, code] of [
      ['nobody@example.org', { enabled: true }, 'unknown-user'], ['eve@example.org', {}, 'nothing-said'], ['eve@example.org', { jid: 'jabber.example' }, 'bad-jid'],
      ['eve@example.org', { sendTo: 'a b@x.example' }, 'bad-jid'], ['eve@example.org', { password: 'x\ny' }, 'bad-password'], ['[:all:]', { enabled: true }, 'bad-address'],
    ] as const) await assert.rejects(setNotify(database, user, change), (error) => error instanceof HeliosError && error.code === code, code)
    await assert.rejects(deleteNotify(database, 'eve@example.org'), (error) => error instanceof HeliosError && error.code === 'unknown-notify')
  })
}
