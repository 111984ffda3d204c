import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { LAUNCHER, place } from './kit.ts'

test('a command that is mistyped is told the near one; exit status 2', async (t) => {
  const here = place(t)
  const said = await here.helios(['usr'])
  assert.deepEqual([said.code, said.out, said.err], [
    2, '', 'helios: unknown command \'usr\'\n(Did you mean user?)\n("helios --help" shows what there is)\n',
  ])
  for (const args of [
    ['user', 'ad'], ['why', '--lst', '3'], ['why', '--last', '0'], ['tcprules'], ['tcprules', 'here'],
    ['user', 'add', 'a@b', '--quota', 'much'], ['user', 'add', 'a@b', '--generate', '--password', 'x'], [],
  ]) {
    assert.equal((await here.helios(args)).code, 2, args.join(' '))
  }
  assert.match((await here.helios(['user', 'ad'])).err, /\("helios user --help" shows what there is\)\n$/)
  assert.match((await here.helios(['user', 'add'])).err, /\("helios user add --help" shows how it is written\)\n$/)
  const help = await here.helios(['--help'])
  assert.equal(help.code, 0)
  for (const noun of [
    'init', 'serve', 'domain', 'user', 'check', 'status', 'why', 'tcprules',
  ]) assert.match(help.out, new RegExp(`^  ${noun} `, 'm'))
})

test('settings that cannot be used are said with file, line and mend', async (t) => {
  const here = place(t)
  here.write('helios.config.json', '{ "listeners": 5 }')
  const said = await here.helios(['status'])
  assert.equal(said.code, 1)
  assert.match(said.err, /^helios: helios\.config\.json(:1)?: error: .+ \(.+\)\n$/)
})

test('check names every problem of a broken home, errors first, and exits 1', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/smtpconfig', 'export MAXRECIPIENTS=many\n')
  here.write('helios-home/control/badrcptto', '[open\n')
  here.write(
    'helios-home/control/smtpplugins', '[mail]\nmaxrcpts\n[rcpt]\nmaxrcpts\nbadrcptto\nplugins/missing\nplugins/talks\n[+nonsense]\nx\n'
  )
  here.write('helios-home/plugins/talks', '#!/bin/sh\necho "OK"\n')
  const said = await here.helios(['check'])
  assert.equal(said.code, 1)
  for (const where of [
    'control/rcpthosts: error', 'control/smtpplugins:2: error', 'control/smtpplugins:6: error', 'control/smtpplugins:8: error',
    'control/smtpconfig:1: error', 'plugins/talks:2: warning',
  ]) {
    assert.ok(said.out.includes(`${where}: `), `${where} is missing in:\n${said.out}`)
  }
  assert.match(said.out, /: \d+ errors, \d+ warnings?\n$/)
  const json = JSON.parse((await here.helios(['check', '--json'])).out) as readonly { readonly severity: string; readonly mend: string }[]
  const severities = json.map(({ severity }) => severity)
  assert.deepEqual(severities, severities.toSorted())
  assert.ok(json.every(({ mend }) => mend !== ''))
})

test('why tells a session from the trace', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  const none = await here.helios(['why'])
  assert.deepEqual([none.code, none.out], [1, ''])
  assert.match(none.err, /^helios: no such session in .*\/trace \(/)
  const record = (session: string, events: readonly object[]): string => `${JSON.stringify({ session, at: 5, events })}\n`
  here.write('helios-home/trace/000000000001.jsonl', record('s1', [
    { t: 1, event: 'connect', ip: '192.0.2.1', port: 25, service: 'smtp', generation: 2 },
    { t: 2, event: 'command', line: 'RCPT TO:<nobody@example.org>' },
    {
      t: 3, event: 'hook', hook: 'rcpt', line: 'plugins/x', file: 'control/smtpplugins', number: 7, plugin: 'plugins/x', runtime: 'program',
      ms: 1, commands: ['E550 no'], exit: 0,
    },
    { t: 4, event: 'reply', text: '550 no', decidedBy: 'control/smtpplugins:7 plugins/x' },
  ]) + record('s2', [
    { t: 6, event: 'connect', ip: '192.0.2.2', port: 25, service: 'smtp', generation: 2 },
    { t: 7, event: 'message', id: 'm1', from: 'a@b', to: ['c@d'], size: 3 },
  ]))
  const told = await here.helios(['why', 's1'])
  assert.equal(told.code, 0)
  assert.match(
    told.out,
    /^session s1, .*\n.*connected from 192\.0\.2\.1:25 to smtp, [^]*< 550 no\n +decided by control\/smtpplugins:7 plugins\/x\n$/
  )
  assert.match((await here.helios(['why', '--to', 'nobody'])).out, /^session s1,/)
  assert.match((await here.helios(['why', 'm1'])).out, /^session s2,/)
  assert.match((await here.helios(['why', '--client', '192.0.2', '--last', '9'])).out, /^session s2,[^]*\n\nsession s1,/)
  const json = JSON.parse((await here.helios(['why', '--from', 'a@b', '--json'])).out) as readonly {
    readonly session: string
    readonly events: readonly object[]
  }[]
  assert.deepEqual(json.map(({ session, events }) => [session, events.length]), [['s2', 2]])
  assert.deepEqual(JSON.parse((await here.helios(['why', 'nobody', '--json'])).out), [])
})

test('status of a server that has gone, and of one that is there', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/queue/msg/000000000000000000', 'a message')
  const gone = await here.helios(['status'])
  assert.deepEqual([gone.code, gone.out], [
    1, `no server is running in ${here.at('helios-home')}\nqueue: 1 waiting, 0 with failed recipients, 0 corrupt\n`,
  ])

  const status = (pid: number): string => JSON.stringify({
    pid, startedAt: 0, generation: { number: 3, loadedAt: 1000 }, sessions: 1, queue: {},
    lastFailedReload: { at: 2000, problems: [{ severity: 'error', file: 'control/me', line: 1, reason: 'bad', mend: 'mend it' }] },
    listeners: [{ service: 'smtp', address: '127.0.0.1:2525' }],
    plugins: [{
      section: 'rcpt', line: 'maxrcpts', file: 'control/smtpplugins', number: 4, name: 'maxrcpts', runtime: 'inline', state: 'enabled',
    }],
  })
  here.write('helios-home/run/status.json', status(process.pid))
  const there = await here.helios(['status'])
  assert.deepEqual([there.code, there.out], [0, [
    `running since 1970-01-01T00:00:00.000Z, pid ${process.pid}, 1 session`, 'smtp on 127.0.0.1:2525',
    'generation 3, loaded 1970-01-01T00:00:01.000Z',
    'the reload of 1970-01-01T00:00:02.000Z failed, and the generation before it serves on:', '  control/me:1: error: bad (mend it)',
    'control/smtpplugins:4  [rcpt]  maxrcpts  inline  enabled', 'queue: 1 waiting, 0 with failed recipients, 0 corrupt', '',
  ].join('\n')])

  const past = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(past, 'exit')
  here.write('helios-home/run/status.json', status(past.pid!))
  const dead = await here.helios(['status', '--json'])
  assert.equal(dead.code, 1)
  assert.deepEqual(JSON.parse(dead.out), { home: here.at('helios-home'), running: false, queue: { waiting: 1, failed: 0, corrupt: 0 } })
})

test('tcprules shows the line that applies, and what it sets', async (t) => {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  assert.equal((await here.helios(['tcprules', '192.0.2.1'])).out, 'no rule of control/smtp-tcprules applies: the client is allowed\n')
  here.write('helios-home/control/smtp-tcprules', '# ours\n192.0.2.:allow,RELAYCLIENT="",TARPITCOUNT="5"\n=.example.org:deny\n')
  assert.equal((await here.helios(['tcprules', '192.0.2.1'])).out,
    'control/smtp-tcprules:2: 192.0.2.:allow,RELAYCLIENT="",TARPITCOUNT="5"\nallowed\nRELAYCLIENT=\nTARPITCOUNT=5\n')
  assert.deepEqual(JSON.parse((await here.helios(['tcprules', '198.51.100.1', '--host', 'x.example.org', '--json'])).out),
    { allow: false, rule: { file: 'control/smtp-tcprules', line: 3, text: '=.example.org:deny' }, variables: {} })
})

test('a reader that has seen enough is no error', async (t) => {
  const here = place(t)
  const said = await here.helios([], { command: ['/bin/sh', '-c', `"${process.execPath}" "$0" --help | head -n 1`, LAUNCHER] })
  assert.deepEqual([said.code, said.err], [0, ''])
})
