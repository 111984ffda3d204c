/** Pure: what a cell's sessions read and what the trace holds of its line, against what the line's policy says. */
import { FAULT_WORDS } from '../host/chain.ts'
import type { TraceEvent } from '../trace/types.ts'
import type { Fault } from '../host/types.ts'
import type { Cell } from './cell.ts'
import { FAULTY_LINE } from './cell.ts'
import type { Ending, Stage } from './fault.ts'
import { codeOf, shown, type Visit } from './visit.ts'

export type HookEvent = Extract<TraceEvent, { event: 'hook' }>

/** The replies of a session in which nothing fails. */
export type Undisturbed = Visit['replies']

export interface Verdict {
  readonly ok: boolean
  /** How the runs ended: faults, or `none`. */
  readonly ended: readonly string[]
  /** What the policy makes of that, in words. */
  readonly policy: string
  /** What is not as it should be; the first thing found. */
  readonly why?: string
}

/**
 * @param visits one for each session of the cell
 * @param events hook events whose list is the cell's, of all its sessions
 */
export function judge(cell: Cell, visits: readonly Visit[], events: readonly HookEvent[], undisturbed: Undisturbed): Verdict {
  const ofLine = events.filter(({ number }) => number === FAULTY_LINE)
  const ended = [...new Set(ofLine.map(({ fault }) => fault ?? 'none'))].toSorted()
  const endings = (ended.length === 0 ? cell.form.ends : ended) as readonly Ending[]
  const policy = [...new Set(endings.map((each) => policyOf(cell, each, undisturbed)))].join(' or ')
  const why = wrongVisit(cell, visits) ?? wrongEvents(cell, visits.length, ofLine) ?? wrongReplies(cell, visits, endings, undisturbed)
  return { ok: why === undefined, ended, policy, ...(why === undefined ? {} : { why }) }
}

function wrongVisit({ stage }: Cell, visits: readonly Visit[]): string | undefined {
  for (const { replies, trouble } of visits) {
    if (trouble !== undefined) return trouble
    if (replies[stage] === undefined) return `${stage} was not reached: ${Object.values(replies).at(-1)?.join('/') ?? 'no reply'}`
  }
  return undefined
}

function wrongEvents(cell: Cell, sessions: number, events: readonly HookEvent[]): string | undefined {
  const { text, runtime } = cell
  if (events.length !== sessions) return `the trace has ${events.length} events of this line, not ${sessions}`
  const other = events.find(({ line }) => line !== text)
  if (other !== undefined) return `the trace names the line ${shown(other.line)}`
  const wrongRuntime = events.find((event) => event.runtime !== runtime)
  if (wrongRuntime !== undefined) return `it ran as ${wrongRuntime.runtime}`
  const allowed = allowedEndings(cell, sessions)
  const wrong = events.find(({ fault = 'none' }) => !allowed.has(fault))
  if (wrong !== undefined) {
    const { fault = 'none', detail } = wrong
    return `it ended as ${fault}${detail === undefined ? '' : ` (${detail})`}, not as ${[...allowed].join(' or ')}`
  }
  const own = events.some(({ fault = 'none' }) => cell.form.ends.includes(fault as Ending))
  return own ? undefined : `none of its runs ended as ${cell.form.ends.join(' or ')}`
}

function allowedEndings({ form, runtime }: Cell, sessions: number): ReadonlySet<string> {
  const allowed = new Set<string>(form.ends)
  if (sessions === 1) return allowed
  // What fails too often rests, and is unavailable meanwhile: a worker also for an answer too many.
  if (runtime === 'worker' || form.ends.some((end) => end !== 'none')) allowed.add('unavailable')
  // One session's call goes with the process that another's ended.
  if (form.endsProcess === true) allowed.add('crashed')
  return allowed
}

/** Each reply is one that some of the endings makes. */
function wrongReplies(cell: Cell, visits: readonly Visit[], ended: readonly Ending[], undisturbed: Undisturbed): string | undefined {
  for (const { replies } of visits) {
    const reply = replies[cell.stage]!
    if (!ended.some((end) => isRight(cell, end, reply, undisturbed))) return `the client read ${shown(reply.join('/'))}`
  }
  return undefined
}

function isRight(cell: Cell, end: Ending, reply: readonly string[], undisturbed: Undisturbed): boolean {
  const own = end === 'none' ? cell.form.answer : faultReply(cell, end)
  // Ids and counts differ from session to session, and so may what the operator's lines say.
  return own === undefined ? codeOf(reply) === codeOf(undisturbed[cell.stage] ?? []) : reply.join('\n') === own
}

/** The whole reply for a fault; undefined where the session goes on. */
function faultReply({ onerror, text }: Cell, kind: Fault['kind']): string | undefined {
  if (onerror === 'open') return undefined
  const [code, status] = onerror === 'refuse' ? ['554', '#5.3.0'] : ['451', '#4.3.0']
  return `${code} qmail-spp failure: ${text}: ${FAULT_WORDS[kind]} (${status})`
}

function policyOf(cell: Cell, end: Ending, undisturbed: Undisturbed): string {
  if (end === 'none') return cell.form.answer ?? `no fault: ${codeAt(undisturbed, cell.stage)}`
  if (cell.onerror === 'open') return `open: ${codeAt(undisturbed, cell.stage)}`
  return `${cell.onerror === 'refuse' ? '554' : '451'} ${FAULT_WORDS[end]}`
}

function codeAt(undisturbed: Undisturbed, stage: Stage): string {
  return String(codeOf(undisturbed[stage] ?? []))
}
