/** DATA, the content, and what is decided once it is in (spp-protocol 7.5; RFC 5321 4.1.1.4). */
import { receivedField } from '../../protocol/smtp/received.ts'
import { copyOfEnvironment } from '../../protocol/spp/environment.ts'
import { bytesOf } from '../../protocol/text.ts'
import { HeliosError } from '../error.ts'
import { editEnvelope } from '../message/edits.ts'
import type { Verdict } from '../host/types.ts'
import type { SpoolWriter } from '../message/spool-types.ts'
import type { Envelope } from '../message/types.ts'
import { decidedBy, type Dialogue } from './dialogue.ts'
import { reply, replyAndClose, replyAndRead, type Reply } from './reply.ts'
import type { SmtpSession } from './session.ts'

const BARE_LF = '451 See http://pobox.com/~djb/docs/smtplf.html.'
const CANNOT_QUEUE = '451 qqt failure (#4.3.0)'

export function data(dialogue: Dialogue): Reply | Promise<Reply> {
  const { session } = dialogue
  if (!session.open) return dialogue.refuse('503 MAIL first (#5.5.1)', 'built-in: order')
  if (session.recipients.length === 0) return dialogue.refuse('503 RCPT first (#5.5.1)', 'built-in: order')
  const pending = dialogue.pending('LD')
  if (pending !== undefined) return pending
  return dialogue.after(dialogue.ask('data'), (verdict) => dialogue.conclude(verdict, () => begin(dialogue, verdict)))
}

function begin(dialogue: Dialogue, verdict: Verdict): Reply | Promise<Reply> {
  return dialogue.after(open(dialogue), (refusal) => refusal ?? dialogue.say(replyAndRead(...verdict.replies, '354 go ahead')))
}

/** Makes a place for the content of the transaction, which is over with that. Gives the refusal where there is none. Never throws or rejects. */
export function open(dialogue: Dialogue): Reply | undefined | Promise<Reply | undefined> {
  const { session } = dialogue
  const envelope: Omit<Envelope, 'edits'> = {
    reversePath: session.reversePath ?? '', recipients: session.recipients, env: copyOfEnvironment(session.env), start: session.start,
    sessionId: session.id, receivedAt: dialogue.now(), parameters: session.parameters,
    ...(session.recipientParameters.some(hasAny) ? { recipientParameters: session.recipientParameters } : {}),
  }
  session.closeTransaction()
  const refused = (cause: unknown): Reply => {
    void dialogue.receiving?.abandon()
    dialogue.receiving = undefined
    dialogue.failed('no place for a message in the spool', cause)
    return dialogue.refuse(CANNOT_QUEUE, 'built-in: spool')
  }
  const opened = (): undefined => {
    session.clearPending()
    // The client may have left while the spool was asked.
    if (dialogue.left) void dialogue.receiving?.abandon()
  }
  const write = (writer: SpoolWriter): void | Promise<void> => {
    const head = bytesOf(received(session, envelope.receivedAt) + [...session.headers, ...session.transactionHeaders].map((line) => `${line}\n`).join(''))
    dialogue.receiving = new Receiving(writer, envelope, dialogue.databytes())
    return writer.write(head)
  }
  try {
    const writer = dialogue.spool.create()
    const written = writer instanceof Promise ? writer.then(write) : write(writer)
    return written instanceof Promise ? written.then(opened).catch(refused) : opened()
  } catch (cause) {
    return refused(cause)
  }
}

function hasAny(parameters: object): boolean {
  for (const _ in parameters) return true
  return false
}

function received(session: SmtpSession, at: number): string {
  const { start } = session
  return receivedField({
    remoteHost: start.TCPREMOTEHOST, remoteInfo: session.auth?.user ?? start.TCPREMOTEINFO, remoteIp: start.TCPREMOTEIP,
    helo: session.helo, local: start.TCPLOCALHOST ?? start.TCPLOCALIP,
    protocol: protocolOf(session), date: new Date(at),
  })
}

/** RFC 3848; the original knows `SMTP` and, from builds with AUTH, `ESMTPA`. */
function protocolOf({ compat, extended, tls, auth }: SmtpSession): string {
  if (compat) return auth === undefined ? 'SMTP' : 'ESMTPA'
  if (!extended && auth === undefined) return 'SMTP'
  return `ESMTP${tls === undefined ? '' : 'S'}${auth === undefined ? '' : 'A'}`
}

/** What the decoder saw of the whole data. */
export interface EndOfData {
  readonly bareLf: boolean
  /** Header lines that begin with `received` or `delivered`. */
  readonly hops: number
  /** Absent: not counted. */
  readonly headerBytes?: number
}

/** A message on its way in. */
export class Receiving {
  readonly writer: SpoolWriter
  readonly envelope: Omit<Envelope, 'edits'>
  readonly #limit: number
  #size = 0
  #trouble: unknown
  #abandoned = false

  constructor(writer: SpoolWriter, envelope: Omit<Envelope, 'edits'>, limit: number) {
    this.writer = writer
    this.envelope = envelope
    this.#limit = limit
  }

  get tooBig(): boolean {
    return this.#limit > 0 && this.#size > this.#limit
  }

  get trouble(): unknown {
    return this.#trouble
  }

  get size(): number {
    return this.#size
  }

  /** Takes decoded content. After trouble or past the limit the rest is read and dropped: only the true end of data ends it. */
  content(chunk: Uint8Array): void | Promise<void> {
    this.#size += chunk.length
    if (this.#abandoned || this.#trouble !== undefined || this.tooBig) return
    try {
      return this.writer.write(chunk)?.catch((cause: unknown) => { this.#trouble = cause })
    } catch (cause) {
      this.#trouble = cause
    }
  }

  /** Never rejects. */
  abandon(): Promise<void> {
    this.#abandoned = true
    return this.writer.abort()
  }
}

/** A bare LF in data, in compat mode: refused at once, and the connection ends (qmail-control 6). */
export function bareLfAsOriginal(dialogue: Dialogue): Reply {
  void dialogue.receiving?.abandon()
  dialogue.receiving = undefined
  return dialogue.say(replyAndClose(BARE_LF), 'built-in: bare LF')
}

/** The true end of data has come: everything is decided, made durable, and answered. Never throws or rejects. */
export function endOfData(dialogue: Dialogue, end: EndOfData): Reply | Promise<Reply> {
  const receiving = dialogue.receiving!
  // From here on a client that leaves no longer abandons the message: it may already be promised.
  dialogue.receiving = undefined
  const answered = (answer: Reply): Reply => {
    if (answer.text.startsWith('250 ok ')) dialogue.conduct.mailed()
    dialogue.trace.flush()
    return answer
  }
  const failed = (cause: unknown): Reply => {
    void receiving.abandon()
    dialogue.failed('a message could not be queued', cause)
    const text = (cause instanceof HeliosError ? cause.reply : undefined) ?? '451 qq write error or disk full (#4.3.0)'
    return answered(dialogue.refuse(text, 'built-in: spool'))
  }
  try {
    const answer = decide(dialogue, receiving, end)
    return answer instanceof Promise ? answer.then(answered).catch(failed) : answered(answer)
  } catch (cause) {
    return failed(cause)
  }
}

function decide(dialogue: Dialogue, receiving: Receiving, end: EndOfData): Reply | Promise<Reply> {
  if (receiving.trouble !== undefined) throw receiving.trouble
  const refusal = refusalOf(dialogue, receiving, end)
  if (refusal !== undefined) {
    void receiving.abandon()
    return dialogue.refuse(...refusal)
  }
  return dialogue.after(askAboutMessage(dialogue, receiving), (verdict) => settled(dialogue, receiving, verdict))
}

function settled(dialogue: Dialogue, receiving: Receiving, verdict: Verdict): Reply | Promise<Reply> {
  const okay = `250 ok ${Math.floor(dialogue.now() / 1000)} qp ${receiving.writer.id}`
  if (verdict.kind === 'refuse' || (verdict.kind === 'hang-up' && verdict.replies.length > 0)) {
    void receiving.abandon()
    const answer = verdict.kind === 'refuse' ? reply(...verdict.replies) : replyAndClose(...verdict.replies)
    return dialogue.say(answer, decidedBy(verdict))
  }
  if (verdict.kind === 'hang-up') {
    void receiving.abandon()
    return dialogue.say(reply(okay), `discarded by ${decidedBy(verdict)}`)
  }
  const envelope: Envelope = { ...receiving.envelope, edits: verdict.edits ?? [] }
  const { reversePath, recipients } = editEnvelope(envelope)
  if (recipients.length === 0) {
    void receiving.abandon()
    return dialogue.say(reply(okay), `discarded: ${decidedBy(verdict) ?? 'a plugin'} left no recipient`)
  }
  const { id, size } = receiving.writer
  return receiving.writer.commit(envelope).then(() => {
    dialogue.trace.add({ event: 'message', id, from: reversePath, to: recipients, size })
    return dialogue.say(reply(okay))
  })
}

/** What the content itself is refused for: the reply, and which check. */
export function refusalOf({ session }: Dialogue, { tooBig }: Receiving, end: EndOfData): readonly [text: string, decidedBy: string] | undefined {
  const { hops, headerBytes } = session.limits
  if (end.bareLf) return [BARE_LF, 'built-in: bare LF']
  if (end.hops >= hops) return ['554 too many hops, this message is looping (#5.4.6)', 'built-in: limit hops']
  if (headerBytes > 0 && (end.headerBytes ?? 0) > headerBytes) {
    return ["552 sorry, that message's header is too long (#5.3.4)", 'built-in: limit headerBytes']
  }
  return tooBig ? ['552 sorry, that message size exceeds my databytes limit (#5.3.4)', 'built-in: databytes'] : undefined
}

function askAboutMessage(dialogue: Dialogue, receiving: Receiving): Verdict | Promise<Verdict> {
  if (dialogue.policy.lines('message').length === 0) return { kind: 'go-on', replies: [] }
  const { session } = dialogue
  // Plugins of +message see the transaction that DATA closed.
  session.reversePath = receiving.envelope.reversePath
  session.recipients = [...receiving.envelope.recipients]
  let verdict: Verdict | Promise<Verdict>
  try {
    verdict = dialogue.ask('message', receiving.writer.message())
  } catch (cause) {
    session.closeTransaction()
    throw cause
  }
  if (verdict instanceof Promise) return verdict.finally(() => session.closeTransaction())
  session.closeTransaction()
  return verdict
}
