import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { checkHome } from '../../config/check.ts'
import { ConfigError } from '../../config/error.ts'
import { writeHome } from '../../config/init.ts'
import { parsePatterns } from '../../protocol/qmail/patterns.ts'
import { parsePluginList } from '../../protocol/spp/list.ts'
import { peer } from '../peers.ts'
import { directoryWith } from './temp.ts'

const OPTIONS = { me: 'mail.example.org', domain: 'example.org' }

async function freshHome(t: TestContext, options = OPTIONS): Promise<string> {
  const home = join(directoryWith(t), 'home')
  await writeHome(home, options)
  return home
}

test('a fresh home has nothing to complain about, and the original defaults', async (t) => {
  const home = await freshHome(t)
  const { settings, control, problems } = await checkHome({ cwd: home, home })
  assert.deepEqual(problems, [])
  assert.deepEqual([settings?.file, settings?.listeners.length], [join(home, 'helios.config.json'), 1])
  const { me, smtpgreeting, localiphost, envnoathost, timeoutsmtpd, databytes, queuelifetime, concurrencylocal } = control!
  assert.deepEqual([me, smtpgreeting, localiphost, envnoathost], Array<string>(4).fill('mail.example.org'))
  assert.deepEqual([timeoutsmtpd, databytes, queuelifetime, concurrencylocal], [1200, 0, 604800, 10])
  assert.deepEqual([...control!.locals], ['mail.example.org'])
  for (const domain of ['example.org', 'mail.example.org']) assert.equal(control!.rcpthosts(`u@${domain}`), true)
  assert.equal(control!.rcpthosts('u@elsewhere.example'), false)
})

test('nothing relays in it, and the pattern files are empty', async (t) => {
  const { control } = await checkHome({ cwd: '/', home: await freshHome(t) })
  assert.deepEqual(control!.tcprules.rules.map(({ key, variables }) => [key, variables]), [['', []]])
  assert.deepEqual(control!.smtpconfig, [])
  for (const name of ['badmailfrom', 'badrcptto', 'badhelo']) {
    const { value, problems } = parsePatterns(control!.read(name)!)
    assert.deepEqual([value.size, problems], [0, []], name)
  }
})

test('its list asks the bundled plugins, and leaves the examples commented out', async (t) => {
  const home = await freshHome(t, OPTIONS)
  const { entries, problems } = parsePluginList(readFileSync(join(home, 'control/smtpplugins'), 'utf8'))
  assert.deepEqual(problems, [])
  assert.deepEqual(entries.map(({ section, text }) => `${section} ${text}`), ['helo badhelo', 'mail badmailfrom', 'rcpt maxrcpts',
    'rcpt maxbouncercpts', 'rcpt badrcptto', 'rcpt rcptexists', 'rcpt tarpit', 'deliver maildir'])
})

test('a link that stands where a file is drafted is not followed', async (t) => {
  const directory = directoryWith(t)
  const [home, victim] = [join(directory, 'home'), join(directory, 'victim')]
  writeFileSync(victim, 'precious')
  mkdirSync(join(home, 'control'), { recursive: true })
  symlinkSync(victim, join(home, `control/.me.${process.pid}`))
  await writeHome(home, OPTIONS)
  assert.equal(readFileSync(victim, 'utf8'), 'precious')
  assert.match(readFileSync(join(home, 'control/me'), 'utf8'), /mail\.example\.org/)
})

test('every file explains itself, no placeholder is left, directories are private', async (t) => {
  const home = await freshHome(t)
  for (const name of readdirSync(join(home, 'control'))) {
    const text = readFileSync(join(home, 'control', name), 'utf8')
    assert.ok(text.split('\n').length > 3, name)
    assert.doesNotMatch(text, /\{\{|\}\}/, name)
  }
  for (const name of ['.', 'control', 'plugins', 'queue', 'mail', 'trace']) assert.equal(statSync(join(home, name)).mode & 0o777, 0o700,
    name)
  assert.deepEqual(['hello.sh', 'hello.py', 'hello.ts'].map((name) => (statSync(join(home, 'plugins', name)).mode & 0o100) !== 0), [true,
    true, false])
})

test('it has a key of its own, and a certificate of it for this host', async (t) => {
  const home = await freshHome(t)
  const [cert, key] = [join(home, 'tls/cert.pem'), join(home, 'tls/key.pem')]
  const fits = (): boolean => new X509Certificate(readFileSync(cert)).checkPrivateKey(createPrivateKey(readFileSync(key)))
  assert.equal(fits(), true)
  assert.equal(new X509Certificate(readFileSync(cert)).checkHost('mail.example.org'), 'mail.example.org')
  assert.deepEqual([statSync(key).mode & 0o777, statSync(join(home, 'tls')).mode & 0o777], [0o600, 0o700])
  // As after a stop in between.
  const before = readFileSync(key, 'utf8')
  unlinkSync(cert)
  assert.deepEqual((await writeHome(home, OPTIONS)).written, ['tls/cert.pem'])
  assert.equal(readFileSync(key, 'utf8'), before)
  assert.equal(fits(), true)
  const own = directoryWith(t, { 'control/smtpconfig-stunnel': 'cert = /etc/ssl/mine.pem\n' })
  await writeHome(own, OPTIONS)
  assert.equal(existsSync(join(own, 'tls')), false, 'who has certificates needs none')
})

test('the one domain of a host is listed once', async (t) => {
  const home = await freshHome(t, { ...OPTIONS, domain: 'MAIL.example.org' })
  assert.equal(readFileSync(join(home, 'control/rcpthosts'), 'utf8').match(/^[^#\n].*$/gm)?.length, 1)
})

test('what is there is kept, to the byte', async (t) => {
  const home = directoryWith(t, { 'control/me': 'old\n', 'plugins/hello.sh': 'mine', 'helios.config.yaml': 'log: {level: warn}\n' })
  const first = await writeHome(home, OPTIONS)
  assert.deepEqual(first.kept, ['control/me', 'plugins/hello.sh', 'helios.config.yaml'])
  assert.equal(readFileSync(join(home, 'control/me'), 'utf8'), 'old\n')
  assert.deepEqual(readdirSync(home).filter((name) => name.startsWith('helios.config')), ['helios.config.yaml'])
  const second = await writeHome(home, OPTIONS)
  assert.deepEqual(second.written, [])
  assert.deepEqual([...second.kept].toSorted(), [...first.kept, ...first.written].toSorted())
  assert.deepEqual(readdirSync(join(home, 'control')).filter((name) => name.startsWith('.')), [])
})

test('names that are none are refused before anything is written', async (t) => {
  const home = join(directoryWith(t), 'home')
  for (const me of ['', 'a b', 'a\nb', '-a', 'a..b', 'a.', '*', `${'a'.repeat(64)}.b`]) {
    await assert.rejects(writeHome(home, { ...OPTIONS, me }), ConfigError, me)
    await assert.rejects(writeHome(home, { ...OPTIONS, domain: me }), ConfigError, me)
  }
  assert.throws(() => statSync(home))
})

test('the three example plugins say the same', async (t) => {
  const home = await freshHome(t)
  const python = peer('python3')
  // In a home the loader resolves the plugin API; here it is named by its path.
  const api = pathToFileURL(resolve(import.meta.dirname, '../../core/plugin/index.ts')).href
  mkdirSync(join(home, 'bare'))
  writeFileSync(join(home, 'bare/hello.ts'), readFileSync(join(home, 'plugins/hello.ts'), 'utf8').replace('helios-mail/plugin', api))
  const { default: plugin } = await import(pathToFileURL(join(home, 'bare/hello.ts')).href) as {
    readonly default: { rcpt(context: unknown): { readonly kind: string; readonly text: string } }
  }
  for (const [recipient, asked, expected] of [
    ['nobody@example.org', 1, 'E550 sorry, nobody is not here (#5.1.1)'], ['joe@example.org', 3, 'P250-hello, recipient number 3'],
    ['anybody@example.org', 1, 'P250-hello, recipient number 1'],
  ] as const) {
    const env = { PATH: process.env['PATH'], SMTPRCPTTO: recipient, SMTPRCPTCOUNTALL: String(asked) }
    assert.equal(execFileSync(join(home, 'plugins/hello.sh'), { env, encoding: 'utf8' }), `${expected}\n`)
    if (python !== undefined) assert.equal(execFileSync(join(home, 'plugins/hello.py'), { env, encoding: 'utf8' }), `${expected}\n`)
    const command = plugin.rcpt({ session: { recipient, recipientsAsked: asked } })
    assert.equal(command.kind + command.text, expected)
  }
})
