/** Plugins' memory in each place it can be: the same questions, the same answers, whoever else asks; and servers that share it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { checkHome } from '../../config/check.ts'
import { readControl } from '../../config/control.ts'
import { openDatabase } from '../../core/accounts/database.ts'
import { migrate } from '../../core/accounts/migrations.ts'
import { WorldUnavailable } from '../../core/plugin/world.ts'
import { storeProblems } from '../../core/world/store/check.ts'
import { storeInAccounts } from '../../core/world/store/in-accounts.ts'
import { storeInFile } from '../../core/world/store/in-file.ts'
import { storeInMemory } from '../../core/world/store/in-memory.ts'
import { openRows, type Place } from '../../core/world/store/rows.ts'
import type { HomeStore, Store, StoreQuestion } from '../../core/world/store/types.ts'
import { parseQmailConfig, type QmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import type { DatabaseServer } from '../harness/database-server.ts'
import { connectionLines, newDatabase, onServers, untilAnswered } from '../harness/databases.ts'
import { deliverInto, deliveryPlace } from '../harness/delivered.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

const NOW = 1_790_000_000_000
const HOUR = 3600_000
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')

/** Makes a place that is empty. Each call of what it resolves with opens it once more. */
type Ground = (t: TestContext) => Promise<() => HomeStore>

function questions(store: Store) {
  return {
    get: (key: string, now = NOW, space = 'p') => store.ask({ ask: 'get', space, key, now }),
    set: (key: string, value: string, until = NOW + HOUR, now = NOW, space = 'p') => store.ask({ ask: 'set', space, key, value, until, now }),
    setIfAbsent: (key: string, value: string, until = NOW + HOUR, now = NOW) => store.ask({ ask: 'setIfAbsent', space: 'p', key, value, until, now }),
    remove: (key: string) => store.ask({ ask: 'delete', space: 'p', key, now: NOW }),
    add: (key: string, { most = Infinity, amount = 1, now = NOW, window = HOUR } = {}) => store.ask({ ask: 'add', space: 'p', key, window, amount, most, now }),
    read: (key: string, now = NOW, window = HOUR) => store.ask({ ask: 'read', space: 'p', key, window, now }),
  }
}

function stories(name: string, ground: Ground): void {
  test(`${name}: values are what was set until their time is over, and the first wins where absence is asked for`, async (t) => {
    const { get, set, setIfAbsent, remove } = questions((await ground(t))())
    assert.equal(await get('k'), undefined)
    await set('k', 'v', NOW + 10)
    assert.deepEqual([await get('k', NOW + 9), await get('k', NOW + 10), await get('k', NOW, 'other')], ['v', undefined, undefined])
    assert.deepEqual([await setIfAbsent('k', 'second'), await setIfAbsent('k', 'third', NOW + HOUR, NOW + 10), await get('k')], ['v', 'third', 'third'])
    for (const value of ['', 'same', 'same']) {
      await set('k', value)
      assert.equal(await get('k'), value)
    }
    await remove('k')
    await remove('k')
    assert.equal(await get('k'), undefined)
    await set('k', 'v', NOW, NOW)
    assert.equal(await get('k', 0), undefined)
  })

  test(`${name}: keys and values are bytes, whatever a collation takes for equal`, async (t) => {
    const { get, set, add, read } = questions((await ground(t))())
    const long = 'x'.repeat(5000)
    const keys = ['a', 'A', 'a ', 'a\0', 'á', 'a\u0301', 'ß', 'ss', '\u{1f600}', '\u{1f601}', '\udce9', 'é', '\\', "'", '%', `${long}1`, `${long}2`]
    for (const key of keys) {
      await set(key, `value of ${key}`.slice(0, 1000))
      await add(key, { amount: keys.indexOf(key) + 1 })
    }
    for (const key of keys) {
      assert.equal(await get(key), `value of ${key}`.slice(0, 1000))
      assert.equal(await read(key), keys.indexOf(key) + 1)
    }
    const widest = '\uffff'.repeat(1024)
    await set('widest', widest)
    assert.equal(await get('widest'), widest)
  })

  test(`${name}: counters slide, and what goes above the most is not kept`, async (t) => {
    const { add, read } = questions((await ground(t))())
    assert.deepEqual([await add('k'), await add('k', { amount: 4 }), await read('k'), await read('l'), await read('k', NOW, 60_000)], [1, 5, 5, 0, 0])
    assert.deepEqual([await add('k', { most: 6 }), await add('k', { most: 6 }), await read('k'), await read('k', NOW + 2 * HOUR)], [6, 7, 6, 0])
    assert.equal(await add('k', { now: NOW + 2 * HOUR }), 1)
    const busy = await Promise.all(Array.from({ length: 49 }, (_, n) => add('wide', { now: NOW + n * HOUR, amount: 2 ** 31, window: 24 * HOUR })))
    assert.equal(busy.length, 49)
  })

  test(`${name}: however many ask at once, a limit lets exactly so many through, and one alone is first`, async (t) => {
    const open = await ground(t)
    const stores = name === 'memory' ? [open()] : [open(), open()]
    const all = stores.map(questions)
    const each = (n: number) => all[n % all.length]!
    const [sums, other, values] = await Promise.all([
      Promise.all(Array.from({ length: 200 }, (_, n) => each(n).add('c', { most: 150 }))),
      Promise.all(Array.from({ length: 60 }, (_, n) => each(n).add('d', { most: 50, amount: 3 }))),
      Promise.all(Array.from({ length: 60 }, (_, n) => each(n).setIfAbsent('first', `${n}`))),
    ])
    assert.deepEqual(sums.map(Number).filter((sum) => sum <= 150).toSorted((a, b) => a - b), Array.from({ length: 150 }, (_, n) => n + 1))
    assert.equal(other.filter((sum) => Number(sum) <= 50).length, 16)
    assert.equal(new Set(values).size, 1)
    for (const { read, get } of all) assert.deepEqual([await read('c'), await read('d'), await get('first')], [150, 48, values[0]])
  })

  test(`${name}: answers as the store in memory does, whatever is asked`, async (t) => {
    const open = await ground(t)
    const store = open()
    const key = fc.constantFrom('k', 'K', 'k ', 'é', 'e\u0301', '\udce9', 'x'.repeat(201), 'x'.repeat(202))
    const given = fc.record({ space: fc.string({ minLength: 8, maxLength: 8 }), key, now: fc.integer({ min: 0, max: 200 }).map((seconds) => NOW + seconds * 1000) })
    const until = fc.integer({ min: -1, max: 100_000 })
    const window = fc.constantFrom(1000, 60_000, HOUR)
    const value = fc.string({ unit: 'binary', maxLength: 20 })
    const ask = fc.oneof(
      fc.record({ ask: fc.constantFrom('get', 'delete') }), fc.record({ ask: fc.constantFrom('set', 'setIfAbsent'), value, until }),
      fc.record({ ask: fc.constant('add'), window, amount: fc.integer({ min: 1, max: 5 }), most: fc.constantFrom(3, 10, Infinity) }),
      fc.record({ ask: fc.constant('read'), window }),
    )
    let runs = 0
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(given, ask), { maxLength: 30 }), async (sequence) => {
      const reference = storeInMemory()
      const space = `run ${++runs}`
      for (const [{ key, now }, { until = 0, ...rest }] of sequence as readonly (readonly [{ key: string; now: number }, { until?: number }])[]) {
        const question = { ...rest, space, key, now, until: now + until } as unknown as StoreQuestion
        assert.deepEqual(await store.ask(question), await reference.ask(question), JSON.stringify(question))
      }
    }), { numRuns: 60 })
  })
}

function shared(server: DatabaseServer): void {
  const { driver } = server

  async function database(t: TestContext, directives: readonly string[] = []): Promise<{ readonly config: QmailConfig; readonly lines: readonly string[]; readonly dbname: string }> {
    const dbname = await newDatabase(server)
    const lines = [...connectionLines(server, dbname), ...directives]
    const { config } = parseQmailConfig(lines.join('\n'))
    const accounts = openDatabase('/nowhere', config)
    t.after(() => accounts.close())
    await migrate(accounts)
    return { config, lines, dbname }
  }

  function opened(t: TestContext, config: QmailConfig, most?: number): HomeStore {
    const store = storeInAccounts(most === undefined ? {} : { most })
    store.use(config)
    t.after(() => store.close())
    return store
  }

  stories(driver, async (t) => {
    const { config } = await database(t)
    return () => opened(t, config)
  })

  test(`${driver}: what has ended is removed, so many at a time; of too many, those that would end first`, async (t) => {
    const { config, dbname } = await database(t)
    const rows = openRows(config, driver)
    t.after(() => rows.close())
    const placeOf = (name: string, span = 0, plugin = 'p'): Place => ({ plugin: Buffer.from(plugin), name: Buffer.from(name), span })
    const entry = (ends: number) => ({ content: Buffer.from('[]'), ends })
    for (let n = 0; n < 10; n++) await rows.insert(placeOf(`k${n}`), entry(NOW + 100 + n))
    await rows.insert(placeOf('c', 1000), entry(NOW + 50))
    await rows.insert(placeOf('k', 0, 'other'), entry(NOW + 40))
    assert.equal(await rows.prune(NOW, 100), 0)
    assert.deepEqual([await rows.prune(NOW + 101, 3), await rows.prune(NOW + 101, 3)], [3, 1])
    await rows.trim(placeOf('', 0), 5, 100)
    await rows.trim(placeOf('', 1000), 5, 100)
    const left = await Promise.all(Array.from({ length: 10 }, (_, n) => rows.find(placeOf(`k${n}`))))
    assert.deepEqual(left.flatMap((each, n) => each === undefined ? [] : [n]), [5, 6, 7, 8, 9])

    const equal = Array.from({ length: 30 }, (_, n) => placeOf(`c${n % 15}`, n < 15 ? 1000 : 2000, 'equal'))
    for (const place of equal) await rows.insert(place, entry(NOW + 7))
    const found = async () => (await Promise.all(equal.map((place) => rows.find(place)))).filter((each) => each !== undefined).length
    const others = openRows(config, driver)
    t.after(() => others.close())
    for (const [most, atMost, left] of [[25, 100, 25], [20, 2, 23], [9, 100, 9]] as const) {
      await rows.trim(equal[0]!, most, atMost)
      assert.equal(await found(), left)
    }
    // Of two that wait for one another a database refuses one.
    await Promise.allSettled([rows, others, rows, others].map((each) => each.trim(equal[0]!, 4, 100)))
    assert.equal(await found(), 4)

    const small = questions(opened(t, config, 20))
    await small.set('last', 'v', NOW + 24 * HOUR)
    for (let n = 0; n < 100; n++) await small.set(`flood${n}`, 'v', NOW + 1000 + n)
    assert.equal(await small.get('last'), 'v')
    assert.equal(await small.get('flood0'), undefined)
    await assert.rejects(server.admin(["INSERT INTO helios_store VALUES ('p', 'flood99', 0, '', 0)"], dbname), 'it is not the same table')
  })

  test(`${driver}: slow, down and back; nobody waits without end, and nothing is restarted`, async (t) => {
    const { config, dbname } = await database(t, ['query_timeout 1'])
    const store = opened(t, config)
    const { set, get, add, setIfAbsent } = questions(store)
    await set('k', 'v')
    const fails = async (): Promise<void> => {
      const outcomes = await Promise.allSettled([get('k'), set('k', 'w'), setIfAbsent('l', 'v'), ...Array.from({ length: 40 }, () => add('c'))])
      for (const outcome of outcomes) assert.ok(outcome.status === 'rejected' && outcome.reason instanceof WorldUnavailable, JSON.stringify(outcome))
    }
    const admin = await server.session(dbname)
    if (driver === 'mysql') await admin.run('LOCK TABLES helios_store WRITE')
    else for (const step of ['BEGIN', 'LOCK TABLE helios_store IN ACCESS EXCLUSIVE MODE']) await admin.run(step)
    await fails()
    await admin.end()
    assert.equal(await untilAnswered(() => get('k')), 'v')
    await server.kill()
    await fails()
    await server.start()
    assert.equal(await untilAnswered(() => get('k')), 'v')
    const many = await Promise.allSettled(Array.from({ length: 1500 }, () => get('k')))
    const refused = many.filter(({ status }) => status === 'rejected')
    assert.equal(refused.length, 500)
    assert.match(String((refused[0] as PromiseRejectedResult).reason), /the plugins' store: 1000 questions wait already/)
    await store.close()
    await assert.rejects(get('k'), /the plugins' store: Helios is stopping/)
  })

  test(`${driver}: without its table or the right to write, check and questions say so, and so does a start`, async (t) => {
    const dbname = await newDatabase(server)
    const [driverLine, reading, writing] = connectionLines(server, dbname)
    const home = await makeHome({ 'control/qmailconfig': `${[driverLine, reading, writing].join('\n')}\n` }, { store: 'accounts' })
    const problems = async () => storeProblems({ store: 'accounts' }, (await readControl(home.path)).control)
    const asked = async () => questions(opened(t, (await readControl(home.path)).control.qmailconfig)).get('k')
    const helios = (...args: readonly string[]) => spawnSync(process.execPath, [LAUNCHER, '--home', home.path, ...args], { encoding: 'utf8' })

    const [missing] = await problems()
    assert.deepEqual([missing?.severity, missing?.file, missing?.mend], ['error', 'control/qmailconfig', 'run "helios db migrate" once'])
    await assert.rejects(asked(), /^WorldUnavailable: the plugins' store: the table helios_store is missing \(run "helios db migrate" once\)/)
    const started = helios('serve')
    assert.equal(started.status, 1)
    assert.match(started.stderr, /control\/qmailconfig: .*"store": "accounts".*the table helios_store is missing.*helios db migrate/s)
    const migrated = helios('db', 'migrate')
    assert.equal(migrated.status, 0, migrated.stderr)
    assert.deepEqual(await problems(), [])

    await home.write('control/qmailconfig', `${driverLine}\n${reading}\n`)
    const [denied] = await problems()
    assert.equal(denied?.severity, 'error')
    assert.match(`${denied?.reason} ${denied?.mend}`, /not permitted: .*grant SELECT, INSERT, UPDATE and DELETE on helios_store to the user of popconnectionstring/s)
    const checked = helios('check')
    assert.equal(checked.status, 1)
    assert.match(checked.stdout, /not permitted: /)

    await home.write('control/qmailconfig', `${driverLine}\nconnectionstring user=reader dbname=x host=/nowhere/at/all\n`)
    assert.deepEqual((await problems()).map(({ severity }) => severity), ['warning'])
    const waiting = await startServer(home)
    await waiting.told(/plugins cannot remember in the database of the accounts.*cannot be reached: reader at \/nowhere/)
    await waiting.stop()
    await home.write('control/qmailconfig', '')
    assert.match((await checkHome({ home: home.path, cwd: home.path })).problems.find(({ severity }) => severity === 'error')?.reason ?? '', /there is no connectionstring/)
  })

  test(`${driver}: what store.db remembers is copied, what is there stays, and what is left behind is said`, async (t) => {
    const { config, lines } = await database(t)
    const home = await makeHome({ 'control/qmailconfig': `${lines.join('\n')}\n` }, { store: 'accounts' })
    const helios = (...args: readonly string[]) => spawnSync(process.execPath, [LAUNCHER, '--home', home.path, ...args], { encoding: 'utf8' })
    assert.match(helios('db', 'copy-store').stdout, /^0 entries of store\.db copied$/m)
    assert.equal(existsSync(home.at('store.db')), false)

    const now = Date.now()
    const file = storeInFile(home.path)
    const before = questions(file)
    const names = ['plain', 'ä\udce9', '', 'x'.repeat(300), ...Array.from({ length: 250 }, (_, n) => `many${n}`)]
    for (const name of names) await before.set(name, `value of ${name}`, now + HOUR, now)
    await before.set('brief', 'v', now + 1, now)
    await before.set('elsewhere', 'v', now + HOUR, now, 'a second plugin')
    for (const [amount, at] of [[3, now - HOUR / 2], [4, now]] as const) await before.add('counter', { amount, now: at })
    await file.close()
    const after = questions(opened(t, config))
    await after.set('plain', 'of another server', now + HOUR, now)
    assert.match(helios('check').stdout, /^store\.db: warning: .*helios db copy-store/m)
    const copied = helios('db', 'copy-store', '--json')
    assert.deepEqual(JSON.parse(copied.stdout), { copied: names.length + 1, there: 1 }, copied.stderr)
    for (const name of names) assert.equal(await after.get(name, now), name === 'plain' ? 'of another server' : `value of ${name}`)
    assert.equal(await after.get('elsewhere', now, 'a second plugin'), 'v')
    assert.deepEqual([await after.read('counter', now), await after.add('counter', { now, most: 7 })], [7, 8])
    assert.match(helios('db', 'copy-store').stdout, new RegExp(`^0 entries of store\\.db copied, ${names.length + 2} there already$`, 'm'))

    await home.write('store.db', 'no database at all, and long enough to be looked at as one'.repeat(100))
    const damaged = helios('db', 'copy-store')
    assert.equal(damaged.status, 1)
    assert.match(damaged.stderr, /store\.db cannot be read: file is not a database/)
    await home.write('control/qmailconfig', 'dbdriver nonsense\n')
    assert.match(helios('db', 'copy-store').stderr, /control\/qmailconfig:1: /)
    await home.write('control/qmailconfig', '')
    assert.match(helios('db', 'copy-store').stderr, /accounts are in helios\.db.*name a server/s)
  })

  test(`${driver}: two servers with homes of their own have one grey list and one limit`, async (t) => {
    const { lines, dbname } = await database(t)
    const files = {
      'control/qmailconfig': `${lines.join('\n')}\n`, 'control/smtpplugins': `[rcpt]\ngreylist\n[pass]\nratelimit\n[+deliver]\n${deliverInto('here')}\n`, ...deliveryPlace('here'),
      'control/smtp-tcprules': '127.0.1.:allow,GREYLIST="delay=1s"\n127.0.2.:allow,RATELIMIT="network=10/1h"\n',
    }
    const homes: readonly Home[] = [await makeHome(files, { store: 'accounts' }), await makeHome(files, { store: 'accounts' })]
    const [one, other] = await Promise.all(homes.map((home) => startServer(home))) as [Server, Server]
    assert.match(await rcpt(one, '127.0.1.1'), /^451 sorry, I do not know you yet/)
    for (let tries = 0; (await rcpt(other, '127.0.1.2')).startsWith('451'); tries++) {
      assert.ok(tries < 1000, 'it is never let in')
      await pause(10)
    }
    assert.equal(await rcpt(one, '127.0.1.3'), '250 ok')
    const replies = await Promise.all(Array.from({ length: 24 }, (_, n) => rcpt(n % 2 === 0 ? one : other, `127.0.2.${n + 1}`)))
    assert.equal(replies.filter((reply) => reply === '250 ok').length, 10, replies.join('\n'))
    assert.equal(replies.filter((reply) => reply.startsWith('451 sorry, too many recipients')).length, 14)
    await server.admin(["DELETE FROM helios_store WHERE plugin = 'greylist'"], dbname)
    assert.match(await rcpt(other, '127.0.1.1'), /^451 sorry, I do not know you yet/)
    await server.kill()
    assert.equal(await rcpt(one, '127.0.1.1', 'bob@local.example'), '451 qmail-spp failure: greylist: unavailable (#4.3.0)')
    await server.start()
    assert.match(await untilAnswered(async () => mustNot(await rcpt(one, '127.0.1.1', 'bob@local.example'), 'unavailable')), /^451 sorry, I do not know you yet/)
    for (const home of homes) assert.equal(existsSync(home.at('store.db')), false)
  })
}

/** One RCPT of a session of its own. */
async function rcpt(server: Server, from: string, recipient = 'ann@local.example'): Promise<string> {
  const client = await server.connect({ from })
  await client.reply()
  await client.commands('EHLO client.far.example', 'MAIL FROM:<joe@far.example>')
  const reply = await client.command(`RCPT TO:<${recipient}>`)
  await client.leave()
  return reply
}

function mustNot(text: string, contain: string): string {
  if (text.includes(contain)) throw new Error(text)
  return text
}

describe('file', () => stories('file', async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'helios-store-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return () => {
    const store = storeInFile(home)
    t.after(() => store.close())
    return store
  }
}))
describe('memory', () => stories('memory', async () => storeInMemory))
await onServers(shared)
