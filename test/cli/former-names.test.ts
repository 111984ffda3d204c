/** The commands of Helios 0.9.0 under their own names, each run as a process. */
import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ended, LAUNCHER, place } from './kit.ts'

const BIN = join(dirname(dirname(dirname(LAUNCHER))), 'core/cli/former')
const named = (name: string): readonly string[] => [process.execPath, join(BIN, `${name}.js`)]

test('each does what our verb does', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/rcpthosts', '')
  const steps: readonly (readonly [string, RegExp, string?])[] = [
    ['helios-adddomain -p example.org', /^example\.org added to control\/rcpthosts\n/],
    ['helios-adduser johny example.org', /^johny@example\.org added, /, 'secret\n'],
    ['helios-passwd johny example.org foo', /^password of johny@example\.org changed\n$/],
    ['helios-addalias info example.org johny@example.org', /^info@example\.org leads to johny@example\.org\n$/],
    ['helios-setdotqmail johny example.org ext', /^mail for johny-ext@example\.org:\n {2}into the Maildir \.\/Maildir\/\n/, './Maildir/\n'],
    ['helios-antispoofadmin add johny@example.org office@[:domain:]', /^johny@example\.org\n/],
    ['helios-notifyadmin set johny@example.org --jid johny@jabber.example --send-to 48@sms.example', /^johny@example\.org .*from johny@jabber\.example/, 'secret\n'],
    ['helios-finger johny example.org', /^johny@example\.org\n(?:.*\n)* {2}aliases +info@example\.org\n {2}dot-qmail +-ext: \.\/Maildir\/\n {2}notify .*\n {2}antispoof /],
    ['helios-listdomain example.org', /^example\.org: mail is accepted, 1 user, 1 alias\n/],
    ['helios-deldotqmail johny example.org ext', /^the text of johny-ext@example\.org is deleted\n/],
    ['helios-delalias info example.org', /leads to johny@example\.org no longer\n$/],
    ['helios-deluser johny example.org', /^deleted: user johny@example\.org\n$/],
    ['helios-deldomain example.org', /^example\.org deleted\n$/],
  ]
  for (const [line, out, stdin] of steps) {
    const [name, ...args] = line.split(' ')
    const done = await here.helios(args, { command: named(name!), ...stdin === undefined ? {} : { stdin } })
    assert.equal(done.code, 0, `${line}: ${done.err}`)
    assert.match(done.out, out, line)
  }
  // As scripts call them.
  symlinkSync(join(BIN, 'helios-listdomain.js'), here.at('helios-listdomain.php'))
  const gone = await here.helios(['example.org'], { command: [process.execPath, here.at('helios-listdomain.php')] })
  assert.deepEqual([gone.code, gone.err], [1, 'helios: there is no domain example.org ("helios domain list" shows what there is)\n'])
  const unclear = await here.helios(['johny'], { command: named('helios-passwd') })
  assert.deepEqual([unclear.code, unclear.err.split('\n')[0]], [2, 'helios-passwd: login and domain are missing (write them one after the other, or as login@domain)'])
})

test('qmailctl starts a server, reloads it, shows it and stops it', async (t) => {
  const here = place(t)
  assert.equal((await here.helios(['init', '--domain', 'example.test'])).code, 0)
  here.write('helios-home/helios.config.json', '{ "listeners": [{ "service": "smtp", "host": "127.0.0.1", "port": 0 }] }')
  const ctl = (verb: string) => here.helios([verb, '--home', 'helios-home'], { command: named('qmailctl') })
  assert.deepEqual([(await ctl('stat')).code, (await ctl('stop')).out], [1, 'no server is running\n'])
  const server = here.start(['start', '--home', 'helios-home'], { command: named('qmailctl') })
  const end = ended(server)
  await new Promise<void>((resolve, reject) => {
    server.stdout!.on('data', (text: string) => { if (text.includes('listening smtp ')) resolve() })
    server.once('exit', () => reject(new Error('it has ended')))
  })
  assert.match((await ctl('stat')).out, /^running since /)
  for (const verb of ['hup', 'cdb']) assert.match((await ctl(verb)).out, /^(?:nothing has changed since generation|generation \d+ serves)/, verb)
  assert.match((await ctl('stop')).out, /^the server \(pid \d+\) has ended\n$/)
  assert.equal((await end).code, 0)
})
