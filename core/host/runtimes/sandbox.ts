/**
 * The sandbox runtime: an operator's TypeScript, run by vm2 in a process of its own that Node's permissions keep
 * from files and programs. What crosses between is text, and what comes back is believed in nothing.
 */
import { dangerousName } from '../../../protocol/spp/environment.ts'
import type { ListEntry } from '../../../protocol/spp/list.ts'
import type { LineProblem } from '../../plugin/control.ts'
import type { Hook, Session } from '../../plugin/plugin.ts'
import type { WorldFactory } from '../../world/real.ts'
import type { Fault, HookRequest, Line, RunResult } from '../types.ts'
import { readAnswer } from './answer.ts'
import { askSandbox, type Outcome } from './sandbox/call.ts'
import type { SandboxLimits } from './sandbox/limits.ts'
import type { Asked } from './sandbox/group.ts'
import type { Lease, Unit } from './sandbox/unit.ts'
import { readAnswerPayload } from './sandbox/read.ts'
import { ANSWER_LIMIT, type AskPayload, type Thrown } from './sandbox/wire.ts'

export interface SandboxLineOptions {
  readonly entry: ListEntry
  /** The list's path as an operator names it. */
  readonly file: string
  /** What `Sandboxes.load` gave; the line holds it as long as it lives. */
  readonly lease: Lease
  readonly world: WorldFactory
  readonly limits: Pick<SandboxLimits, 'questions'>
  /** Where the line says nothing. Default: 60 s. */
  readonly defaults?: { readonly timeoutMs: number }
}

const DEFAULT_TIMEOUT_MS = 60_000

/** The line of a sandboxed plugin. Its `run` never throws and never rejects; `takes` fails where the plugin's does. */
export function sandboxLine(options: SandboxLineOptions): Line {
  const { entry, lease, world } = options
  const { description } = lease
  const hook = entry.section
  const timeoutMs = entry.options.timeout ?? options.defaults?.timeoutMs ?? DEFAULT_TIMEOUT_MS

  const ask = (request: HookRequest, more: { readonly domain?: string } = {}): Promise<Outcome> =>
    askSandbox({ unit: lease.unit, request, entry, file: options.file, world, timeoutMs, questions: options.limits.questions, ...more })

  return {
    hook, text: entry.text, file: options.file, number: entry.line, options: entry.options, runtime: 'sandbox',
    name: entry.options.name ?? description.name,
    run: async (request) => resultOf(await ask(request), hook, lease.unit),
    ...(hook !== 'deliver' || !description.takes ? {} : {
      takes: async (request: HookRequest, domain: string) => {
        const outcome = await ask(request, { domain })
        if ('fault' in outcome) throw new Error(outcome.fault.detail)
        const { answer, thrown } = outcome.answer
        if (thrown !== undefined) throw new Error(lease.unit.text.explain(thrown))
        return answer === true
      },
    }),
  }
}

function resultOf(outcome: Outcome, hook: Hook, unit: Unit): RunResult {
  if ('fault' in outcome) return { commands: [], fault: outcome.fault }
  const { answer, thrown, tooLarge } = outcome.answer
  if (thrown !== undefined) return failure(thrown, hook, unit)
  if (tooLarge === true) return faulty('too-much-output', `its answer has more than ${ANSWER_LIMIT} characters`)
  const result = readAnswer(answer, hook)
  const dangerous = result.commands.find((command) => command.kind === 'S' && dangerousName(command.name))
  if (dangerous?.kind !== 'S') return result
  return faulty('bad-command', `S${dangerous.name}: a sandboxed plugin may not set this variable, which chooses code for programs`)
}

function failure(thrown: Thrown, hook: Hook, unit: Unit): RunResult {
  if (thrown.text !== undefined && hook === 'deliver') return { commands: [{ kind: 'E', text: thrown.text }] }
  const kind = thrown.name === 'WorldUnavailable' ? 'unavailable' : 'threw'
  return faulty(kind, unit.text.explain(kind === 'unavailable' ? { ...thrown, name: 'Error' } : thrown))
}

function faulty(kind: Fault['kind'], detail: string): RunResult {
  return { commands: [], fault: { kind, detail } }
}

/**
 * What a sandboxed plugin's declarations say of variables and their texts: a problem each, or undefined. Never rejects;
 * a plugin that cannot answer has one problem for all of them.
 */
export function readSettings(lease: Lease, pairs: Pairs): Promise<readonly (LineProblem | undefined)[]> {
  if (pairs.length === 0) return Promise.resolve([])
  const payload: AskPayload = { hook: 'settings', settings: pairs, session: NO_SESSION, now: 0, seed: 0 }
  return new Promise((resolve) => {
    const failed = (reason: string): void =>
      resolve(pairs.map((_pair, index) => index === 0 ? { line: 0, reason, mend: 'mend the plugin' } : undefined))
    const asked: Asked = {
      unit: lease.unit, payload: JSON.stringify(payload), hadEffect: false, lost: 0,
      questioned: () => undefined, restarting: () => undefined,
      failed: ({ detail }) => failed(detail),
      answered: (json) => {
        const { answer, thrown } = readAnswerPayload(json) ?? {}
        if (!Array.isArray(answer)) return failed(thrown === undefined ? 'its settings cannot be read' : lease.unit.text.explain(thrown))
        resolve(pairs.map((_pair, index) => problemIn((answer as readonly unknown[])[index])))
      },
    }
    lease.unit.group.ask(asked)
  })
}

type Pairs = readonly (readonly [name: string, text: string])[]

function problemIn(found: unknown): LineProblem | undefined {
  if (typeof found !== 'object' || found === null) return undefined
  const { reason, mend, warning } = found as Readonly<Record<string, unknown>>
  return { line: 0, reason: String(reason), mend: String(mend), ...(warning === true && { warning: true }) }
}

const NO_SESSION: Partial<Session> = { env: {} }
