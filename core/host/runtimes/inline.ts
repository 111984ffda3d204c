/**
 * The inline runtime: a plugin's handlers, called in this process. For bundled plugins and those an operator trusts.
 * A handler that answers at once costs a function call: no promise, no timer, no signal is made for it.
 */
import type { ListEntry } from '../../../protocol/spp/list.ts'
import type { Log, MessageContext, Plugin } from '../../plugin/plugin.ts'
import type { Table } from '../../plugin/table.ts'
import { DeliveryError, WorldUnavailable, type World } from '../../plugin/world.ts'
import type { WorldBinding, WorldFactory } from '../../world/real.ts'
import { NOBODY_WAITS } from '../left.ts'
import type { HookRequest, Line, RunResult } from '../types.ts'
import { readAnswer } from './answer.ts'
import { Deadline } from './deadline.ts'
import { originOf } from './origin.ts'
import { settingsReader } from './settings.ts'

export interface InlineOptions {
  readonly entry: ListEntry
  /** The list's path as an operator names it. */
  readonly file: string
  readonly plugin: Plugin
  /** The plugin's control files, parsed, by name. */
  readonly control: Readonly<Record<string, unknown>>
  readonly world: WorldFactory
  readonly log: Log
  /** Lines of the log have the session and the line of the list that was asked. */
  readonly bySession?: boolean
  /** Where the line says nothing. Default: 60 s. */
  readonly defaults?: { readonly timeoutMs: number }
}

const DEFAULT_TIMEOUT_MS = 60_000

type Ask = (context: MessageContext) => unknown

/** The line of a plugin in this process. Its `run` never throws and never rejects; `takes` fails where the plugin's does. */
export function inlineLine(options: InlineOptions): Line {
  const { entry, plugin } = options
  const hook = entry.section
  const timeoutMs = entry.options.timeout ?? options.defaults?.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const settingsOf = settingsReader(plugin)
  const handler = plugin[hook] as Ask | undefined
  const { takes } = plugin

  function ask<T>(request: HookRequest, question: (context: MessageContext) => T): T | Promise<Awaited<T>> {
    return new Asking(request, options, timeoutMs).ask(question, settingsOf(request.session.env) as MessageContext['settings'])
  }

  function run(request: HookRequest): RunResult | Promise<RunResult> {
    if (handler === undefined) return { commands: [] }
    try {
      const answer = ask(request, handler)
      return isPromise(answer) ? answer.then((late) => readAnswer(late, hook), failed) : readAnswer(answer, hook)
    } catch (error) {
      return failed(error)
    }
  }

  function failed(error: unknown): RunResult {
    if (error instanceof TimeIsUp) return { commands: [], fault: { kind: 'timed-out', detail: error.message } }
    if (error instanceof WorldUnavailable || error instanceof NobodyWaits) {
      return { commands: [], fault: { kind: 'unavailable', detail: error.message } }
    }
    if (error instanceof DeliveryError && hook === 'deliver') return { commands: [{ kind: 'E', text: error.text }] }
    return { commands: [], fault: { kind: 'threw', detail: error instanceof Error ? error.message : String(error) } }
  }

  return {
    hook, text: entry.text, file: options.file, number: entry.line, options: entry.options, runtime: 'inline',
    name: entry.options.name ?? plugin.name, run,
    ...(hook !== 'deliver' || takes === undefined ? {} : {
      takes: (request: HookRequest, domain: string) => ask(request, (context) => takes(context, domain)),
    }),
  }
}

class TimeIsUp extends Error {}
class NobodyWaits extends Error {}

/**
 * What a handler is given. World and signal are made when first looked at; they are accessors of the class, because a
 * literal's cost half a microsecond each.
 */
class Context implements MessageContext {
  readonly session: MessageContext['session']
  readonly settings: MessageContext['settings']
  readonly control: MessageContext['control']
  readonly message: MessageContext['message']
  readonly #asking: Asking
  readonly #options: InlineOptions

  constructor(asking: Asking, { session, message }: HookRequest, options: InlineOptions, settings: MessageContext['settings']) {
    this.session = session
    this.settings = settings
    this.control = options.control as MessageContext['control']
    // Only the handlers of the two hooks that have a message are promised one.
    this.message = message as MessageContext['message']
    this.#asking = asking
    this.#options = options
  }

  get log(): Log {
    return this.#options.bySession === true ? logOf(this.session.id, this.#options) : this.#options.log
  }

  get world(): World {
    return this.#asking.world
  }

  get signal(): AbortSignal {
    return this.#asking.signal
  }
}

function logOf(session: string, { log, file, entry }: InlineOptions): Log {
  const { before, fields: about } = originOf(session, file, entry)
  return {
    info: (message, fields) => log.info(`${before}${message}`, { ...fields, ...about }),
    warn: (message, fields) => log.warn(`${before}${message}`, { ...fields, ...about }),
  }
}

/** One question to one plugin, and the wait for its answer. It is also what ties the plugin's world to the question. */
class Asking implements WorldBinding {
  readonly #request: HookRequest
  readonly #options: InlineOptions
  readonly #timeoutMs: number
  #world: World | undefined
  #deadline: Deadline | undefined
  #aborter: AbortController | undefined
  /** Ends the wait for a handler's promise. */
  #giveUp: ((reason: Error) => void) | undefined
  /** Why the answer is waited for no longer. */
  #reason: Error | undefined
  #listening = false
  #ended = false

  constructor(request: HookRequest, options: InlineOptions, timeoutMs: number) {
    this.#request = request
    this.#options = options
    this.#timeoutMs = timeoutMs
  }

  ask<T>(question: (context: MessageContext) => T, settings: MessageContext['settings']): T | Promise<Awaited<T>> {
    let answer: T
    try {
      answer = question(new Context(this, this.#request, this.#options, settings))
    } catch (error) {
      this.#end()
      throw error
    }
    if (isPromise(answer)) return this.#wait(answer as Promise<Awaited<T>>)
    this.#end()
    return answer
  }

  #wait<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject
      soon(this)
      // A thenable of a plugin's own may resolve with another promise, which is waited for as well.
      const settled = answer instanceof Promise ? answer : Promise.resolve(answer)
      settled.then((value) => {
        this.#end()
        resolve(value)
      }, (error: unknown) => {
        this.#end()
        reject(error)
      })
    })
  }

  /** From now on the answer is waited for no longer than a line may take, and than somebody waits. */
  watch(): void {
    if (this.#ended) return
    if (this.#request.signal.aborted) return this.#left()
    this.#listen()
    this.#startDeadline().arm()
  }

  get plugin(): string {
    return this.#options.plugin.name
  }

  get needs(): WorldBinding['needs'] {
    return this.#options.plugin.needs ?? []
  }

  get asking(): object {
    return this.#request
  }

  get tables(): readonly Table[] {
    return this.#options.plugin.tables ?? []
  }

  get trace(): WorldBinding['trace'] {
    return this.#request.trace
  }

  get signal(): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#reason !== undefined) this.#aborter.abort(this.#reason)
      else if (this.#request.signal.aborted) this.#left()
      else this.#listen()
    }
    return this.#aborter.signal
  }

  onSleep(asleep: boolean): void {
    this.#startDeadline().sleep(asleep)
    this.#request.onSleep?.(asleep)
  }

  get world(): World {
    return this.#world ??= this.#options.world.forRequest(this)
  }

  #startDeadline(): Deadline {
    return this.#deadline ??= new Deadline(this.#timeoutMs, () => this.#abort(new TimeIsUp(`no answer after ${this.#timeoutMs / 1000} s`)))
  }

  #listen(): void {
    if (this.#listening || this.#ended) return
    this.#listening = true
    this.#request.signal.addEventListener('abort', this.#left, { once: true })
  }

  readonly #left = (): void => this.#abort(new NobodyWaits(NOBODY_WAITS))

  #abort(reason: Error): void {
    this.#reason = reason
    this.#aborter?.abort(reason)
    this.#giveUp?.(reason)
    this.#end()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#deadline?.stop()
    if (this.#listening) this.#request.signal.removeEventListener('abort', this.#left)
  }
}

const begun: Asking[] = []

/**
 * Watches a wait unless it is over before the event loop turns: what a database in this process knows comes that soon, and timer
 * and listener cost more than the question.
 */
function soon(asking: Asking): void {
  // The ticks after these microtasks come when all promises that could go on have done so.
  if (begun.push(asking) === 1) queueMicrotask(() => process.nextTick(watchAll))
}

function watchAll(): void {
  for (const asking of begun.splice(0)) asking.watch()
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
}
