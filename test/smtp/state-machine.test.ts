/**
 * The dialogue as a state machine: random orders of commands, cut into packets at random, against a model of a page. Every
 * reply has the code that the model foresees, the server never fails, and a 250 for a message comes only behind its durability.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_LIMITS } from '../../config/limits.ts'
import { Talk } from '../../core/smtp/talk.ts'
import { fakeDialogue } from './fakes.ts'

const LIMITS = { ...DEFAULT_LIMITS, errors: 6, junkCommands: 8, recipients: 3, hops: 10, headerBytes: 200, pipelining: 'note', earlyTalkers: 'note' } as const
const DATABYTES = 400

type Act =
  | { readonly say: string }
  | { readonly data: string }
  | { readonly bdat: string; readonly last: boolean }

/** What a client may expect to hear, worked out apart from the server. */
class Model {
  readonly codes: number[] = [220]
  /** Messages that must be stored, by content without the Received field. */
  readonly stored: string[] = []
  closed = false
  #open = false
  #recipients = 0
  #errors = 0
  #junk = 0
  /** Content of chunks so far. */
  #chunks: string | undefined

  say(line: string): void {
    const verb = line.split(' ')[0]!.toUpperCase()
    if (this.#tooMuch(verb)) return
    if (this.#chunks !== undefined) {
      if (['RSET', 'EHLO', 'HELO'].includes(verb)) this.#chunks = undefined
      else if (!['NOOP', 'VRFY', 'HELP', 'QUIT', 'BDAT'].includes(verb)) return this.#answer(503)
    }
    switch (verb) {
      case 'EHLO': case 'HELO': case 'RSET':
        this.#end()
        return this.#answer(250)
      case 'MAIL':
        if (line.endsWith('FOO=1')) return this.#answer(555)
        this.#end()
        this.#open = true
        return this.#answer(250)
      case 'RCPT':
        if (!this.#open) return this.#answer(503)
        if (this.#recipients === LIMITS.recipients) return this.#answer(452)
        if (line.includes('far.example')) return this.#answer(553)
        this.#recipients++
        return this.#answer(250)
      case 'NOOP': return this.#answer(250)
      case 'VRFY': return this.#answer(252)
      case 'HELP': return this.#answer(214)
      case 'QUIT':
        this.closed = true
        return this.#answer(221)
      default: return this.#answer(502)
    }
  }

  /** True when content is asked for. */
  data(content: string): boolean {
    if (this.#tooMuch('DATA')) return false
    if (this.#chunks !== undefined || !this.#open || this.#recipients === 0) {
      this.#answer(503)
      return false
    }
    this.#end()
    this.#answer(354)
    this.#message(content.replaceAll('\r\n', '\n'), /(?:^|[^\r])\n/.test(content))
    return true
  }

  bdat(content: string, last: boolean): void {
    if (this.#tooMuch('BDAT')) return
    if (this.#chunks === undefined) {
      const ready = this.#open && this.#recipients > 0
      this.#end()
      if (!ready) return this.#answer(503)
      this.#chunks = ''
    }
    this.#chunks += content
    const text = this.#chunks.replaceAll('\r\n', '\n')
    const held = text.endsWith('\r') ? text.slice(0, -1) : text
    const bareLf = /(?:^|[^\r])\n/.test(this.#chunks)
    if (!last && this.#fault(held, bareLf) === undefined) return this.#answer(250)
    this.#chunks = undefined
    this.#message(!last ? held : text === '' || text.endsWith('\n') ? text : `${text}\n`, bareLf)
  }

  #message(text: string, bareLf: boolean): void {
    const fault = this.#fault(text, bareLf)
    if (fault !== undefined) return this.#answer(fault)
    this.#errors = this.#junk = 0
    this.stored.push(text)
    this.#answer(250)
  }

  #fault(text: string, bareLf: boolean): number | undefined {
    const empty = text.startsWith('\n') ? 0 : text.indexOf('\n\n') === -1 ? undefined : text.indexOf('\n\n') + 1
    const header = empty === undefined ? text : text.slice(0, empty)
    if (bareLf) return 451
    if (header.split('\n').filter((text) => /^received/i.test(text)).length >= LIMITS.hops) return 554
    if (header.length + (empty === undefined ? 0 : 1) > LIMITS.headerBytes) return 552
    return text.length > DATABYTES ? 552 : undefined
  }

  #tooMuch(verb: string): boolean {
    if (this.#errors >= LIMITS.errors) this.closed = true
    else if (['NOOP', 'VRFY', 'HELP', 'RSET', 'HELO', 'EHLO'].includes(verb) || (verb === 'MAIL' && this.#open)) this.closed = ++this.#junk > LIMITS.junkCommands
    if (this.closed) this.codes.push(421)
    return this.closed
  }

  #answer(code: number): void {
    if (code >= 400) this.#errors++
    this.codes.push(code)
  }

  #end(): void {
    this.#open = false
    this.#recipients = 0
  }
}

const line = fc.constantFrom(
  'EHLO x', 'HELO x', 'RSET', 'NOOP', 'VRFY x', 'HELP', 'FOO', '', 'MAIL FROM:<a@b.example>', 'MAIL FROM:<> SIZE=10', 'MAIL FROM:<a@b.example> FOO=1', 'QUIT',
  'RCPT TO:<u@local.example>', 'rcpt to:<v@local.example>', 'RCPT TO:<u@far.example>',
)
/** No dots: what ends the content of DATA has tests of its own. */
const content = fc.array(fc.constantFrom('\r\n', '\r\n', 'text', 'Received: x\r\n', 'MAIL FROM:<s@x.example>\r\n', 'QUIT\r\n', '\r', '\n', 'x'.repeat(90)), { maxLength: 14 })
  .map((parts) => parts.join(''))
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: line.map((say) => ({ say })) },
  { weight: 2, arbitrary: content.map((text) => ({ data: `${text}\r\n` })) },
  { weight: 3, arbitrary: fc.tuple(content, fc.boolean()).map(([bdat, last]) => ({ bdat, last })) },
)
const transaction = fc.tuple(fc.array(line, { maxLength: 1 }), act).map(([between, end]): Act[] =>
  ['MAIL FROM:<a@b.example>', 'RCPT TO:<u@local.example>', ...between].map((say): Act => ({ say })).concat(end))
const acts = fc.array(fc.oneof({ weight: 2, arbitrary: act.map((one) => [one]) }, { weight: 1, arbitrary: transaction }), { maxLength: 16 }).map((groups) => groups.flat())

/** The bytes of these acts as far as the connection lasts; the model has heard them. */
function bytesOf(said: readonly Act[], model: Model): string {
  let bytes = ''
  for (const one of said) {
    if (model.closed) break
    if ('say' in one) {
      model.say(one.say)
      bytes += `${one.say}\r\n`
    } else if ('data' in one) {
      // A client sends content only once it is asked to.
      bytes += model.data(one.data) ? `DATA\r\n${one.data}.\r\n` : 'DATA\r\n'
    } else {
      model.bdat(one.bdat, one.last)
      bytes += `BDAT ${one.bdat.length}${one.last ? ' LAST' : ''}\r\n${one.bdat}`
    }
  }
  return bytes
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

test('random commands in random packets', async () => {
  await fc.assert(fc.asyncProperty(acts, fc.array(fc.nat(3000), { maxLength: 6 }), async (said, places) => {
    const model = new Model()
    const bytes = bytesOf(said, model)
    const { dialogue, spool, troubles } = fakeDialogue({ limits: LIMITS, databytes: DATABYTES })
    let durable = 0
    let out = ''
    const create = spool.create.bind(spool)
    spool.create = () => {
      const writer = create()
      const commit = writer.commit.bind(writer)
      return Object.assign(Object.create(writer) as typeof writer, {
        commit: async (envelope: Parameters<typeof commit>[0]) => {
          await turn()
          await commit(envelope)
          durable++
        },
      })
    }
    const talk = new Talk({
      write: (sent) => {
        out += sent.toString('latin1')
        assert.ok((out.match(/^250 ok [0-9]+ qp /gm)?.length ?? 0) <= durable, 'a promise before it could be kept')
        return true
      },
      drained: () => Promise.resolve(),
      close: () => {},
      startTls: () => {},
    }, dialogue)
    talk.begin()
    await turn()
    const cuts = [...new Set([0, ...places.map((place) => place % (bytes.length + 1)), bytes.length])].toSorted((a, b) => a - b)
    for (const [index, cut] of cuts.slice(1).entries()) await talk.receive(Buffer.from(bytes.slice(cuts[index], cut), 'latin1'))
    await turn()
    talk.gone('done')
    await turn()
    const codes = out.split('\r\n').filter((text) => /^[0-9]{3}(?: |$)/.test(text)).map((text) => Number(text.slice(0, 3)))
    assert.deepEqual(codes, model.codes, JSON.stringify(bytes))
    assert.deepEqual(spool.stored.map((message) => message.content.replace(/^Received: .*\n {2}by .*\n/, '')), model.stored)
    assert.equal(spool.created, spool.stored.length + spool.aborted, 'every message is promised or forgotten')
    assert.deepEqual(troubles, [])
  }), { numRuns: 2000 })
})
