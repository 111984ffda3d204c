/** The vectors 3 to 52 of spp-protocol 15 that need nothing but a plugin list; the others stand in vectors.test.ts. */
import { B_CONTENT } from '../harness/transcript.ts'
import type { Case } from './case.ts'

export const RCPTHOSTS = "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"
const BASE: readonly Case[] = [
  { name: '3', about: 'an empty list means no plugins', list: '', talk: ['< G', '> EHLO', '< K'] },
  {
    name: '4', about: 'E at HELO does not stop MAIL', list: "[helo]\n:printf 'E550 no\\n'",
    talk: ['< G', '> EHLO', '< 550 no', '> M', '< 250 ok', '> U', '< 250 ok'],
  },
  { name: '5', about: 'an unterminated last line loses its last byte', list: "[helo]\n:printf 'E550 no.'", talk: ['< G', '> EHLO', '< 550 no'] },
  { name: '6', about: 'a CR is part of the text', list: "[helo]\n:printf 'E550 no\\r\\n'", talk: ['< G', '> EHLO', '< 550 no\\r'] },
  {
    name: '7', about: 'what is no command is passed over', list: "[helo]\n:printf '\\n\\nhello\\n550 x\\ne550 y\\nX\\n'",
    talk: ['< G', '> EHLO', '< K'],
  },
  {
    name: '8', about: 'P lines before E, nothing behind it', list: "[helo]\n:printf 'P250-one\\nP250-two\\nE550 three\\nP250 four\\n'",
    talk: ['< G', '> EHLO', '< 250-one', '< 250-two', '< 550 three'],
  },
  { name: '9', about: 'E in place of the greeting', list: "[connection]\n:printf 'E554 go away\\n'", talk: ['< 554 go away', '> EHLO', '< K'] },
  { name: '10', about: 'R ends the connection', list: "[connection]\n:printf 'R554 go away\\n'", talk: ['< 554 go away', '= close'] },
  { name: '11', about: 'D ends it without a byte', list: "[connection]\n:printf 'D\\n'", talk: ['= close'] },
  {
    name: '12', about: 'N ends the hook only', list: "[helo]\n:printf 'N\\n'\n:printf 'E550 second\\n'\n[mail]\n:printf 'E550 mail\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 550 mail'],
  },
  {
    name: '13', about: 'A ends spp for the connection', list: "[helo]\n:printf 'A\\n'\n[mail]\n:printf 'E550 mail\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 250 ok', '> RSET', '< 250 flushed', '> M', '< 250 ok'],
  },
  { name: '14', about: 'N leaves rcpthosts in force', list: "[rcpt]\n:printf 'N\\n'", talk: ['< G', '> EHLO', '< K', '> M', '< 250 ok', '> F', `< ${RCPTHOSTS}`] },
  {
    name: '15', about: 'O at RCPT permits relaying', list: "[rcpt]\n:printf 'O\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 250 ok', '> F', '< 250 ok', '> B'],
    delivered: [{ sender: 'a@b.example', recipient: 'u@far.example', content: B_CONTENT }],
  },
  {
    name: '16', about: 'C redirects an allowed recipient anywhere', list: "[rcpt]\n:printf 'Cx@far.example\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 250 ok', '> U', '< 250 ok', '> B'],
    delivered: [{ sender: 'a@b.example', recipient: 'x@far.example', content: B_CONTENT }],
  },
  {
    name: '17', about: 'C does not rescue a forbidden one', list: "[rcpt]\n:printf 'Cu@local.example\\n'",
    talk: ['< G', '> M', '< 250 ok', '> F', `< ${RCPTHOSTS}`],
  },
  {
    name: '18', about: 'C alone makes the recipient empty', list: "[rcpt]\n:printf 'C\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 250 ok', '> U', '< 250 ok', '> B'],
    delivered: [{ sender: 'a@b.example', content: B_CONTENT }],
  },
]

const SHOW = ':echo "P250-[$SMTPMAILFROM] [$SMTPRCPTTO] [$SMTPRCPTCOUNT] [$SMTPRCPTCOUNTALL] [$SMTPRCPTHOSTSOK]"'

const STATE: readonly Case[] = [
  {
    name: '19-20-21', about: 'counters at RCPT, in DATA, and stale in the next message', list: `[mail]\n${SHOW}\n[rcpt]\n${SHOW}\n[data]\n${SHOW}`,
    talk: [
      '< G', '> M', '< 250-[a@b.example] [] [] [] []', '< 250 ok',
      '> U', '< 250-[a@b.example] [u@local.example] [0] [1] [1]', '< 250 ok',
      '> F', '< 250-[a@b.example] [u@far.example] [1] [2] [0]', `< ${RCPTHOSTS}`,
      '> U', '< 250-[a@b.example] [u@local.example] [1] [3] [1]', '< 250 ok',
      '> DATA', '< 250-[a@b.example] [u@local.example] [1] [3] [1]', '< 354 go ahead', '> .', '< Q',
      '> MAIL FROM:<>', '< 250-[] [u@local.example] [1] [3] [1]', '< 250 ok',
    ],
    delivered: [{ recipient: 'u@local.example', content: '' }, { recipient: 'u@local.example', content: '' }],
  },
  {
    name: '22-23', about: 'H lines in the order of their hooks, in one message only',
    list: '[connection]\n:echo HConn: 1\n[helo]\n:echo HHelo: 1\n[mail]\n:echo HMail: 1\n[rcpt]\n:echo HRcpt1: 1\n:echo HRcpt2: 1\n[data]\n:echo HData: 1',
    talk: [
      '< G', '> EHLO', '< K', '> M', '< 250 ok', '> U', '< 250 ok', '> F', `< ${RCPTHOSTS}`, '> B',
      '> M', '< 250 ok', '> U', '< 250 ok', '> B',
    ],
    delivered: [
      { content: `Conn: 1\nHelo: 1\nMail: 1\nRcpt1: 1\nRcpt2: 1\nRcpt1: 1\nRcpt2: 1\nData: 1\n${B_CONTENT}` },
      { content: `Mail: 1\nRcpt1: 1\nRcpt2: 1\nData: 1\n${B_CONTENT}` },
    ],
  },
  {
    name: '24', about: 'RSET forgets H lines', list: '[connection]\n:echo HConn: 1\n[mail]\n:echo HMail: 1',
    talk: ['< G', '> M', '< 250 ok', '> RSET', '< 250 flushed', '> M', '< 250 ok', '> U', '< 250 ok', '> B'],
    delivered: [{ content: `Mail: 1\n${B_CONTENT}` }],
  },
  {
    name: '25', about: 'a deferred error of two lines, set again after RSET', list: "[mail]\n:printf 'LR450-a\\nLR450 b\\n'",
    talk: [
      '< G', '> M', '< 250 ok', '> U', '< 450-a', '< 450 b', '> U', '< 450-a', '< 450 b', '> RSET', '< 250 flushed',
      '> M', '< 250 ok', '> U', '< 450-a', '< 450 b',
    ],
  },
  {
    name: '26', about: 'deferred from HELO until RSET', list: "[helo]\n:printf 'LR550 r\\nLM451 m\\n'",
    talk: ['< G', '> EHLO', '< K', '> M', '< 451 m', '> M', '< 451 m', '> RSET', '< 250 flushed', '> M', '< 250 ok', '> U', '< 250 ok'],
  },
  {
    name: '27', about: 'LR at RCPT holds for the next ones, and an accepted DATA clears it', list: "[rcpt]\n:printf 'LR450 later\\n'",
    talk: [
      '< G', '> M', '< 250 ok', '> U', '< 250 ok', '> U', '< 450 later', '> U', '< 450 later', '> B', '> M', '< 250 ok', '> U', '< 250 ok',
    ],
    delivered: [{ recipient: 'u@local.example', content: B_CONTENT }],
  },
  {
    name: '28', about: 'LD at RCPT', list: "[rcpt]\n:printf 'LD554 nodata\\n'",
    talk: [
      '< G', '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 554 nodata', '> DATA', '< 554 nodata', '> RSET', '< 250 flushed',
      '> M', '< 250 ok', '> DATA', '< 503 RCPT first (#5.5.1)',
    ],
  },
]

const REAL = { 'plugins/real': '#!/bin/sh\necho P250-real\n' }

const FATES: readonly Case[] = [
  {
    name: '29', about: 'a text, then death by a signal: two replies', list: '[helo]\n:echo "E550 no"; kill -9 $$',
    talk: ['< G', '> EHLO', '< 550 no', '< 451 qmail-spp failure: :echo "E550 no"; kill -9 $$: child crashed (#4.3.0)'],
  },
  {
    name: '30', about: 'other exit statuses mean nothing', list: '[helo]\n:exit 1\n:exit 99\n:exit 111\n:exit 119\n:exit 121\n:exit 255',
    talk: ['< G', '> EHLO', '< K'],
  },
  {
    name: '31', about: 'exit 120', list: '[helo]\n:exit 120',
    talk: ['< G', '> EHLO', "< 451 qmail-spp failure: :exit 120: can't execute (#4.3.0)"],
  },
  {
    name: '32', about: 'no such file', list: '[helo]\nplugins/none',
    talk: ['< G', '> EHLO', "< 451 qmail-spp failure: plugins/none: can't execute (#4.3.0)"],
  },
  {
    name: '33', about: 'no such file, but for the shell', list: '[helo]\n:plugins/none\n:echo P250-second',
    talk: ['< G', '> EHLO', '< 250-second', '< K'],
  },
  {
    name: '34', about: 'a path takes no argument', list: '[helo]\nplugins/real arg', files: REAL,
    talk: ['< G', '> EHLO', "< 451 qmail-spp failure: plugins/real arg: can't execute (#4.3.0)"],
  },
  {
    name: '35', about: 'a leading space is part of the path', list: '[helo]\n plugins/real', files: REAL,
    talk: ['< G', '> EHLO', "< 451 qmail-spp failure:  plugins/real: can't execute (#4.3.0)"],
  },
  {
    name: '36', about: 'a full reply is no command', list: "[rcpt]\n:printf '550 sorry, too many recipients (#5.7.1)\\n'; exit 1",
    talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok'],
  },
  {
    name: '37', about: 'only the second character of a header counts',
    list: 'plugins/none\n[Helo]\nplugins/none\n[xyz]\nplugins/none\n[mail]\n:echo P250-1\n[mzz] tail\n:echo P250-2',
    talk: ['< G', '> EHLO', '< K', '> M', '< 250-1', '< 250-2', '< 250 ok'],
  },
  {
    name: '40', about: 'a refused MAIL leaves the transaction open',
    list: '[mail]\n:if [ "$SMTPMAILFROM" = c@d.example ]; then echo "E550 no"; fi',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok', '> MAIL FROM:<c@d.example>', '< 550 no', '> U', '< 250 ok', '> B'],
    delivered: [1, 2].map(() => ({ sender: 'a@b.example', recipient: 'u@local.example', content: B_CONTENT })),
  },
  {
    name: '41', about: 'DATA may be tried again', list: '[data]\n:if [ -e asked-41 ]; then exit; fi; echo "E451 again" | tee asked-41',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 451 again', '> DATA', '< 354 go ahead', '> .', '< Q'],
    delivered: [{ recipient: 'u@local.example', content: '' }],
  },
]

const ENVIRONMENT: readonly Case[] = [
  {
    name: '42', about: 'RELAYCLIENT is appended behind the plugins', list: '[rcpt]\n:echo "P250-$SMTPRCPTTO $SMTPRCPTHOSTSOK"',
    variables: { RELAYCLIENT: '.sfx' },
    talk: ['< G', '> M', '< 250 ok', '> F', '< 250-u@far.example 1', '< 250 ok', '> B'],
    delivered: [{ sender: 'a@b.example', recipient: 'u@far.example.sfx', content: B_CONTENT }],
  },
  {
    name: '43', about: 'standard input is of no use', list: '[helo]\n:read x; echo "P250-rc $?"',
    talk: ['< G', '> EHLO', '< 250-rc 1', '< K'],
  },
  {
    name: '44', about: 'SMTPHELOHOST as sent', list: '[helo]\n:echo "P250-[$SMTPHELOHOST]"',
    talk: [
      '< G', '> HELO   foo  bar ', '< 250-[foo  bar ]', '< 250 test.example', '> EHLO', '< 250-[]', '< K', '> helo x', '< 250-[x]', '< 250 test.example',
    ],
  },
  {
    name: '45', about: 'senders as MAIL gives them', list: '[mail]\n:echo "P250-[$SMTPMAILFROM]"',
    talk: [
      '< G', '> MAIL FROM:<@r1,@r2:"a b"@C.Example> SIZE=10', '< 250-[a b@C.Example]', '< 250 ok', '> MAIL', '< 250-[]', '< 250 ok',
      '> MAIL FROM:<>', '< 250-[]', '< 250 ok',
    ],
  },
  {
    name: '46', about: 'recipients as RCPT gives them', list: '[rcpt]\n:echo "P250-[$SMTPRCPTTO]"',
    talk: [
      '< G', '> M', '< 250 ok', '> RCPT TO:u@local.example', '< 250-[u@local.example]', '< 250 ok',
      '> RCPT TO: <"q\\\\"x"@local.example>', '< 250-[q"x@local.example]', '< 250 ok',
      '> RCPT TO:<u@[127.0.0.1]>', '< 250-[u@test.example]', `< ${RCPTHOSTS}`, '> RCPT TO:<u>', '< 250-[u]', '< 250 ok',
    ],
  },
  {
    name: '47', about: 'R with commands waiting behind it', list: "[rcpt]\n:printf 'R550 bye\\n'",
    talk: ['< G', '> EHLO', '> M', '> U', '> NOOP', '< K', '< 250 ok', '< 550 bye', '= close'],
  },
  {
    name: '48', about: 'D still lets earlier replies out', list: "[rcpt]\n:printf 'D\\n'",
    talk: ['< G', '> EHLO', '> M', '> U', '> NOOP', '< K', '< 250 ok', '= close'],
  },
  { name: '49', about: 'a NUL ends a text', list: "[helo]\n:printf 'E550 a\\0b\\n'", talk: ['< G', '> EHLO', '< 550 a'] },
  {
    name: '50', about: 'commands without their payload', list: "[helo]\n:printf 'H\\nP\\nS\\nU\\nC\\nL\\nLM\\n'",
    talk: ['< G', '> EHLO', '< ', '< K', '> M', '< '],
  },
  { name: '51', about: 'E without a text', list: "[helo]\n:printf 'E\\n'", talk: ['< G', '> EHLO', '< '] },
  {
    name: '52', about: 'S: the first = separates', list: "[helo]\n:printf 'SFOO=bar=baz\\n'\n[mail]\n:echo \"P250-$FOO\"",
    talk: ['< G', '> EHLO', '< K', '> M', '< 250-bar=baz', '< 250 ok'],
  },
]

export const VECTORS: readonly Case[] = [...BASE, ...STATE, ...FATES, ...ENVIRONMENT]
