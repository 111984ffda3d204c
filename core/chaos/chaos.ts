/**
 * The fault matrix, played on a copy of a home: each fault, at each stage, in each runtime, in front of the operator's own
 * lines, while bystanders go through a plugin that works. What the clients read and what the trace holds is judged by the
 * lines' policy.
 */
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { readControl, type Control } from '../../config/control.ts'
import type { Settings } from '../../config/settings.ts'
import type { OnError } from '../../protocol/spp/list.ts'
import { HeliosError } from '../error.ts'
import { findSessions } from '../trace/read.ts'
import { sectionName } from '../host/loader.ts'
import type { Runtime } from '../host/types.ts'
import { Bystanders, type Pace } from './bystanders.ts'
import { FAULTS } from './catalogue.ts'
import { makeCells, stagesOf, withoutDelivery, type Cell } from './cell.ts'
import { BASELINE, BYSTANDERS, copyHome, type CopiedHome } from './copy.ts'
import { STAGES, type ChaosFault, type Stage } from './fault.ts'
import { lookAfter, stopAndLook, vitalsOf, type Finding } from './health.ts'
import { judge, type HookEvent, type Undisturbed, type Verdict } from './judge.ts'
import { lanesOf, playLanes } from './lanes.ts'
import { startChaosServer, type ChaosServer } from './server.ts'
import { codeOf, visit, type Guise, type Visit } from './visit.ts'

export interface ChaosOptions {
  readonly settings: Settings
  readonly faults?: readonly ChaosFault[] | undefined
  /** Default: those the operator's list has lines for, all where it has none. */
  readonly stages?: readonly Stage[] | undefined
  readonly runtimes?: readonly Runtime[] | undefined
  readonly onerror?: OnError | undefined
  /** Sessions at the same time in each cell. Default 1. */
  readonly sessions?: number | undefined
  readonly guise?: Partial<Guise> | undefined
  /** Told of each cell once its sessions are over. */
  readonly progress?: ((done: number, all: number) => void) | undefined
  /** Aborted: nothing more is begun, and everything is ended. */
  readonly signal?: AbortSignal | undefined
}

export interface CellReport extends Verdict {
  readonly fault: string
  readonly about: string
  /** As a section's name: `+message`. */
  readonly stage: string
  readonly runtime: Runtime
  readonly onerror: OnError
  readonly sessions: number
  /** The reply at the stage, its lines joined by LF; of several sessions one of each kind. */
  readonly read: readonly string[]
  /** From question to reply; the longest. */
  readonly ms: number
  /** The faulty line, and the list it stands in, in the copy. */
  readonly line: string
  readonly list: string
}

export interface ChaosReport {
  readonly ok: boolean
  readonly cells: readonly CellReport[]
  /** Stages that no session gets to, because the operator's own lines refuse before. */
  readonly unreached: readonly { readonly stage: string; readonly why: string }[]
  readonly bystanders: { readonly undisturbed: Pace; readonly disturbed: Pace }
  readonly server: readonly Finding[]
  readonly guise: Guise
  readonly ms: number
}

/** Sessions through a fault that costs much memory. */
const MOST_HEAVY = 2
/** Recipients that are tried until one is taken. */
const MOST_GUISES = 20
const BYSTANDERS_AT_ONCE = 2
/** How long bystanders are looked at before anything fails. */
const UNDISTURBED_MS = 1500

/** Rejects with HeliosError: no Linux, no such list, a copy that cannot be made or does not start, or aborted. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const begun = performance.now()
  if (!existsSync('/proc/self/stat')) {
    throw new HeliosError('chaos-linux', 'the fault matrix needs Linux: its addresses and its /proc', {
      fault: 'system', mend: 'run it on a Linux machine, with a copy of the home',
    })
  }
  const { control } = await readControl(options.settings.home)
  const list = operatorsList(control.smtpplugins)
  const guises = guisesOf(options.guise, control.read('rcpthosts'))
  const present = stagesOf(list)
  const stages = options.stages ?? (present.length === 0 ? STAGES : present)
  const cells = makeCells({ faults: options.faults ?? FAULTS, stages, runtimes: options.runtimes, onerror: options.onerror, list })
  const home = await copyHome(options.settings, list, cells)
  let server: ChaosServer | undefined
  try {
    server = await startChaosServer(home.path)
    return await play({ ...options, home, server, guises, cells, begun })
  } finally {
    if (server?.alive === true) await stopAndLook(server, home.path, true)
    await home.remove()
  }
}

interface Playing extends ChaosOptions {
  readonly home: CopiedHome
  readonly server: ChaosServer
  readonly guises: readonly Guise[]
  readonly cells: readonly Cell[]
  readonly begun: number
}

async function play({ home, server, guises, cells: all, begun, signal, progress, ...options }: Playing): Promise<ChaosReport> {
  const { port } = server
  const { guise, ...sound } = await soundVisit(port, home.address(BASELINE), guises)
  const unreached = unreachedBy(sound.replies, all)
  const cells = all.filter(({ stage }) => !unreached.some((each) => each.stage === nameOf(stage)))
  const bystanders = new Bystanders({
    port, address: home.address(BYSTANDERS), to: `postmaster@${domainOf(guise.to)}`, count: BYSTANDERS_AT_ONCE,
  })
  const visits = new Map<Cell, readonly Visit[]>()
  try {
    // The first sessions load what the later ones find.
    await pause(UNDISTURBED_MS / 3)
    bystanders.take()
    await pause(UNDISTURBED_MS)
    const undisturbed = bystanders.take()
    const before = await vitalsOf(server)
    const sessions = options.sessions ?? 1
    await playLanes(lanesOf(cells, sessions), async (cell) => {
      const many = cell.form.heavy === true ? Math.min(sessions, MOST_HEAVY) : sessions
      const { stage, form: { lingerMs } } = cell
      const session = (): Promise<Visit> => visit({ port, address: home.address(cell.listFile), guise, stage, lingerMs })
      visits.set(cell, await Promise.all(Array.from({ length: many }, session)))
      progress?.(visits.size, cells.length)
    }, signal)
    signal?.throwIfAborted()
    const disturbed = bystanders.take()
    await bystanders.stop()
    const checks = [...await lookAfter(server, before), ...await stopAndLook(server, home.path), defectsOf(server, cells)]
    const events = await eventsByList(home.path)
    const reports = cells.map((cell) => reportOf(cell, visits.get(cell)!, events.get(cell.listFile) ?? [], sound.replies))
    return {
      ok: reports.every((report) => report.ok) && checks.every((check) => check.ok) && undisturbed.wrongCount + disturbed.wrongCount === 0,
      cells: reports, unreached, bystanders: { undisturbed, disturbed }, server: checks, guise, ms: Math.round(performance.now() - begun),
    }
  } finally {
    void bystanders.stop()
  }
}

/** What sessions are asked with by default, its deliveries left out. */
function operatorsList({ file, content }: Control['smtpplugins']): string {
  if (content !== undefined) return withoutDelivery(content)
  throw new HeliosError('chaos-list', `there is no ${file} in this home`, {
    fault: 'operator', mend: 'write one; an empty file means no plugins',
  })
}

/** Clients that rcpthosts lets through, unless they are told to be another. */
function guisesOf(given: Partial<Guise> = {}, rcpthosts: string | undefined): readonly Guise[] {
  const domains = rcpthosts?.split('\n').map((line) => line.trim()).filter((line) => /^[A-Za-z0-9]/.test(line)).slice(0, MOST_GUISES) ?? []
  return (domains.length === 0 ? ['chaos.example'] : domains)
    .map((domain) => ({ helo: 'client.chaos.example', from: 'sender@chaos.example', to: `postmaster@${domain}`, ...given }))
}

/** Nothing fails: who gets furthest through the operator's own lines, and what is said to them. */
async function soundVisit(port: number, address: string, guises: readonly Guise[]): Promise<Visit & { readonly guise: Guise }> {
  let furthest: Visit & { readonly guise: Guise } | undefined
  for (const guise of guises) {
    const made = { ...await visit({ port, address, guise, stage: 'message' }), guise }
    if (made.trouble !== undefined) {
      throw new HeliosError('chaos-sound', `a session through your own list, with nothing made to fail: ${made.trouble}`, {
        fault: 'operator', mend: 'helios check, and the lines that are asked first, say more; mend this before anything else',
      })
    }
    if (furthest === undefined || stepsOf(made) > stepsOf(furthest)) furthest = made
    if (stepsOf(made) === STAGES.length) break
  }
  return furthest!
}

function stepsOf({ replies }: Visit): number {
  return Object.keys(replies).length
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function nameOf(stage: Stage): string {
  return sectionName(stage)
}

/** A fault is put in front of a stage's own lines: only what refuses before it keeps sessions away. */
function unreachedBy(replies: Undisturbed, cells: readonly Cell[]): ChaosReport['unreached'] {
  const refusing = STAGES.find((stage) => codeOf(replies[stage] ?? []) >= 400)
  if (refusing === undefined) return []
  const why = `your list answers ${replies[refusing]!.join('/')} at ${nameOf(refusing)}`
  const later = STAGES.slice(STAGES.indexOf(refusing) + 1)
  return later.filter((stage) => cells.some((cell) => cell.stage === stage)).map((stage) => ({ stage: nameOf(stage), why }))
}

/** What nobody foresaw. A timer of an inline plugin throws where nobody but the server can catch it, and the server says so. */
function defectsOf({ defects }: ChaosServer, cells: readonly Cell[]): Finding {
  const expected = cells.some(({ runtime, fault }) => runtime === 'inline' && fault.name === 'throw-in-timer')
  const found = expected ? defects.filter((line) => !line.includes('Error: chaos')) : defects
  return { what: 'no defect of the server in its log', ok: found.length === 0, detail: found[0] ?? 'none' }
}

/** The hook events of all sessions, by the list they belong to. */
async function eventsByList(home: string): Promise<ReadonlyMap<string, readonly HookEvent[]>> {
  const sessions = await findSessions(home, { last: Number.MAX_SAFE_INTEGER })
  const hooks = sessions.flatMap(({ events }) => events.filter((event) => event.event === 'hook'))
  return Map.groupBy(hooks, ({ file }) => file)
}

function reportOf(cell: Cell, visits: readonly Visit[], events: readonly HookEvent[], undisturbed: Undisturbed): CellReport {
  const { fault, stage, runtime, onerror, text, listFile } = cell
  return {
    fault: fault.name, about: fault.about, stage: nameOf(stage), runtime, onerror, sessions: visits.length,
    read: [...new Set(visits.map(({ replies, trouble }) => replies[stage]?.join('\n') ?? `(${trouble ?? 'nothing'})`))],
    ms: Math.round(Math.max(...visits.map(({ ms }) => ms)) * 10) / 10, line: text, list: listFile,
    ...judge(cell, visits, events, undisturbed),
  }
}
