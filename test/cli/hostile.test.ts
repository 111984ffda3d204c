/** The commands on a full disk, with odd standard input and odd places to write to. */
import assert from 'node:assert/strict'
import { lstatSync, readdirSync, symlinkSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { LAUNCHER, place, type Place } from './kit.ts'

function homeIn(t: TestContext): Place {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/rcpthosts', 'example.org\n')
  return here
}

/** The command in a shell: `$@` is the program and what stands behind it. */
const inShell = (script: string): readonly string[] => ['sh', '-c', script, 'sh', process.execPath, LAUNCHER]

test('a list of domains that the disk has no room for stays as it was', async (t) => {
  const here = homeIn(t)
  assert.equal((await here.helios(['domain', 'list'])).code, 0)
  const before = Array.from({ length: 60_000 }, (_, number) => `d${number}.example\n`).join('')
  here.write('helios-home/control/rcpthosts', before)
  // In blocks of 512 bytes: more than the database needs, less than the list.
  const limited = inShell('ulimit -f 1400; exec "$@"')
  for (const args of [['domain', 'add', 'new.example'], ['domain', 'del', 'd5.example']]) {
    const ended = await here.helios(args, { command: limited })
    assert.equal(ended.code, 1, ended.out)
    assert.match(ended.err, /^helios: cannot change .*rcpthosts: EFBIG/)
    assert.equal(here.read('helios-home/control/rcpthosts'), before)
    assert.deepEqual(readdirSync(here.at('helios-home/control')).toSorted(), ['me', 'rcpthosts'])
  }
})

test('a password that is not UTF-8 is refused, and a mark of an editor is no part of one', async (t) => {
  const here = homeIn(t)
  const refused = await here.helios(['user', 'add', 'ann@example.org'], { command: inShell('printf "p\\344ss\\n" | "$@"') })
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^helios: the password has a line end or a NUL, is not UTF-8/)
  const added = await here.helios(['user', 'add', 'ann@example.org', '--clear-text'], { stdin: '\ufeffcorrect horse\r\n' })
  assert.equal(added.code, 0, added.err)
  assert.match((await here.helios(['export'])).out, /"password":"\{CLEAR\}correct horse"/)
})

test('an export goes into a pipe and through a link, which stay what they are', async (t) => {
  const here = homeIn(t)
  const { out } = await here.helios(['export'])
  assert.equal((await here.helios(['export', '-'])).out, out)
  here.write('elsewhere/target.json', 'old\n')
  symlinkSync('elsewhere/target.json', here.at('link.json'))
  assert.equal((await here.helios(['export', 'link.json'])).code, 0)
  assert.ok(lstatSync(here.at('link.json')).isSymbolicLink())
  assert.equal(here.read('elsewhere/target.json'), out)
  assert.equal(lstatSync(here.at('elsewhere/target.json')).mode & 0o777, 0o600)

  symlinkSync('/dev/stdout', here.at('pipe'))
  assert.equal((await here.helios(['export', 'pipe', '--format', 'json'], { command: inShell('"$@" | cat') })).out, out)
  assert.ok(lstatSync(here.at('pipe')).isSymbolicLink())
  // One that leads nowhere is no place to write.
  symlinkSync('elsewhere/nowhere.json', here.at('dangling.json'))
  assert.equal((await here.helios(['export', 'dangling.json'])).code, 0)
  assert.ok(lstatSync(here.at('dangling.json')).isFile())
  assert.deepEqual(readdirSync(here.directory).toSorted(), ['dangling.json', 'elsewhere', 'helios-home', 'link.json', 'pipe'])
})

test('what is not on a list of antispoof is said as that', async (t) => {
  const here = homeIn(t)
  const ended = await here.helios(['antispoof', 'del', 'ann@example.org', 'x@y.example'])
  assert.deepEqual([ended.code, ended.err], [1, 'helios: "x@y.example" is not on the list of ann@example.org (see "helios antispoof list \'ann@example.org\'")\n'])
})

test('a quota beyond all measure is refused', async (t) => {
  const here = homeIn(t)
  assert.equal((await here.helios(['user', 'add', 'ann@example.org'], { stdin: 'correct horse\n' })).code, 0)
  const ended = await here.helios(['user', 'quota', 'ann@example.org', '999999999999G'])
  assert.equal(ended.code, 1)
  assert.match(ended.err, /is no number of bytes/)
})

test('a message never carries what a terminal obeys, and a wrong address is told before a password is asked for', async (t) => {
  const here = homeIn(t)
  const ended = await here.helios(['user', 'add', '\x1b[2Jann@example.org'], { stdin: '' })
  assert.deepEqual([ended.code, ended.err.split(' (')[0]], [1, 'helios: "\\x1b[2Jann" cannot be a login'])
})

test('what stands in the database moves no cursor', async (t) => {
  const here = homeIn(t)
  assert.equal((await here.helios(['antispoof', 'list'])).code, 0)
  const database = new DatabaseSync(here.at('helios-home/helios.db'))
  database.exec(`INSERT INTO passwd (login, virtual_host) VALUES ('\x1b[2Jann', 'example.org');
    INSERT INTO helios_aliases (login, domain, target) VALUES ('\x1b[2Jx', 'example.org', '\x1b[2Jann@example.org');
    INSERT INTO helios_antispoof (login, domain, rules) VALUES ('\u202eann', 'example.org', '\x1b[2J@example.org')`)
  database.close()
  for (const args of [['user', 'list'], ['alias', 'list'], ['domain', 'show', 'example.org'], ['antispoof', 'list'], ['domain', 'del', 'example.org', '--yes']]) {
    const { out, err, code } = await here.helios(args)
    assert.equal(code, 0, err)
    // oxlint-disable-next-line no-control-regex -- exactly these are meant
    assert.doesNotMatch(out + err, /[\x1b\u202e]/, args.join(' '))
    assert.match(out, args[0] === 'antispoof' ? /\\u\{202e\}ann@example\.org/ : /\\x1b\[2J/, args.join(' '))
  }
})
