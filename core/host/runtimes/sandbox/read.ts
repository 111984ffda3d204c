/** What a sandbox's process says, taken apart. Nothing is trusted to have its type; nothing here throws. */
import { EFFECTS } from '../../../../protocol/spp/options.ts'
import { HOOKS } from '../../../plugin/plugin.ts'
import type { Effect } from '../../../plugin/world.ts'
import type { AnswerPayload, ControlReport, Description, LogPayload, Notice, QuestionPayload, Said, Thrown, Told } from './wire.ts'

const NUMBERED: ReadonlySet<string> = new Set(['answer', 'question', 'log'])
const TOLD: ReadonlySet<string> = new Set(['loaded', 'controlled', 'broken', 'stray'])

/** One line of a process, or undefined when it is none that a sound process writes. Never throws. */
export function readNotice(value: unknown): Notice | undefined {
  if (!isRecord(value)) return undefined
  const { k, p, i, n, v } = value
  if (k === 'ready') return { k }
  if (k === 'pong') return isCount(n) ? { k, n } : undefined
  if (typeof k !== 'string' || !isCount(p)) return undefined
  if (k === 'run') return isCount(i) ? { k, p, i } : undefined
  if (typeof v !== 'string') return undefined
  if (TOLD.has(k)) return { k: k as Told['k'], p, v }
  return NUMBERED.has(k) && isCount(i) ? { k: k as Said['k'], p, i, v } : undefined
}

/** Every field of a plugin's answer is the plugin's word: wrong ones are left out. Undefined when there is no reading it. */
export function readAnswerPayload(json: string): AnswerPayload | undefined {
  const value = parse(json)
  if (!isRecord(value)) return undefined
  const { answer, thrown, tooLarge, now, drawn } = value
  return {
    ...('answer' in value ? { answer } : {}), ...(thrown === undefined ? {} : { thrown: readThrown(thrown) }),
    ...(tooLarge === true ? { tooLarge } : {}), ...(now === true ? { now } : {}),
    ...(isCount(drawn) && drawn > 0 ? { drawn: Math.min(drawn, MOST_DRAWN) } : {}),
  }
}

/** Draws of one call that are recorded. */
const MOST_DRAWN = 100

export function readQuestion(json: string): QuestionPayload | undefined {
  const value = parse(json)
  if (!isRecord(value)) return undefined
  const { q, ask, args } = value
  return isCount(q) && typeof ask === 'string' && Array.isArray(args) ? { q, ask, args: args as readonly unknown[] } : undefined
}

export function readLog(json: string): LogPayload | undefined {
  const value = parse(json)
  if (!isRecord(value)) return undefined
  const { level, message, fields } = value
  if ((level !== 'info' && level !== 'warn') || typeof message !== 'string') return undefined
  return { level, message, fields: isRecord(fields) ? fields : {} }
}

export function readDescription(json: string): Description | undefined {
  const value = parse(json)
  if (!isRecord(value)) return undefined
  const { name, summary, hooks, takes, settings, control, needs, replaces } = value
  if (typeof name !== 'string' || typeof summary !== 'string' || !isTexts(hooks) || !isTexts(needs) || !isTexts(replaces)) return undefined
  if (!Array.isArray(control) || !Array.isArray(settings)) return undefined
  return {
    name, summary, takes: takes === true, replaces,
    hooks: HOOKS.filter((hook) => hooks.includes(hook)),
    needs: EFFECTS.filter((effect) => needs.includes(effect)) as readonly Effect[],
    settings: (settings as readonly unknown[]).filter(isRecord).map((each) => ({ ...named(each), form: String(each['form']) })),
    control: (control as readonly unknown[]).filter(isRecord).map(named),
  }
}

function named({ name, about }: Readonly<Record<string, unknown>>): { readonly name: string; readonly about: string } {
  return { name: String(name), about: String(about) }
}

export function readControlReport(json: string): ControlReport | undefined {
  const value = parse(json)
  if (!isRecord(value) || !Array.isArray(value['problems'])) return undefined
  return {
    problems: (value['problems'] as readonly unknown[]).filter(isRecord).map(({ file, line, reason, mend, warning }) => ({
      file: String(file), line: isCount(line) ? line : 0, reason: String(reason), mend: String(mend),
      ...(warning === true ? { warning } : {}),
    })),
  }
}

export function readThrown(value: unknown): Thrown {
  if (!isRecord(value)) return { name: 'Error', message: 'something that cannot be shown', at: [] }
  const { name, message, at, text, permanent } = value
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : '',
    at: Array.isArray(at) ? (at as readonly unknown[]).filter(isPlace) : [],
    ...(typeof text === 'string' ? { text } : {}), ...(typeof permanent === 'boolean' ? { permanent } : {}),
  }
}

/** `readThrown` of a payload. */
export function parseThrown(json: string): Thrown {
  return readThrown(parse(json))
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isPlace(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount)
}
