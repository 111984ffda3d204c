import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { checkHome, checkPluginList } from '../../config/check.ts'
import { readControl } from '../../config/control.ts'
import { ControlStamps } from '../../config/snapshot.ts'
import { bytesOf } from '../../protocol/text.ts'
import { peer } from '../peers.ts'
import { directoryWith } from './temp.ts'

function homeWith(t: TestContext, control: Readonly<Record<string, string | Uint8Array>>): string {
  return directoryWith(t, Object.fromEntries(Object.entries(control).map(([name, content]) => [`control/${name}`, content])))
}

const MINIMAL = { me: 'mail.example.org\n', rcpthosts: 'example.org\n', smtpplugins: '' }

async function said(home: string): Promise<readonly string[]> {
  return (await readControl(home)).problems.map(({ severity, file, line }) => `${severity} ${file}${line === undefined ? '' : `:${line}`}`)
}

test('a home of two files has the defaults of the original', async (t) => {
  const { control, problems } = await readControl(homeWith(t, MINIMAL))
  assert.deepEqual(problems, [])
  const { smtpgreeting, localiphost, envnoathost, timeoutsmtpd, databytes, queuelifetime, concurrencylocal } = control
  assert.deepEqual([smtpgreeting, localiphost, envnoathost], ['mail.example.org', 'mail.example.org', 'mail.example.org'])
  assert.deepEqual([timeoutsmtpd, databytes, queuelifetime, concurrencylocal], [1200, 0, 604800, 10])
  assert.deepEqual([control.bouncefrom, control.bouncehost, control.doublebounceto, control.doublebouncehost], [
    'MAILER-DAEMON', 'mail.example.org', 'postmaster', 'mail.example.org',
  ])
  assert.deepEqual([...control.locals], ['mail.example.org'])
  assert.deepEqual([control.smtpconfig, control.tcprules.rules], [[], []])
  assert.deepEqual(control.smtpplugins, { file: 'control/smtpplugins', content: '' })
  assert.deepEqual([control.rcpthosts('u@example.org'), control.rcpthosts('u@elsewhere'), control.rcpthosts('u')], [true, false, true])
  assert.equal(control.badmailfrom('u@example.org'), false)
})

test('every file counts', async (t) => {
  const home = homeWith(t, {
    ...MINIMAL, smtpgreeting: 'hello there\nremark', localiphost: 'l', envnoathost: 'e', timeoutsmtpd: '0', databytes: '1000',
      queuelifetime: '60', concurrencylocal: '500',
    morercpthosts: '.more.example', locals: 'A.example\n#b\n', badmailfrom: '# x\n@bad.example\n', smtpconfig: 'export A=1\n',
      'smtp-tcprules': '127.:allow,B="2"\n',
    extra: bytesOf('caf\udce9'),
  })
  const { control } = await readControl(home)
  assert.deepEqual([control.smtpgreeting, control.localiphost, control.envnoathost], ['hello there', 'l', 'e'])
  assert.deepEqual([control.timeoutsmtpd, control.databytes, control.queuelifetime, control.concurrencylocal], [1, 1000, 60, 120])
  assert.deepEqual([...control.locals], ['a.example'])
  assert.equal(control.rcpthosts('u@x.more.example'), true)
  assert.deepEqual([control.badmailfrom('a@BAD.example'), control.badmailfromLine('a@BAD.example')], [true, 2])
  assert.deepEqual(control.smtpconfig, [['A', '1']])
  assert.equal(control.tcprules.rules.length, 1)
  assert.deepEqual([control.read('extra'), control.read('missing'), control.read('../package.json')], ['caf\udce9', undefined, undefined])
})

test('missing me and missing rcpthosts are errors, and nothing relays meanwhile', async (t) => {
  const home = homeWith(t, { smtpplugins: '' })
  const { control, problems } = await readControl(home)
  assert.deepEqual(problems.map(({ severity, file }) => [severity, file]), [['error', 'control/me'], ['error', 'control/rcpthosts']])
  assert.equal(problems[0]!.mend, 'echo mail.example.org > control/me')
  assert.equal(control.rcpthosts('u@example.org'), false)
  const nothing = await readControl(join(home, 'nowhere'))
  assert.deepEqual(nothing.problems.map(({ file }) => file), ['control'])
  assert.match(nothing.problems[0]!.reason, /missing/)
})

test('a missing list is a value of its own; SPPCONFFILE names another', async (t) => {
  const home = homeWith(t, { me: 'm', rcpthosts: '', other: '[rcpt]\nx\n' })
  assert.deepEqual((await readControl(home)).control.smtpplugins, { file: 'control/smtpplugins', content: undefined })
  assert.deepEqual((await readControl(home, { SPPCONFFILE: '' })).control.smtpplugins.content, undefined)
  assert.deepEqual((await readControl(home, { SPPCONFFILE: 'control/other' })).control.smtpplugins.content, '[rcpt]\nx\n')
  assert.deepEqual((await readControl(home, { SPPCONFFILE: join(home, 'control/other') })).control.smtpplugins.content, '[rcpt]\nx\n')
  writeFileSync(join(home, 'control/smtpconfig'), 'export SPPCONFFILE=control/other\n')
  const { control } = await readControl(home)
  assert.deepEqual(control.smtpplugins, { file: 'control/other', content: '[rcpt]\nx\n' })
  assert.deepEqual(checkPluginList({ ...control, smtpplugins: { file: 'x', content: undefined } }).map(({ severity, file }) => [severity,
    file]), [['error', 'x']])
})

test('qmailconfig counts, under its old name too; with rcpthosts_from_db a missing rcpthosts is none', async (t) => {
  const { rcpthosts: _, ...rest } = MINIMAL
  const old = await readControl(homeWith(t, { ...rest, sqlserver: 'rcpthosts_from_db yes\nlocalpop old.example\n' }))
  assert.deepEqual([old.problems, old.control.qmailconfig.localpop], [[], 'old.example'])
  assert.equal(old.control.rcpthosts('u@example.org'), false)
  const both = homeWith(t, { ...MINIMAL, qmailconfig: 'check_host perhaps\n', sqlserver: 'localpop old.example\n' })
  assert.deepEqual(await said(both), ['warning control/sqlserver', 'error control/qmailconfig:1'])
  const secret = homeWith(t, { ...MINIMAL, qmailconfig: 'connectionstring user=a password=b\n' })
  chmodSync(join(secret, 'control/qmailconfig'), 0o644)
  const { problems } = await checkHome({ cwd: secret, home: secret })
  assert.ok(problems.some(({ file, reason }) => file === 'control/qmailconfig' && reason.includes('password')))
  const homes = homeWith(t, { ...MINIMAL, qmailconfig: 'autohomedir /nowhere/make-home\nmail_root /nowhere/mail\n' })
  const { problems: told } = await checkHome({ cwd: homes, home: homes })
  assert.ok(told.some(({ severity, reason }) => severity === 'warning' && reason.startsWith('mail_root /nowhere/mail is no directory')))
  assert.ok(told.some(({ severity, reason }) => severity === 'warning' && reason.includes('/nowhere/make-home, cannot be run (ENOENT)')))
})

test('doubtful contents are told with their line', async (t) => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ['me', '', ['error control/me:1']], ['me', 'a b\n', ['error control/me:1']], ['me', 'mail\r\n', ['error control/me:1']], ['me',
      '# mail\n', ['error control/me:1']],
    ['smtpgreeting', 'hi\r\n', ['error control/smtpgreeting:1']], ['smtpgreeting', '# hi\n', ['warning control/smtpgreeting:1']],
    ['databytes', '50M\n', ['warning control/databytes:1']], ['databytes', 'many\n', ['warning control/databytes:1']], ['timeoutsmtpd',
      '0', ['warning control/timeoutsmtpd:1']],
    ['concurrencylocal', '0', ['warning control/concurrencylocal:1']], ['concurrencylocal', '121', ['warning control/concurrencylocal:1']],
    ['rcpthosts', '#\nexample.org\r\n', ['error control/rcpthosts:2']], ['rcpthosts', 'u@example.org', ['warning control/rcpthosts:1']],
    ['rcpthosts', '*.example.org', ['warning control/rcpthosts:1']], ['locals', 'a b', ['warning control/locals:1']],
    ['smtp-tcprules', '\n1.2.3.4:yes', ['error control/smtp-tcprules:2']], ['smtp-tcprules', ':allow,RELAYCLIENT=""',
      ['warning control/smtp-tcprules:1']],
    ['smtpconfig', '\n\nulimit -v 1', ['error control/smtpconfig:3']], ['smtpconfig', 'export RELAYCLIENT=',
      ['warning control/smtpconfig']],
    ['morercpthosts.cdb', 'text', ['error control/morercpthosts.cdb']],
  ]
  for (const [name, content, expected] of cases) assert.deepEqual(await said(homeWith(t, { ...MINIMAL, [name]: content })), expected,
    `${name}: ${content}`)
})

test('a file that cannot be read is not a missing one', async (t) => {
  const home = homeWith(t, MINIMAL)
  writeFileSync(join(home, 'control/databytes'), '1')
  truncateSync(join(home, 'control/databytes'), 5 * 1024 * 1024)
  writeFileSync(join(home, 'control/backup.tar'), '')
  truncateSync(join(home, 'control/backup.tar'), 5 * 1024 * 1024)
  const { control, problems } = await readControl(home)
  assert.deepEqual(problems.map(({ severity, file }) => [severity, file]), [['error', 'control/databytes']])
  assert.deepEqual([...control.unreadable.keys()].toSorted(), ['backup.tar', 'databytes'])
})

test('what stands in a control file\'s place and is none is an error, and not a file that is missing', async (t) => {
  const home = homeWith(t, MINIMAL)
  mkdirSync(join(home, 'control/badmailfrom'))
  execFileSync('mkfifo', [join(home, 'control/queuelifetime')])
  symlinkSync('/dev/zero', join(home, 'control/databytes'))
  mkdirSync(join(home, 'control/domainkeys'))
  const { problems } = await readControl(home)
  assert.deepEqual(problems.map(({ severity, file, reason }) => [severity, file, reason.replace(/.*: /, '')]), [
    ['error', 'control/databytes', 'it is no regular file'],
    ['error', 'control/queuelifetime', 'it is no regular file'],
    ['error', 'control/badmailfrom', 'it is a directory'],
  ])
})

test('a byte order mark is named: the first line behind it would match nothing', async (t) => {
  for (const name of ['rcpthosts', 'badmailfrom', 'smtp-tcprules', 'smtpplugins', 'locals', 'me', 'smtpconfig']) {
    const { problems } = await readControl(homeWith(t, { ...MINIMAL, [name]: '\ufeffexample.org\n' }))
    assert.deepEqual(problems.map(({ severity, file }) => [severity, file]), [['error', `control/${name}`]], name)
    assert.match(problems[0]!.reason, /byte order mark/)
  }
})

test('links are followed; links to nowhere and hidden files are none of ours', async (t) => {
  const home = homeWith(t, { ...MINIMAL, '.me.swp': 'x' })
  rmSync(join(home, 'control/me'))
  writeFileSync(join(home, 'name'), 'linked.example\n')
  symlinkSync('../name', join(home, 'control/me'))
  symlinkSync('nowhere', join(home, 'control/databytes'))
  const { control, problems } = await readControl(home)
  assert.deepEqual([control.me, control.databytes, problems], ['linked.example', 0, []])
  assert.equal(control.read('.me.swp'), undefined)
})

test('no bytes in any file make it reject', async (t) => {
  const home = homeWith(t, MINIMAL)
  const names = ['me', 'rcpthosts', 'morercpthosts.cdb', 'databytes', 'smtpconfig', 'smtp-tcprules', 'badmailfrom', 'locals']
  await fc.assert(fc.asyncProperty(fc.constantFrom(...names), fc.uint8Array({ maxLength: 3000 }), async (name, bytes) => {
    writeFileSync(join(home, 'control', name), bytes)
    const { control } = await readControl(home)
    control.rcpthosts('u@example.org')
    control.badmailfrom('u@example.org')
  }), { numRuns: 60 })
})

const cdb = peer('cdb')

test('the compiled morercpthosts of tinycdb is read where the text is missing', { skip: cdb === undefined }, async (t) => {
  const home = homeWith(t, MINIMAL)
  const domains = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `.d${i}.example` : `d${i}.example`))
  execFileSync(cdb!, ['-c', '-m', join(home, 'control/morercpthosts.cdb')], { input: `${domains.map((name) => `${name} 1`).join('\n')}\n` })
  const { control, problems } = await readControl(home)
  assert.deepEqual(problems, [])
  for (const domain of domains) assert.equal(control.rcpthosts(domain.startsWith('.') ? `u@X${domain}` : `u@${domain}`), true, domain)
  assert.equal(control.rcpthosts('u@d0.example'), false)
  writeFileSync(join(home, 'control/morercpthosts'), 'only.example\n')
  const again = await readControl(home)
  assert.deepEqual([again.control.rcpthosts('u@only.example'), again.control.rcpthosts('u@d1.example')], [true, false])
})

for (const age of ['just made', 'old']) {
  test(`stamps of a directory that is ${age} change with every write, new file and removal, and only then`, (t) => {
    const home = homeWith(t, MINIMAL)
    const also = ['elsewhere']
    const stamps = new ControlStamps(home)
    const look = (): string => {
      if (age === 'old') utimesSync(join(home, 'control'), 0, 1000)
      const text = stamps.look(also)
      assert.equal(stamps.look(also), text)
      return text
    }
    const seen = [look()]
    for (const change of [
      () => appendFileSync(join(home, 'control/me'), ' '), () => writeFileSync(join(home, 'control/databytes'), '1'),
      () => renameSync(join(home, 'control/databytes'), join(home, 'control/databytes.new')),
      () => writeFileSync(join(home, 'control/databytes.new'), '2'),
      () => rmSync(join(home, 'control/databytes.new')), () => writeFileSync(join(home, 'elsewhere'), ''),
    ]) {
      change()
      const text = stamps.look(also)
      assert.ok(!seen.includes(text), String(change))
      seen.push(text, look())
    }
    assert.match(new ControlStamps(join(home, 'nowhere')).look(), /nowhere\/control undefined$/)
  })
}

test('checking a home gathers all of it, errors first', async (t) => {
  const home = homeWith(t, { ...MINIMAL, smtpplugins: '[rcpt]\n@nonsense=1 plugins/x\n', databytes: '1M', me: '' })
  const { settings, control, problems } = await checkHome({ cwd: home, home })
  assert.deepEqual([settings?.home, control?.databytes], [home, 1])
  assert.deepEqual(problems.slice(0, 3).map(({ severity, file, line }) => `${severity} ${file}:${line}`), [
    'error control/me:1', 'error control/smtpplugins:2', 'warning control/databytes:1',
  ])
  writeFileSync(join(home, 'helios.config.json'), '{"x":1}')
  const broken = await checkHome({ cwd: home, home })
  assert.deepEqual([broken.settings, broken.problems.length], [undefined, 1])
})
