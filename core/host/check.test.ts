import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { readControl } from '../../config/control.ts'
import { checkPlugins } from './check.ts'

let home: string
/** A home of its own for each test. Hooks at the top of a file would run for the tests of every other file, too. */
function begin(t: TestContext): void {
  home = mkdtempSync(join(tmpdir(), 'helios-check-'))
  t.after(() => {
    rmSync(home, { recursive: true, force: true })
  })
}

/** Writes a home and returns what is said about it, as `severity file:line: reason`. */
async function check(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  for (const [name, content] of Object.entries({ 'control/me': 'mail.example.org\n', ...files })) {
    mkdirSync(dirname(join(home, name)), { recursive: true })
    writeFileSync(join(home, name), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 })
  }
  const { control } = await readControl(home)
  return (await checkPlugins(control)).map(({ severity, file, line, reason }) => `${severity} ${file}:${line}: ${reason}`)
}

test('a list of good lines has nothing to mend', async (t) => {
  begin(t)
  assert.deepEqual(await check({
    'control/smtpplugins': '[rcpt]\nmaxrcpts\nplugins/x\n:plugins/x with arguments\n:test -n "$X" && echo N\n[+deliver]\nmaildir\n',
    'plugins/x': '#!/bin/sh\necho N\n',
    'control/smtpconfig': 'export MAXRECIPIENTS=10\n',
  }), [])
})

test('lines of sections their plugin cannot serve, of names nobody has, of files that cannot run', async (t) => {
  begin(t)
  const said = await check({
    'control/smtpplugins': '[mail]\nmaxrcpts\nmaxrcpt\nplugins/missing\nplugins/plain\n'
      + 'plugins/x with arguments\n:plugins/missing -v\nplugins\n',
    'plugins/plain': 'echo N\n',
    'plugins/x': '#!/bin/sh\necho N\n',
  })
  assert.match(said[0]!, /^error control\/smtpplugins:2: the plugin maxrcpts has nothing to do in \[mail\]$/)
  assert.match(said[1]!, /^error control\/smtpplugins:3: there is no plugin maxrcpt, /)
  assert.match(said[2]!, /^error control\/smtpplugins:4: plugins\/missing cannot be executed: there is no such file/)
  assert.match(said[3]!, /^error control\/smtpplugins:5: plugins\/plain cannot be executed: it is not executable/)
  assert.match(said[4]!, /^error control\/smtpplugins:6: plugins\/x with arguments cannot be executed/)
  assert.match(said[5]!, /^warning control\/smtpplugins:7: plugins\/missing cannot be executed/)
  assert.match(said[6]!, /^error control\/smtpplugins:8: /)
  assert.equal(said.length, 7)
})

test('the mend of a line that is no name fits what is wrong with it', async (t) => {
  begin(t)
  await check({ 'control/smtpplugins': '[rcpt]\nmaxrcpts\r\n maxrcpts\nspf -all\nplugins/x.ts 5\nplugins/x 5\n' })
  const { control } = await readControl(home)
  const mends = (await checkPlugins(control)).map(({ line, mend }) => `${line}: ${mend}`)
  assert.match(mends[0]!, /^2: save the list with Unix line ends/)
  assert.match(mends[1]!, /^3: remove the blank in front/)
  assert.match(mends[2]!, /^4: a plugin takes no arguments/)
  assert.match(mends[3]!, /^5: a plugin takes no arguments/)
  assert.match(mends[4]!, /^6: the whole line is a file name/)
})

test('scripts: interpreter, line ends, and what they seem to print', async (t) => {
  begin(t)
  const said = await check({
    'control/smtpplugins': '[rcpt]\nplugins/nowhere\nplugins/dos\nplugins/talks\nplugins/talks\n',
    'plugins/nowhere': '#!/no/such/interpreter\n',
    'plugins/dos': '#!/bin/sh\r\necho N\r\n',
    'plugins/talks': '#!/bin/sh\n\necho "Done"\n',
  })
  assert.deepEqual(said, [
    'error plugins/nowhere:1: its interpreter /no/such/interpreter cannot be executed: there is no such file, or no such interpreter',
    'error plugins/dos:1: the first line ends in a carriage return, which becomes part of the interpreter',
    'warning plugins/talks:3: "Done" begins with D: it hangs up on the client without a word',
  ])
})

test('variables are read as the listed plugins will read them, where they were written', async (t) => {
  begin(t)
  const said = await check({
    'control/smtpplugins': '[rcpt]\nmaxrcpts\n',
    'control/smtpconfig': '# limits\nMAXRECIPIENTS=many\nexport MAXRECIPIENTS\nexport MAXBOUNCERECIPIENTS=few\n',
    'control/smtp-tcprules': '192.0.2.:allow,MAXRECIPIENTS="5"\n192.0.2.1-3:allow,MAXRECIPIENTS="-1"\n',
  })
  assert.equal(said.length, 2)
  assert.match(said[0]!, /^error control\/smtpconfig:2: MAXRECIPIENTS: "many" is not a whole number \(it is read by the plugin maxrcpts: /)
  assert.match(said[1]!, /^error control\/smtp-tcprules:2: MAXRECIPIENTS: "-1" is not/)
})

test('lists that TCP rules name are checked, too', async (t) => {
  begin(t)
  const said = await check({
    'control/smtpplugins': '',
    'control/other': '[rcpt]\nnobody\n[+nonsense]\n',
    'control/smtp-tcprules': '192.0.2.1:allow,SPPCONFFILE="control/other"\n'
      + '192.0.2.2:allow,SPPCONFFILE="control/missing"\n192.0.2.3:allow,SPPCONFFILE=""\n',
  })
  assert.deepEqual(said.map((each) => each.split(': ')[0]).sort(), [
    'error control/other:2', 'error control/other:3', 'error control/smtp-tcprules:2',
  ])
})

test('a setting that works but should be thought over', async (t) => {
  begin(t)
  const said = await check({ 'control/smtpplugins': '[mail]\nspf\n', 'control/smtpconfig': 'SPF=1\nSPFENGINE=spf-check\nexport SPF SPFENGINE\n' })
  assert.match(said[0]!, /^warning control\/smtpconfig:2: SPFENGINE: spf-check decides 103 of the 203 cases /)
  assert.equal(said.length, 1)
})
