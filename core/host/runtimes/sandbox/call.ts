/** One question put to a sandboxed plugin, seen from the server: its deadline, and the world that answers for it. */
import type { ListEntry } from '../../../../protocol/spp/list.ts'
import { DNS_TYPES } from '../../../plugin/dns.ts'
import { isDnsType } from '../../../plugin/dns-print.ts'
import type { Account, World } from '../../../plugin/world.ts'
import { DeliveryError } from '../../../plugin/world.ts'
import type { WorldFactory } from '../../../world/real.ts'
import { NOBODY_WAITS } from '../../left.ts'
import type { Fault, HookRequest } from '../../types.ts'
import { Deadline } from '../deadline.ts'
import { originOf, type Origin } from '../origin.ts'
import { drawFrom } from './random.ts'
import type { Asked } from './group.ts'
import { Pieces } from './pieces.ts'
import type { Unit } from './unit.ts'
import { readAnswerPayload } from './read.ts'
import type { AnswerPayload, AskPayload, QuestionPayload } from './wire.ts'

export type Outcome = { readonly answer: AnswerPayload } | { readonly fault: Fault }

export interface CallOptions {
  readonly unit: Unit
  readonly request: HookRequest
  /** The line that asks, and the path of its list as an operator names it. */
  readonly entry: ListEntry
  readonly file: string
  readonly world: WorldFactory
  readonly timeoutMs: number
  /** Questions to the world in this call, the pieces of the message aside. */
  readonly questions: number
  /** Asks `takes` instead of the hook's handler. */
  readonly domain?: string
}

/** Asks and waits. Never rejects. */
export function askSandbox(options: CallOptions): Promise<Outcome> {
  return new Promise((resolve) => new SandboxCall(options, resolve).begin())
}

class SandboxCall implements Asked {
  readonly #options: CallOptions
  readonly #resolve: (outcome: Outcome) => void
  readonly #deadline: Deadline
  readonly #seed: number
  readonly #now: number
  readonly #accounts = new Map<string, Account>()
  readonly payload: string
  lost = 0
  hadEffect = false
  #over = false
  #questions = 0
  /** One for each process the call is asked in: what was asked of the world there ends with it. */
  #attempt: AbortController | undefined
  #world: World | undefined
  #pieces: Pieces | undefined

  constructor(options: CallOptions, resolve: (outcome: Outcome) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#now = options.world.now()
    this.#seed = Math.floor(options.world.random() * 2 ** 32)
    this.payload = JSON.stringify(payloadOf(options, this.#now, this.#seed))
    const { timeoutMs } = options
    this.#deadline = new Deadline(timeoutMs, () => this.#giveUp({ kind: 'timed-out', detail: `no answer after ${timeoutMs / 1000} s` }))
  }

  get unit(): Unit {
    return this.#options.unit
  }

  get origin(): Origin {
    const { request: { session }, file, entry } = this.#options
    return originOf(session.id, file, entry)
  }

  begin(): void {
    const { signal } = this.#options.request
    if (signal.aborted) return this.#end({ fault: LEFT })
    signal.addEventListener('abort', this.#left, { once: true })
    this.#deadline.arm()
    this.unit.group.ask(this)
  }

  answered(json: string): void {
    const answer = readAnswerPayload(json)
    if (answer === undefined) return this.failed({ kind: 'bad-command', detail: 'its answer cannot be read' })
    this.#record(answer)
    this.#end({ answer })
  }

  failed(fault: Fault): void {
    this.#end({ fault })
  }

  restarting(): void {
    this.#attempt?.abort(new Error('the plugin is asked again'))
    this.#attempt = undefined
    this.#world = undefined
    this.#pieces?.close()
    this.#pieces = undefined
    this.#questions = 0
  }

  questioned(question: QuestionPayload, tell: (factJson: string) => void): void {
    const ofMessage = question.ask === 'content' || question.ask === 'content.end'
    if (!ofMessage && ++this.#questions > this.#options.questions) {
      return this.#giveUp({ kind: 'threw', detail: `it asked the world more than ${this.#options.questions} questions in one call` })
    }
    const { q } = question
    this.#answerOf(question).then(
      (value) => tell(JSON.stringify({ q, value })),
      (error: unknown) => tell(JSON.stringify({ q, error: plain(error) })),
    )
  }

  async #answerOf({ ask, args: [first, second, third, fourth] }: QuestionPayload): Promise<unknown> {
    switch (ask) {
      case 'accounts.find': {
        const account = await this.#ours().accounts.find(textOf(first))
        if (account !== undefined) this.#accounts.set(nameOf(account.login, account.domain), account)
        return account
      }
      case 'accounts.takers': {
        const takers = await this.#ours().accounts.takers(textOf(first))
        for (const account of takers) this.#accounts.set(nameOf(account.login, account.domain), account)
        return takers
      }
      case 'accounts.hasDomain':
        return this.#ours().accounts.hasDomain(textOf(first))
      case 'accounts.hasLogin':
        return this.#ours().accounts.hasLogin(textOf(first))
      case 'accounts.aliases':
        return this.#ours().accounts.aliases(textOf(first))
      case 'accounts.loginsFrom':
        return this.#ours().accounts.loginsFrom(textOf(first), typeof second === 'number' ? second : NaN)
      case 'dns.resolve':
        if (!isDnsType(second)) throw new TypeError(`dns.resolve asks for one of ${DNS_TYPES.join(', ')}`)
        return this.#ours().dns.resolve(textOf(first), second)
      case 'sleep':
        return this.#ours().sleep(numberOf(first))
      case 'counters.add':
        return this.#ours().counters.add(textOf(first), numberOf(second), {
          ...(typeof third === 'number' && { amount: third }), ...(typeof fourth === 'number' && { most: fourth }),
        })
      case 'counters.read':
        return this.#ours().counters.read(textOf(first), numberOf(second))
      case 'store.get':
        return this.#ours().store.get(textOf(first))
      case 'store.set':
        return this.#storing().set(textOf(first), textOf(second), numberOf(third))
      case 'store.setIfAbsent':
        return this.#storing().setIfAbsent(textOf(first), textOf(second), numberOf(third))
      case 'store.delete':
        return this.#storing().delete(textOf(first))
      case 'mailbox.deliver':
        return this.#deliver(nameOf(textOf(first), textOf(second)), { reversePath: textOf(third), recipient: textOf(fourth) })
      case 'header':
        return this.#message().header()
      case 'content':
        return (this.#pieces ??= new Pieces(this.#message())).next(first)
      case 'content.end':
        return this.#pieces?.end(first)
      default:
        throw new Error(`the world has no ${ask}`)
    }
  }

  /** Into a mailbox that this call was told of, for its path is not the plugin's to say; and only this call's message. */
  async #deliver(name: string, envelope: { readonly reversePath: string; readonly recipient: string }): Promise<string> {
    const account = this.#accounts.get(name)
    if (account === undefined) throw new Error('mailbox.deliver takes an account that accounts.find or accounts.takers gave in this call')
    const message = this.#message()
    // A world that refuses the effect changes nothing.
    this.hadEffect ||= this.unit.text.description.needs.includes('mailbox')
    return this.#ours().mailbox.deliver(account, message, envelope)
  }

  /** A world that refuses the effect changes nothing. */
  #storing(): World['store'] {
    this.hadEffect ||= this.unit.text.description.needs.includes('store')
    return this.#ours().store
  }

  #message(): NonNullable<HookRequest['message']> {
    const { message } = this.#options.request
    if (message === undefined) throw new Error('there is no message at this hook')
    return message
  }

  #ours(): World {
    const { request, world } = this.#options
    const { name, needs } = this.unit.text.description
    this.#attempt ??= new AbortController()
    return this.#world ??= world.forRequest({
      // A plugin says its own name: what bundled plugins remember is not to be had by it.
      plugin: name, space: `plugins/${name}`, needs, asking: request, trace: request.trace,
      signal: this.#attempt.signal,
      onSleep: (asleep) => {
        this.#deadline.sleep(asleep)
        request.onSleep?.(asleep)
      },
    })
  }

  /** `now` and `random` came with the request; they are facts once the plugin has looked at them. */
  #record({ now, drawn = 0 }: AnswerPayload): void {
    const { trace } = this.#options.request
    const plugin = this.unit.text.description.name
    if (now === true) trace.add({ event: 'fact', plugin, question: 'now', answer: String(this.#now), ms: 0 })
    const draw = drawn === 0 ? undefined : drawFrom(this.#seed)
    for (let left = drawn; left > 0; left--) trace.add({ event: 'fact', plugin, question: 'random', answer: String(draw!()), ms: 0 })
  }

  readonly #left = (): void => this.#giveUp(LEFT)

  #giveUp(fault: Fault): void {
    if (this.#over) return
    this.unit.group.giveUp(this, fault.detail)
    this.#end({ fault })
  }

  #end(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    this.#deadline.stop()
    this.#options.request.signal.removeEventListener('abort', this.#left)
    this.#attempt?.abort(new Error('the call is over'))
    this.#pieces?.close()
    this.#resolve(outcome)
  }
}

const LEFT: Fault = { kind: 'unavailable', detail: NOBODY_WAITS }

/** Field by field: a session is more than a plugin may see. */
function payloadOf({ request: { hook, session, message }, domain }: CallOptions, now: number, seed: number): AskPayload {
  const { id, env, client, helo, reversePath, recipients, recipient, recipientsAsked, recipientAllowed, relayClient, auth, logins, tls } = session
  return {
    hook, now, seed,
    session: { id, env, client, helo, reversePath, recipients, recipient, recipientsAsked, recipientAllowed, relayClient, auth, logins, tls },
    ...(domain !== undefined && { domain }),
    ...(message !== undefined && { message: { id: message.id, size: message.size } }),
  }
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text is missing')
  return value
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : NaN
}

function nameOf(login: string, domain: string): string {
  return `${login}@${domain}`
}

/** What of an error crosses the pipe. */
function plain(error: unknown): { readonly name: string; readonly message: string; readonly permanent?: boolean } {
  if (error instanceof DeliveryError) return { name: error.name, message: error.text, permanent: error.permanent }
  return error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) }
}
