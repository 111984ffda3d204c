/** Dialogues with a hardened listener, as transcripts (test/harness/transcript.ts). */
import type { Case } from '../conformance/case.ts'
import { B_CONTENT } from '../harness/transcript.ts'

const SHOW_RCPT = '[rcpt]\n:echo "P250-[$SMTPRCPTTO]"'
const TO_U = ['< G', '> M', '< 250 ok', '> U', '< 250 ok'] as const
const RCPTHOSTS = "< 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"
const TOO_BIG = '< 552 sorry, that message size exceeds my databytes limit (#5.3.4)'

export const CASES: readonly Case[] = [
  {
    name: 'texts', about: 'the texts of the small commands, in any case, ended by CRLF or LF alone', list: '[helo]\n:true',
    talk: [
      '< G', '> NOOP', '< 250 ok', '> noop with an argument', '< 250 ok', '> RSET', '< 250 flushed', '> VRFY u',
      "< 252 send some mail, i'll try my best", '> hElP', '< 214 netqmail home page: http://qmail.org/netqmail',
      '> NOOP\\nNOOP', '< 250 ok', '< 250 ok', '> NONSENSE', '< 502 unimplemented (#5.5.1)', '> ', '< 502 unimplemented (#5.5.1)',
      '> EXPN x', '< 502 unimplemented (#5.5.1)', '> NOOP\\t', '< 502 unimplemented (#5.5.1)', '> quit', '< 221 test.example', '= close',
    ],
  },
  {
    name: 'order', about: 'commands out of order', list: '[helo]\n:true',
    talk: [
      '< G', '> U', '< 503 MAIL first (#5.5.1)', '> DATA', '< 503 MAIL first (#5.5.1)', '> M', '< 250 ok', '> DATA', '< 503 RCPT first (#5.5.1)',
      '> RSET', '< 250 flushed', '> U', '< 503 MAIL first (#5.5.1)',
    ],
  },
  {
    name: 'mail-twice', about: 'a second MAIL begins anew', list: '[helo]\n:true',
    talk: [
      '< G', '> M', '< 250 ok', '> U', '< 250 ok', '> MAIL FROM:<c@d.example>', '< 250 ok', '> DATA', '< 503 RCPT first (#5.5.1)', '> U', '< 250 ok', '> B',
    ],
    delivered: [{ sender: 'c@d.example', recipient: 'u@local.example', content: B_CONTENT }],
  },
  {
    name: 'helo-resets', about: 'HELO ends a transaction, VRFY, HELP and NOOP do not', list: '[helo]\n:true',
    talk: [
      ...TO_U, '> VRFY x', "< 252 send some mail, i'll try my best", '> NOOP', '< 250 ok', '> B', '> M', '< 250 ok', '> U', '< 250 ok',
      '> HELO y', '< 250 test.example', '> DATA', '< 503 MAIL first (#5.5.1)',
    ],
    delivered: [{ content: B_CONTENT }],
  },
  {
    name: 'pipelined', about: 'a whole session in one write, answered in order', list: '[rcpt]\n:sleep 0.1; echo "P250-$SMTPRCPTCOUNTALL"',
    talk: [
      '< G', '> HELO x', '> M', '> U', '> F', '> U', '> DATA', '< 250 test.example', '< 250 ok', '< 250-1', '< 250 ok', '< 250-2', RCPTHOSTS,
      '< 250-3', '< 250 ok', '< 354 go ahead', '> Subject: b', '> ', '> body', '> .', '> M', '> U', '> NOOP', '< Q', '< 250 ok', '< 250-1', '< 250 ok', '< 250 ok',
    ],
    delivered: [{ content: B_CONTENT }, { content: B_CONTENT }],
  },
  {
    name: 'eight-bit', about: 'content of any bytes, and dots', list: '[helo]\n:true',
    talk: [...TO_U, '> DATA', '< 354 go ahead', '> ..', '> .dot', '> \\xe9\\xff\\x80\\0', '> a\\rb', '> ', '> .', '< Q'],
    delivered: [{ content: '.\ndot\n\xe9\xff\x80\0\na\rb\n\n' }],
  },
  {
    name: 'utf8', about: 'addresses beyond ASCII need SMTPUTF8, and must be UTF-8', list: SHOW_RCPT,
    talk: [
      '< G', '> MAIL FROM:<\\xc3\\xa9@b.example>', '< 553 this address needs SMTPUTF8 (#5.6.7)', '> MAIL FROM:<\\xe9@b.example> SMTPUTF8', '< 555 syntax error (#5.5.4)',
      '> MAIL FROM:<a@b.example> SMTPUTF8=yes', '< 501 SMTPUTF8 takes no value (#5.5.4)',
      '> M', '< 250 ok', '> RCPT TO:<\\xc3\\xa9@local.example>', '< 553 this address needs SMTPUTF8 (#5.6.7)',
      '> MAIL FROM:<\\xc3\\xa9@b.example> SMTPUTF8 BODY=8BITMIME', '< 250 ok', '> RCPT TO:<\\xc3\\xa9@local.example>', '< 250-[\\xc3\\xa9@local.example]', '< 250 ok',
      '> RCPT TO:<\\xe9@local.example>', '< 555 syntax error (#5.5.4)', '> B',
    ],
    delivered: [{ sender: '\xc3\xa9@b.example', recipient: '\xc3\xa9@local.example', content: B_CONTENT }],
  },
  {
    name: 'body', about: 'BODY', list: '[helo]\n:true',
    talk: [
      '< G', '> MAIL FROM:<a@b.example> BODY=7BIT', '< 250 ok', '> MAIL FROM:<a@b.example> body=8bitmime', '< 250 ok',
      '> MAIL FROM:<a@b.example> BODY=BINARYMIME', '< 555 BODY=BINARYMIME is not offered here (#5.5.4)', '> MAIL FROM:<a@b.example> BODY',
      '< 501 BODY needs a value: 7BIT or 8BITMIME (#5.5.4)', '> MAIL FROM:<a@b.example> BODY=7BIT BODY=7BIT', '< 555 syntax error (#5.5.4)',
    ],
  },
  {
    name: 'paths', about: 'quoted local parts, routes, literals and recipients without a domain', list: SHOW_RCPT,
    talk: [
      '< G', '> mail from: <a@b.example>', '< 250 ok', '> RCPT TO:<"a b"@local.example>', '< 250-[a b@local.example]', '< 250 ok',
      '> RCPT TO:<"a\\\\"b"@local.example>', '< 250-[a"b@local.example]', '< 250 ok', '> RCPT TO:<"a>b"@local.example>', '< 250-[a>b@local.example]', '< 250 ok',
      '> RCPT TO:<@one,@two:u@LOCAL.example>', '< 250-[u@LOCAL.example]', '< 250 ok', '> RCPT TO:<"u@far.example"@local.example>',
      '< 250-[u@far.example@local.example]', '< 250 ok', '> RCPT TO:<u@local.example@far.example>', '< 250-[u@local.example@far.example]', RCPTHOSTS,
      '> RCPT TO:<u@[127.0.0.1]>', '< 250-[u@test.example]', RCPTHOSTS, '> RCPT TO:<u@[192.0.2.1]>', '< 250-[u@[192.0.2.1]]', RCPTHOSTS,
      '> RCPT TO:<postmaster>', '< 250-[postmaster]', '< 250 ok', '> RCPT TO:<>', '< 250-[]', '< 250 ok',
    ],
  },
  {
    name: 'long-address', about: 'an address has at most 899 bytes', list: '[rcpt]\n:echo "P250-${#SMTPRCPTTO}"',
    talk: [
      '< G', `> MAIL FROM:<${'a'.repeat(890)}@b.example>`, '< 555 syntax error (#5.5.4)', '> M', '< 250 ok',
      `> RCPT TO:<${'u'.repeat(899 - 14)}@local.example>`, '< 250-899', '< 250 ok', `> RCPT TO:<${'u'.repeat(900 - 14)}@local.example>`, '< 555 syntax error (#5.5.4)',
    ],
  },
  {
    name: 'size', about: 'SIZE against databytes', list: '[helo]\n:true', variables: { DATABYTES: '100' },
    talk: [
      '< G', '> EHLO x', '< 250-test.example', '< 250-PIPELINING', '< 250-8BITMIME', '< 250-CHUNKING', '< 250-SIZE 100', '< 250-LIMITS RCPTMAX=1000', '< 250 SMTPUTF8',
      '> MAIL FROM:<a@b.example> SIZE=101', TOO_BIG, '> MAIL FROM:<a@b.example> SIZE=99999999999999999999', TOO_BIG,
      '> MAIL FROM:<a@b.example> SIZE=1e2', '< 501 SIZE needs a number of bytes (#5.5.4)', '> MAIL FROM:<a@b.example> SIZE', '< 501 SIZE needs a number of bytes (#5.5.4)',
      '> MAIL FROM:<a@b.example> SIZE=100', '< 250 ok',
    ],
  },
  {
    name: 'databytes', about: 'as much as databytes is accepted, one byte more is not; dots and added fields do not count', list: '[mail]\n:echo HX-Added: 1234567890',
    variables: { DATABYTES: '100' },
    talk: [
      ...TO_U, '> DATA', '< 354 go ahead', `> ${'x'.repeat(100)}`, '> .', TOO_BIG, '> M', '< 250 ok', '> U', '< 250 ok',
      '> DATA', '< 354 go ahead', `> .${'.'.repeat(99)}`, '> .', '< Q',
    ],
    delivered: [{ content: `X-Added: 1234567890\n${'.'.repeat(99)}\n` }],
  },
  {
    name: 'hops', about: 'a hundred Received and Delivered-To fields are a loop', list: '[helo]\n:true',
    talk: [
      ...TO_U, '> DATA', '< 354 go ahead', ...hops(100), '> .', '< 554 too many hops, this message is looping (#5.4.6)',
      '> M', '< 250 ok', '> U', '< 250 ok', '> DATA', '< 354 go ahead', ...hops(99), '> ', ...hops(5), '> .', '< Q',
    ],
    delivered: [{}],
  },
  {
    name: 'bad-before-big', about: 'a loop is told before a size', list: '[helo]\n:true', variables: { DATABYTES: '100' },
    talk: [...TO_U, '> DATA', '< 354 go ahead', ...hops(100), '> .', '< 554 too many hops, this message is looping (#5.4.6)'],
  },
]

function hops(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? '> received: x' : '> DELIVERED-TO: x'))
}
