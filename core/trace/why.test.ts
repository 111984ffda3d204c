import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'
import { safeCommand } from './safe-command.ts'
import type { TraceEvent } from './types.ts'
import { explainSession } from './why.ts'

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 6)

test('a refusal names the line of the file that decided', () => {
  const events: readonly TraceEvent[] = [
    {
      t: START, event: 'connect', ip: '192.0.2.7', port: 4711, host: 'mail.example.net', service: 'smtp', generation: 3,
      rule: 'control/smtp-tcprules:4',
    },
    { t: START + 2, event: 'command', line: 'RCPT TO:<ann@example.org>' },
    {
      t: START + 14, event: 'hook', hook: 'rcpt', line: 'plugins/x', file: 'control/smtpplugins', number: 7, plugin: 'plugins/x',
      runtime: 'program', ms: 12.3, commands: ['SFOO=1', 'E550 no (#5.7.1)'], exit: 0,
    },
    { t: START + 14, event: 'fact', plugin: 'rcptexists', question: 'accounts.find ann@example.org', answer: 'nobody', ms: 0.04 },
    { t: START + 15, event: 'reply', text: '550-sorry\r\n550 no (#5.7.1)\r\n', decidedBy: 'control/smtpplugins:7 plugins/x' },
    { t: START + 20, event: 'close', reason: 'client quit' },
  ]
  assert.deepEqual(explainSession({ session: 'abc', events }), [
    'session abc, 2026-01-02T03:04:05.006Z',
    '    +0 ms  connected from 192.0.2.7:4711 (mail.example.net) to smtp, generation 3, access rule control/smtp-tcprules:4',
    '    +2 ms  > RCPT TO:<ann@example.org>',
    '   +14 ms    [rcpt] control/smtpplugins:7 plugins/x (program, 12 ms)',
    '                 answered SFOO=1',
    '                 answered E550 no (#5.7.1)',
    '   +14 ms      rcptexists asked accounts.find ann@example.org: nobody (0 ms)',
    '   +15 ms  < 550-sorry',
    '           < 550 no (#5.7.1)',
    '             decided by control/smtpplugins:7 plugins/x',
    '   +20 ms  closed: client quit',
  ])
})

test('faults, shadow lines, silence and deliveries', () => {
  const events: readonly TraceEvent[] = [
    {
      t: START, event: 'hook', hook: 'mail', line: ':x', file: 'f', number: 1, plugin: ':x', runtime: 'program', ms: 5000, commands: [],
      fault: 'timed-out', detail: 'after 5 s', exit: 'SIGKILL', complaint: ['line 3: \u001b[2J', 'oh no'],
    },
    {
      t: START, event: 'hook', hook: 'mail', line: 'y', file: 'f', number: 2, plugin: 'y', runtime: 'inline', ms: 0.25, commands: [],
      shadow: true,
    },
    { t: START, event: 'message', id: 'm1', from: '', to: ['a@b', 'c@d'], size: 10 },
    { t: START + 9, event: 'delivery', id: 'm1', to: 'a@b', status: 'later', text: '451 full', ms: 3, decidedBy: 'f:9 maildir' },
    { t: START + 9, event: 'reply', text: '250 ok', decidedBy: 'discarded by f:3 z' },
    { t: START + 9, event: 'brand-new' } as unknown as TraceEvent,
  ]
  assert.deepEqual(explainSession({ session: 's', events }).slice(1).map((line) => line.slice(11)), [
    '  [mail] f:1 :x (program, 5000 ms)', '      failed: timed-out: after 5 s', '      exit SIGKILL',
    '      wrote line 3: \\x1b[2J', '      wrote oh no',
    '  [mail] f:2 y (inline, 0.3 ms, in shadow: not obeyed)', '      answered nothing',
    'message m1 from <> to <a@b> <c@d>, 10 bytes',
    'message m1 to <a@b> will be tried again: 451 full (3 ms)', '  decided by f:9 maildir',
    '< 250 ok', '  discarded by f:3 z',
    `{"t":${START + 9},"event":"brand-new"}`,
  ])
})

test('what a client sent cannot steer the terminal', () => {
  assert.equal(printable('a\x1b[2J\r\n\u009bx \u00e9 \udce9 \u202e\ud800'), 'a\\x1b[2J\\x0d\\x0a\\x9bx \u00e9 \\xe9 \\u{202e}\\u{d800}')
  assert.deepEqual(explainSession({
    session: 's', events: [{ t: 0, event: 'command', line: 'HELO \x1b]0;x\x07' }],
  })[1]?.includes('\x1b'), false)
})

test('AUTH arguments and what looks like an answer to AUTH are hidden', () => {
  for (const [line, safe] of [
    ['AUTH PLAIN AGFubgBzZWNyZXQ=', 'AUTH PLAIN [16 characters hidden]'],
    ['auth  login', 'AUTH login'],
    ['AUTH AGFubgBzZWNyZXQ=', 'AUTH [16 characters hidden]'],
    ['AUTH PLAINAGFubgBzZWNyZXQ', 'AUTH [20 characters hidden]'],
    ['\tAUTH\tSCRAM-SHA-256 biwsbj1hbm4=', 'AUTH SCRAM-SHA-256 [12 characters hidden]'],
    ['AUTH PLAIN AGFub\nbob', 'AUTH PLAIN [9 characters hidden]'],
    ['AGFubgBzZWNyZXQ=', '[16 characters hidden]'],
    ['AUTHPLAIN AGFubgBzZWNyZXQ=', 'AUTHPLAIN [16 characters hidden]'], ['XAUTH PLAIN secret', 'XAUTH [12 characters hidden]'],
    ['pass my secret', 'pass [9 characters hidden]'], ['PASSWORD=secret', 'PASSWORD [7 characters hidden]'], ['PASS', 'PASS'],
    ['STARTTLS', 'STARTTLS'], ['NOOP', 'NOOP'], [
      'EHLO mail.example.org', 'EHLO mail.example.org',
    ], ['MAIL FROM:<auth@example.org>', 'MAIL FROM:<auth@example.org>'], ['', ''],
  ]) assert.equal(safeCommand(line!), safe)
})
