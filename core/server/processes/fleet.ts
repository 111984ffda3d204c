/**
 * Several processes that serve the sessions of one server. This one, the main process, keeps what there is one of: the lock, the queue and
 * its deliveries, the trace's ring, the status, and the word on which generation is in force. A process that dies is replaced, and
 * costs its own sessions only.
 */
import type { Problem } from '../../../config/problem.ts'
import { printProblem } from '../../../config/problem.ts'
import type { Settings } from '../../../config/settings.ts'
import { HeliosError } from '../../error.ts'
import { processMark } from '../../message/places.ts'
import { LoginThrottle } from '../../smtp/login-throttle.ts'
import { STOP_SECONDS, type Behind, type Front } from '../front.ts'
import { Connections } from '../limits.ts'
import type { TicketSecret } from '../../tls/tickets.ts'
import type { WorkerStatus } from '../status-file.ts'
import { Member } from './member.ts'
import { bindPlaces, type Place } from './places.ts'
import type { Lead } from './wire.ts'

/** Waits before a process that died is replaced; the last one repeats. */
const BACK_OFF_MS = [0, 100, 200, 400, 800, 1600, 3200, 5000] as const
/** One that lived so long had no trouble starting. */
const SETTLED_MS = 10_000
/** How long `look` waits for a process. */
const LOOK_MS = 10_000
/** Looks in which nothing was heard of a process, after which it is stuck. Counted and not timed: this process, too, may have stood still. */
const MOST_SILENCES = 12
/** Beyond the time for sessions, for closing what stands behind them. */
const CLOSING_MS = 10_000

/** Binds the listeners. Rejects with HeliosError `cannot-listen`. */
export async function fleetFront(settings: Settings): Promise<Front> {
  return new Fleet(settings, await bindPlaces(settings.listeners))
}

/** Room for one process and those that replace it. */
interface Berth {
  readonly number: number
  member: Member | undefined
  replaced: number
}

class Fleet implements Front {
  readonly listeners = []
  readonly addresses: Front['addresses']
  readonly #settings: Settings
  readonly #places: readonly Place[]
  readonly #berths: readonly Berth[]
  readonly #connections = new Connections()
  readonly #throttle = new LoginThrottle(() => performance.now())
  #behind: Behind | undefined
  #keeping: readonly Promise<void>[] = []
  #watch: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined
  #trouble: { readonly at: number; readonly problems: readonly Problem[] } | undefined
  /** Ends the waits of those that are to be replaced. */
  #hurry = Promise.withResolvers<void>()

  constructor(settings: Settings, places: readonly Place[]) {
    this.#settings = settings
    this.#places = places
    this.addresses = places.map(({ settings: { service }, address }) => ({ service, address }))
    this.#berths = Array.from({ length: settings.workers }, (_, index) => ({ number: index + 1, member: undefined, replaced: 0 }))
  }

  async begin(behind: Behind): Promise<void> {
    this.#behind = behind
    const members = this.#berths.map((berth) => this.#launch(berth, behind))
    this.#keeping = this.#berths.map((berth, index) => this.#keep(berth, members[index]!, behind))
    try {
      await Promise.all(members.map((member) => member.ready))
    } catch (cause) {
      void this.close()
      throw new HeliosError('server-process', `a process that is to serve sessions does not start: ${(cause as Error).message}`, {
        fault: 'system', mend: 'look for limits on processes, memory and open files (ulimit -a), and whether the installation is complete', cause,
      })
    }
    this.#watch = setInterval(() => this.#lookForSilence(), this.#settings.stuckSeconds * 1000 / MOST_SILENCES).unref()
  }

  sessions(): number {
    return this.#members().reduce((sum, { state }) => sum + state.sessions, 0)
  }

  resting(): ReadonlySet<string> {
    return new Set(this.#members().flatMap(({ state }) => state.resting))
  }

  workers(): readonly WorkerStatus[] {
    return this.#berths.map(({ number, member, replaced }) => ({
      number, replaced, sessions: member?.state.sessions ?? 0,
      ...(member?.pid === undefined ? {} : { pid: member.pid, startedAt: member.startedAt, generation: member.state.generation }),
    }))
  }

  async look(): Promise<readonly Problem[]> {
    const looks = this.#berths.map(async ({ number, member }) => {
      const problems = await Promise.race([member?.look() ?? [], late(number)])
      return problems.map((problem) => ({ ...problem, reason: `in server process ${number}: ${problem.reason}` }))
    })
    const problems = (await Promise.all(looks)).flat()
    if (problems.length > 0 && this.#trouble === undefined) {
      this.#behind?.log.error({ problems: problems.map(printProblem) },
        `reload failed in some of the server's processes, which go on with the generation before: ${printProblem(problems[0]!)}`)
    }
    this.#trouble = problems.length === 0 ? undefined : { at: Date.now(), problems }
    return problems
  }

  loaded(): void {
    this.#hurry.resolve()
    this.#hurry = Promise.withResolvers()
    void this.look()
  }

  renewTickets(secret: TicketSecret): void {
    for (const member of this.#members()) member.renewTickets(secret)
  }

  trouble(): { readonly at: number; readonly problems: readonly Problem[] } | undefined {
    return this.#trouble
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    clearInterval(this.#watch)
    this.#hurry.resolve()
    for (const member of this.#members()) member.finish()
    for (const place of this.#places) place.close()
    const late = setTimeout(() => {
      for (const member of this.#members()) member.kill()
    }, STOP_SECONDS * 1000 + CLOSING_MS)
    await Promise.all(this.#keeping)
    clearTimeout(late)
  }

  #members(): readonly Member[] {
    return this.#berths.flatMap(({ member }) => member ?? [])
  }

  #launch(berth: Berth, { queue, reloader, trace, house, sessions, tickets }: Behind): Member {
    const lead = async (): Promise<Lead> => {
      const { number } = await reloader.latest()
      return { number, failed: reloader.lastFailure !== undefined, settled: reloader.settled, files: house.lists() }
    }
    berth.member = new Member({
      settings: this.#settings, number: berth.number, mark: processMark(), pepper: sessions.authentication.pepper, tickets: tickets(), throttle: this.#throttle,
      sockets: this.#places.map(({ fd }) => fd), lead,
      trace: (lines) => trace.take(lines),
      accepted: (notice) => {
        if (notice.notice === 'accepted') queue.add(notice.id, notice.envelope, notice.size)
        else queue.addStored(notice.id)
      },
      take: (network, most) => this.#connections.takeFrom(network, most),
    })
    return berth.member
  }

  /** Sees to it that there is always one, until the server stops. */
  async #keep(berth: Berth, first: Member, behind: Behind): Promise<void> {
    const { log, queue, reloader } = behind
    let failures = 0
    for (let member = first; ;) {
      const how = await member.ended
      berth.member = undefined
      await queue.adopt(member.mark)
      if (this.#closed !== undefined) return
      berth.replaced += 1
      const { sessions } = member.state
      log.warn({ process: berth.number, pid: member.pid, sessions },
        `server process ${berth.number} (pid ${member.pid}) ended (${how}) with about ${sessions} sessions; another one takes its place`)
      if (Date.now() - member.startedAt > SETTLED_MS) failures = 0
      // Files that make no generation let no process start: until they are mended, those that run serve on.
      do await this.#pause(BACK_OFF_MS[Math.min(failures++, BACK_OFF_MS.length - 1)]!)
      while (this.#closed === undefined && reloader.lastFailure !== undefined)
      if (this.#closed !== undefined) return
      member = this.#launch(berth, behind)
    }
  }

  /** Ends earlier when there is a new generation, or the server stops. */
  async #pause(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await Promise.race([this.#hurry.promise, new Promise((resolve) => { timer = setTimeout(resolve, ms) })])
    clearTimeout(timer)
  }

  #lookForSilence(): void {
    for (const { number, member } of this.#berths) {
      if (member === undefined || member.silence() < MOST_SILENCES) continue
      this.#behind?.log.warn({ process: number, pid: member.pid }, `server process ${number} (pid ${member.pid}) is stuck and is ended`)
      member.kill()
    }
  }
}

function late(number: number): Promise<readonly Problem[]> {
  return new Promise((resolve) => {
    setTimeout(() => resolve([{
      severity: 'error', file: 'control', reason: `it has not answered within ${LOOK_MS / 1000} s`,
      mend: `see with "helios status" whether process ${number} has the new generation by now`,
    }]), LOOK_MS).unref()
  })
}
