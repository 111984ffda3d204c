/** Started as root: low ports, then the rights of one user, for the server and for everything it starts. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readFileSync, symlinkSync, unlinkSync } from 'node:fs'
import { chmod, chown, lchown, lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { asOwnerOfWay } from '../../core/accounts/ownership.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeCertificate } from '../harness/certificates.ts'
import { queueEmpties } from '../harness/delivered.ts'
import { makeHome, temporaryDirectory, type Home } from '../harness/home.ts'
import { descendantsOf } from '../harness/processes.ts'
import { startServer } from '../harness/server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const helios = (home: Home, ...args: string[]) => run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })

const skip = process.getuid?.() === 0 ? false : 'needs root'
if (skip !== false) console.log('SKIPPED: started as root: needs root')

/** An unprivileged user with a group of its own, as every Debian has it. */
const USER = 'mail'
const { uid, gid } = await identity(USER)

test('low ports, and then nothing of root is left', { skip }, async () => {
  const home = await makeHome({
    'control/smtpplugins': '[helo]\n:echo "P250-$(id -un) $(id -gn) $(id -Gn)"\nplugins/mine.ts\n[+deliver]\nmaildir\n',
    'control/rcpthosts': 'local.example\n',
    'plugins/mine.ts': "import { definePlugin, print } from 'helios-mail/plugin'\nexport default definePlugin({ name: 'mine', summary: 'Says hello.', helo: () => print('250-hello') })\n",
  })
  const place = await lowPlace()
  await settings(home, { user: USER, listeners: [{ service: 'smtp', ...place }], log: { level: 'info' } })
  await give(home)
  // As an operator does it: with root's rights, in the user's home.
  await helios(home, 'domain', 'add', 'local.example')
  await helios(home, 'user', 'add', 'ann@local.example', '--generate')
  const server = await startServer(home)
  assert.equal(server.port, place.port)

  const client = await SmtpClient.connect(place.port, { host: place.host })
  await client.reply()
  client.send('EHLO x\r\n')
  const [whose, hello] = await client.reply()
  assert.equal(whose, `250-${USER} ${USER} ${USER}`)
  assert.equal(hello, '250-hello')
  for (const line of ['MAIL FROM:<a@far.example>', 'RCPT TO:<ann@local.example>', 'DATA']) await client.command(line)
  assert.match(await client.command('Subject: hello\r\n\r\nHello.\r\n.'), /^250 /)
  await queueEmpties(home)

  const processes = [server.pid, ...await descendantsOf(server.pid)]
  assert.ok(processes.length >= 3, 'server, broker, sandbox')
  for (const pid of processes) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    assert.deepEqual(numbers(status, 'Uid'), [uid, uid, uid, uid], command)
    assert.deepEqual(numbers(status, 'Gid'), [gid, gid, gid, gid], command)
    assert.deepEqual(numbers(status, 'Groups'), [gid], command)
    assert.match(status, /^CapEff:\s+0+$/m, command)
    assert.match(status, /^CapPrm:\s+0+$/m, command)
  }
  await client.leave()
  assert.deepEqual(await foreign(home.path), [], 'all in the home is the user\'s')
  for (const name of ['.', 'queue', 'queue/msg', 'queue/tmp', 'trace', 'run', 'mail']) {
    assert.equal((await stat(home.at(name))).mode & 0o7777, 0o700, name)
  }
  assert.equal((await readdir(home.at('mail/local.example/ann/Maildir/new'))).length, 1)
  assert.match((await helios(home, 'why', '--last', '1')).stdout, /delivered/)
  assert.doesNotMatch(server.stderr(), /runs as root/)
  assert.equal((await server.stop()).code, 0)
})

test('links that the owner of the home has planted lead the commands of root nowhere', { skip }, async () => {
  const home = await makeHome({ 'control/rcpthosts': 'local.example\n' })
  await settings(home, { user: USER })
  await give(home)
  await helios(home, 'user', 'add', 'ann@local.example', '--generate')
  const victim = await temporaryDirectory()
  await mkdir(join(victim, 'ann'), { mode: 0o755 })
  await chmod(victim, 0o755)
  await writeFile(join(victim, 'ann/letter'), 'precious')
  await writeFile(join(victim, 'hosts'), 'of root\n', { mode: 0o644 })
  const plant = async (name: string, target: string): Promise<void> => {
    await rename(home.at(name), home.at(`${name}.kept`)).catch(() => undefined)
    await symlink(target, home.at(name))
    await lchown(home.at(name), uid, gid)
  }
  const undo = async (name: string): Promise<void> => {
    await rm(home.at(name), { force: true })
    await rename(home.at(`${name}.kept`), home.at(name)).catch(() => undefined)
  }
  for (const [name, target, lines] of [
    ['mail/local.example', victim, [['user', 'del', 'ann@local.example', '--yes'], ['user', 'add', 'bob@local.example', '--generate']]],
    ['mail/local.example/carl', join(victim, 'ann'), [['user', 'add', 'carl@local.example', '--generate']]],
    ['control/rcpthosts', join(victim, 'hosts'), [['domain', 'add', 'b.example'], ['domain', 'del', 'local.example', '--yes']]],
    ['run', victim, [['domain', 'add', 'c.example']]],
    ['helios.db', join(victim, 'new.db'), [['user', 'list']]],
  ] as const) {
    // What an earlier command did is done anew.
    await helios(home, 'user', 'add', 'ann@local.example', '--generate').catch(() => undefined)
    await plant(name, target)
    for (const line of lines) await helios(home, ...line).catch(() => undefined)
    await undo(name)
    assert.deepEqual((await readdir(victim)).toSorted(), ['ann', 'hosts'], name)
    assert.equal(await readFile(join(victim, 'ann/letter'), 'utf8'), 'precious', name)
    assert.equal(await readFile(join(victim, 'hosts'), 'utf8'), 'of root\n', name)
    for (const each of [victim, join(victim, 'ann')]) assert.deepEqual(await stat(each).then((found) => [found.uid, found.mode & 0o777]), [0, 0o755], name)
  }
})

test('root makes no home in a directory of somebody else', { skip }, async () => {
  const home = await makeHome()
  await rm(home.path, { recursive: true })
  const victim = join(await temporaryDirectory(), 'victim')
  await writeFile(victim, 'precious')
  await mkdir(home.path)
  await symlink(victim, home.at('demo-user'))
  await give(home)
  await assert.rejects(helios(home, 'init'), new RegExp(`belongs to the user with id ${uid}, .*\\(run it as that user: runuser -u "\\$\\(id -nu ${uid}\\)" `))
  assert.equal(await readFile(victim, 'utf8'), 'precious')
  assert.deepEqual(await readdir(home.path), ['demo-user'])
})

test('an export of root follows its own links and nobody else\'s', { skip }, async () => {
  const home = await makeHome({ 'control/rcpthosts': 'local.example\n' })
  await give(home)
  await helios(home, 'domain', 'add', 'local.example')
  const victim = await temporaryDirectory()
  await chmod(victim, 0o755)
  const precious = join(victim, 'precious')
  await writeFile(precious, 'of root\n')
  for (const [name, target] of [['accounts.json', precious], ['directory', victim]] as const) {
    await symlink(target, home.at(name))
    await lchown(home.at(name), uid, gid)
  }
  const { stdout } = await helios(home, 'export')
  await helios(home, 'export', home.at('accounts.json'))
  assert.equal(await home.read('accounts.json'), stdout)
  assert.deepEqual(await lstat(home.at('accounts.json')).then((found) => [found.isFile(), found.uid]), [true, uid])
  const own = join(victim, 'into-home')
  await symlink(home.at('directory'), own)
  for (const file of [home.at('directory/precious'), join(own, 'precious')]) await assert.rejects(helios(home, 'export', file), /cannot write .*EACCES/)
  assert.deepEqual([await readFile(precious, 'utf8'), await readdir(victim)], ['of root\n', ['into-home', 'precious']])
  await symlink(precious, join(victim, 'link'))
  await helios(home, 'export', join(victim, 'link'))
  assert.deepEqual([await readFile(precious, 'utf8'), (await lstat(join(victim, 'link'))).isSymbolicLink()], [stdout, true])
})

test('an import of root reads no more than whoever could turn its way may read', { skip }, async () => {
  const home = await makeHome({ 'control/rcpthosts': 'local.example\n' })
  await give(home)
  await helios(home, 'domain', 'add', 'local.example')
  const victim = await temporaryDirectory()
  await chmod(victim, 0o755)
  const precious = join(victim, 'precious.json')
  await writeFile(precious, '{"kind":"user","login":"ann","domain":"local.example","password":"$6$salt$hash"}\n', { mode: 0o600 })
  for (const [name, target] of [['accounts.json', precious], ['directory', victim]] as const) {
    await symlink(target, home.at(name))
    await lchown(home.at(name), uid, gid)
  }
  const through = join(victim, 'through.json')
  await symlink(home.at('accounts.json'), through)
  for (const file of [home.at('accounts.json'), home.at('directory/precious.json'), through]) {
    await assert.rejects(helios(home, 'import', file), /cannot read .*EACCES.*helios import -/)
  }
  assert.doesNotMatch((await helios(home, 'export')).stdout, /ann/)

  // Root's own link, and what somebody else may read anyway.
  const link = join(victim, 'link.json')
  await symlink(precious, link)
  assert.match((await helios(home, 'import', link)).stdout, /1 added/)
  await chmod(precious, 0o644)
  assert.match((await helios(home, 'import', home.at('accounts.json'))).stdout, /1 here already/)
  // What an archive left to somebody else, where that one cannot go.
  await chmod(precious, 0o600)
  await lchown(precious, uid, gid)
  await chmod(victim, 0o700)
  assert.match((await helios(home, 'import', precious)).stdout, /1 here already/)
})

test('where others may write too, root takes what they could replace with their rights, or not at all', { skip }, async () => {
  const all = await temporaryDirectory()
  const secret = join(await temporaryDirectory(), 'secret')
  await writeFile(secret, 'of root\n')
  await chmod(all, 0o1777)
  const file = join(all, 'accounts.json')
  const planted = join(all, 'link')
  for (const name of [file, planted]) await writeFile(name, 'of root\n')
  // Root's own cannot be replaced there.
  assert.equal(asOwnerOfWay(file, () => readFileSync(secret, 'utf8')), 'of root\n')
  await lchown(file, uid, gid)
  assert.equal(asOwnerOfWay(file, () => readFileSync(file, 'utf8')), 'of root\n')
  // Its owner puts a link in its place between the look and the opening.
  assert.throws(() => asOwnerOfWay(file, () => {
    unlinkSync(file)
    symlinkSync(secret, file)
    return readFileSync(file, 'utf8')
  }), { code: 'EACCES' })
  // What is not there yet may be anything a moment later.
  assert.throws(() => asOwnerOfWay(join(all, 'nothing'), () => assert.fail('done')), { code: 'ENOENT' })

  const home = await makeHome()
  for (const [mode, group] of [[0o777, 0], [0o775, gid]] as const) {
    await chown(all, 0, group)
    await chmod(all, mode)
    await assert.rejects(helios(home, 'import', planted), new RegExp(`whoever may write in ${all} could lead root elsewhere .*chmod \\+t ${all}.*helios import -`))
  }
  await chown(all, 0, 0)
  assert.equal(asOwnerOfWay(planted, () => process.geteuid!()), 0, 'a group of root alone')
})

test('what root\'s commands run of a home they run as its owner, and copy what that one may read', { skip }, async () => {
  const witness = await temporaryDirectory()
  await chmod(witness, 0o777)
  const secret = join(witness, 'secret')
  await writeFile(secret, 'of root\n', { mode: 0o600 })
  const seen = async (): Promise<readonly string[]> => {
    const names = (await readdir(witness)).filter((name) => name !== 'secret')
    const lines = await Promise.all(names.map(async (name) => (await readFile(join(witness, name), 'utf8')).split('\n')))
    for (const name of names) await rm(join(witness, name))
    return [...new Set(lines.flat().filter((line) => line !== ''))].toSorted()
  }
  const home = await makeHome({
    'control/smtpplugins': `[helo]\n@trusted plugins/mine.ts\n:id -u >> ${witness}/program\n`,
    'plugins/mine.ts': `import { appendFileSync } from 'node:fs'\nimport { definePlugin } from 'helios-mail/plugin'
appendFileSync('${witness}/trusted', \`\${process.getuid!()}\\n\`)
export default definePlugin({ name: 'mine', summary: 'Says who it is.', helo: () => undefined })\n`,
    'plugins/mine.test.txt': 'always\nhook helo\n\n# it is asked\nTCPREMOTEIP=192.0.2.8\n> (nothing)\n',
    // Whoever owns the home says that its server is running.
    'run/status.json': JSON.stringify({ pid: process.pid, startedAt: 1, generation: { number: 1, loadedAt: 1 }, listeners: [], plugins: [], reloadsDone: 0, files: {} }),
  })
  await give(home)
  await symlink(secret, home.at('control/linked'))
  await lchown(home.at('control/linked'), uid, gid)
  // Nothing in the settings keeps them from being root's: the owner of the home writes those.
  for (const line of [
    ['check'], ['reload', '--dry-run'], ['reload', '--dry-run', '--from', home.at('control')], ['plugin', 'show', 'mine'], ['plugin', 'test', 'mine'],
    ['plugin', 'try', 'mine', '--hook', 'helo'], ['plugin', 'try', `:id -u > ${witness}/tried`, '--hook', 'helo'],
  ]) {
    await helios(home, ...line).catch(() => undefined)
    assert.deepEqual(await seen(), [String(uid)], line.join(' '))
  }
  await assert.rejects(helios(home, 'reload', '--dry-run', '--from', await temporaryDirectory()), /is no directory to look at: EACCES/)
  const chaos = () => helios(home, 'chaos', '--stage', 'helo', '--fault', 'throw', '--runtime', 'inline', '--onerror', 'open')
  const below = await temporaryDirectory()
  await rename(home.path, join(below, 'home'))
  await chmod(below, 0o700)
  await assert.rejects(run(process.execPath, [LAUNCHER, '--home', join(below, 'home'), 'check']), new RegExp(`belongs to ${USER}, who does not get to it`))
  await rename(join(below, 'home'), home.path)
  await assert.rejects(chaos(), /cannot be copied to .*EACCES: permission denied.*control\/linked/)
  await rm(home.at('control/linked'))
  await chaos()
  assert.deepEqual(await seen(), [String(uid)])
})

test('several server processes on a low port: one that dies is replaced without root', { skip }, async () => {
  const home = await makeHome({ 'control/smtpplugins': '[helo]\n:echo "P250-$(id -un)"\n' })
  const place = await lowPlace()
  await settings(home, { user: USER, workers: 2, listeners: [{ service: 'smtp', ...place }] })
  await give(home)
  const server = await startServer(home)
  const before = await workersOf(home)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  while ((await workersOf(home)).filter((pid) => !before.includes(pid)).length < 2) await new Promise((resolve) => { setTimeout(resolve, 20) })
  for (const pid of [server.pid, ...await descendantsOf(server.pid)]) {
    assert.deepEqual(numbers(await readFile(`/proc/${pid}/status`, 'utf8'), 'Uid'), [uid, uid, uid, uid])
  }
  const client = await SmtpClient.connect(place.port, { host: place.host })
  await client.reply()
  client.send('HELO x\r\n')
  assert.equal((await client.reply())[0], `250-${USER}`)
  await client.leave()
  // Only who serves has the socket: no program of a plugin's could accept in its place.
  const socket = await listeningInode(place)
  const holders: number[] = []
  for (const pid of [server.pid, ...await descendantsOf(server.pid)]) {
    const links = await Promise.all((await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')))
    if (links.includes(`socket:[${socket}]`)) holders.push(pid)
  }
  assert.deepEqual(holders.toSorted(), [server.pid, ...await workersOf(home)].toSorted())
  assert.deepEqual(await foreign(home.path), [])
  assert.equal((await server.stop()).code, 0)
})

test('the home it cannot write is named before anything is done', { skip }, async () => {
  const home = await makeHome()
  await settings(home, { user: USER })
  await refused(home, new RegExp(`becomes ${USER}, who does not own ${home.path} .*\\(chown -R ${USER}: ${home.path}\\)`))
  await give(home)
  await run('chown', ['root', home.at('queue')])
  await refused(home, /who does not own queue \(chown/)
  await assert.rejects(helios(home, 'check'), ({ code, stdout }: { code: number; stdout: string }) => {
    assert.equal(code, 1)
    assert.match(stdout, /who does not own queue/)
    return true
  })
})

test('who owns the home cannot keep root: neither by the settings, nor by a link', { skip }, async () => {
  const home = await makeHome()
  await give(home)
  await refused(home, new RegExp(`belongs to ${USER}, and root would run its plugins \\(write "user": "${USER}"`))
  await settings(home, { user: 'root' })
  await refused(home, /root would run its plugins/)
  await settings(home, { user: 'nobody-of-this-name' })
  await refused(home, /there is no user nobody-of-this-name/)

  await settings(home, { user: USER })
  const trap = await makeHome()
  await (await startServer(home)).stop()
  await unlink(home.at('run/lock'))
  await symlink(trap.at('made-by-root'), home.at('run/lock'))
  await run('chown', ['-h', `${USER}:`, home.at('run/lock')])
  await refused(home, /cannot lock .*run\/lock/)
  await assert.rejects(lstat(trap.at('made-by-root')), { code: 'ENOENT' })
})

test('without a user in the settings it becomes default_user, with default_group, and homes are made by the program of autohomedir', { skip }, async () => {
  const group = 'games'
  const home = await makeHome({
    'control/smtpplugins': '[+deliver]\nmaildir\n', 'control/rcpthosts': 'local.example\n',
    'control/qmailconfig': `default_user ${USER}\ndefault_group ${group}\n`,
  })
  await settings(home, {})
  await refused(home, new RegExp(`${USER} is not in the group ${group} \\(usermod -aG ${group} ${USER}, or correct default_group in control/qmailconfig\\)`))
  // Its own is one that it is in.
  await home.write('control/qmailconfig', `default_user ${USER}\ndefault_group ${USER}\nautohomedir ${home.at('make-home')}\n`)
  await refused(home, new RegExp(`becomes ${USER}, who does not own ${home.path} .*\\(chown -R ${USER}:${USER} ${home.path}\\)`))
  await home.write('make-home', '#!/bin/sh\n[ $# = 1 ] && mkdir -p "$1" && echo "$USER $DOMAIN $(id -un) $(id -gn)" > "$1/made"\n')
  await chmod(home.at('make-home'), 0o755)
  await give(home)
  await helios(home, 'user', 'add', 'ann@local.example', '--generate')
  await rm(home.at('mail/local.example'), { recursive: true })
  const server = await startServer(home)
  assert.deepEqual(numbers(await readFile(`/proc/${server.pid}/status`, 'utf8'), 'Uid'), [uid, uid, uid, uid])
  const client = await SmtpClient.connect(server.port)
  await client.reply()
  for (const line of ['HELO x', 'MAIL FROM:<a@far.example>', 'RCPT TO:<ann@local.example>', 'DATA']) await client.command(line)
  assert.match(await client.command('Subject: hello\r\n\r\nHello.\r\n.'), /^250 /)
  await client.leave()
  await queueEmpties(home)
  assert.equal(await home.read('mail/local.example/ann/made'), `ann local.example ${USER} ${USER}\n`)
  const [message] = await readdir(home.at('mail/local.example/ann/Maildir/new'))
  const file = await stat(home.at(`mail/local.example/ann/Maildir/new/${message}`))
  assert.deepEqual([file.uid, file.gid], [uid, gid])
  assert.doesNotMatch(server.stderr(), /runs as root/)
  assert.equal((await server.stop()).code, 0)

  // What root could read and the owner cannot is not read.
  const secret = join(await temporaryDirectory(), 'secret')
  await writeFile(secret, 'default_user root\n', { mode: 0o600 })
  await unlink(home.at('control/qmailconfig'))
  await symlink(secret, home.at('control/qmailconfig'))
  await refused(home, /cannot read .*control\/qmailconfig, which may name the user to become: EACCES/)
})

test('root signals no process of somebody else, whatever the status file names', { skip }, async (t) => {
  const home = await makeHome()
  await give(home)
  const other = spawn('sleep', ['300'], { stdio: 'ignore' })
  t.after(() => other.kill('SIGKILL'))
  await home.write('run/status.json', JSON.stringify({ pid: other.pid, startedAt: 1, generation: { number: 1, loadedAt: 1 }, listeners: [], plugins: [], reloadsDone: 0, files: {} }))
  for (const [script, verb] of [[LAUNCHER, 'reload'], [join(LAUNCHER, '../former/qmailctl.js'), 'stop']] as const) {
    await assert.rejects(run(process.execPath, [script, verb, '--home', home.path]), ({ stderr }: { stderr: string }) => {
      assert.match(stderr, new RegExp(`pid ${other.pid} is not the server of ${home.path}`))
      return true
    })
  }
  assert.deepEqual([other.exitCode, other.signalCode], [null, null])
})

test('somebody else cannot become the user, and is told', { skip }, async () => {
  const home = await makeHome()
  await settings(home, { user: 'daemon' })
  await give(home)
  // The test's directory may be nobody's but root's: the home is in one that all may enter.
  const failure = await run('setpriv', ['--reuid', USER, '--regid', USER, '--clear-groups', process.execPath, LAUNCHER, '--home', home.path, 'serve'], {
    cwd: home.path,
  }).then(() => undefined, (error: { readonly stderr: string }) => error.stderr)
  assert.match(failure ?? '', new RegExp(`"user": "daemon", and this is ${USER}, who cannot become another`))
})

test('as root in a home of root: it runs, and the log says that it should not', { skip }, async () => {
  const home = await makeHome()
  const server = await startServer(home)
  await server.told(/runs as root/)
  assert.equal((await server.stop()).code, 0)
})

test('certificates are read by the user it has become, at the start as at each renewal', { skip }, async () => {
  const place = await temporaryDirectory()
  await chmod(place, 0o755)
  const put = async (name: string, mode: number): Promise<void> => {
    const { cert, key } = makeCertificate([name])
    await writeFile(join(place, 'cert.pem'), cert)
    await writeFile(join(place, 'key.pem'), key)
    await chmod(join(place, 'key.pem'), mode)
  }
  await put('first.example', 0o600)
  const home = await makeHome({ 'control/smtpconfig-stunnel': `cert = ${place}/cert.pem\nkey = ${place}/key.pem\n` })
  await settings(home, { user: USER, listeners: [{ host: '127.0.0.1', port: 0, tls: true }] })
  await give(home)
  await refused(home, /smtpconfig-stunnel:2: error: the private key \S+key\.pem cannot be read: permission denied \(let the user the server runs as read it/)
  // As certbot keeps it at each renewal.
  await run('chown', [`root:${USER}`, join(place, 'key.pem')])
  await chmod(join(place, 'key.pem'), 0o640)
  const server = await startServer(home)
  const shown = async (): Promise<string | undefined> => {
    const client = await SmtpClient.connect(server.port, { tls: {} })
    const { subject } = (client.socket as TLSSocket).getPeerX509Certificate()!
    await client.leave()
    return subject
  }
  assert.equal(await shown(), 'CN=first.example')
  await put('second.example', 0o640)
  assert.equal(await shown(), 'CN=second.example')
})

async function settings(home: Home, more: object): Promise<void> {
  await home.write('helios.config.json', JSON.stringify({ listeners: [{ service: 'smtp', host: '127.0.0.1', port: 0 }], ...more }))
  if ((await stat(home.path)).uid === uid) await give(home)
}

async function give(home: Home): Promise<void> {
  await run('chown', ['-R', `${USER}:`, home.path])
}

async function refused(home: Home, told: RegExp): Promise<void> {
  await assert.rejects(helios(home, 'serve'), ({ code, stderr }: { code: number; stderr: string }) => {
    assert.equal(code, 1)
    assert.match(stderr, told)
    return true
  })
}

/** Not the user's, of everything in the home. */
async function foreign(directory: string): Promise<string[]> {
  const found: string[] = []
  for (const name of await readdir(directory, { recursive: true })) {
    const facts = await lstat(join(directory, name)).catch(() => undefined)
    if (facts !== undefined && (facts.uid !== uid || facts.gid !== gid)) found.push(name)
  }
  return found
}

function numbers(status: string, name: string): number[] {
  return (new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).map(Number)
}

async function identity(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const fields = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':')).find(([each]) => each === name)
  return { uid: Number(fields?.[2]), gid: Number(fields?.[3]) }
}

/** Process ids, from the status file. */
async function workersOf(home: Home): Promise<number[]> {
  const { workers } = JSON.parse(await home.read('run/status.json')) as { readonly workers: readonly { readonly pid?: number }[] }
  return workers.flatMap(({ pid }) => pid ?? [])
}

/** The socket that listens on this port, as /proc names it. */
async function listeningInode({ host, port }: { readonly host: string; readonly port: number }): Promise<string> {
  const hex = (number: number, digits: number): string => number.toString(16).toUpperCase().padStart(digits, '0')
  // The address as the machine has it, its last byte first.
  const wanted = `${host.split('.').toReversed().map((part) => hex(Number(part), 2)).join('')}:${hex(port, 4)}`
  const found = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === wanted && fields[3] === '0A')
  assert.equal(found.length, 1)
  return found[0]![9]!
}

/** A port below 1024 that nobody has, on a loopback address of its own. */
async function lowPlace(): Promise<{ readonly host: string; readonly port: number }> {
  for (;;) {
    const part = () => 1 + Math.floor(Math.random() * 250)
    const host = `127.${part()}.${part()}.${part()}`
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(25, host, () => resolve(true))
    })
    await new Promise((resolve) => { server.close(resolve) })
    if (free) return { host, port: 25 }
  }
}
