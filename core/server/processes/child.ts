/**
 * A process that serves sessions. It takes orders on fd 3 and lives exactly as long as that pipe: without the main process nobody
 * would hear of what it accepts. It accepts from sockets that it inherited, and writes messages into the queue's directories itself.
 */
import { Socket } from 'node:net'
import { join } from 'node:path'
import { openChannel } from '../../host/children/channel.ts'
import { HeliosError } from '../../error.ts'
import { createLog } from '../../log.ts'
import type { QueuedEnvelope } from '../../queue/item.ts'
import { pipeSink } from '../../trace/pipe.ts'
import { createTraceRecorder } from '../../trace/recorder.ts'
import { networkOf } from '../../../protocol/network.ts'
import { makeDirectory } from '../../accounts/ownership.ts'
import type { Throttle } from '../../smtp/login-throttle.ts'
import type { TicketSecret } from '../../tls/tickets.ts'
import { complaintsTo } from '../complaints.ts'
import { countSessions, finishAll } from '../front.ts'
import type { ConnectionCount, Full } from '../limits.ts'
import { bindAll, type Listener } from '../listeners.ts'
import { holdHome } from '../lock.ts'
import { keepGoing, lineKey, openHouse, pluginsOf, sessionsOf, type Undo } from '../serve.ts'
import { admitTo } from '../sessions.ts'
import { CHANNEL_FD, FIRST_LISTENER_FD, MAX_LINE, MOST_ENVELOPE, TRACE_FD, type Lead, type Notice, type Order } from './wire.ts'

/** How often the main process hears of this one, whether there is news or not. */
const TELL_MS = 2000

const undo: Undo = []
const leads = new Map<number, (lead: Lead) => void>()
const tries = new Map<number, (counted: Extract<Order, { readonly order: 'try' }>) => void>()
const takes = new Map<number, (full: Full | undefined) => void>()
let lastAsk = 0
let tickets: TicketSecret = Buffer.alloc(0)
let applyTickets: () => void = () => {}
let look: () => Promise<void> = async () => {}
let finishing: Promise<void> | undefined
let finishSessions: () => Promise<void> = async () => {}

// A supervisor's SIGTERM to everybody, or an operator's to this one, is an orderly end. SIGHUP is for the main process to act upon.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void finish())
process.on('SIGHUP', () => {})

const channel = openChannel<Order, Notice>(new Socket({ fd: CHANNEL_FD }), MAX_LINE, {
  received: obey,
  closed: () => process.exit(1),
})

function obey(order: Order): void {
  switch (order.order) {
    case 'begin':
      tickets = Buffer.from(order.tickets, 'base64')
      begin(order).catch((cause: unknown) => {
        channel.sendNow({ notice: 'failed', reasons: [cause instanceof HeliosError ? `${cause.message} (${cause.mend})` : String(cause)] })
        void finish(1)
      })
      return
    case 'tickets':
      tickets = Buffer.from(order.secret, 'base64')
      return applyTickets()
    case 'look':
      void look().then(() => channel.send({ notice: 'looked', to: order.ask, problems: problems() }))
      return
    case 'lead':
      leads.get(order.to)?.(order.lead)
      leads.delete(order.to)
      return
    case 'taken':
      takes.get(order.to)?.(order.full)
      takes.delete(order.to)
      return
    case 'try':
      tries.get(order.to)?.(order)
      tries.delete(order.to)
      return
    case 'finish':
      void finish()
  }
}

let problems: () => Extract<Notice, { readonly notice: 'looked' }>['problems'] = () => []

async function begin({ settings, number, mark, pepper }: Extract<Order, { readonly order: 'begin' }>): Promise<void> {
  const { home } = settings
  holdHome(home)
  const log = createLog(settings.log, { terminal: process.stderr.isTTY, shared: true }).child({ process: number })
  const told = complaintsTo(log)
  undo.push(keepGoing(told.failed))
  const trace = createTraceRecorder({
    home, settings: settings.trace, warn: (message) => log.warn(message), sink: pipeSink(new Socket({ fd: TRACE_FD })),
  })
  undo.push(() => trace.close())
  const runDirectory = join(home, 'run', `process-${number}`)
  makeDirectory(home, runDirectory)
  const listeners: Listener[] = []
  const house = await openHouse({
    settings, undo, log, runDirectory, listeners, lead, tickets: () => tickets,
    onLoaded: () => tell(), onFailed: () => tell(),
  })
  const { reloader } = house
  if (reloader === undefined) {
    channel.sendNow({ notice: 'failed', reasons: house.problems.map(({ file, reason, mend }) => `${file}: ${reason} (${mend})`) })
    return finish(1)
  }
  const sessions = sessionsOf(house, reloader, {
    settings, trace, log, failed: told.failed, connections, throttle, pepper: Buffer.from(pepper, 'base64'), process: mark, accepted: handOver,
  })
  listeners.push(...await bindAll(settings.listeners, (listener) => admitTo(listener, sessions), told,
    settings.listeners.map((_, index) => FIRST_LISTENER_FD + index)))
  house.apply()
  applyTickets = house.apply
  finishSessions = () => finishAll(listeners)
  look = async () => {
    await reloader.latest()
    tell()
  }
  problems = () => reloader.lastFailure?.problems ?? []

  function tell(): void {
    const resting = pluginsOf(reloader!.current, new Set()).filter(({ state }) => state === 'resting').map(lineKey)
    channel.send({ notice: 'state', state: { sessions: countSessions(listeners), generation: reloader!.current.number, resting } })
  }
  const telling = setInterval(tell, TELL_MS)
  undo.push(() => clearInterval(telling))
  tell()
  channel.sendNow({ notice: 'ready' })
}

/** The file is in the queue, synced: the main process delivers it. What this process dies before saying is found by its mark. */
function handOver(id: string, { reversePath, recipients, sessionId, receivedAt }: QueuedEnvelope, size: number): void {
  const envelope = { reversePath, recipients, sessionId, receivedAt }
  if (JSON.stringify(envelope).length > MOST_ENVELOPE) channel.send({ notice: 'stored', id })
  else channel.send({ notice: 'accepted', id, size, envelope })
}

function lead(): Promise<Lead> {
  return new Promise((resolve) => {
    const ask = ++lastAsk
    leads.set(ask, resolve)
    channel.send({ notice: 'lead', ask })
  })
}

/** Counted by the main process, for all. */
const connections: ConnectionCount = {
  take: (ip, { connections, allConnections, ipv4Network, ipv6Network }) => new Promise((resolve) => {
    const ask = ++lastAsk
    takes.set(ask, (full) => resolve(full ?? once(() => channel.send({ notice: 'release', taken: ask }))))
    channel.sendNow({ notice: 'take', ask, network: networkOf(ip, ipv4Network, ipv6Network), most: { connections, allConnections } })
  }),
}

/** Likewise. */
const throttle: Throttle = {
  begin: (guess) => new Promise((resolve) => {
    const ask = ++lastAsk
    tries.set(ask, ({ wait, counted, sieges }) => {
      const end = once((notice: 'right' | 'wrong' | 'undo') => channel.send({ notice, counted }))
      resolve({ wait, ...sieges && { sieges }, right: () => end('right'), wrong: () => end('wrong'), undo: () => end('undo') })
    })
    channel.sendNow({ notice: 'try', ask, guess })
  }),
}

function once<A extends readonly unknown[]>(work: (...args: A) => void): (...args: A) => void {
  let done = false
  return (...args) => {
    if (done) return
    done = true
    work(...args)
  }
}

/** Lets sessions finish, closes what stands behind them, and ends. Twice does no harm. */
function finish(status = 0): Promise<void> {
  finishing ??= (async () => {
    await finishSessions()
    for (const step of undo.toReversed()) await step()
    process.exit(status)
  })()
  return finishing
}
