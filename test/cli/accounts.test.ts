import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { verifyPassword } from '../../core/accounts/passwords.ts'
import { peer } from '../peers.ts'
import { LAUNCHER, place, type Place } from './kit.ts'

/** A home with nothing but a name and an empty rcpthosts. */
function bareHome(t: TestContext): Place {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/rcpthosts', '# ours\n')
  return here
}

function storedPassword(here: Place, login: string): string {
  const database = new DatabaseSync(here.at('helios-home/helios.db'))
  try {
    return String(database.prepare('SELECT password FROM passwd WHERE login = ?').get(login)?.['password'])
  } finally {
    database.close()
  }
}

test('init makes a home that has nothing to mend, and a second init changes nothing', async (t) => {
  const here = place(t)
  const first = await here.helios(['init'])
  assert.equal(first.code, 0, first.err)
  assert.match(
    first.out,
    new RegExp(`^home made in ${here.directory}/helios-home\nuser demo@example\\.test, password [a-z0-9-]{19} \\(shown this once`)
  )
  assert.equal(here.read('helios-home/demo-user'), 'demo@example.test\n')
  assert.equal(statSync(here.at('helios-home/helios.db')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(here.at('helios-home/mail/example.test/demo/Maildir')).sort(), ['cur', 'new', 'tmp'])
  const password = /password (\S+)/.exec(first.out)![1]!
  assert.equal(await verifyPassword(password, storedPassword(here, 'demo')), true)
  const before = snapshot(here.at('helios-home'))
  const second = await here.helios(['init'])
  assert.deepEqual([second.code, second.out], [0, `${here.directory}/helios-home is a home already: nothing was changed\n`])
  assert.deepEqual(snapshot(here.at('helios-home')), before)
  const checked = await here.helios(['check'])
  assert.deepEqual([checked.code, checked.err], [0, ''], checked.out)
})

test('init with a domain and a user of one\'s own, elsewhere', async (t) => {
  const here = place(t)
  const made = await here.helios(['init', 'post', '--me', 'mail.example.org', '--domain', 'Example.org', '--user', 'ann'])
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /user ann@example\.org, password [\s\S]*next: helios serve --home post\n$/)
  assert.equal(here.read('post/control/me').split('\n')[0], 'mail.example.org')
  assert.ok(!readdirSync(here.at('post')).includes('demo-user'))
  const listed = await here.helios(['--home', 'post', 'user', 'list', '--json'])
  assert.deepEqual(JSON.parse(listed.out), [{
    login: 'ann', domain: 'example.org', home: here.at('post/mail/example.org/ann'), quota: 0, enabled: true,
  }])
})

test('init in a home that is somebody\'s adds what is missing, and no demo', async (t) => {
  const here = bareHome(t)
  here.write('helios-home/control/rcpthosts', 'example.org\n')
  const made = await here.helios(['init'])
  assert.equal(made.code, 0, made.err)
  assert.match(made.out, /was a home without accounts; added: .*helios\.db\n/)
  assert.equal(here.read('helios-home/control/rcpthosts'), 'example.org\n')
  assert.equal((await here.helios(['user', 'list'])).out, 'no users yet: helios user add LOGIN@DOMAIN\n')
})

test('init where nothing can be made says so', async (t) => {
  const here = place(t)
  here.write('file', '')
  const failed = await here.helios(['init', 'file/home'])
  assert.equal(failed.code, 1)
  assert.match(failed.err, /^helios: cannot make a home in .*\/file\/home: .* \(name a directory you may write to: helios init DIR\)\n$/)
  assert.equal((await here.helios(['init', '--domain', 'no domain'])).code, 1)
})

test('domain add, twice; domain list', async (t) => {
  const here = bareHome(t)
  assert.equal((await here.helios(['domain', 'add', 'Example.org'])).out,
    'example.org added to control/rcpthosts\nmail/example.org created\nnext: helios user add LOGIN@example.org\n'
    + 'nobody is postmaster@example.org yet, whom other servers write to: add a user or an alias of that name\n')
  assert.equal(here.read('helios-home/control/rcpthosts'), '# ours\nexample.org\n')
  const again = await here.helios(['domain', 'add', 'example.org'])
  assert.deepEqual([again.code, again.out], [0, 'example.org is there already\n'])
  assert.equal((await here.helios(['domain', 'list'])).out, 'example.org  0 users\n')
  assert.deepEqual(JSON.parse((await here.helios(['domain', 'list', '--json'])).out), [{ domain: 'example.org', accepted: true, users: 0 }])
})

test('user add and passwd with the password as a line of standard input', async (t) => {
  const here = bareHome(t)
  const early = await here.helios(['user', 'add', 'ann@example.org'], { stdin: 'secret\n' })
  assert.deepEqual([early.code, early.err], [1,
    'helios: mail for example.org is not accepted here: it is not in control/rcpthosts (first run "helios domain add example.org")\n'])
  await here.helios(['domain', 'add', 'example.org'])
  const added = await here.helios(['user', 'add', 'ann@example.org', '--quota', '2K'], { stdin: 'secr\u00e9t\r\nmore\n' })
  assert.deepEqual([added.code, added.out], [0, `ann@example.org added, mail in ${here.at('helios-home/mail/example.org/ann')}/Maildir\n`])
  assert.equal(await verifyPassword('secr\u00e9t', storedPassword(here, 'ann')), true)
  assert.equal((await here.helios(['user', 'add', 'Ann@example.org'], { stdin: 'x' })).code, 1)
  assert.equal((await here.helios(['user', 'passwd', 'ann@example.org'], { stdin: 'new' })).out, 'password of ann@example.org changed\n')
  assert.equal(await verifyPassword('new', storedPassword(here, 'ann')), true)
  assert.match((await here.helios(['user', 'passwd', 'ann@example.org', '--scram', '--clear-text'], { stdin: 'new' })).err, /cannot be used with/)
  const nobody = await here.helios(['user', 'passwd', 'bob@example.org'], { stdin: 'new' })
  assert.deepEqual([nobody.code, nobody.err], [1, 'helios: there is no user bob@example.org ("helios finger bob@example.org" also looks at aliases and extensions)\n'])
  const empty = await here.helios(['user', 'passwd', 'ann@example.org'])
  assert.deepEqual([empty.code, empty.err], [
    1, 'helios: no password came on standard input (write it there as one line, or let --generate make one)\n',
  ])
  assert.equal((await here.helios(['user', 'list'])).out, `ann@example.org    2048 bytes  ${here.at('helios-home/mail/example.org/ann')}\n`)
})

test('a password that is made up is shown once and works', async (t) => {
  const here = bareHome(t)
  await here.helios(['domain', 'add', 'example.org'])
  const added = await here.helios(['user', 'add', 'ann@example.org', '--generate'])
  const password = /^password: (\S+)$/m.exec(added.out)![1]!
  assert.equal(await verifyPassword(password, storedPassword(here, 'ann')), true)
})

test('a password is kept in clear text only where that is said, with a warning, and is a hash again after the next one', async (t) => {
  const here = bareHome(t)
  await here.helios(['domain', 'add', 'example.org'])
  const added = await here.helios(['user', 'add', 'ann@example.org', '--clear-text'], { stdin: 'secret\n' })
  assert.deepEqual([added.code, storedPassword(here, 'ann')], [0, '{CLEAR}secret'])
  assert.match(added.err, /^warning: the password of ann@example\.org is kept as it is: whoever can read the database, or a backup of it, has it \(/)
  const hashed = await here.helios(['user', 'passwd', 'ann@example.org'], { stdin: 'other\n' })
  assert.match(hashed.err, /^note: the password is a hash now, so that APOP, CRAM-MD5 and SCRAM-SHA-256 no longer work for ann@example\.org\n$/)
  assert.equal(await verifyPassword('other', storedPassword(here, 'ann')), true)
  assert.match(storedPassword(here, 'ann'), /^\$scrypt\$/)
  assert.equal((await here.helios(['user', 'passwd', 'ann@example.org', '--clear-text', '--generate'])).code, 0)
  assert.match(storedPassword(here, 'ann'), /^\{CLEAR\}[a-z0-9-]{19}$/)
  const keys = await here.helios(['user', 'passwd', 'ann@example.org', '--scram'], { stdin: 'third\n' })
  assert.equal(keys.err, 'note: the password is kept as keys now, so that APOP and CRAM-MD5 no longer work for ann@example.org\n')
  assert.match(storedPassword(here, 'ann'), /^\{SCRAM-SHA-256\}4096,/)
  assert.equal((await here.helios(['user', 'passwd', 'ann@example.org'], { stdin: 'fourth\n' })).err, 'note: the password is a hash now, so that SCRAM-SHA-256 no longer works for ann@example.org\n')
})

test('aliases, a renamed user, and what deleting takes along', async (t) => {
  const here = bareHome(t)
  for (const args of [['domain', 'add', 'example.org'], ['user', 'add', 'ann@example.org', '--generate']]) assert.equal((await here.helios(args)).code, 0)
  assert.equal((await here.helios(['alias', 'add', 'info@example.org', 'ann@example.org'])).out, 'info@example.org leads to ann@example.org\n')
  const away = await here.helios(['alias', 'add', 'away@example.org', 'ann@far.example'])
  assert.deepEqual([away.code, away.err], [1,
    'helios: ann@far.example is not an address of this server, and this version delivers to no other (name an account or an alias that is here)\n'])
  assert.equal((await here.helios(['user', 'rename', 'ann@example.org', 'eve@example.org'])).code, 0)
  here.write('helios-home/mail/example.org/eve/Maildir/new/1', 'mail')
  const shown = JSON.parse((await here.helios(['domain', 'show', 'example.org', '--json'])).out) as { users: { login: string }[]; aliases: unknown }
  assert.deepEqual([shown.users.map(({ login }) => login), shown.aliases], [['eve'], [{ alias: 'info@example.org', targets: ['eve@example.org'] }]])
  const asked = await here.helios(['domain', 'del', 'example.org'])
  assert.deepEqual([asked.code, asked.out], [1, ''])
  assert.match(asked.err, /^would delete: user eve@example\.org\nwould delete: 1 message\nwould delete: where alias .*\nhelios: deleting .* \(add --yes if that is meant\)\n$/)
  const deleted = await here.helios(['domain', 'del', 'example.org', '--yes'])
  assert.deepEqual([deleted.code, deleted.err], [0, ''])
  assert.equal(here.read('helios-home/control/rcpthosts'), '# ours\n')
  assert.deepEqual(readdirSync(here.at('helios-home/mail')), [])
})

test('two commands at once lose nothing', async (t) => {
  const here = bareHome(t)
  const names = ['a', 'b', 'c', 'd'].map((letter) => `${letter}.example.org`)
  const done = await Promise.all(names.map((name) => here.helios(['domain', 'add', name])))
  assert.deepEqual(done.map(({ code, err }) => [code, err]), names.map(() => [0, '']))
  assert.deepEqual(here.read('helios-home/control/rcpthosts').split('\n').slice(1).sort(), ['', ...names])
})

test('at a terminal the password is asked for twice, and never shown', async (t) => {
  const script = peer('script')
  if (script === undefined) return
  const here = bareHome(t)
  await here.helios(['domain', 'add', 'example.org'])
  const command = `${process.execPath} ${LAUNCHER} user add ann@example.org`
  const typed = await typeAt(here, script, command, ['hunterx\x7f2\rhun', 'ter2\r'])
  assert.match(typed, /password for ann@example\.org: \r?\nonce more: \r?\nann@example\.org added/)
  assert.doesNotMatch(typed, /hunter/)
  assert.equal(await verifyPassword('hunter2', storedPassword(here, 'ann')), true)
  assert.match(
    await typeAt(here, script, command.replace('add', 'passwd'), ['one\r', 'two\r']),
    /helios: the two passwords differ \(nothing was changed; try again\)/
  )
  assert.match(
    await typeAt(here, script, command.replace('add', 'passwd'), ['\x03']), /helios: no password was given \(nothing was changed\)/
  )
})

test('every command says it when there is no home', async (t) => {
  const here = place(t)
  for (const args of [['domain', 'list'], ['user', 'list'], ['check'], ['status'], ['why'], ['tcprules', '127.0.0.1']]) {
    const failed = await here.helios(args)
    assert.deepEqual([failed.code, failed.out, failed.err], [1, '',
      `helios: there is no home in ${here.at('helios-home')} (name it with --home DIR, or make one with "helios init")\n`], args.join(' '))
  }
  mkdirSync(here.at('elsewhere'))
  assert.match((await here.helios(['user', 'list', '--home', 'elsewhere'])).err, /there is no home in .*elsewhere/)
})

/** Answers each question, which ends in `: `, with the next keys. */
function typeAt(here: Place, script: string, command: string, keys: readonly string[]): Promise<string> {
  const child = spawn(script, ['-qec', command, '/dev/null'], { cwd: here.directory, stdio: ['pipe', 'pipe', 'inherit'] })
  let shown = ''
  let answered = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    if ((shown.match(/: (?=\r?\n|$)/g) ?? []).length > answered && answered < keys.length) child.stdin.write(keys[answered++]!)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve(shown))
  })
}

function snapshot(directory: string): readonly string[] {
  return (readdirSync(directory, { recursive: true }) as string[]).sort()
    .filter((name) => !name.startsWith('helios.db-'))
    .map((name) => `${name} ${statSync(join(directory, name)).isFile() ? readFileSync(join(directory, name)).toString('base64') : ''}`)
}
