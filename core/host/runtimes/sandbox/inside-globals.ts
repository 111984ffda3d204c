/**
 * What plugins and the packages they bring expect of a JavaScript world besides the language, made in the plugin's own
 * realm, so that no object of the process is needed for it. Runs inside the sandbox, before the plugin.
 */

/** How the realm speaks to the process around it: strings and numbers only. */
export type Host = (kind: string, id: number, v: string) => void

interface Installed {
  /** Runs a timer that is due. */
  fire(id: number): void
}

/** Timers that may wait at once in one plugin. */
const MOST_TIMERS = 1000

export interface Ears {
  log(level: 'info' | 'warn', message: string): void
  /** Told what a timer's function threw. */
  failed(error: unknown): void
}

export function installGlobals(host: Host, { log, failed }: Ears): Installed {
  const timers = new Map<number, { readonly run: () => void; readonly every: number | undefined }>()
  let lastTimer = 0

  function arm(run: unknown, ms: unknown, args: readonly unknown[], repeat: boolean): Timer {
    if (typeof run !== 'function') throw new TypeError('a timer needs a function')
    if (timers.size >= MOST_TIMERS) throw new RangeError(`more than ${MOST_TIMERS} timers`)
    const wait = Math.min(Math.max(Number(ms) || 0, 1), 2 ** 31 - 1)
    const id = ++lastTimer
    timers.set(id, { run: () => void (run as (...given: readonly unknown[]) => unknown)(...args), every: repeat ? wait : undefined })
    host('timer', id, String(wait))
    return new Timer(id)
  }

  function disarm(timer: unknown): void {
    const id = timer instanceof Timer ? timer.id : Number(timer)
    if (timers.delete(id)) host('clear', id, '')
  }

  const say = (level: 'info' | 'warn') => (...parts: readonly unknown[]): void => log(level, parts.map(String).join(' '))
  const console = { log: say('info'), info: say('info'), debug: say('info'), warn: say('warn'), error: say('warn'), trace: say('info') }
  const globals = {
    setTimeout: (run: unknown, ms?: unknown, ...args: readonly unknown[]) => arm(run, ms, args, false),
    setInterval: (run: unknown, ms?: unknown, ...args: readonly unknown[]) => arm(run, ms, args, true),
    setImmediate: (run: unknown, ...args: readonly unknown[]) => arm(run, 0, args, false),
    clearTimeout: disarm, clearInterval: disarm, clearImmediate: disarm,
    queueMicrotask: (run: () => void) => void Promise.resolve().then(run).catch(failed),
    console, TextEncoder: Utf8Encoder, TextDecoder: Utf8Decoder, AbortController: Controller, AbortSignal: Signal,
  }
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
  }

  // It would stop every plugin of the process, and there is nobody who could wake it.
  Object.defineProperty(Atomics, 'wait', { value: undefined, writable: false, configurable: false })

  return {
    fire(id) {
      const timer = timers.get(id)
      if (timer === undefined) return
      if (timer.every === undefined) timers.delete(id)
      else host('timer', id, String(timer.every))
      try {
        timer.run()
      } catch (error) {
        failed(error)
      }
    },
  }
}

/** Enough of Node's Timeout for packages that call `unref()` on it. */
class Timer {
  readonly id: number
  constructor(id: number) {
    this.id = id
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return false
  }

  [Symbol.toPrimitive](): number {
    return this.id
  }
}

/** AbortSignal as far as handlers use it: `aborted`, `reason`, `throwIfAborted`, and the one event. */
export class Signal {
  aborted = false
  reason: unknown = undefined
  onabort: (() => void) | null = null
  readonly #listeners = new Set<() => void>()

  addEventListener(name: string, listener: () => void): void {
    if (name === 'abort' && !this.aborted) this.#listeners.add(listener)
  }

  removeEventListener(_name: string, listener: () => void): void {
    this.#listeners.delete(listener)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
  }

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = [...this.#listeners, ...(this.onabort === null ? [] : [this.onabort])]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}

export class Controller {
  readonly signal = new Signal()

  abort(reason: unknown = new Error('aborted')): void {
    this.signal.abort(reason)
  }
}

export class Utf8Encoder {
  readonly encoding = 'utf-8'

  encode(text = ''): Uint8Array {
    // Lone surrogates become U+FFFD, as the standard has it.
    const binary = unescape(encodeURIComponent(text.toWellFormed()))
    const bytes = new Uint8Array(binary.length)
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at)
    return bytes
  }
}

/** UTF-8 and Latin-1, whole texts only. */
export class Utf8Decoder {
  readonly encoding: string
  readonly fatal: boolean
  readonly ignoreBOM: boolean

  constructor(label = 'utf-8', options: { readonly fatal?: boolean; readonly ignoreBOM?: boolean } = {}) {
    this.encoding = /^utf-?8$/i.test(label) ? 'utf-8' : 'windows-1252'
    if (this.encoding !== 'utf-8' && !/^(?:latin1|iso-8859-1|ascii|us-ascii|windows-1252)$/i.test(label)) {
      throw new RangeError(`the sandbox has no decoder for ${label}`)
    }
    this.fatal = options.fatal === true
    this.ignoreBOM = options.ignoreBOM === true
  }

  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    if (this.encoding !== 'utf-8') return binaryOf(bytes, 0, bytes.length)
    const text = decodeUtf8(bytes, this.fatal)
    return !this.ignoreBOM && text.startsWith('\ufeff') ? text.slice(1) : text
  }
}

function decodeUtf8(bytes: Uint8Array, fatal: boolean): string {
  const parts: string[] = []
  let at = 0
  let from = 0
  while (at < bytes.length) {
    const length = bytes[at]! < 0x80 ? 1 : sequenceLength(bytes, at)
    if (length > 0) {
      at += length
      continue
    }
    if (fatal) throw new TypeError('the bytes are not UTF-8')
    parts.push(decodeWell(bytes, from, at), '\ufffd')
    from = ++at
  }
  parts.push(decodeWell(bytes, from, at))
  return parts.join('')
}

function decodeWell(bytes: Uint8Array, from: number, to: number): string {
  return decodeURIComponent(escape(binaryOf(bytes, from, to)))
}

function binaryOf(bytes: Uint8Array, from: number, to: number): string {
  let text = ''
  for (let at = from; at < to; at++) text += String.fromCharCode(bytes[at]!)
  return text
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const second = bytes[at + 1]!
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0
  return length
}
