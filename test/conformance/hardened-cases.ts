/** The twins of the vectors: what a listener that is not in compat mode does instead (and, where told, what compat does). */
import { B_CONTENT } from '../harness/transcript.ts'
import type { Case } from './case.ts'

const G_HELO = ['< G', '> HELO x', '< 250 test.example'] as const

/** The reply to a plugin's answer that no client should be sent. */
function badCommand(line: string): string {
  return `< 451 qmail-spp failure: ${line.replaceAll('\\', '\\\\')}: bad command (#4.3.0)`
}

/** A HELO line whose answer is the plugin's fault. */
function fault(name: string, about: string, line: string): Case {
  return { name, about, list: `[helo]\n${line}`, talk: ['< G', '> HELO x', badCommand(line)] }
}

export const FAULTS: readonly Case[] = [
  fault('e-no-code', 'E without a code', ":echo 'Eno'"),
  fault('e-empty', 'E alone', ':echo E'),
  fault('e-2xx', 'E with a code that accepts', ":echo 'E250 fine'"),
  fault('p-no-hyphen', 'P without a hyphen would end the reply', ":echo 'P250 one'; echo 'E550 two'"),
  fault('p-empty', 'P alone', ':echo P'),
  fault('r-no-code', 'R without a code', ':echo Rbye'),
  fault('lr-no-code', 'a deferred error without a code', ':echo LRno'),
  fault('cr-inside-e', 'a CR inside a text', ":printf 'E550 a\\rb\\n'"),
  fault('cr-inside-p', 'a CR inside a P', ":printf 'P250-a\\rb\\n'"),
  fault('two-crs', 'only one CR belongs to the line end', ":printf 'E550 a\\r\\r\\n'"),
  fault('nul-inside-e', 'a NUL inside a text', ":printf 'E550 a\\000b\\n'"),
  fault('nul-inside-h', 'a NUL inside a header line', ":printf 'HX-A: a\\000b\\n'"),
  fault('cr-inside-s', 'a CR inside a value', ":printf 'SFOO=a\\rb\\n'"),
  fault('h-empty', 'an empty H would end the header', ':echo H'),
  fault('h-blanks', 'so would one of blanks', ":echo 'H  '"),
  fault('h-no-field', 'H that is no header field', ":echo 'Hno field'"),
  fault('s-no-name', 'S without a name', ':echo S=x'),
  {
    name: 'one-cr', about: 'one CR before the LF is part of the line end', list: "[helo]\n:printf 'P250-one\\r\\n'; printf 'E550 no\\r\\n'",
    talk: ['< G', '> HELO x', '< 250-one', '< 550 no'],
  },
  {
    name: 'unterminated', about: 'an unterminated last line keeps its last byte', list: "[helo]\n:printf 'E550 no.'",
    talk: ['< G', '> HELO x', '< 550 no.'],
  },
  {
    name: 'unterminated-letter', about: 'also when that byte is the command', list: "[helo]\n:printf N\n:echo 'E550 second'",
    talk: [...G_HELO],
  },
  {
    name: 'stray-lines', about: 'lines that are no command are still passed over', list: "[helo]\n:printf 'hello\\n\\nX\\ne550 y\\n'",
    talk: [...G_HELO],
  },
  {
    name: 'crash-leaves-nothing', about: 'a failed run leaves no S, H or L behind',
    list: "[helo]\n@onerror=open :printf 'SFOO=bar\\nHX-A: b\\nLM451 later\\n'; kill -9 $$\n[mail]\n:echo \"P250-[$FOO]\"",
    talk: [...G_HELO, '> M', '< 250-[]', '< 250 ok', '> U', '< 250 ok', '> B'],
    delivered: [{ content: B_CONTENT }],
  },
  {
    name: 'fault-leaves-nothing', about: 'nor does an answer with a bad command in it',
    list: "[helo]\n@onerror=open :printf 'SFOO=bar\\nHX-A: b\\nHnone\\n'\n[mail]\n:echo \"P250-[$FOO]\"",
    talk: [...G_HELO, '> M', '< 250-[]', '< 250 ok', '> U', '< 250 ok', '> B'],
    delivered: [{ content: B_CONTENT }],
  },
]

/** Texts that are each whole where they are stored, but sent together later. */
export const LATER: readonly Case[] = [
  {
    name: 'deferred-twice', about: 'a deferred error stored twice is one reply, or every later reply would be a step behind',
    list: '[mail]\n:echo LR450 later', talk: ['< G', '> M', '< 250 ok', '> M', '< 250 ok', '> U', '< 450-later', '< 450 later'],
  },
  {
    name: 'e-hyphen', about: 'E with a hyphen behind its code would leave the client waiting for the rest', list: "[helo]\n:echo 'E550-no'",
    talk: ['< G', '> HELO x', badCommand(":echo 'E550-no'")],
  },
]

/** Run on a listener in compat mode. */
export const AS_ORIGINAL: readonly Case[] = [
  {
    name: 'crash-leaves-all', about: 'compat: commands took effect before the crash',
    list: "[helo]\n:printf 'SFOO=bar\\nHX-A: b\\nLM451 later\\n'; kill -9 $$\n[mail]\n:echo \"P250-[$FOO]\"",
    talk: [
      '< G', '> HELO x', "< 451 qmail-spp failure: :printf 'SFOO=bar\\\\nHX-A: b\\\\nLM451 later\\\\n'; kill -9 $$: child crashed (#4.3.0)",
      '> M', '< 451 later', '> RSET', '< 250 flushed', '> M', '< 250-[bar]', '< 250 ok',
    ],
  },
  {
    name: 'crash-header', about: 'compat: a header line of a crashed run is in the message',
    list: "[mail]\n:if [ -z \"$SECOND\" ]; then printf 'SSECOND=1\\nHX-A: b\\n'; kill -9 $$; fi",
    talk: [
      '< G', '> M', "< 451 qmail-spp failure: :if [ -z \"$SECOND\" ]; then printf 'SSECOND=1\\\\nHX-A: b\\\\n'; kill -9 $$; fi: child crashed (#4.3.0)",
      '> M', '< 250 ok', '> U', '< 250 ok', '> B',
    ],
    delivered: [{ content: `X-A: b\n${B_CONTENT}` }],
  },
  {
    name: 'a-then-crash', about: 'compat: A has switched spp off although its run failed', list: '[helo]\n:echo A; kill -9 $$\n[mail]\n:echo E550 mail',
    talk: ['< G', '> HELO x', '< 451 qmail-spp failure: :echo A; kill -9 $$: child crashed (#4.3.0)', '> M', '< 250 ok'],
  },
  {
    name: 'parameters-ignored', about: 'compat: parameters are not read', list: '[mail]\n:echo "P250-[$SMTPMAILFROM]"',
    talk: [
      '< G', '> MAIL FROM:<a@b.example> FOO=1 SIZE=x', '< 250-[a@b.example]', '< 250 ok', '> RCPT TO:<u@local.example> NOTIFY=NEVER', '< 250 ok',
    ],
  },
  {
    name: 'bare-lf-closes', about: 'compat: a bare LF ends the connection at once', list: '[helo]\n:true',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 354 go ahead', '> one\\ntwo', '< 451 See http://pobox.com/~djb/docs/smtplf.html.', '= close'],
  },
  {
    name: 'line-ends-at-nul', about: 'compat: a NUL ends a command line', list: '[helo]\n:echo "P250-[$SMTPHELOHOST]"',
    talk: ['< G', '> HELO a\\0b', '< 250-[a]', '< 250 test.example'],
  },
]

export const PROTOCOL: readonly Case[] = [
  {
    name: 'ehlo', about: 'the extensions we add', list: '[helo]\n:true',
    talk: ['< G', '> EHLO x', '< 250-test.example', '< 250-PIPELINING', '< 250-8BITMIME', '< 250-CHUNKING', '< 250-SIZE 0', '< 250-LIMITS RCPTMAX=1000', '< 250 SMTPUTF8'],
  },
  {
    name: 'bare-lf', about: 'a bare LF is refused behind the true end, and the session goes on', list: '[helo]\n:true',
    talk: [
      '< G', '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 354 go ahead', '> one\\ntwo\\n.', '> .\\n.', '> three', '> .',
      '< 451 See http://pobox.com/~djb/docs/smtplf.html.', '> M', '< 250 ok', '> U', '< 250 ok', '> B',
    ],
    delivered: [{ content: B_CONTENT }],
  },
  {
    name: 'parameters', about: 'unknown parameters are refused', list: '[mail]\n:echo "P250-plugin"',
    talk: [
      '< G', '> MAIL FROM:<a@b.example> FOO=1', '< 555 parameter FOO is not known here (#5.5.4)',
      '> MAIL FROM:<a@b.example> SIZE=x', '< 501 SIZE needs a number of bytes (#5.5.4)', '> M', '< 250-plugin', '< 250 ok',
      '> RCPT TO:<u@local.example> FOO=NEVER', '< 555 parameter FOO is not known here (#5.5.4)', '> U', '< 250 ok',
    ],
  },
  {
    name: 'nul-line', about: 'a NUL in a command line is refused', list: '[helo]\n:echo "P250-[$SMTPHELOHOST]"',
    talk: ['< G', '> HELO a\\0b', '< 500 a command line holds no NUL (#5.5.2)', '> HELO a', '< 250-[a]', '< 250 test.example'],
  },
  {
    name: 'stale-headers', about: 'header lines about one sender do not stand in the message of the next; those about the connection do',
    list: '[helo]\n:echo "HX-Helo: $SMTPHELOHOST"\n[mail]\n:echo "HX-From: $SMTPMAILFROM"\n:[ "$SMTPMAILFROM" != bad@far.example ] || echo E550 bad',
    talk: [
      '< G', '> HELO one', '< 250 test.example', '> MAIL FROM:<first@far.example>', '< 250 ok', '> HELO two', '< 250 test.example',
      '> MAIL FROM:<second@far.example>', '< 250 ok', '> MAIL FROM:<third@far.example>', '< 250 ok', '> MAIL FROM:<bad@far.example>', '< 550 bad',
      '> U', '< 250 ok', '> B',
    ],
    delivered: [{ sender: 'third@far.example', content: `X-Helo: one\nX-Helo: two\nX-From: third@far.example\n${B_CONTENT}` }],
  },
  {
    name: 'byte-e9', about: 'a byte that is no UTF-8 reaches a program as it came, and goes back so',
    list: "[helo]\n:printf %s \"$SMTPHELOHOST\" | od -An -tx1 | sed 's/^ /P250-/'; echo \"P250-$SMTPHELOHOST\"",
    talk: ['< G', '> HELO caf\\xe9\\xc3\\xa9.example', '< 250-63 61 66 e9 c3 a9 2e 65 78 61 6d 70 6c 65', '< 250-caf\\xe9\\xc3\\xa9.example', '< 250 test.example'],
  },
  {
    name: 'byte-e9-message', about: 'nor is it changed in header lines, envelope and content', list: '[mail]\n:printf "HX-Name: caf\\351\\n"\n[rcpt]\n:printf "C\\351@local.example\\n"',
    talk: ['< G', '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 354 go ahead', '> \\xe9\\xff\\x00', '> .', '< Q'],
    delivered: [{ recipient: '\xe9@local.example', content: 'X-Name: caf\xe9\n\xe9\xff\0\n' }],
  },
  {
    name: 'big-value', about: 'a value that no program can be given is that call\'s failure',
    list: '[helo]\n:printf SBIG=; head -c 204800 /dev/zero | tr "\\0" x; echo\n:echo "P250-${#BIG}"\n[mail]\n:echo P250-mail',
    talk: [
      '< G', '> HELO x', "< 451 qmail-spp failure: :echo \"P250-${#BIG}\": can't execute (#4.3.0)",
      '> M', "< 451 qmail-spp failure: :echo P250-mail: can't execute (#4.3.0)",
    ],
  },
  {
    name: 'fair-value', about: 'one of 100,000 bytes is fine',
    list: '[helo]\n:printf SBIG=; head -c 100000 /dev/zero | tr "\\0" x; echo\n:echo "P250-${#BIG}"',
    talk: ['< G', '> HELO x', '< 250-100000', '< 250 test.example'],
  },
]
