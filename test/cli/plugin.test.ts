import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { peer } from '../peers.ts'
import { place, type Ended, type Place } from './kit.ts'

const LIST = `# Which plugins are asked.
[helo]
badhelo

[rcpt]
maxrcpts
#plugins/moved.sh
rcptexists

[+deliver]
maildir
`

const MOVED = '#!/bin/sh\ncase "$SMTPRCPTTO" in sales@*) echo "E550 sorry, sales has moved (#5.1.6)" ;; esac\n'

/** A home with one domain, one user and the plugin moved.sh. */
function home(t: TestContext): Place {
  const here = place(t)
  here.write('helios-home/control/me', 'mail.example.org\n')
  here.write('helios-home/control/rcpthosts', 'local.example\n')
  here.write('helios-home/control/smtpplugins', LIST)
  here.write('helios-home/plugins/moved.sh', MOVED)
  return here
}

function printed({ code, out, err }: Ended): readonly string[] {
  assert.deepEqual([code, err], [0, ''])
  return out.trimEnd().split('\n')
}

function refused({ code, err }: Ended, reason: RegExp): void {
  assert.equal(code, 1, err)
  assert.match(err, reason)
}

describe('names', () => {
  const ASKS = `import { definePlugin, error } from 'helios-mail/plugin'
export default definePlugin({ name: 'asks', summary: 'Tells what it is told.', mail: async ({ session, world }) => {
  const found = await world.dns.resolve(session.reversePath.split('@')[1], 'MX')
  return error('550 ' + (found.kind === 'answer' ? found.records.map((mx) => mx.priority + ' ' + mx.exchange).join(', ') : found.kind))
} })
`
  const CASES = `always
hook mail
SMTPMAILFROM=ann@far.example
dns far.example MX 10 mx.far.example
dns far.example MX 20 mx.other.example

> E550 10 mx.far.example, 20 mx.other.example

dns far.example MX none
> E550 none

dns far.example unavailable
> E550 unavailable
`

  test('a test file gives them to a plugin, sandboxed or trusted, and try does', async (t) => {
    const here = home(t)
    here.write('helios-home/plugins/asks.ts', ASKS)
    here.write('helios-home/plugins/asks.test.txt', CASES)
    for (const word of ['asks', '@trusted asks']) {
      assert.match(printed(await here.helios(['plugin', 'test', word])).at(-1)!, /: 3 cases, all passed$/)
      const tried = async (...lines: readonly string[]): Promise<string> =>
        (await here.helios(['plugin', 'try', word, '--from', 'ann@far.example', ...lines.flatMap((line) => ['--dns', line])])).out
      const answered = await tried('far.example MX 5 a.example', 'far.example MX 6 b.example')
      assert.match(answered, word === 'asks' ? /\(sandbox, / : /\(inline, /)
      assert.match(answered, /answer {3}E550 5 a\.example, 6 b\.example\n {2}asked {4}dns MX far\.example: 5 a\.example 6 b\.example \(/)
      assert.match(await tried('other.example A 192.0.2.1'), /answer {3}E550 none/)
    }
    const { code, err } = await here.helios(['plugin', 'try', 'asks', '--dns', 'far.example MX nobody'])
    assert.equal(code, 2)
    assert.match(err, /"nobody" is no MX record; write far\.example MX 10 mx\.far\.example/)
    refused(await here.helios(['plugin', 'try', 'asks', '--dns', 'far.example none', '--dns', 'far.example A 192.0.2.1']), /said in two ways/)
  })
})

describe('plugin new', { concurrency: 2 }, () => {
  const languages = ['ts', 'sh', ...(peer('python3') === undefined ? [] : ['python'])]

  test('writes the same plugin in each language, and each passes the test of each', async (t) => {
    const here = home(t)
    for (const lang of languages) {
      const lines = printed(await here.helios(['plugin', 'new', `greet-${lang}`, '--lang', lang]))
      const end = lang === 'python' ? 'py' : lang
      assert.deepEqual(lines.slice(0, 3), [`plugins/greet-${lang}.${end}`, `plugins/greet-${lang}.test.txt`, `plugins/greet-${lang}.md`])
      assert.equal((statSync(here.at(`helios-home/plugins/greet-${lang}.${end}`)).mode & 0o111) !== 0, lang !== 'ts')
    }
    for (const lang of languages) {
      for (const other of languages) {
        const lines = printed(await here.helios(['plugin', 'test', `greet-${lang}`, `helios-home/plugins/greet-${other}.test.txt`]))
        assert.equal(lines.length, 3)
        assert.match(lines[2]!, /: 2 cases, all passed$/)
      }
    }
  })

  test('says how to test, try and enable it, and that is true', async (t) => {
    const here = home(t)
    for (const [lang, line] of [['ts', 'mine-ts'], ['sh', 'plugins/mine-sh.sh']] as const) {
      const lines = printed(await here.helios(['plugin', 'new', `mine-${lang}`, '--lang', lang, '--hook', 'mail']))
      const [tested, tried, enabled] = lines.slice(-3).map((text) => text.replace(/^next:/, '').trim().split(' ').slice(1))
      assert.match(printed(await here.helios(tested!)).at(-1)!, /2 cases, all passed/)
      assert.equal(printed(await here.helios(tried!)).at(-1), '  client   < 550 sorry, not from nobody (#5.7.1)')
      assert.equal(printed(await here.helios(enabled!)).at(-2)!.replace(/:\d+:/, ':'), `control/smtpplugins: [mail] ${line} added`)
    }
    assert.match(printed(await here.helios(['check'])).at(-1)!, /: 0 errors|nothing to mend/)
  })

  test('overwrites nothing, and takes no name that is taken', async (t) => {
    const here = home(t)
    here.write('helios-home/plugins/mine.md', 'my page')
    refused(await here.helios(['plugin', 'new', 'mine']), /mine\.md is there already \(choose another name/)
    assert.ok(!existsSync(here.at('helios-home/plugins/mine.ts')))
    assert.equal(here.read('helios-home/plugins/mine.md'), 'my page')
    // A file that turns up in between, and a disk that is full, are met the same way: what was begun is taken away.
    symlinkSync('nowhere', here.at('helios-home/plugins/half.md'))
    refused(await here.helios(['plugin', 'new', 'half']), /cannot write into .*plugins/)
    assert.equal(existsSync(here.at('helios-home/plugins/half.ts')), false)
    refused(await here.helios(['plugin', 'new', 'badhelo']), /a bundled plugin is called badhelo/)
    assert.equal((await here.helios(['plugin', 'new', '../x'])).code, 2)
    assert.equal((await here.helios(['plugin', 'new', 'x', '--lang', 'cobol'])).code, 2)
  })

  test('brings the editor\'s files up to date, and leaves a tsconfig alone', async (t) => {
    const here = home(t)
    here.write('helios-home/plugins/helios.d.ts', 'old')
    here.write('helios-home/plugins/tsconfig.json', '{}')
    assert.ok(printed(await here.helios(['plugin', 'new', 'mine'])).includes('plugins/helios.d.ts'))
    assert.match(here.read('helios-home/plugins/helios.d.ts'), /declare module 'helios-mail\/plugin'/)
    assert.equal(here.read('helios-home/plugins/tsconfig.json'), '{}')
    assert.ok(!printed(await here.helios(['plugin', 'new', 'other'])).includes('plugins/helios.d.ts'))
  })
})

describe('plugin test', { concurrency: 2 }, () => {
  test('a case that fails is shown with what was expected and what came, and where it stands', async (t) => {
    const here = home(t)
    here.write('cases.txt', 'always\nhook rcpt\n\n# sales is refused\nSMTPRCPTTO=sales@local.example\n> E550 go away\n\nSMTPRCPTTO=ann@local.example\n> (nothing)\n')
    const failed = await here.helios(['plugin', 'test', 'moved', 'cases.txt'])
    assert.equal(failed.code, 1)
    assert.equal(failed.out, `FAILED  sales is refused (cases.txt:4)
  expected  > E550 go away
  got       > E550 sorry, sales has moved (#5.1.6)
ok      hook rcpt
plugins/moved.sh: 2 cases, 1 failed
`)
  })

  test('accounts, control files, clock, chance and effects are the case\'s; what a plugin says is shown where it fails', async (t) => {
    const here = home(t)
    here.write('helios-home/control/greetings', 'from the home\n')
    here.write('helios-home/plugins/many.ts', `import { definePlugin, error, insertField, patterns } from 'helios-mail/plugin'
export default definePlugin({
  name: 'many', summary: 'Does many things.', control: { greetings: patterns('senders') }, needs: ['sleep', 'mailbox'],
  rcpt: async ({ session, control, world, log }) => {
    if (control.greetings.match(session.reversePath ?? '') === undefined) return undefined
    await world.sleep(3)
    log.info('asked', { count: session.recipients.length })
    const account = await world.accounts.find(session.recipient ?? '')
    return error('550 ' + [account?.active, new Date(world.now()).getUTCFullYear(), world.random(), session.recipients.join(' ')].join(' '))
  },
  message: ({ message }) => insertField('X-Size', String(message.size)),
  deliver: async ({ session, world, message }) => {
    const account = await world.accounts.find(session.recipient ?? '')
    if (account !== undefined) await world.mailbox.deliver(account, message, { reversePath: '', recipient: session.recipient ?? '' })
  },
  data: () => new Promise(() => undefined),
  mail: () => { throw new Error('broken') },
})
`)
    here.write('helios-home/plugins/many.test.txt', `# control files and facts
hook rcpt
SMTPMAILFROM=a@far.example
SMTPRCPTTO=old@local.example
SMTPRCPTCOUNT=2
account old@local.example inactive
control greetings: @far.example
now 2031-05-05T00:00:00Z
random 0.25
> E550 false 2031 0.25 recipient1@local.example recipient2@local.example
slept 3

# a control file that is not given is missing
hook rcpt
> (nothing)
slept 0

hook +message
| Subject: x
|
> insert top X-Size: 12

hook deliver
account joe@local.example
SMTPRCPTTO=joe@local.example
> (nothing)
delivered joe@local.example

# never answers
hook data
timeout 50ms
fault timed-out

hook mail
fault

hook rcpt
control greetings: *
unavailable accounts
fault unavailable
`)
    assert.equal(printed(await here.helios(['plugin', 'test', 'many'])).at(-1), 'many: 7 cases, all passed')
    here.write('wrong.txt', 'hook rcpt\ncontrol greetings: *\n> N\n\nhook helo\n> N\n')
    const { out } = await here.helios(['plugin', 'test', 'many', 'wrong.txt'])
    assert.match(out, /asked accounts\.find user@local\.example: none\n {12}asked now: .*\n {12}asked random: 0\.5\n {12}said: asked/)
    assert.match(out, /got {7}\(not asked: the plugin many has no handler for the hook "helo"\)/)
  })

  test('a program has the control files of the case and the plugins of the home, and its faults have names', async (t) => {
    const here = home(t)
    here.write('helios-home/control/words', 'from the home\n')
    here.write('helios-home/plugins/lib.inc', 'say() { echo "E550 $1"; }\n')
    here.write('helios-home/plugins/words',
      '#!/bin/sh\n. plugins/lib.inc\ncase "$HOW" in\n  die) kill -9 $$ ;;\n  hang) sleep 60 ;;\n  mumble) echo oops >&2; echo E ;;\n  old) echo "550 in full"; exit 1 ;;\n  read) cat > /dev/null; echo "HX-Read: yes" ;;\n  *) say "$(cat control/words)" ;;\nesac\n')
    here.write('helios-home/plugins/words.test.txt', `always
hook rcpt
control words: of the case

> E550 of the case

HOW=die
fault crashed

HOW=hang
timeout 100ms
fault timed-out

HOW=old
> E550 in full

hook +message
HOW=read
> HX-Read: yes

HOW=mumble
> E
`)
    const { code, out } = await here.helios(['plugin', 'test', 'words'])
    assert.equal(code, 1)
    assert.match(out, /FAILED {2}hook rcpt \(.*words\.test\.txt:21\)\n {2}expected {2}> E\n {2}got {7}fault bad-command\n {12}bad-command: E: .*\n {12}said: .*oops\nplugins\/words: 6 cases, 1 failed\n$/)
  })

  test('what is wrong with the test file is told, all of it, with its lines', async (t) => {
    const here = home(t)
    here.write('bad.txt', 'hook rcpt\n> e550\n\nhook nowhere\n> N\n')
    refused(await here.helios(['plugin', 'test', 'moved', 'bad.txt']),
      /^helios: bad\.txt:2: error: "e550" is no command .*\nhelios: bad\.txt:4: error: hook: there is no hook "nowhere"/)
    here.write('empty.txt', '# nothing yet\n')
    refused(await here.helios(['plugin', 'test', 'moved', 'empty.txt']), /empty\.txt holds no case/)
    refused(await here.helios(['plugin', 'test', 'moved']), /there is no .*moved\.test\.txt/)
    refused(await here.helios(['plugin', 'test', 'moved', 'none.txt']), /cannot read none\.txt/)
  })
})

describe('plugin try', { concurrency: 2 }, () => {
  test('shows answer, verdict and the reply a client reads, and asks the home\'s accounts', async (t) => {
    const here = home(t)
    await here.helios(['user', 'add', 'ann@local.example', '--generate'])
    const [first, ...more] = printed(await here.helios(['plugin', 'try', 'moved', '--hook', 'rcpt', '--to', 'sales@local.example']))
    assert.match(first!, /^plugins\/moved\.sh at \[rcpt\] \(program, [\d.]+ ms with the start of its process\)$/)
    assert.deepEqual(more, ['  answer   E550 sorry, sales has moved (#5.1.6)', '  verdict  refused',
      '  client   < 550 sorry, sales has moved (#5.1.6)'])
    const found = printed(await here.helios(['plugin', 'try', 'rcptexists', '--to', 'ann@local.example']))
    assert.match(found.join('\n'), /answer {3}\(nothing\)\n {2}asked {4}accounts\.find ann@local\.example: ann@local\.example .*\n {2}verdict {2}nothing decided: .*\n {2}client {3}< 250 ok$/)
  })

  test('hardened as the chain is, with settings of the home and of the command line', async (t) => {
    const here = home(t)
    here.write('helios-home/control/smtpconfig', 'export MAXRECIPIENTS=1\n')
    const many = printed(await here.helios(['plugin', 'try', 'maxrcpts', '--to', 'a@local.example', '--to', 'b@local.example']))
    assert.equal(many.at(-1), '  client   < 550 sorry, too many recipients (#5.7.1)')
    const set = printed(await here.helios(['plugin', 'try', 'maxrcpts', '--env', 'MAXRECIPIENTS=5', '--env', 'SMTPRCPTCOUNT=5']))
    assert.equal(set.at(-1), '  client   < 550 sorry, too many recipients (#5.7.1)')
    const bad = await here.helios(['plugin', 'try', ':echo E5', '--hook', 'mail'])
    assert.equal(bad.code, 1)
    assert.match(bad.out, /fault {4}bad-command: E5: .*\n {2}verdict {2}refused\n {2}client {3}< 451 qmail-spp failure: :echo E5: bad command \(#4\.3\.0\)\n$/)
  })

  test('the message goes in, mail goes nowhere', async (t) => {
    const here = home(t)
    await here.helios(['user', 'add', 'ann@local.example', '--generate'])
    here.write('message', 'Subject: hi\r\n\r\ntext\r\n')
    const read = printed(await here.helios(['plugin', 'try', ':grep -q "^Subject: hi$" && echo "E554 no hi"', '--hook', '+message',
      '--message', 'message']))
    assert.equal(read.at(-1), '  client   < 554 no hi')
    const delivered = printed(await here.helios(['plugin', 'try', 'maildir', '--to', 'ann@local.example', '--message', 'message']))
    assert.ok(delivered.some((line) => line.includes('mailbox  would have been delivered into')))
    assert.equal(delivered.at(-1), '  verdict  delivered')
    assert.deepEqual(readdirSync(here.at('helios-home/mail/local.example/ann/Maildir/new')), [])
  })

  test('where it is not asked, that is said, and it is no success', async (t) => {
    const here = home(t)
    const relayed = await here.helios(['plugin', 'try', ':echo N', '--hook', 'data', '--to', 'x@far.example'])
    assert.equal(relayed.code, 1)
    assert.match(relayed.out, /:echo N at \[data\] was not asked: RCPT TO:<x@far\.example> was refused before it was asked\n {2}client {3}< 553 /)
    here.write('helios-home/control/smtp-tcprules', '192.0.2.66:deny\n')
    assert.match((await here.helios(['plugin', 'try', ':echo N', '--hook', 'data', '--ip', '192.0.2.66'])).out,
      /control\/smtp-tcprules:1 denies it/)
    refused(await here.helios(['plugin', 'try', 'moved']), /moved is a program.*add --hook rcpt/)
    refused(await here.helios(['plugin', 'try', 'mooved', '--hook', 'rcpt']), /did you mean moved\?/)
    refused(await here.helios(['plugin', 'try', 'maxrcpts', '--hook', 'mail']), /nothing to do in \[mail\] \(it serves \[rcpt\]\)/)
    assert.equal((await here.helios(['plugin', 'try', 'moved', '--hook', 'rctp'])).code, 2)
  })

  test('as JSON', async (t) => {
    const { plugin, hook, asked, reply } = JSON.parse((await home(t).helios(['plugin', 'try', ':echo "P250-a"; echo "E550 b"', '--hook',
      'helo', '--json'])).out) as Record<string, unknown>
    assert.deepEqual([plugin, hook, reply], [':echo "P250-a"; echo "E550 b"', 'helo', ['250-a', '550 b']])
    assert.deepEqual((asked as { readonly answer: unknown }).answer, ['P250-a', 'E550 b'])
  })

  test('a plugin that leaves a timer behind does not keep the command', async (t) => {
    const here = home(t)
    here.write('helios-home/plugins/timer.ts', `import { definePlugin } from 'helios-mail/plugin'
export default definePlugin({ name: 'timer', summary: 'x', rcpt: () => { (globalThis as any).setInterval(() => undefined, 1000) } })
`)
    printed(await here.helios(['plugin', 'try', '@trusted timer']))
  })
})

describe('plugin enable and disable', { concurrency: 2 }, () => {
  const list = 'helios-home/control/smtpplugins'

  test('a line comes, goes and comes back, and nothing else changes', async (t) => {
    const here = home(t)
    chmodSync(here.at(list), 0o640)
    assert.deepEqual(printed(await here.helios(['plugin', 'enable', 'moved', '--section', 'rcpt'])),
      ['control/smtpplugins:7: [rcpt] plugins/moved.sh no longer commented out', 'it counts from the next connection on'])
    assert.equal(here.read(list), LIST.replace('#plugins', 'plugins'))
    assert.deepEqual(printed(await here.helios(['plugin', 'enable', 'moved', '--section', 'rcpt'])),
      ['control/smtpplugins:7: [rcpt] plugins/moved.sh was there already'])
    assert.equal(printed(await here.helios(['plugin', 'enable', 'moved', '--section', 'rcpt', '--shadow']))[0],
      'control/smtpplugins:7: [rcpt] @shadow plugins/moved.sh changed')
    assert.equal(printed(await here.helios(['plugin', 'disable', 'moved']))[0],
      'control/smtpplugins:7: [rcpt] #@shadow plugins/moved.sh commented out')
    assert.deepEqual(printed(await here.helios(['plugin', 'disable', 'moved'])), ['moved is not enabled: nothing was changed'])
    await here.helios(['plugin', 'enable', 'moved', '--section', 'rcpt'])
    assert.equal(here.read(list), LIST.replace('#plugins', 'plugins'))
    assert.equal(statSync(here.at(list)).mode & 0o777, 0o640)
    assert.deepEqual(readdirSync(here.at('helios-home/control')).toSorted(), ['me', 'rcpthosts', 'smtpplugins'])
  })

  test('new lines, new sections, options, and plugins that say themselves when they are asked', async (t) => {
    const here = home(t)
    assert.equal(printed(await here.helios(['plugin', 'enable', 'tarpit', '--shadow']))[0],
      'control/smtpplugins:9: [rcpt] @shadow tarpit added')
    assert.equal(printed(await here.helios(['plugin', 'enable', '@timeout=5s :echo N', '--section', 'mail']))[0],
      'control/smtpplugins:15: [mail] @timeout=5s :echo N added')
    assert.equal(here.read(list), `${LIST.replace('rcptexists\n', 'rcptexists\n@shadow tarpit\n')}\n[mail]\n@timeout=5s :echo N\n`)
    assert.equal((await here.helios(['check'])).code, 0)
    assert.equal(printed(await here.helios(['plugin', 'disable', 'badhelo.php']))[0],
      'control/smtpplugins:3: [helo] #badhelo commented out')
  })

  test('what the server could not load is refused, and the list stays', async (t) => {
    const here = home(t)
    here.write('helios-home/plugins/notes', '#!/bin/sh\n')
    chmodSync(here.at('helios-home/plugins/notes'), 0o644)
    refused(await here.helios(['plugin', 'enable', 'tarpit', '--section', 'mail']), /nothing to do in \[mail\] \(it serves \[rcpt\]\)/)
    refused(await here.helios(['plugin', 'enable', 'moved']), /add --section rcpt/)
    refused(await here.helios(['plugin', 'enable', 'notes', '--section', 'rcpt']), /notes cannot be executed: .*chmod \+x/)
    refused(await here.helios(['plugin', 'enable', 'nothing']), /there is no plugin "nothing"/)
    refused(await here.helios(['plugin', 'enable', '@tiemout=5s moved', '--section', 'rcpt']), /did you mean timeout\?/)
    here.write('helios-home/plugins/broken.ts', 'export default 1\n')
    refused(await here.helios(['plugin', 'enable', '@trusted broken']), /its default export is no plugin/)
    assert.equal(here.read(list), LIST)
  })

  test('a plugin whose file is gone can still be disabled; a linked list stays a link', async (t) => {
    const here = home(t)
    here.write('lists/gone', '[rcpt]\nplugins/gone.sh\n')
    here.write('helios-home/control/smtpconfig', 'export SPPCONFFILE=control/linked\n')
    symlinkSync(here.at('lists/gone'), here.at('helios-home/control/linked'))
    assert.equal(printed(await here.helios(['plugin', 'disable', 'gone']))[0], 'control/linked:2: [rcpt] #plugins/gone.sh commented out')
    assert.equal(here.read('lists/gone'), '[rcpt]\n#plugins/gone.sh\n')
  })

  test('two at once lose nothing', async (t) => {
    const here = home(t)
    const lines = [':echo A', ':echo B', ':echo C']
    await Promise.all(lines.map((line) => here.helios(['plugin', 'enable', line, '--section', 'data'])))
    assert.deepEqual(here.read(list).split('[data]\n')[1]!.trimEnd().split('\n').toSorted(), lines)
  })
})

describe('plugin list and show', { concurrency: 2 }, () => {
  test('everything there is, and where it is enabled', async (t) => {
    const here = home(t)
    mkdirSync(here.at('helios-home/plugins/folder'))
    here.write('helios-home/plugins/folder/index.ts', 'not even looked at')
    here.write('helios-home/plugins/folder/README.md', '# folder\n\nKeeps\nthings. And more.\n')
    here.write('helios-home/control/smtp-tcprules', '192.0.2.:allow,SPPCONFFILE="control/lan"\n')
    here.write('helios-home/control/lan', '[rcpt]\nmaxrcpts.php\n:echo N\n')
    const rows = JSON.parse((await here.helios(['plugin', 'list',
      '--json'])).out) as readonly { readonly name: string; readonly from: string; readonly enabled: readonly string[]; readonly summary: string }[]
    const row = (name: string): unknown => rows.find((each) => each.name === name)
    assert.deepEqual(row('folder'), { name: 'folder', from: 'home', summary: 'Keeps things.', enabled: [] })
    assert.deepEqual(row('maxrcpts'), { name: 'maxrcpts', from: 'bundled', summary: 'Limits the recipients of one message.',
      enabled: ['control/smtpplugins:6 [rcpt]', 'control/lan:2 [rcpt]'] })
    assert.deepEqual(row(':echo N'), { name: ':echo N', from: 'the list', summary: '', enabled: ['control/lan:3 [rcpt]'] })
    assert.deepEqual(row('plugins/moved.sh'), { name: 'plugins/moved.sh', from: 'home', summary: '', enabled: [] })
    const [head, ...lines] = printed(await here.helios(['plugin', 'list']))
    assert.match(head!, /^PLUGIN +FROM +ENABLED +WHAT FOR$/)
    assert.equal(lines.length, rows.length)
  })

  test('a page: declarations, where it is enabled, and the text beside the plugin', async (t) => {
    const here = home(t)
    const shown = printed(await here.helios(['plugin', 'show', 'badhelo'])).join('\n')
    assert.match(shown, /^badhelo: Refuses .*\n {2}file .*\(bundled\)\n {2}sections \[helo\]\n {2}setting {2}BADHELO: .*\n {2}control {2}control\/badhelo: .*\n {2}enabled {2}control\/smtpplugins:3 \[helo\]\n\n# badhelo\n/)
    assert.match(printed(await here.helios(['plugin', 'show', 'maildir'])).join('\n'), /\n {2}needs {4}mailbox\n/)
    assert.match(printed(await here.helios(['plugin', 'show', 'moved'])).join('\n'), /\n {2}kind {5}a program.*\n {2}enabled {2}nowhere$/)
    refused(await here.helios(['plugin', 'show', 'nothing']), /there is no plugin/)
  })
})
