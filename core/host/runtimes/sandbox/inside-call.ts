/** One question put to the plugin, seen from inside the sandbox: its context, and a world that asks through the pipe. */
import type { DnsAnswer, DnsRecords, DnsType } from '../../../plugin/dns.ts'
import type { Message } from '../../../plugin/message.ts'
import type { Log, MessageContext, Session } from '../../../plugin/plugin.ts'
import { DeliveryError, WorldUnavailable, type Account, type Login, type World } from '../../../plugin/world.ts'
import { Signal, type Host } from './inside-globals.ts'
import { drawFrom } from './random.ts'
import type { AskPayload, FactPayload } from './wire.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Lines a call may write to the log, and the length of one, in characters. */
const MOST_LINES = 100
export const LINE_LENGTH = 2000

export class Call {
  readonly id: number
  readonly #host: Host
  readonly #payload: AskPayload
  readonly #waiting = new Map<number, Waiting>()
  readonly #draw: () => number
  readonly signal = new Signal()
  over = false
  now = false
  drawn = 0
  #questions = 0
  #streams = 0
  #lines = 0

  constructor(id: number, payload: AskPayload, host: Host) {
    this.id = id
    this.#host = host
    this.#payload = payload
    this.#draw = drawFrom(payload.seed)
  }

  context(settings: MessageContext['settings'], control: MessageContext['control']): MessageContext {
    const { session, message } = this.#payload
    return {
      session: sessionOf(session), settings, control, world: this.#world(), log: this.#log(),
      signal: this.signal as unknown as AbortSignal,
      // Only the handlers of the two hooks that have a message are promised one.
      message: (message === undefined ? undefined : this.#message(message)) as Message,
    }
  }

  /** The world's word on an earlier question. */
  told(fact: FactPayload): void {
    const waiting = this.#waiting.get(fact.q)
    if (waiting === undefined) return
    this.#waiting.delete(fact.q)
    if ('error' in fact) waiting.reject(errorOf(fact.error))
    else waiting.resolve(fact.value)
  }

  abort(reason: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(reason)
    this.#waiting.clear()
    this.signal.abort(reason)
  }

  #ask(ask: string, args: readonly unknown[]): Promise<unknown> {
    if (this.over) return Promise.reject(new Error(`${ask}: the call is over`))
    const q = ++this.#questions
    return new Promise((resolve, reject) => {
      this.#waiting.set(q, { resolve, reject })
      this.#host('question', this.id, JSON.stringify({ q, ask, args }))
    })
  }

  #world(): World {
    return {
      now: () => {
        this.now = true
        return this.#payload.now
      },
      random: () => {
        this.drawn++
        return this.#draw()
      },
      accounts: {
        find: async (address) => (await this.#ask('accounts.find', [String(address)]) ?? undefined) as Account | undefined,
        takers: async (address) => await this.#ask('accounts.takers', [String(address)]) as readonly Account[],
        hasDomain: async (domain) => await this.#ask('accounts.hasDomain', [String(domain)]) === true,
        hasLogin: async (login) => await this.#ask('accounts.hasLogin', [String(login)]) === true,
        aliases: async (account) => await this.#ask('accounts.aliases', [String(account)]) as readonly string[],
        loginsFrom: async (ip, since) => await this.#ask('accounts.loginsFrom', [String(ip), Number(since)]) as readonly Login[],
      },
      // Tables belong to bundled plugins, which run in the server.
      tables: { find: () => Promise.reject(new Error('a plugin in the sandbox owns no tables')) },
      dns: {
        resolve: async <K extends DnsType>(name: string, type: K) =>
          await this.#ask('dns.resolve', [String(name), String(type)]) as DnsAnswer<DnsRecords[K]>,
      },
      counters: {
        add: async (key, seconds, { amount, most } = {}) => Number(await this.#ask('counters.add', [key, seconds, amount, most])),
        read: async (key, seconds) => Number(await this.#ask('counters.read', [key, seconds])),
      },
      store: {
        get: async (key) => (await this.#ask('store.get', [key]) ?? undefined) as string | undefined,
        set: async (key, value, seconds) => void await this.#ask('store.set', [key, value, seconds]),
        setIfAbsent: async (key, value, seconds) => String(await this.#ask('store.setIfAbsent', [key, value, seconds])),
        delete: async (key) => void await this.#ask('store.delete', [key]),
      },
      sleep: async (seconds) => void await this.#ask('sleep', [Number(seconds)]),
      mailbox: {
        deliver: async (account, message, envelope) => {
          if (message !== this.#given) throw new Error('mailbox.deliver takes the message of this call')
          const { reversePath, recipient } = envelope
          return String(await this.#ask('mailbox.deliver', [account.login, account.domain, reversePath, recipient]))
        },
      },
    }
  }

  #log(): Log {
    const at = (level: 'info' | 'warn'): Log['info'] => (message, fields = {}) => {
      if (this.over || ++this.#lines > MOST_LINES) return
      this.#host('log', this.id, JSON.stringify({ level, message: String(message).slice(0, LINE_LENGTH), fields: small(fields) }))
    }
    return { info: at('info'), warn: at('warn') }
  }

  #given: Message | undefined

  #message({ id, size }: { readonly id: string; readonly size: number }): Message {
    const ask = (question: string, args: readonly unknown[]): Promise<unknown> => this.#ask(question, args)
    const open = (): number => ++this.#streams
    this.#given = {
      id, size,
      file: () => Promise.reject(new Error('a sandboxed plugin reads no files: use message.content()')),
      header: async () => await ask('header', []) as Awaited<ReturnType<Message['header']>>,
      async *content() {
        const stream = open()
        let ended = false
        try {
          for (;;) {
            const piece = await ask('content', [stream])
            ended = typeof piece !== 'string'
            if (ended) return
            yield bytesOf(piece as string)
          }
        } finally {
          if (!ended) ask('content.end', [stream]).catch(() => undefined)
        }
      },
    }
    return this.#given
  }
}

function sessionOf(plain: unknown): Session {
  const session = plain as Session
  // A variable named like a method of Object is not there unless somebody set it.
  Object.setPrototypeOf(session.env, null)
  return session
}

/** One character for each byte. */
function bytesOf(piece: string): Uint8Array {
  const bytes = new Uint8Array(piece.length)
  for (let at = 0; at < piece.length; at++) bytes[at] = piece.charCodeAt(at)
  return bytes
}

function errorOf({ name, message, permanent }: { readonly name: string; readonly message: string; readonly permanent?: boolean }): Error {
  if (name === 'WorldUnavailable') return new WorldUnavailable(message)
  if (name === 'DeliveryError') return new DeliveryError(message, { permanent: permanent === true })
  return name === 'RangeError' ? new RangeError(message) : new Error(message)
}

function small(fields: unknown): unknown {
  try {
    return JSON.stringify(fields).length <= LINE_LENGTH ? fields : {}
  } catch {
    return {}
  }
}
