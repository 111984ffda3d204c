/** `helios export` and `helios import` as an operator runs them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { Helios } from '../../core/api/index.ts'
import { desCrypt } from '../../core/accounts/passwords/des.ts'
import { md5Crypt } from '../../core/accounts/passwords/md5.ts'
import { peer } from '../peers.ts'
import { LAUNCHER, place, type Ended, type Place } from './kit.ts'

/** Homes `a`, with something of everything, and `b`, which is empty. */
async function twoHomes(t: TestContext): Promise<Place & { in(home: string, ...args: readonly string[]): Promise<Ended> }> {
  const here = place(t)
  const run = async (home: string, ...args: readonly string[]): Promise<Ended> => here.helios(['--home', home, ...args], { stdin: '"Grün", 10\n' })
  for (const home of ['a', 'b']) {
    here.write(`${home}/control/me`, 'mail.example.org\n')
    here.write(`${home}/control/rcpthosts`, '# ours\n')
  }
  return { ...here, in: run }
}

test('what is exported and imported elsewhere is exported there byte for byte, in both formats', async (t) => {
  const here = await twoHomes(t)
  for (const args of [
    ['domain', 'add', 'example.org'], ['domain', 'add', 'empty.example'], ['user', 'add', 'ann@example.org', '--quota', '5M'], ['user', 'add', 'bob@example.org'],
    ['user', 'disable', 'bob@example.org'], ['alias', 'add', 'info@example.org', 'ann@example.org', 'bob@example.org'], ['alias', 'add', '@example.org', 'info@example.org'],
    ['dotqmail', 'set', 'ann@example.org', 'lists'], ['antispoof', 'add', '[:all:]@example.org', 'x@far.example'],
  ]) {
    const done = args[0] === 'dotqmail' ? await here.helios(['--home', 'a', ...args], { stdin: '# "quoted", and\n./Maildir/\n' }) : await here.in('a', ...args)
    assert.equal(done.code, 0, `${args.join(' ')}: ${done.err}`)
  }
  const written = await here.in('a', 'export', 'a.json')
  assert.deepEqual([written.code, written.out], [0, ''], written.err)
  assert.match(written.err, /^\d+ rows in a\.json, with hashed passwords/)
  assert.equal(statSync(here.at('a.json')).mode & 0o777, 0o600)
  const json = here.read('a.json')
  assert.ok(!json.includes('Grün') && json.includes('$scrypt$') && !json.includes(here.directory), 'hashes, and no path of this machine')
  assert.equal((await here.in('a', 'export')).out, json)
  const csv = (await here.in('a', 'export', '--format', 'csv')).out

  const tried = await here.in('b', 'import', '--dry-run', 'a.json')
  assert.deepEqual([tried.code, tried.err], [0, ''])
  assert.match(tried.out, /^user +2 to add$/m)
  assert.deepEqual(readdirSync(here.at('b')).filter((name) => name === 'mail'), [], 'nothing was written')
  assert.equal((await here.in('b', 'import', 'a.json')).code, 0)
  assert.equal((await here.in('b', 'export')).out, json)
  assert.equal((await here.in('b', 'export', '--format', 'csv')).out, csv)
  assert.equal(here.read('b/control/rcpthosts'), '# ours\nempty.example\nexample.org\n')
  assert.equal(JSON.parse((await here.in('b', 'user', 'show', 'ann@example.org', '--json')).out).home, here.at('b/mail/example.org/ann'))

  here.write('c/control/me', 'mail.example.org\n')
  here.write('c/control/rcpthosts', '')
  const piped = await here.helios(['--home', 'c', 'import', '--format', 'csv', '--json', '-'], { stdin: csv })
  assert.deepEqual(JSON.parse(piped.out).kinds.user, { added: 2, replaced: 0, same: 0 }, piped.err)
  assert.equal((await here.in('c', 'export')).out, json)
})

test('everything that is wrong with a file is said, with its line, and nothing is written', async (t) => {
  const here = await twoHomes(t)
  await here.in('a', 'domain', 'add', 'example.org')
  await here.in('a', 'user', 'add', 'ann@example.org')
  const before = (await here.in('a', 'export')).out
  here.write('wrong.json', [
    '{"kind":"user","login":"new","domain":"example.org"}', '{"kind":"user","login":"ann","domain":"example.org","quota":5}', '{"kind":"user","login":"NEW","domain":"example.org"}',
    'nonsense', '{"kind":"colour","name":"red"}', '{"kind":"user","login":"a b","domain":"example.org"}', '',
  ].join('\n'))
  const refused = await here.in('a', 'import', 'wrong.json')
  assert.deepEqual([refused.code, refused.out], [1, ''])
  assert.deepEqual(refused.err.split('\n').map((line) => line.replace(/ \(.*/, '')), [
    'wrong.json:3: error: this user stands on line 1, too', 'wrong.json:4: error: this is no JSON', 'wrong.json:5: error: nothing here is called colour',
    'wrong.json:6: error: "a b" cannot be a login', 'helios: nothing was imported: 4 problems', '',
  ])
  here.write('together.csv', [
    'kind,login,domain,target,text', 'user,joe,elsewhere.example,,', 'alias,one,example.org,two@example.org,', 'alias,two,example.org,one@example.org,', 'alias,out,example.org,x@far.example,',
    'dotqmail,nobody,example.org,,"#', '"', '',
  ].join('\n'))
  const together = await here.in('a', 'import', 'together.csv')
  assert.deepEqual(together.err.split('\n').map((line) => line.replace(/ \(.*/, '')), [
    'together.csv:2: error: mail for elsewhere.example is not accepted here', 'together.csv:3: error: two@example.org leads back to one@example.org: mail would go round',
    'together.csv:4: error: one@example.org leads back to two@example.org: mail would go round',
    'together.csv:5: error: x@far.example is not an address of this server, and this version delivers to no other', 'together.csv:6: error: there is no user nobody@example.org',
    'helios: nothing was imported: 5 problems', '',
  ])
  here.write('other.json', '{"kind":"user","login":"ann","domain":"example.org","quota":5}\n')
  assert.match((await here.in('a', 'import', 'other.json')).err, /^other\.json:1: error: this user is here already, with other values \(.*--replace/)
  assert.equal((await here.in('a', 'export')).out, before)
  assert.match((await here.in('a', 'import', 'other.json', '--replace')).out, /^user +0 added +1 replaced\n1 user without a password/)
  assert.match((await here.in('a', 'import', 'missing.json')).err, /^helios: cannot read missing\.json: /)
})

test('an import that fails in between says how far it came, and goes on there', async (t) => {
  const here = await twoHomes(t)
  await here.in('a', 'domain', 'add', 'example.org')
  const users = Array.from({ length: 1200 }, (_, n) => `{"login":"u${String(n).padStart(4, '0')}","domain":"example.org"}\n`)
  here.write('users.json', users.join(''))
  const database = new DatabaseSync(here.at('a/helios.db'))
  t.after(() => database.close())
  database.exec("CREATE TRIGGER full BEFORE INSERT ON passwd WHEN new.login = 'u0700' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
  const failed = await here.in('a', 'import', 'users.json')
  assert.deepEqual([failed.code, failed.err], [1,
    'helios: the disk is full; 500 rows of 1200 were written (see that the database works, and run the same import again: it goes on where this one ended)\n'])
  database.exec('DROP TRIGGER full')
  assert.match((await here.in('a', 'import', 'users.json')).out, /^user +700 added +500 here already\n/)
  assert.deepEqual(database.prepare('SELECT count(*) AS n FROM passwd').get(), Object.assign(Object.create(null), { n: 1200 }))
})

test('users of vpopmail log in with their passwords', async (t) => {
  const here = await twoHomes(t)
  await here.in('a', 'domain', 'add', 'example.org')
  here.write('vpasswd', `ann:${md5Crypt(Buffer.from('password'), 'saltsalt')}:1:0:Ann:/home/vpopmail/domains/example.org/ann:52428800S\nbob:${desCrypt(Buffer.from('secret'), 'ab')}:1:26:Bob:/b:NOQUOTA\n`)
  assert.match((await here.in('a', 'import', 'vpasswd')).err, /does not say whose users they are \(add --domain and the domain\)/)
  here.write('old-users', await here.read('vpasswd'))
  assert.equal((await here.in('a', 'import', 'vpasswd', '--domain', 'example.org')).out, 'user  2 added\n')
  assert.equal((await here.in('a', 'import', 'old-users', '--domain', 'example.org')).out, 'user  0 added    2 here already\n')
  assert.match((await here.in('a', 'import', 'old-users', '--domain', 'example.org', '--format', 'csv')).err, /--domain is for a vpasswd file, and --format says csv \(leave one of them out\)/)
  const shown = JSON.parse((await here.in('a', 'user', 'list', '--json')).out) as readonly { readonly login: string; readonly quota: number; readonly enabled: boolean }[]
  assert.deepEqual(shown.map(({ login, quota, enabled }) => [login, quota, enabled]), [['ann', 52_428_800, true], ['bob', 0, false]])
  assert.equal((await here.in('a', 'user', 'enable', 'bob@example.org')).code, 0)
  const helios = await Helios.open(here.at('a'))
  t.after(() => helios.close())
  for (const [login, password] of [['ann', 'password'], ['bob', 'secret']]) {
    assert.equal((await helios.login(`${login}@example.org`, password!)).outcome, 'accepted', login)
    assert.equal((await helios.login(`${login}@example.org`, 'wrong')).outcome, 'refused', login)
  }
})

test('on a terminal a bar grows', async (t) => {
  const script = peer('script')
  if (script === undefined) return
  const here = await twoHomes(t)
  await here.in('a', 'domain', 'add', 'example.org')
  here.write('users.json', Array.from({ length: 600 }, (_, n) => `{"login":"u${n}","domain":"example.org"}\n`).join(''))
  const typed = (command: string): Promise<string> => new Promise((resolve, reject) => {
    const child = spawn(script, ['-qec', `${process.execPath} ${LAUNCHER} --home a ${command}`, '/dev/null'], { cwd: here.directory, stdio: ['ignore', 'pipe', 'inherit'] })
    let shown = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { shown += text })
    child.on('error', reject).on('close', () => resolve(shown))
  })
  const imported = await typed('import users.json')
  for (const step of ['read', 'checking', 'writing']) assert.match(imported, new RegExp(`${step} \\[#{30}\\] 100 % of `))
  assert.match(imported, /\r +\ruser +600 added/)
  assert.match(await typed('export out.json'), /exported \[#+\] 100 % of 60\d/)
})
