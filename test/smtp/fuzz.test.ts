/**
 * Random clients and random plugins against the dialogue without sockets: it never throws, always answers, never says
 * 250 to a message that is not stored, and (hardened) never sends what is no SMTP reply. And for the talk above it:
 * how the bytes are cut into chunks changes nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Fault, RunResult } from '../../core/host/types.ts'
import type { Hook } from '../../core/plugin/plugin.ts'
import { endOfData } from '../../core/smtp/data.ts'
import type { Reply } from '../../core/smtp/reply.ts'
import { Talk } from '../../core/smtp/talk.ts'
import type { Command } from '../../protocol/spp/command.ts'
import { textOf } from '../../protocol/text.ts'
import { fakeDialogue, type Fake, type FakeOptions, type Run } from './fakes.ts'

const USUAL = [
  'EHLO x', 'HELO caf\udce9', 'MAIL FROM:<a@b.example>', 'MAIL FROM:<>', 'MAIL FROM:<bad@sender.example>', 'MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME',
  'RCPT TO:<u@local.example>', 'RCPT TO:<u@far.example>', 'RCPT TO:<u@[127.0.0.1]>', 'DATA', 'RSET', 'NOOP', 'VRFY x', 'HELP', 'RCPT TO:<"', 'MAIL', 'RCPT',
] as const

const line = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...USUAL) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...USUAL), fc.nat(40), fc.string({ maxLength: 3, unit: 'binary' })).map(([usual, at, extra]) =>
    usual.slice(0, at) + extra.replaceAll('\n', '') + usual.slice(at)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => textOf(bytes.filter((byte) => byte !== 10))) },
)

/** The client's part: a command, and the content it would send should it be asked for. */
const step = fc.record({ line, content: fc.uint8Array({ maxLength: 30 }), bareLf: fc.boolean(), hops: fc.constantFrom(0, 99, 100) })
/** Sessions with many whole transactions in them, which lines at random would seldom make. */
const steps = (maxLength: number): fc.Arbitrary<Step[]> => fc.array(fc.oneof(
  { weight: 4, arbitrary: step.map((one) => [one]) },
  { weight: 1, arbitrary: step.map((one) => ['MAIL FROM:<a@b.example>', 'RCPT TO:<u@local.example>', 'DATA'].map((words) => ({ ...one, line: words }))) },
), { maxLength }).map((groups) => groups.flat())
type Step = { readonly line: string; readonly content: Uint8Array; readonly bareLf: boolean; readonly hops: number }

const REPLY_LINES = /^(?:[2-5][0-9][0-9]-[^\r\n\0]*\r\n)*[2-5][0-9][0-9](?: [^\r\n\0]*)?\r\n$/
/** Before the connection ends: `P` lines may stand alone there. */
const LAST_LINES = /^(?:[2-5][0-9][0-9](?:[ -][^\r\n\0]*)?\r\n)*$/
const QUEUED = /^250 ok [0-9]+ qp [!-~]+\r\n$/m

/** Plays the client until the connection ends; checks what always holds. */
async function converse({ dialogue, spool, troubles }: Fake, said: readonly Step[], hardened: boolean): Promise<void> {
  const check = (reply: Reply): Reply => {
    assert.match(reply.text, reply.next === 'close' ? (hardened ? LAST_LINES : /^$|\r\n$/) : hardened ? REPLY_LINES : /\r\n$/)
    return reply
  }
  let promised = 0
  let { next } = check(await dialogue.greet())
  for (const { line: command, content, bareLf, hops } of said) {
    if (next === 'close') break
    let reply = check(await dialogue.command(command))
    if (reply.next === 'data') {
      assert.match(reply.text, /354 [^\r]*\r\n$/)
      const stored = spool.stored.length
      await dialogue.receiving!.content(Buffer.from(content))
      reply = check(await endOfData(dialogue, { bareLf, hops }))
      if (QUEUED.test(reply.text)) promised++
      assert.equal(spool.stored.length - stored, QUEUED.test(reply.text) ? 1 : 0)
      assert.equal(dialogue.receiving, undefined)
    } else assert.ok(hardened ? !QUEUED.test(reply.text) : true)
    next = reply.next
  }
  dialogue.leave('done')
  assert.equal(spool.stored.length, promised)
  assert.equal(spool.created, promised + spool.aborted, 'every message is promised or forgotten')
  assert.deepEqual(troubles, [])
}

test('any client, no plugins', async () => {
  await fc.assert(fc.asyncProperty(steps(30), fc.boolean(), fc.constantFrom(0, 20), async (said, compat, databytes) => {
    await converse(fakeDialogue({ compat, databytes }), said, !compat)
  }), { numRuns: 10000 })
})

const text = fc.oneof(
  fc.constantFrom('550 no', '451 later', '250-more', '354-x', 'no code', '', '550 a\rb', '550 a\0b', '550 a\nb', '250 fine', '250-a\r\n250 b', '220'),
  fc.string({ maxLength: 12, unit: 'binary' }),
  // A refusal that ends in a hyphen is left out: whoever writes it promises another line.
).filter((candidate) => !/^[45][0-9][0-9]-/.test(candidate))

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom<Command>({ kind: 'A' }, { kind: 'N' }, { kind: 'O' }, { kind: 'D' }),
  fc.tuple(fc.constantFrom('E' as const, 'R' as const, 'P' as const, 'H' as const, 'LM' as const, 'LR' as const, 'LD' as const), text)
    .map(([kind, words]): Command => ({ kind, text: words })),
  text.map((address): Command => ({ kind: 'C', address })),
  fc.tuple(fc.constantFrom('FOO', 'RELAYCLIENT', '', 'A=B'), text).map(([name, value]): Command => ({ kind: 'S', name, value })),
  fc.constantFrom('FOO', 'SMTPMAILFROM', '').map((name): Command => ({ kind: 'U', name })),
)

const FAULTS: readonly Fault['kind'][] = ['crashed', 'cannot-execute', 'cannot-start', 'timed-out', 'too-much-output', 'bad-command', 'threw', 'unavailable']
const result: fc.Arbitrary<RunResult> = fc.record({
  commands: fc.array(command, { maxLength: 4 }),
  fault: fc.option(fc.constantFrom(...FAULTS).map((kind): Fault => ({ kind, detail: 'x' })), { nil: undefined, freq: 6 }),
}).map(({ commands, fault }) => ({ commands, ...(fault === undefined ? {} : { fault }) }))

const plugin: fc.Arbitrary<Run> = fc.oneof(
  { weight: 6, arbitrary: result.map((answer): Run => () => answer) },
  { weight: 3, arbitrary: result.map((answer): Run => () => Promise.resolve(answer)) },
  { weight: 1, arbitrary: fc.constant<Run>(() => { throw new Error('thrown') }) },
  { weight: 1, arbitrary: fc.constant<Run>(() => Promise.reject(new Error('rejected'))) },
)

const HOOKS: readonly Hook[] = ['connection', 'helo', 'mail', 'rcpt', 'pass', 'data']
const plugins = fc.dictionary(fc.constantFrom(...HOOKS), fc.array(plugin, { maxLength: 2 }), { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<NonNullable<FakeOptions['lines']>>

test('any client, any plugins', async () => {
  await fc.assert(fc.asyncProperty(steps(20), plugins, fc.boolean(), async (said, lines, compat) => {
    await converse(fakeDialogue({ compat, lines }), said, !compat)
  }), { numRuns: 4000 })
})

test('a spool that refuses is told, and nothing is promised', async () => {
  await fc.assert(fc.asyncProperty(steps(20), fc.constantFrom('createFails' as const, 'commitFails' as const), async (said, how) => {
    const { dialogue, spool } = fakeDialogue()
    spool[how] = new Error('disk full')
    await dialogue.greet()
    for (const { line: words, content } of said) {
      const reply = await dialogue.command(words)
      assert.match(reply.text, REPLY_LINES)
      if (reply.next !== 'data') continue
      await dialogue.receiving!.content(Buffer.from(content))
      assert.match((await endOfData(dialogue, { bareLf: false, hops: 0 })).text, /^451 /)
    }
    dialogue.leave('done')
    assert.equal(spool.stored.length, 0)
    assert.equal(spool.aborted, spool.created)
  }), { numRuns: 500 })
})

const wire = fc.array(fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...USUAL.filter((usual) => !usual.includes('\udce9'))).map((usual) => `${usual}\r\n`) },
  { weight: 3, arbitrary: fc.constantFrom('MAIL FROM:<a@b.example>\r\nRCPT TO:<u@local.example>\r\nDATA\r\n', '.\r\n', '\r\n.\r\n', 'text\r\n', '..\r\n', 'QUIT\n') },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
  { weight: 1, arbitrary: fc.constant(`${'x'.repeat(4100)}\r\n`) },
), { maxLength: 25 }).map((pieces) => pieces.join(''))

/** What a client would read, and what was stored, when its bytes come in these chunks. */
async function talkIn(chunks: readonly string[], compat: boolean): Promise<unknown> {
  const { dialogue, spool, troubles } = fakeDialogue({ compat })
  let out = ''
  let closed = false
  const talk = new Talk({
    write: (bytes) => {
      out += bytes.toString('latin1')
      return true
    },
    drained: () => Promise.resolve(),
    close: () => { closed = true },
    startTls: () => { closed = true },
  }, dialogue)
  talk.begin()
  // The greeting is on its way.
  await new Promise((resolve) => { setImmediate(resolve) })
  for (const chunk of chunks) if (!closed) await talk.receive(Buffer.from(chunk, 'latin1'))
  talk.end()
  talk.gone('done')
  assert.deepEqual(troubles, [])
  return { out: out.replace(/250 ok [0-9]+ qp/g, '250 ok qp'), stored: spool.stored.map(({ content }) => content.replace(/^(?:Received: | {2}by )[^\n]*\n/gm, '')) }
}

test('how the bytes are cut into chunks changes nothing', async () => {
  await fc.assert(fc.asyncProperty(wire, fc.array(fc.nat(6000), { maxLength: 8 }), fc.boolean(), async (bytes, places, compat) => {
    const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1))])].toSorted((a, b) => a - b)
    const chunks = cuts.map((cut, index) => bytes.slice(cut, cuts[index + 1] ?? bytes.length)).filter((chunk) => chunk !== '')
    assert.deepEqual(await talkIn(chunks, compat), await talkIn([bytes], compat))
    if (bytes.length < 400) assert.deepEqual(await talkIn([...bytes], compat), await talkIn([bytes], compat))
  }), { numRuns: 1000 })
})
