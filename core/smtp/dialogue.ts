/**
 * The SMTP dialogue without sockets: it is given one command line, or content and the end of data, and answers
 * with replies. Hooks are asked here and nowhere else. Order and texts: spp-protocol 7 and 14; RFC 5321.
 * One command at a time: the caller waits for a reply before it hands over the next line.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ChunkDecoder } from '../../protocol/smtp/chunk-decoder.ts'
import { parseCommandLine } from '../../protocol/smtp/command-line.ts'
import type { ParameterLimits } from '../../protocol/smtp/parameters.ts'
import { XCLIENT_ATTRIBUTES } from '../../protocol/smtp/xclient.ts'
import { isAscii } from '../../protocol/text.ts'
import { askChain } from '../host/chain.ts'
import type { HookRequest, Verdict } from '../host/types.ts'
import type { Spool } from '../message/spool-types.ts'
import type { Hook } from '../plugin/plugin.ts'
import { safeCommand } from '../trace/safe-command.ts'
import type { TlsFacts } from '../tls/facts.ts'
import type { SessionTrace } from '../trace/types.ts'
import { auth, AUTH_LINE, authLine, authOffered, AuthState, type AuthOffer } from './auth.ts'
import type { Policy } from './policy.ts'
import { reply, replyAndClose, replyToQuit, type Reply } from './reply.ts'
import type { SmtpSession } from './session.ts'
import { bdat, betweenChunks } from './bdat.ts'
import { data, type Receiving } from './data.ts'
import { Conduct, mayPipeline } from './limits.ts'
import { mail } from './mail.ts'
import { rcpt, recipientLimit } from './rcpt.ts'
import { mayXclient, xclient } from './xclient.ts'
import { secured, starttls } from './starttls.ts'

export interface DialogueDeps {
  readonly session: SmtpSession
  readonly policy: Policy
  readonly spool: Spool
  readonly trace: SessionTrace
  readonly now: () => number
  /** Whether the client may speak for others. */
  readonly xclient?: boolean
  /** What the listener offers beyond the commands that every one has. */
  readonly offers?: Offers
  /** Asked for trouble that is neither the client's nor a plugin's. */
  readonly failed: (what: string, cause: unknown) => void
  /** Told once, when the client has left. */
  readonly over?: () => void
}

export interface Offers {
  readonly starttls: boolean
  readonly auth?: AuthOffer
}

const NOTHING: Offers = { starttls: false }
const NOBODY = (): void => {}
/** One for all: a stack for each connection costs more than its end. */
const CLIENT_LEFT = new Error('the client has left')

type Answer = Reply | Promise<Reply>

export class Dialogue implements Required<DialogueDeps> {
  readonly session: SmtpSession
  readonly policy: Policy
  readonly spool: Spool
  readonly trace: SessionTrace
  readonly now: () => number
  readonly offers: Offers
  readonly auth = new AuthState()
  readonly failed: DialogueDeps['failed']
  readonly xclient: boolean
  readonly conduct: Conduct
  readonly over: () => void
  receiving: Receiving | undefined
  /** A message is on its way in by BDAT. */
  chunks: ChunkDecoder | undefined
  #gone: AbortController | undefined
  #left = false
  #serving = false
  #sleepers = 0
  #inputEnded = false
  #leftBecause: string | undefined

  constructor(deps: DialogueDeps) {
    this.session = deps.session
    this.policy = deps.policy
    this.spool = deps.spool
    this.trace = deps.trace
    this.now = deps.now
    this.offers = deps.offers ?? NOTHING
    this.failed = deps.failed
    this.xclient = deps.xclient ?? false
    this.over = deps.over ?? NOBODY
    this.conduct = new Conduct(deps.session)
  }

  /** Bytes that a line which begins so may have: more in an authentication, as its mechanism needs. */
  lineBytes(beginning: Buffer): number {
    const { lineBytes } = this.session.limits
    const authenticates = this.auth.exchange !== undefined || (this.offers.auth !== undefined && /^auth /i.test(beginning.toString('latin1', 0, 5)))
    return authenticates ? Math.max(lineBytes, AUTH_LINE) : lineBytes
  }

  /** Lets the client wait; false when it has left meanwhile. */
  async pause(milliseconds: number): Promise<boolean> {
    if (milliseconds <= 0) return !this.#left
    this.slept(true)
    try {
      await delay(milliseconds, undefined, { signal: this.signal, ref: false })
    } catch {
      return false
    } finally {
      this.slept(false)
    }
    return true
  }

  /** True once the client has left. */
  get left(): boolean {
    return this.#left
  }

  /** Aborted once the client has left. Made when somebody looks at it: most sessions need none. */
  get signal(): AbortSignal {
    if (this.#gone === undefined) {
      this.#gone = new AbortController()
      if (this.#left) this.#gone.abort(CLIENT_LEFT)
    }
    return this.#gone.signal
  }

  /** The greeting. */
  greet(): Answer {
    return this.#serve(() => this.after(this.ask('connection'), (verdict) => {
      if (this.offers.starttls) this.session.remember()
      return this.conclude(verdict, () =>
        this.#outOfTurn('SMTPEARLYTALKER', 'earlyTalkers') ?? this.say(reply(...verdict.replies, `220 ${this.policy.greeting} ESMTP`)))
    }))
  }

  /** The handshake is done: the next line is the client's first under TLS. */
  secured(facts: TlsFacts): void {
    secured(this, facts)
  }

  /** The client spoke before the greeting: plugins see a variable, and what becomes of it is decided when they are asked. */
  spokeEarly(): void {
    if (!this.session.compat) this.session.env['SMTPEARLYTALKER'] = '1'
  }

  /** One command line without its LF, and whether the client sent more with it. Never rejects. */
  command(line: string, more = false): Answer {
    return this.#serve(() => this.#dispatch(line, more))
  }

  /** The refusal of a client that did not wait for its turn; plugins know it by the variable. */
  #outOfTurn(variable: 'SMTPEARLYTALKER' | 'SMTPBADPIPELINING', limit: 'earlyTalkers' | 'pipelining'): Reply | undefined {
    if (this.session.env[variable] === undefined || this.session.limits[limit] === 'note') return undefined
    // What follows may be anything, such as content that would be read as commands: nothing more of it is.
    return this.say(replyAndClose('554 you must wait for my reply before you go on (#5.5.0)'), `built-in: limit ${limit}`)
  }

  #serve(work: () => Answer): Answer {
    this.#serving = true
    let answer: Answer
    try {
      answer = work()
    } catch (cause) {
      answer = this.#broken(cause)
    }
    if (answer instanceof Promise) return answer.catch((cause: unknown) => this.#broken(cause)).finally(() => this.#served())
    this.#served()
    return answer
  }

  #served(): void {
    this.#serving = false
    if (this.#leftBecause !== undefined) this.#recordEnd(this.#leftBecause)
  }

  #dispatch(line: string, more: boolean): Answer {
    if (this.auth.exchange !== undefined) return authLine(this, line)
    const { verb, argument } = parseCommandLine(line)
    this.trace.add({ event: 'command', line: safeCommand(line.endsWith('\r') ? line.slice(0, -1) : line) })
    if (line.includes('\0') && !this.session.compat) return this.refuse('500 a command line holds no NUL (#5.5.2)', 'built-in: NUL')
    const tooMuch = this.conduct.tooMuch(verb, this.session.open)
    if (tooMuch !== undefined) return this.say(replyAndClose(tooMuch.text), `built-in: limit ${tooMuch.limit}`)
    if (more && !this.session.compat && !mayPipeline(verb, this.session.extended)) {
      this.session.env['SMTPBADPIPELINING'] = '1'
      const refusal = this.#outOfTurn('SMTPBADPIPELINING', 'pipelining')
      if (refusal !== undefined) return refusal
    }
    const stray = betweenChunks(this, verb)
    if (stray !== undefined) return stray
    switch (verb) {
      case 'HELO': return this.#helo(argument, false)
      case 'EHLO': return this.#helo(argument, true)
      case 'MAIL': return mail(this, argument)
      case 'RCPT': return rcpt(this, argument)
      case 'DATA': return data(this)
      case 'BDAT':
        if (!this.session.compat) return bdat(this, argument)
        break
      case 'RSET':
        this.session.clearPending()
        this.session.closeTransaction()
        return this.say(reply('250 flushed'))
      case 'XCLIENT':
        if (this.xclient) return xclient(this, argument)
        break
      case 'AUTH': return auth(this, argument)
      case 'STARTTLS': return starttls(this, argument)
      case 'NOOP': return this.say(reply('250 ok'))
      case 'VRFY': return this.say(reply("252 send some mail, i'll try my best"))
      case 'HELP': return this.say(reply('214 netqmail home page: http://qmail.org/netqmail'))
      case 'QUIT': return this.say((more ? replyAndClose : replyToQuit)(`221 ${this.policy.greeting}`))
    }
    return this.refuse('502 unimplemented (#5.5.1)', 'built-in: unknown command')
  }

  #helo(argument: string, extended: boolean): Answer {
    const { session } = this
    const before = session.helo
    session.env['SMTPHELOHOST'] = argument
    session.helo = argument
    return this.after(this.ask('helo'), (verdict) => {
      if (verdict.kind === 'refuse' || verdict.kind === 'hang-up') session.helo = before
      return this.conclude(verdict, () => {
        session.closeTransaction()
        session.extended = extended
        return this.say(reply(...verdict.replies, ...(extended ? this.#extensions() : [`250 ${this.policy.greeting}`])))
      })
    })
  }

  #extensions(): string[] {
    const first = [`250-${this.policy.greeting}`, '250-PIPELINING']
    if (this.offers.starttls && this.session.tls === undefined) first.push('250-STARTTLS')
    const mechanisms = authOffered(this)
    if (mechanisms !== undefined) first.push(`250-${mechanisms}`)
    if (mayXclient(this)) first.push(`250-XCLIENT ${XCLIENT_ATTRIBUTES}`)
    if (this.session.compat) return [...first, '250 8BITMIME']
    const requireTls = this.session.tls === undefined ? [] : ['250-REQUIRETLS']
    // RFC 9422: what a client need not find out by trying.
    const limits = `250-LIMITS RCPTMAX=${recipientLimit(this.session)}`
    return [...first, '250-8BITMIME', '250-CHUNKING', `250-SIZE ${this.databytes()}`, ...requireTls, limits, '250 SMTPUTF8']
  }

  /** The size limit of this session: the variable `DATABYTES` it began with, else the control file. */
  databytes(): number {
    const variable = this.session.databytesVariable
    return variable === undefined ? this.policy.databytes : Number(/^[0-9]{0,15}/.exec(variable)![0])
  }

  /** What this session may announce with MAIL and RCPT. */
  limits(): ParameterLimits {
    return { smtputf8: !this.session.compat, sizeLimit: this.databytes(), requireTls: this.session.tls !== undefined, auth: this.offers.auth !== undefined }
  }

  /** Asks one hook's chain. */
  ask(hook: Hook, message?: HookRequest['message']): Verdict | Promise<Verdict> {
    return askChain(this.policy.lines(hook), this.request(hook, message), this.session, this.session.compat)
  }

  /** What a line of this hook is asked with. */
  request(hook: Hook, message?: HookRequest['message']): HookRequest {
    return new Asked(this, hook, message)
  }

  /** Told when a plugin begins and ends to sleep. */
  slept(asleep: boolean): void {
    this.#sleepers += asleep ? 1 : -1
    if (asleep && this.#inputEnded) queueMicrotask(() => this.leave('the client left before it was made to wait'))
  }

  /** Refusal or hang-up as the verdict says, else what `goOn` does. */
  conclude(verdict: Verdict, goOn: () => Answer): Answer {
    if (verdict.kind === 'refuse') return this.say(reply(...verdict.replies), decidedBy(verdict))
    if (verdict.kind === 'hang-up') return this.say(replyAndClose(...verdict.replies), decidedBy(verdict))
    return goOn()
  }

  /** A pending deferred error of this kind, as a refusal. */
  pending(kind: 'LM' | 'LR' | 'LD'): Reply | undefined {
    const texts = this.session.deferred[kind].show()
    if (texts === undefined) return undefined
    return this.say(reply(...(this.session.compat ? texts : oneReply(texts))), `deferred error (${kind})`)
  }

  refuse(text: string, decidedBy: string): Reply {
    return this.say(reply(text), decidedBy)
  }

  /** Records a reply on its way out. */
  say(answer: Reply, decided?: string): Reply {
    this.conduct.answered(answer.text)
    this.trace.add(decided === undefined ? { event: 'reply', text: answer.text } : { event: 'reply', text: answer.text, decidedBy: decided })
    return answer
  }

  /** Goes on at once where nothing waits. */
  after<T>(value: T | Promise<T>, go: (value: T) => Answer): Answer {
    return value instanceof Promise ? value.then(go) : go(value)
  }

  /** Nothing came for too long, or what came took too long. */
  timeout(limit = 'timeout'): Reply {
    return this.say(replyAndClose('451 timeout (#4.4.2)'), `built-in: ${limit}`)
  }

  /** The session is older than sessions may be. */
  lastedTooLong(): Reply {
    return this.say(replyAndClose('421 this session has lasted too long, come again (#4.4.2)'), 'built-in: limit sessionSeconds')
  }

  /** The server stops. */
  shutdown(): Reply {
    return this.say(replyAndClose('421 shutting down, come back later (#4.3.2)'), 'built-in: shutdown')
  }

  lineTooLong(): Reply {
    if (this.auth.exchange !== undefined) {
      this.auth.end()
      return this.refuse('500 this is longer than an authentication may be (#5.5.6)', 'built-in: line length')
    }
    return this.refuse('500 line too long (#5.5.2)', 'built-in: line length')
  }

  /** The connection is over, for whatever reason. */
  leave(reason: string): void {
    if (this.#left) return
    this.#left = true
    this.#gone?.abort(CLIENT_LEFT)
    this.over()
    void this.receiving?.abandon()
    this.receiving = undefined
    // What the client left in the middle of is recorded before the end.
    if (this.#serving) this.#leftBecause = reason
    else this.#recordEnd(reason)
  }

  /**
   * The client sends no more. It may still read, so its commands are answered; but one that hung up while a plugin lets
   * it wait (a tarpit) is gone. True then.
   */
  inputEnded(): boolean {
    this.#inputEnded = true
    if (this.#sleepers === 0) return false
    this.leave('the client left while it was made to wait')
    return true
  }

  #recordEnd(reason: string): void {
    this.auth.end()
    this.#leftBecause = undefined
    this.trace.add({ event: 'close', reason })
    this.trace.flush()
  }

  /** True when an address may be used here: 8-bit only with SMTPUTF8 (RFC 6531 3.4); compat takes any byte, as the original. */
  addressFault(address: string, utf8: boolean): string | undefined {
    if (this.session.compat || isAscii(address)) return undefined
    if (!address.isWellFormed()) return '555 syntax error (#5.5.4)'
    return utf8 ? undefined : '553 this address needs SMTPUTF8 (#5.6.7)'
  }

  #broken(cause: unknown): Reply {
    this.failed('a command could not be carried out', cause)
    return this.say(replyAndClose('421 internal trouble, come back later (#4.3.0)'), 'built-in: internal trouble')
  }
}

/** Its signal is made when a plugin looks at it. */
class Asked implements HookRequest {
  readonly hook: Hook
  readonly message: NonNullable<HookRequest['message']>
  readonly #dialogue: Dialogue

  constructor(dialogue: Dialogue, hook: Hook, message: HookRequest['message']) {
    this.hook = hook
    // Only the lines of the two hooks that have a message are promised one.
    this.message = message as NonNullable<HookRequest['message']>
    this.#dialogue = dialogue
  }

  get session(): HookRequest['session'] {
    return this.#dialogue.session
  }

  get trace(): HookRequest['trace'] {
    return this.#dialogue.trace
  }

  get signal(): AbortSignal {
    return this.#dialogue.signal
  }

  onSleep(asleep: boolean): void {
    this.#dialogue.slept(asleep)
  }
}

/** Texts stored one by one as the lines of one reply: only the last has no hyphen behind its code. */
function oneReply(texts: readonly string[]): string[] {
  return texts.map((text, index) => `${text.slice(0, 3)}${index < texts.length - 1 ? '-' : ' '}${text.slice(4)}`)
}

/** How a reply names the line that decided. */
export function decidedBy(verdict: Verdict): string | undefined {
  return verdict.line === undefined ? undefined : `${verdict.line.file}:${verdict.line.number} ${verdict.line.text}`
}
