/**
 * Bytes to dialogue and back, over any transport: splits lines, keeps order, gathers replies so that a
 * pipelined batch leaves in one write, and stops reading while the dialogue, the spool or the client's
 * reading is slow. One `Talk` for each stream of bytes.
 */
import { DataDecoder } from '../../protocol/smtp/data-decoder.ts'
import type { Speaker } from '../../protocol/smtp/xclient.ts'
import { bytesOf, isAscii, textOf } from '../../protocol/text.ts'
import { chunkContent, endOfChunk } from './bdat.ts'
import { bareLfAsOriginal, endOfData } from './data.ts'
import type { TlsFacts } from '../tls/facts.ts'
import type { Dialogue } from './dialogue.ts'
import { Pace } from './limits.ts'
import { flushSoon } from './outbox.ts'
import type { Chunk, Reply } from './reply.ts'

/** The transport under a talk. */
export interface Port {
  /** A string has ASCII only. Returns false when the client reads too slowly: wait for `drained`. */
  write(bytes: Buffer | string): boolean
  drained(): Promise<void>
  /** Ends the connection once what was written is out; with `goodbye`, the client has said that nothing more will come from it. */
  close(goodbye?: boolean): void
  /** Whether something of the client's is there already and was not handed over. */
  early?(): boolean
  /** The session begins anew for somebody else, with a talk of its own. */
  restart?(speaker: Speaker): void
  /** Begins the handshake once what was written is out. Whatever else the client has sent in the clear is never read. */
  startTls(): void
}

/** The bytes that are left to be served. */
type Step = Buffer | undefined

const NOTHING = Buffer.alloc(0)
const LF = 0x0a
/** Replies gathered before they must leave. */
const GATHER_LIMIT = 16_384
/** Replies that any client's system takes, whether the client reads them or not. The end of a connection cannot cost them. */
const SURELY_TAKEN = 16_384
/** Commands served from one chunk before others get a turn: awaits alone never yield to sockets. */
const TURN = 100

/** One for all talks. */
const now = (): number => performance.now()

export class Talk {
  readonly #port: Port
  readonly #dialogue: Dialogue
  readonly #pace: Pace
  readonly #clock: () => number
  readonly #begun: number
  #out = ''
  #full = false
  #waiting = false
  #closed = false
  /** STARTTLS was answered: nothing is read or said here any more. */
  #retired = false
  #partial: Buffer[] = []
  #partialLength = 0
  #skipping = false
  #decoder: DataDecoder | undefined
  /** The chunk of BDAT being read, and how many of its bytes are missing. */
  #chunk: { readonly what: Chunk; missing: number } | undefined
  #busy = false
  /** The last words, to be said once the current command, or message, is answered. */
  #stopping: (() => Reply) | undefined
  /** A reply was given, so it is the client's turn. */
  #answered = false
  #greeted: void | Promise<void> = undefined
  /** Commands of the current chunk. */
  #served = 0
  /** Bytes of replies that the client may not have read yet: it has read all before the content it sends. */
  #unread = 0

  /** @param clock milliseconds that never go back; @param begun when the session began */
  constructor(port: Port, dialogue: Dialogue, clock: () => number = now, begun = clock()) {
    this.#port = port
    this.#dialogue = dialogue
    this.#pace = new Pace(dialogue.session)
    this.#clock = clock
    this.#begun = begun
  }

  /** True while the client waits for us: no idle time-out then. Not while we wait for it to read its replies. */
  get busy(): boolean {
    return this.#busy && !this.#waiting
  }

  /** Sends the greeting. */
  begin(): void {
    this.#greeted = this.#serve(() => this.#greet())
  }

  async #greet(): Promise<void> {
    const { greetingDelay } = this.#dialogue.session.limits
    if (greetingDelay > 0) await new Promise((resolve) => setTimeout(resolve, greetingDelay))
    // Nobody is asked about a client that has left meanwhile.
    if (this.#closed) return
    if (this.#port.early?.() === true) this.#dialogue.spokeEarly()
    this.#answer(await this.#dialogue.greet())
  }

  /** Takes a chunk of the client's bytes. The next may come when this has returned, or resolved. Never throws or rejects. */
  receive(chunk: Buffer): void | Promise<void> {
    if (this.#greeted !== undefined) return this.#afterGreeting(chunk)
    return this.#serve(() => this.#consume(chunk))
  }

  async #afterGreeting(chunk: Buffer): Promise<void> {
    if (this.#busy) this.#dialogue.spokeEarly()
    await this.#greeted
    this.#greeted = undefined
    await this.receive(chunk)
  }

  /** The client has ended its side: what it still sent was served, its replies leave, and the connection ends. */
  end(): void {
    this.#close()
  }

  /** The client has ended its side, while what it sent may still be served. */
  inputEnded(): void {
    if (!this.#closed && this.#dialogue.inputEnded()) this.#close()
  }

  /** The connection is gone. */
  gone(reason: string): void {
    this.#closed = true
    this.#dialogue.leave(reason)
  }

  timeout(): void {
    if (!this.#closed) this.#answer(this.#dialogue.timeout())
  }

  /** The client's bytes come through TLS from now on: the talk for them, which has nothing of this one's but the dialogue. */
  secured(facts: TlsFacts): Talk {
    this.#closed = true
    this.#dialogue.secured(facts)
    return new Talk(this.#port, this.#dialogue, this.#clock, this.#begun)
  }

  /** Says 421 and ends the connection, unless a command is being served: then after it. */
  shutdown(): void {
    this.#endWith(() => this.#dialogue.shutdown())
  }

  /** To be called about once a second: ends a session that has lasted too long, and a client that is too slow. */
  tick(now: number): void {
    if (this.#closed) return
    const { sessionSeconds } = this.#dialogue.session.limits
    if (sessionSeconds > 0 && now - this.#begun > sessionSeconds * 1000) this.#endWith(() => this.#dialogue.lastedTooLong())
    if (this.#closed || this.busy) return
    const limit = this.#pace.overdue(now)
    if (limit === undefined) return
    // One that does not read would not read this either.
    if (this.#waiting) this.#close()
    else this.#answer(this.#dialogue.timeout(`limit ${limit}`))
  }

  #endWith(words: () => Reply): void {
    if (this.#closed) return
    if (this.#busy || this.#inContent) this.#stopping ??= words
    else this.#answer(words())
  }

  /** What never waits costs no promise: this runs for each command of each client. */
  #serve(work: () => void | Promise<void>): void | Promise<void> {
    this.#busy = true
    try {
      const working = work()
      if (working !== undefined) return working.catch((cause: unknown) => this.#broken(cause)).then(() => this.#rest())
    } catch (cause) {
      this.#broken(cause)
    }
    this.#rest()
  }

  #broken(cause: unknown): void {
    this.#dialogue.failed('a connection could not be served', cause)
    this.#close()
  }

  /** It is the client's turn. */
  #rest(): void {
    this.#busy = false
    if (this.#out !== '') flushSoon(this)
    if (this.#answered) {
      this.#answered = false
      if (this.#inContent) this.#pace.content(this.#clock())
      else this.#pace.command(this.#clock())
    }
    if (this.#stopping !== undefined && !this.#inContent) this.#endWith(this.#stopping)
  }

  #consume(chunk: Buffer): void | Promise<void> {
    this.#served = 0
    return this.#goOn(chunk)
  }

  #goOn(chunk: Buffer | undefined): void | Promise<void> {
    let rest = chunk
    while (rest !== undefined && rest.length > 0 && !this.#closed && !this.#retired) {
      const step = this.#step(rest)
      if (step instanceof Promise) {
        // What is answered already need not wait for what is not.
        this.flush()
        return step.then((left) => this.#goOn(left))
      }
      rest = step
    }
  }

  /** Serves the beginning of these bytes; what is left of them. */
  #step(bytes: Buffer): Step | Promise<Step> {
    if (this.#decoder !== undefined) return this.#data(this.#decoder, bytes)
    if (this.#chunk !== undefined) return this.#chunkBytes(this.#chunk, bytes)
    const end = bytes.indexOf(LF)
    const line = this.#line(bytes, end)
    const rest = end < 0 ? undefined : bytes.subarray(end + 1)
    if (line === undefined) return rest
    const answer = this.#dialogue.command(line, rest !== undefined && rest.length > 0)
    if (answer instanceof Promise) return answer.then((late) => this.#afterCommand(late, rest))
    return this.#afterCommand(answer, rest)
  }

  #afterCommand(answer: Reply, rest: Step): Step | Promise<Step> {
    this.#answer(answer)
    if (this.#emptyChunk !== undefined) return this.#chunkBytes(this.#emptyChunk, NOTHING).then(() => rest)
    if (this.#out.length > GATHER_LIMIT) this.flush()
    if (this.#full) return this.#drained().then(() => rest)
    if (++this.#served % TURN === 0) return new Promise((resolve) => { setImmediate(() => resolve(rest)) })
    return rest
  }

  #tooLong(part: Buffer): boolean {
    const length = this.#partialLength + part.length
    return length >= this.#dialogue.session.limits.lineBytes && length >= this.#dialogue.lineBytes(this.#partial[0] ?? part)
  }

  /** The finished line up to `end`, or undefined when there is none yet. Over-long ones are answered once and skipped. */
  #line(chunk: Buffer, end: number): string | undefined {
    const part = end < 0 ? chunk : chunk.subarray(0, end)
    if (!this.#skipping && this.#tooLong(part)) {
      this.#skipping = true
      this.#partial = []
      this.#partialLength = 0
      this.#answer(this.#dialogue.lineTooLong())
    }
    if (this.#skipping) {
      this.#skipping = end < 0
      return undefined
    }
    if (end < 0) {
      this.#partial.push(Buffer.from(part))
      this.#partialLength += part.length
      // A client that sends byte by byte must not cost a list entry each.
      if (this.#partial.length > 64) this.#partial = [Buffer.concat(this.#partial)]
      return undefined
    }
    if (this.#partialLength === 0) return textOf(part)
    const whole = Buffer.concat([...this.#partial, part])
    this.#partial = []
    this.#partialLength = 0
    return textOf(whole)
  }

  #data(decoder: DataDecoder, chunk: Buffer): Step | Promise<Step> {
    const came = this.#clock()
    this.#unread = 0
    this.#pace.received(chunk.length, came)
    const { content, rest, end } = decoder.decode(chunk)
    const stored = content.length > 0 ? this.#dialogue.receiving?.content(content) : undefined
    if (stored === undefined) return this.#afterContent(decoder, rest, end)
    return stored.then(() => {
      this.#pace.worked(this.#clock() - came)
      return this.#afterContent(decoder, rest, end)
    })
  }

  #afterContent(decoder: DataDecoder, rest: Step, end: boolean): Step | Promise<Step> {
    if (decoder.bareLf && this.#dialogue.session.compat) {
      this.#decoder = undefined
      this.#answer(bareLfAsOriginal(this.#dialogue))
      return undefined
    }
    if (!end) return undefined
    this.#decoder = undefined
    if (this.#dialogue.receiving === undefined) return rest
    const answer = endOfData(this.#dialogue, decoder)
    if (answer instanceof Promise) return answer.then((late) => this.#afterMessage(late, rest))
    return this.#afterMessage(answer, rest)
  }

  #afterMessage(answer: Reply, rest: Step): Step {
    this.#answer(answer)
    return rest
  }

  async #chunkBytes(chunk: { readonly what: Chunk; missing: number }, bytes: Buffer): Promise<Buffer> {
    const came = this.#clock()
    const own = bytes.subarray(0, chunk.missing)
    this.#pace.received(own.length, came)
    chunk.missing -= own.length
    const stored = chunkContent(this.#dialogue, chunk.what, own)
    if (stored !== undefined) await stored.then(() => this.#pace.worked(this.#clock() - came))
    if (chunk.missing === 0) {
      this.#chunk = undefined
      this.#answer(await endOfChunk(this.#dialogue, chunk.what))
    }
    return bytes.subarray(own.length)
  }

  /** A chunk without bytes, which is over as soon as it begins. */
  get #emptyChunk(): { readonly what: Chunk; missing: number } | undefined {
    return this.#chunk?.missing === 0 ? this.#chunk : undefined
  }

  get #inContent(): boolean {
    return this.#decoder !== undefined || this.#chunk !== undefined
  }

  #answer(reply: Reply): void {
    if (this.#closed || this.#retired) return
    this.#out += reply.text
    this.#answered = true
    if (reply.next === 'tls') {
      this.#retired = true
      this.flush()
      return this.#port.startTls()
    }
    if (reply.next === 'data') this.#decoder = new DataDecoder({ bareLf: 'refuse' })
    if (reply.chunk !== undefined) this.#chunk = { what: reply.chunk, missing: reply.chunk.size }
    if (reply.next === 'close') return this.#close(reply.goodbye)
    if (reply.speaker !== undefined) {
      this.flush()
      this.#closed = true
      return this.#port.restart?.(reply.speaker)
    }
    // Otherwise when all that came is served.
    if (!this.#busy) flushSoon(this)
  }

  /** Writes what is answered. Never throws. */
  flush(): void {
    if (this.#out === '') return
    const out = this.#out
    this.#out = ''
    this.#unread += out.length
    try {
      if (!this.#port.write(isAscii(out) ? out : bytesOf(out))) this.#full = true
    } catch (cause) {
      this.#broken(cause)
    }
  }

  /** The client reads its replies more slowly than they are made: nothing more of its commands is served until then. */
  async #drained(): Promise<void> {
    this.#waiting = true
    this.#pace.command(this.#clock())
    await this.#port.drained()
    this.#waiting = false
    this.#full = false
  }

  #close(goodbye = false): void {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    this.#port.close(goodbye && this.#unread <= SURELY_TAKEN)
  }
}
