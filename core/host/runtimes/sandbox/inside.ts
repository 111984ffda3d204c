/**
 * The part of a sandbox that is compiled into each plugin's text and runs beside it in its realm: answers what the
 * process passes in. What a plugin does to its realm's own objects, it does to its own answers only.
 */
import { HOOKS, type Hook, type MessageContext, type Plugin } from '../../../plugin/plugin.ts'
import { DeliveryError } from '../../../plugin/world.ts'
import { whatIsWrong } from '../plugin-shape.ts'
import { settingsReader } from '../settings.ts'
import { Call, LINE_LENGTH } from './inside-call.ts'
import { installGlobals, type Host } from './inside-globals.ts'
import {
  ANSWER_LIMIT, type AnswerPayload, type AskPayload, type ControlReport, type Description, type FactPayload, type LoadControl, type Thrown,
} from './wire.ts'

/** Answers at once where it can: `+` and a value, `-` and what was thrown, or an answer's JSON. */
export type Enter = (kind: string, id: number, v: string) => string | undefined

/** Problems of control files that are reported. */
const MOST_PROBLEMS = 200
/** Frames of a stack that are reported, and recorded: V8 keeps ten by itself. */
const MOST_FRAMES = 20

/** What a plugin's text evaluates to. @param load evaluates the plugin's modules */
export function start(load: () => unknown): (host: Host) => Enter {
  return (host) => {
    Error.prepareStackTrace = printStack
    Error.stackTraceLimit = MOST_FRAMES
    return new Inside(load, host).enter
  }
}

type Handler = (context: MessageContext) => unknown

class Inside {
  readonly #load: () => unknown
  readonly #host: Host
  readonly #calls = new Map<number, Call>()
  readonly #fire: (id: number) => void
  #plugin: Plugin | undefined
  #control: Readonly<Record<string, unknown>> = {}
  #settingsOf: ReturnType<typeof settingsReader> = () => ({})

  constructor(load: () => unknown, host: Host) {
    this.#load = load
    this.#host = host
    const failed = (error: unknown): void => host('stray', 0, JSON.stringify(thrown(error)))
    const log = (level: 'info' | 'warn', message: string): void =>
      host('log', 0, JSON.stringify({ level, message: message.slice(0, LINE_LENGTH), fields: {} }))
    this.#fire = installGlobals(host, { log, failed }).fire
  }

  readonly enter: Enter = (kind, id, v) => {
    switch (kind) {
      case 'load':
        return attempt(() => this.#describe())
      case 'control':
        return attempt(() => this.#readControl(JSON.parse(v) as LoadControl))
      case 'ask':
        return this.#ask(id, JSON.parse(v) as AskPayload)
      case 'fact':
        this.#calls.get(id)?.told(JSON.parse(v) as FactPayload)
        return undefined
      case 'abort':
        return this.#abort(id, v)
      case 'timer':
        this.#fire(id)
        return undefined
      default:
        return undefined
    }
  }

  #describe(): Description {
    const plugin = (this.#load() as { readonly default?: unknown }).default
    const wrong = whatIsWrong(plugin)
    if (wrong !== undefined) throw new Error(`${wrong}; write \`export default definePlugin({ name, summary, rcpt: … })\``)
    const known = plugin as Plugin
    this.#plugin = known
    this.#settingsOf = settingsReader(known)
    return {
      name: known.name, summary: known.summary, hooks: HOOKS.filter((hook) => known[hook] !== undefined), takes: known.takes !== undefined,
      settings: Object.entries(known.settings ?? {}).map(([name, { about, form }]) => ({ name, about: String(about), form: String(form) })),
      control: Object.entries(known.control ?? {}).map(([name, { about }]) => ({ name, about: String(about) })),
      needs: [...known.needs ?? []], replaces: [...known.replaces ?? []],
    }
  }

  #readControl({ files }: LoadControl): ControlReport {
    const problems: ControlReport['problems'][number][] = []
    const values: Record<string, unknown> = {}
    for (const [file, declared] of Object.entries(this.#plugin?.control ?? {})) {
      const parsed = declared.parse(Object.hasOwn(files, file) ? files[file] : undefined)
      values[file] = parsed.value
      problems.push(...parsed.problems.map((problem) => ({ file, ...problem })))
    }
    this.#control = values
    return { problems: problems.slice(0, MOST_PROBLEMS) }
  }

  #ask(id: number, payload: AskPayload): string | undefined {
    const call = new Call(id, payload, this.#host)
    this.#calls.set(id, call)
    try {
      const answer = this.#question(call, payload)
      if (!isPromise(answer)) return this.#end(call, { answer })
      answer.then((late) => this.#late(call, { answer: late }), (error: unknown) => this.#late(call, { thrown: thrown(error) }))
      return undefined
    } catch (error) {
      return this.#end(call, { thrown: thrown(error) })
    }
  }

  #question(call: Call, { hook, domain, settings, session }: AskPayload): unknown {
    const plugin = this.#plugin
    if (plugin === undefined) throw new Error('the plugin is not loaded')
    if (settings !== undefined) return readSettings(plugin, settings)
    const env = (session as MessageContext['session']).env
    const context = call.context(this.#settingsOf(env) as MessageContext['settings'], this.#control as MessageContext['control'])
    if (domain !== undefined) return plugin.takes?.(context, domain)
    return (plugin[hook as Hook] as Handler | undefined)?.(context)
  }

  #late(call: Call, outcome: AnswerPayload): void {
    const text = this.#end(call, outcome)
    if (text !== undefined) this.#host('answer', call.id, text)
  }

  /** The one answer to a call; undefined when it was given up before. */
  #end(call: Call, outcome: AnswerPayload): string | undefined {
    if (call.over) return undefined
    call.over = true
    this.#calls.delete(call.id)
    const used = { ...(call.now && { now: true }), ...(call.drawn > 0 && { drawn: call.drawn }) }
    try {
      const text = JSON.stringify({ ...outcome, ...used })
      return text.length <= ANSWER_LIMIT ? text : JSON.stringify({ tooLarge: true, ...used })
    } catch (error) {
      return JSON.stringify({ thrown: thrown(error), ...used })
    }
  }

  #abort(id: number, reason: string): string | undefined {
    const call = this.#calls.get(id)
    if (call === undefined) return undefined
    const text = this.#end(call, {})
    try {
      call.abort(new Error(reason))
    } catch {
      // What a listener throws has nobody to hear it: the call is over.
    }
    return text
  }
}

function readSettings(plugin: Plugin, pairs: readonly (readonly [string, string])[]): unknown {
  return pairs.map(([name, value]) => {
    const setting = plugin.settings?.[name]
    const parsed = setting?.parse(value)
    const found = parsed?.ok === true ? parsed.doubt : parsed
    return found === undefined ? null : { reason: found.reason, mend: found.mend, ...(parsed?.ok === true && { warning: true }) }
  })
}

function attempt(work: () => unknown): string {
  try {
    return `+${JSON.stringify(work())}`
  } catch (error) {
    return `-${JSON.stringify(thrown(error))}`
  }
}

/** Never throws, whatever was thrown. */
function thrown(error: unknown): Thrown {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: String(error).slice(0, LINE_LENGTH), at: [] }
    const { name, message, stack } = error
    return {
      name: String(name), message: String(message).slice(0, LINE_LENGTH), at: placesIn(String(stack)),
      ...(error instanceof DeliveryError && { text: String(error.text).slice(0, LINE_LENGTH), permanent: error.permanent }),
    }
  } catch {
    return { name: 'Error', message: 'something that cannot be shown', at: [] }
  }
}

const FRAME = /^ {4}at (?:.* \()?plugin:(\d+):(\d+)\)?$/

function placesIn(stack: string): readonly (readonly [number, number])[] {
  return stack.split('\n').flatMap((line) => {
    const frame = FRAME.exec(line)
    return frame === null ? [] : [[Number(frame[1]), Number(frame[2])] as const]
  })
}

/** As V8 prints a stack, with the frames that lie in the sandbox: vm2 hides the others, and its default hides all. */
function printStack(error: Error, frames: readonly NodeJS.CallSite[]): string {
  const lines = [`${String(error.name)}: ${String(error.message)}`]
  for (const frame of frames) {
    if (frame.getFileName() !== 'plugin') continue
    const place = `plugin:${frame.getLineNumber()}:${frame.getColumnNumber()}`
    const name = frame.getFunctionName()
    lines.push(name === null || name === '' ? `    at ${place}` : `    at ${name} (${place})`)
  }
  return lines.join('\n')
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function'
}
