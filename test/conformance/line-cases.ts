/** Options of lines, the fates of programs, the reply dialect and the sections of our own, on a hardened listener. */
import { B_CONTENT } from '../harness/transcript.ts'
import { deliverInto } from '../harness/delivered.ts'
import type { Case } from './case.ts'

const G_HELO = ['< G', '> HELO x', '< 250 test.example'] as const
const TO_U = ['< G', '> M', '< 250 ok', '> U', '< 250 ok'] as const

export const FATES: readonly Case[] = [
  {
    name: 'crash', about: 'a crash: its text is not sent', list: '[helo]\n:echo "E550 no"; kill -9 $$',
    talk: ['< G', '> HELO x', '< 451 qmail-spp failure: :echo "E550 no"; kill -9 $$: child crashed (#4.3.0)'],
  },
  {
    name: 'statuses', about: 'exit statuses mean nothing', list: '[helo]\n:exit 1\n:exit 99\n:exit 111\n:exit 119\n:exit 121\n:exit 255\n:echo P250-last; exit 3',
    talk: ['< G', '> HELO x', '< 250-last', '< 250 test.example'],
  },
  {
    name: 'status-120', about: 'but 120', list: "[helo]\n:echo 'P250-x'; exit 120",
    talk: ['< G', '> HELO x', "< 451 qmail-spp failure: :echo 'P250-x'; exit 120: can't execute (#4.3.0)"],
  },
  {
    name: 'no-shebang', about: 'a script without #! is not run by a shell', list: '[helo]\nplugins/naked',
    files: { 'plugins/naked': { content: 'echo E550 ran\n', mode: 0o755 } },
    talk: ['< G', '> HELO x', "< 451 qmail-spp failure: plugins/naked: can't execute (#4.3.0)"],
  },
  {
    name: 'not-executable', about: 'nor is one without its bit', list: '[helo]\nplugins/plain',
    files: { 'plugins/plain': { content: '#!/bin/sh\necho E550 ran\n', mode: 0o644 } },
    talk: ['< G', '> HELO x', "< 451 qmail-spp failure: plugins/plain: can't execute (#4.3.0)"],
  },
  {
    name: 'prints-on', about: 'a program that prints on behind its final command is not a crash', list: "[helo]\n:echo 'E550 no'; i=0; while [ $i -lt 3000 ]; do echo 'P250-more'; i=$((i+1)); done",
    talk: ['< G', '> HELO x', '< 550 no'],
  },
  {
    name: 'own-environment', about: 'the environment is the session\'s and not the server\'s', list: '[helo]\n:env | grep -c "^HOME=" | sed "s/^/P250-/"; echo "P250-$PROTO"',
    talk: ['< G', '> HELO x', '< 250-0', '< 250-TCP', '< 250 test.example'],
  },
]

export const OPTIONS: readonly Case[] = [
  {
    name: 'open', about: 'onerror=open goes to the next line', list: '[helo]\n@onerror=open :kill -9 $$\n:echo "P250-next"',
    talk: ['< G', '> HELO x', '< 250-next', '< 250 test.example'],
  },
  {
    name: 'refuse', about: 'onerror=refuse refuses for good', list: '[helo]\n@onerror=refuse :kill -9 $$',
    talk: ['< G', '> HELO x', '< 554 qmail-spp failure: :kill -9 $$: child crashed (#5.3.0)'],
  },
  {
    name: 'tempfail', about: 'onerror=tempfail is what happens anyway', list: '[helo]\n@onerror=tempfail plugins/none',
    talk: ['< G', '> HELO x', "< 451 qmail-spp failure: plugins/none: can't execute (#4.3.0)"],
  },
  {
    name: 'refuse-bad-command', about: 'onerror also decides about bad commands', list: '[helo]\n@onerror=refuse :echo Eno',
    talk: ['< G', '> HELO x', '< 554 qmail-spp failure: :echo Eno: bad command (#5.3.0)'],
  },
  {
    name: 'timeout', about: 'a line that does not end in time', list: "[helo]\n@timeout=200ms :echo 'P250-x'; sleep 60\n[mail]\n@timeout=200ms,onerror=open :sleep 60\n:echo P250-next",
    talk: ['< G', '> HELO x', "< 451 qmail-spp failure: :echo 'P250-x'; sleep 60: timed out (#4.3.0)", '> M', '< 250-next', '< 250 ok'],
  },
  {
    name: 'shadow', about: 'a line in shadow is asked and ignored', list: "[helo]\n@shadow :echo 'E550 no' | tee shadow-asked\n@shadow :kill -9 $$\n[mail]\n:echo \"P250-$(cat shadow-asked)\"",
    talk: [...G_HELO, '> M', '< 250-E550 no', '< 250 ok'],
  },
  {
    name: 'protocol-reply', about: 'protocol=reply: a status other than 0 refuses with what was printed', list: "[rcpt]\n@protocol=reply :echo '450-busy'; echo '450 later'; exit 1",
    talk: ['< G', '> M', '< 250 ok', '> U', '< 450-busy', '< 450 later'],
  },
  {
    name: 'protocol-reply-0', about: 'protocol=reply: status 0 accepts, and what it printed is dropped', list: '[rcpt]\n@protocol=reply :echo "E550 no"; exit 0',
    talk: [...TO_U],
  },
  {
    name: 'protocol-reply-mute', about: 'protocol=reply: a status other than 0 without a word is a failure', list: '[rcpt]\n@protocol=reply :exit 1',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 451 qmail-spp failure: :exit 1: child crashed (#4.3.0)'],
  },
  {
    name: 'dialect-detected', about: 'a first line that looks like a refusal refuses, whatever the status', list: "[rcpt]\n:echo '550-one'; echo '550 two'; exit 0",
    talk: ['< G', '> M', '< 250 ok', '> U', '< 550-one', '< 550 two'],
  },
  {
    name: 'dialect-not-2xx', about: 'one that looks like an acceptance is no command', list: "[rcpt]\n:echo '250 fine'; exit 1",
    talk: [...TO_U],
  },
]

const TOO_MANY = '550 sorry, too many recipients (#5.7.1)'

/** The Helios manual's Examples 1.1 and 1.2, completed with the conditions that its surviving text lacks. */
export const PHP_EXAMPLE: Case = {
  name: 'example-php', about: 'Example 1.1 refuses the second recipient', list: '[rcpt]\nplugins/maxrcpts-php', variables: { MAXRECIPIENTS: '1' },
  files: {
    'plugins/maxrcpts-php': '#!/usr/bin/env php\n<?php\nif (getenv("SMTPRCPTCOUNT") >= getenv("MAXRECIPIENTS"))\n'
      + '    echo("550 sorry, too many recipients (#5.7.1)\\r\\n");\n',
  },
  talk: [...TO_U, '> U', `< ${TOO_MANY}`, '> B', '> M', '< 250 ok', '> U', '< 250 ok'],
  delivered: [{ content: B_CONTENT }],
}
export const BASH_EXAMPLE: Case = {
  ...PHP_EXAMPLE, name: 'example-bash', about: 'Example 1.2 does, too', list: '[rcpt]\nplugins/maxrcpts-bash',
  files: {
    'plugins/maxrcpts-bash': '#!/usr/bin/env bash\nif [ "$SMTPRCPTCOUNT" -ge "$MAXRECIPIENTS" ]; then\n'
      + '  echo "550 sorry, too many recipients (#5.7.1)"\n  exit 1\nfi\nexit 0\n',
  },
}

const DATA = ['> DATA', '< 354 go ahead', '> Subject: b', '> ', '> body', '> .'] as const

/** A list with lines for `[+message]`, and the usual delivery. */
function message(name: string, about: string, lines: string, talk: readonly string[], expected: Case['delivered'] = []): Case {
  return { name, about, list: `[+message]\n${lines}`, talk: [...TO_U, ...talk], delivered: expected }
}

export const SECTIONS: readonly Case[] = [
  {
    name: 'pass', about: 'pass is asked behind all checks, with the recipient counted', list: '[pass]\n:echo "P250-$SMTPRCPTTO $SMTPRCPTCOUNT"\n:if [ "$SMTPRCPTCOUNT" = 2 ]; then echo "E550 two"; fi',
    talk: [
      '< G', '> M', '< 250 ok', '> F', "< 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
      '> U', '< 250-u@local.example 1', '< 250 ok', '> U', '< 250-u@local.example 2', '< 550 two', '> B',
    ],
    delivered: [{ recipient: 'u@local.example', content: B_CONTENT }],
  },
  message('m-silent', '+message: nothing goes on', ':true\n:cat > seen-m-silent', ['> B'], [{ content: B_CONTENT }]),
  message('m-reads', '+message reads the message from fd 0, with the Received field', `:sed -n "s/^Received: from \\([a-z]*\\) .*/P554-\\1/p; s/^body$/E554 &/p"`, [
    ...DATA, '< 554-unknown', '< 554 body',
  ]),
  message('m-n', '+message: N accepts and skips the rest', ":echo N\n:echo 'E554 no'", ['> B'], [{ content: B_CONTENT }]),
  message('m-o', '+message: so does O', ":echo O\n:echo 'E554 no'", ['> B'], [{ content: B_CONTENT }]),
  message('m-e4', '+message: E4 refuses for now', ":echo 'E451 later'", [...DATA, '< 451 later', '> DATA', '< 503 MAIL first (#5.5.1)']),
  message('m-e5', '+message: E5 for good, and the next message is another', ":grep -q bad && echo 'E554 virus'", [
    '> DATA', '< 354 go ahead', '> bad', '> .', '< 554 virus', '> M', '< 250 ok', '> U', '< 250 ok', '> B',
  ], [{ content: B_CONTENT }]),
  message('m-d', '+message: D discards behind a 250', ':echo D', ['> B', '> M', '< 250 ok', '> U', '< 250 ok', '> B']),
  message('m-crash', '+message: a crash is a failure', ':kill -9 $$', [...DATA, '< 451 qmail-spp failure: :kill -9 $$: child crashed (#4.3.0)']),
  message('m-sees', '+message sees the envelope in the variables', ':echo "E554 $SMTPMAILFROM $SMTPRCPTTO"', [...DATA, '< 554 a@b.example u@local.example']),
  {
    name: 'm-after-a', about: 'A and NOSPP end the hooks of qmail-spp only', list: "[helo]\n:echo A\n[mail]\n:echo E550 mail\n[+message]\n:echo 'E554 still asked'", variables: {},
    talk: [...G_HELO, '> M', '< 250 ok', '> U', '< 250 ok', ...DATA, '< 554 still asked'],
  },
  {
    name: 'm-nospp', about: 'the same with NOSPP', list: "[mail]\n:echo E550 mail\n[+message]\n:echo 'E554 still asked'", variables: { NOSPP: '' },
    talk: [...TO_U, ...DATA, '< 554 still asked'],
  },
  {
    name: 'nobody', about: 'nobody in +deliver: refused and not collected', list: '[rcpt]\n:echo O\n[+deliver]',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 550 sorry, nobody here delivers mail for that domain (#5.1.2)'],
  },
  {
    name: 'deliver-next', about: 'a line of +deliver that says nothing or N leaves it to the next',
    list: `[+deliver]\n:true\n:echo N\n${deliverInto('deliver-next')}\n:echo E550 too far`,
    talk: [...TO_U, '> B'], delivered: [{ sender: 'a@b.example', recipient: 'u@local.example', content: B_CONTENT }],
  },
]

/** `H` of `+message` goes on top of the whole message, the Received field included. */
export const MESSAGE_HEADERS: Case = message(
  'm-h', '+message: H adds header fields', ":printf 'HX-One: 1\\nHX-Two: 2\\nH two\\n'\n:echo 'HX-Three: 3'", ['> B'],
  [{}],
)
