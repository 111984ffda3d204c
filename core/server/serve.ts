/** The server: everything put together, started in order, stopped within a bound. */
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { readControl } from '../../config/control.ts'
import { accountsAreGone } from '../../config/places.ts'
import { printProblem, type Problem } from '../../config/problem.ts'
import type { Settings } from '../../config/settings.ts'
import { checkStore } from '../../config/store.ts'
import { controlDigests, ControlStamps } from '../../config/snapshot.ts'
import { printOptions } from '../../protocol/spp/options.ts'
import { mailRootOf } from '../accounts/domains.ts'
import { LOGINS } from '../accounts/logins.ts'
import { AccountStore } from '../accounts/store.ts'
import { bundledTables } from '../host/bundled.ts'
import { Broker } from '../host/children/broker.ts'
import { buildGeneration, type Generation } from '../host/generation.ts'
import { sectionName } from '../host/loader.ts'
import { Reloader } from '../host/reloader.ts'
import { SelfTests } from '../host/self-test.ts'
import { stopBundling } from '../host/runtimes/sandbox/bundle.ts'
import { startThrough } from '../host/runtimes/sandbox/program.ts'
import { Sandboxes } from '../host/runtimes/sandbox/sandboxes.ts'
import { createLog, type Logger } from '../log.ts'
import { createMailbox } from '../mailbox/deliver.ts'
import { createHomeMaker } from '../mailbox/home-maker.ts'
import { DirectorySync } from '../message/directory-sync.ts'
import { nodeFileSystem } from '../message/file-system.ts'
import { createSpool, type SpoolOptions } from '../message/spool.ts'
import type { DnsFacts } from '../plugin/dns.ts'
import { HOOKS, type Log } from '../plugin/plugin.ts'
import { Queue } from '../queue/queue.ts'
import type { AuthOffer } from '../smtp/auth.ts'
import { LoginThrottle } from '../smtp/login-throttle.ts'
import { createTraceRecorder } from '../trace/recorder.ts'
import { loadListenerCertificates, type ListenerCertificates } from '../tls/listeners.ts'
import { newTicketSecret, TICKET_DAY_MS, type TicketSecret } from '../tls/tickets.ts'
import { openDns } from '../world/dns.ts'
import { createWorld } from '../world/real.ts'
import { storeProblems } from '../world/store/check.ts'
import { openStore } from '../world/store/store.ts'
import { nameFrom } from './names.ts'
import { keepPepper, pepperOf } from './pepper.ts'
import { complaintsTo } from './complaints.ts'
import { deliverer } from './delivery.ts'
import { demoLines } from './demo.ts'
import { NeedsRestart } from './needs-restart.ts'
import { Connections } from './limits.ts'
import { ownFront, STOP_SECONDS, type Behind, type Front } from './front.ts'
import type { Listener } from './listeners.ts'
import { earlierProcessesGone, lockHome } from './lock.ts'
import { fleetFront } from './processes/fleet.ts'
import type { Lead } from './processes/wire.ts'
import type { SessionDeps } from './sessions.ts'
import { watchFiles } from './watch.ts'
import { StatusFile, type PluginStatus, type ServerStatus } from './status-file.ts'
import { serverUser } from './user.ts'

export interface ServeIo {
  out(line: string): void
  err(line: string): void
}

/** What ends the parts of a server again, last first. */
export type Undo = (() => void | Promise<void>)[]

/**
 * Runs the server of a home until SIGTERM or SIGINT. Resolves with the exit status: 0 after a stop, 1 when what the
 * operator wrote keeps it from starting, or another server has taken the home. Rejects with HeliosError where the system does.
 */
export async function serve(settings: Settings, io: ServeIo): Promise<number> {
  const stopping = stopSignal()
  const undo: Undo = []
  try {
    const running = await start(settings, io, undo)
    if (running === undefined) return 1
    for (const line of running.hello) io.out(line)
    const reason = await Promise.race([stopping, running.lost])
    running.log.info({ reason }, 'stopping')
    return reason === LOST ? 1 : 0
  } finally {
    for (const step of undo.toReversed()) await step()
  }
}

/** Why it stops where another server has taken the home. */
const LOST = 'another server'

interface Running {
  readonly log: Logger
  /** Once another server has taken the home. */
  readonly lost: Promise<typeof LOST>
  readonly hello: readonly string[]
}

async function start(settings: Settings, io: ServeIo, undo: Undo): Promise<Running | undefined> {
  const { home } = settings
  const user = serverUser(settings)
  const lock = user.as(() => lockHome(home))
  undo.push(() => lock.release())
  const log = createLog(settings.log, { terminal: process.stderr.isTTY, shared: settings.workers > 1 })
  const told = complaintsTo(log)
  undo.push(keepGoing(told.failed))

  await earlierProcessesGone(home, user)
  const front = settings.workers === 1 ? await ownFront(settings, told) : await fleetFront(settings)
  undo.push(() => front.close())
  user.become()
  if (process.getuid?.() === 0 && settings.user === undefined) log.warn('this server runs as root: name an unprivileged "user" in the settings, and give it the home')
  const accountsGone = await accountsAreGone(home)
  const behind = await assemble(settings, io, undo, front, log, told.failed)
  if (behind === undefined) return undefined
  if (accountsGone && behind.reloader.current.control.qmailconfig.driver === 'sqlite') {
    log.warn('helios.db was missing, although mail/ has mailboxes, and an empty one was made: nobody has an account (stop the server and restore the file from a backup, or add the users again)')
  }
  const lost = new Promise<typeof LOST>((resolve) => {
    const madeAnew = (): void => {
      try {
        keepPepper(home, behind.sessions.authentication.pepper)
      } catch (cause) {
        log.warn({ err: cause }, 'run/pepper cannot be written again')
      }
      const restart = settings.workers === 1 ? '' : ' (restart this one when you can: the lock of its processes is not made anew, if all of run/ was removed)'
      log.warn(`run/lock was removed, and made anew: it is in use, and no other server may start in this home${restart}`)
    }
    lock.watch(madeAnew, (why) => {
      log.error(`run/lock was removed, and ${why.message}: this one stops, for two would deliver each message twice`)
      resolve(LOST)
    })
  })
  await front.begin(behind)
  const { addresses } = front
  log.info({ home, generation: behind.reloader.current.number, listeners: addresses.map(({ address }) => address) }, 'ready')
  return { log, lost, hello: [...addresses.map(({ service, address }) => `listening ${service} ${address}`), ...demoLines(home, addresses)] }
}

async function assemble(
  settings: Settings, io: ServeIo, undo: Undo, front: Front, log: Logger, failed: SessionDeps['failed'],
): Promise<Behind | undefined> {
  const { home } = settings
  const trace = createTraceRecorder({ home, settings: settings.trace, warn: (message) => log.warn(message) })
  undo.push(() => trace.close())
  let reloadsDone = 0
  let tickets = newTicketSecret()
  const house = await openHouse({
    settings, undo, listeners: front.listeners, log, runDirectory: join(home, 'run'), tickets: () => tickets,
    onLoaded: (generation, problems) => {
      front.loaded(generation)
      log.info({ generation: generation.number }, 'reloaded')
      for (const problem of problems) log.warn(printProblem(problem))
      status?.write()
    },
    onFailed: (problems) => {
      log.error({ problems: problems.map(printProblem) }, `reload failed, the old generation goes on: ${printProblem(firstError(problems))}`)
      status?.write()
    },
  })
  const problems = [...house.problems, ...house.reloader === undefined ? [] : await storeProblems(settings, house.reloader.current.control)]
  for (const problem of problems) io.err(printProblem(problem))
  if (house.reloader === undefined || problems.some(({ severity }) => severity === 'error')) {
    io.err(`helios: not started: mend the errors above ("helios check" shows them again)`)
    return undefined
  }
  const { reloader, directories } = house

  const queue = await Queue.open({
    home, now: Date.now, log, trace, directories,
    deliver: deliverer({ generation: () => reloader.current, trace, log }),
    settings: {
      get lifetimeSeconds() { return reloader.current.control.queuelifetime },
      get concurrency() { return reloader.current.control.concurrencylocal },
    },
  })
  undo.push(() => queue.close(STOP_SECONDS * 1000))
  const startedAt = Date.now()
  const status: StatusFile | undefined = new StatusFile(home, () => ({
    pid: process.pid, startedAt,
    generation: { number: reloader.current.number, loadedAt: reloader.current.loadedAt },
    ...ifFailed(reloader.lastFailure ?? front.trouble()),
    files: house.files(), reloadsDone, needsRestart: house.needsRestart(),
    listeners: front.addresses,
    plugins: pluginsOf(reloader.current, front.resting()),
    queue: queue.status(),
    sessions: front.sessions(),
    ...ifWorkers(front.workers()),
  }))
  undo.push(() => status.close())
  const reload = (): void => {
    void reloader.latest().then(() => front.look()).finally(() => {
      house.lookForRestarts()
      reloadsDone += 1
      status.write()
    })
  }
  process.on('SIGHUP', reload)
  undo.push(() => { process.off('SIGHUP', reload) })
  undo.push(watchFiles([join(home, 'control'), join(home, 'plugins'), ...settings.file === undefined ? [] : [dirname(settings.file)]], () => {
    void reloader.latest().then(() => house.lookForRestarts())
  }))
  const renewing = setInterval(() => {
    tickets = newTicketSecret()
    house.apply()
    front.renewTickets(tickets)
  }, TICKET_DAY_MS)
  undo.push(() => clearInterval(renewing))
  // Sessions end before the queue closes.
  undo.push(() => front.close())
  const sessions = sessionsOf(house, reloader, {
    settings, trace, log, failed, connections: new Connections(), throttle: new LoginThrottle(() => performance.now()), pepper: pepperOf(home),
    accepted: (id, envelope, size) => queue.add(id, envelope, size),
  })
  return { log, house, reloader, queue, trace, sessions, tickets: () => tickets }
}

/** What is different about the processes of a server. */
export interface HouseOptions {
  readonly settings: Settings
  readonly undo: Undo
  readonly log: Logger
  /** Where programs that stay meet this process: no two processes share one. */
  readonly runDirectory: string
  /** What of a generation listeners go by is given to these. */
  readonly listeners: readonly Listener[]
  /** The one in force. */
  readonly tickets: () => TicketSecret
  /** Asks the process that this one follows; absent in the one that decides what is in force. */
  readonly lead?: () => Promise<Lead>
  readonly onLoaded: (generation: Generation, problems: readonly Problem[]) => void
  readonly onFailed: (problems: readonly Problem[]) => void
}

/** What every process that asks plugins has. */
export interface House {
  /** Undefined when what the operator wrote makes no generation. */
  readonly reloader: Reloader | undefined
  /** Of the first generation. */
  readonly problems: readonly Problem[]
  readonly dns: DnsFacts
  readonly directories: DirectorySync
  readonly accounts: AccountStore
  /** Digest of each control file as the generation read it. */
  files(): Readonly<Record<string, string>>
  /** What is looked at besides the control directory. */
  lists(): readonly string[]
  /** Gives listeners what they go by, of the generation in force: once they were added, and when there is a new secret for tickets. */
  apply(): void
  /** Tells of edits that only a restart takes up. */
  lookForRestarts(): void
  /** The files of such edits. */
  needsRestart(): readonly string[]
}

export async function openHouse({ settings, undo, log, runDirectory, listeners, tickets, lead, onLoaded, onFailed }: HouseOptions): Promise<House> {
  const { home } = settings
  const accounts = new AccountStore(home, [LOGINS, ...await bundledTables()])
  undo.push(() => accounts.close())
  const store = openStore(settings)
  undo.push(() => store.close())
  const broker = await Broker.start({ log: pluginLog(log), runDirectory })
  undo.push(() => broker.close())
  const sandboxes = new Sandboxes({ start: startThrough(broker, pluginLog(log)), log: pluginLog(log) })
  undo.push(stopBundling, () => sandboxes.close())

  const directories = new DirectorySync(nodeFileSystem)
  const dns = openDns(settings.dns)
  const mailRoot = (): string => mailRootOf(accounts.database)
  const program = (): string | undefined => accounts.database.config.homeProgram
  const world = createWorld({
    accounts: accounts.facts, dns, dnsBudget: settings.dns,
    tables: accounts.tables,
    mailbox: createMailbox({ mailRoot, host: hostname(), now: Date.now, log, directories, makeHome: createHomeMaker({ home, program, mailRoot, run: (job) => broker.run(job) }) }),
    store,
  })
  const selfTests = new SelfTests(world, (sentence) => log.warn(sentence))
  const certificates = new WeakMap<Generation, ListenerCertificates['certificates']>()
  const apply = (generation: Generation): void => {
    const own = certificates.get(generation) ?? []
    for (const [index, { engine }] of listeners.entries()) {
      engine.setTimeoutSeconds(generation.control.timeoutsmtpd)
      own[index]?.useTickets(tickets())
      if (own[index] !== undefined) engine.setCertificates(own[index])
    }
  }
  const use = (generation: Generation): void => {
    accounts.use(generation.control)
    store.use(generation.control.qmailconfig)
    apply(generation)
    // Once for a server, not for each of its processes.
    if (lead === undefined) void selfTests.run(generation)
  }
  let lists: readonly string[] = []
  let files: Readonly<Record<string, string>> = {}
  const settingsFile = settings.file === undefined ? [] : [settings.file]
  let trusted: readonly string[] = []
  const stamps = new ControlStamps(home)
  const needsRestart = new NeedsRestart(home, (message) => log.warn(message))
  const started = await Reloader.start({
    stamp: () => stamps.look(lists),
    build: async (next) => {
      const led = await lead?.()
      if (led?.settled === false) return { problems: [], unsettled: true }
      if (led?.failed === true) {
        // Said by the one that decides; what would mend it is looked at here as there.
        lists = led.files
        return { problems: [] }
      }
      const number = led?.number ?? next
      const { control, problems: found } = await readControl(home)
      const tls = await loadListenerCertificates(settings, control, Date.now())
      const problems = [...found, ...checkStore(settings, control), ...tls.problems]
      if (problems.some((problem) => problem.severity === 'error')) {
        lists = [...new Set([...lists, ...tls.files])]
        return { problems }
      }
      const built = await buildGeneration(control, {
        home, number, now: Date.now(), listRequired: number > 1,
        program: { broker, replyDialect: settings.replyDialect, log: pluginLog(log) },
        inline: { world, log: pluginLog(log), bySession: true }, sandboxes,
      })
      lists = [...built.files ?? lists, ...tls.files]
      trusted = built.trustedFiles ?? trusted
      if (lead === undefined) needsRestart.look([...settingsFile, ...trusted])
      if (built.generation !== undefined) {
        certificates.set(built.generation, tls.certificates)
        files = await controlDigests(home)
      }
      return { ...built, problems: [...problems, ...built.problems] }
    },
    onLoaded: (generation, problems) => {
      try {
        use(generation)
      } catch (cause) {
        log.error({ err: cause }, 'the accounts stay with the database that was open')
      }
      onLoaded(generation, problems)
      if (generation.number % COLLECT_EVERY === 0) collectGarbage()
    },
    onFailed,
  })
  const { reloader, problems } = started
  if (reloader !== undefined) use(reloader.current)
  collectGarbage()
  return {
    reloader, problems, accounts, dns, directories, files: () => files, lists: () => lists,
    apply: () => { if (reloader !== undefined) apply(reloader.current) },
    lookForRestarts: () => needsRestart.look([...settingsFile, ...trusted]),
    needsRestart: () => needsRestart.edited(),
  }
}

/** Generations, between two collections of what those before them left behind. */
const COLLECT_EVERY = 100

/**
 * Reading the code and the first generation leaves 15 MiB behind, and many reloads some more, which the engine would keep until it
 * needs the room. Stops the server for some 40 ms.
 */
function collectGarbage(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

export interface SessionOptions
  extends Pick<SessionDeps, 'trace' | 'log' | 'failed' | 'connections'>, Pick<SpoolOptions, 'accepted' | 'process'>, Pick<AuthOffer, 'throttle' | 'pepper'> {
  readonly settings: Settings
}

/** What the sessions of one process go by. */
export function sessionsOf(
  { accounts, dns, directories }: House, reloader: Reloader, { settings, accepted, process, throttle, pepper, ...rest }: SessionOptions,
): SessionDeps {
  const { home, limits } = settings
  return {
    ...rest, reloader, limits, accounts, userOf: (name) => accounts.userOf(name), logins: accounts.facts, nameOf: nameFrom(dns),
    authentication: {
      accounts: {
        login: (name, password) => accounts.login(name, password, { warn: (message) => rest.log.warn(message) }),
        secret: (name) => accounts.secret(name), identity: (name) => accounts.identity(name), addressOf: (name) => accounts.addressOf(name),
      },
      throttle, pepper,
    },
    spool: createSpool({ home, now: Date.now, log: rest.log, directories, accepted, ...(process === undefined ? {} : { process }) }),
  }
}

export function firstError(problems: readonly Problem[]): Problem {
  return problems.find((problem) => problem.severity === 'error') ?? problems[0]!
}

function ifFailed(failure: ServerStatus['lastFailedReload']): Pick<ServerStatus, 'lastFailedReload'> {
  return failure === undefined ? {} : { lastFailedReload: failure }
}

function ifWorkers(workers: ServerStatus['workers']): Pick<ServerStatus, 'workers'> {
  return workers === undefined ? {} : { workers }
}

/** What tells a line from every other of its generation. */
export function lineKey({ section, file, number }: Pick<PluginStatus, 'section' | 'file' | 'number'>): string {
  return `${section} ${file}:${number}`
}

/** @param resting those that rest in other processes */
export function pluginsOf(generation: Generation, resting: ReadonlySet<string>): PluginStatus[] {
  const list = generation.list(undefined)
  if (list === undefined) return []
  return HOOKS.flatMap((hook) => list.hardened[hook].map((line): PluginStatus => ({
    section: sectionName(hook), line: line.text, file: line.file, number: line.number, name: line.name, runtime: line.runtime,
    options: Object.keys(line.options).length === 0 ? '' : printOptions(line.options),
    state: (line.breaker !== undefined && line.breaker() !== 'closed') || resting.has(lineKey({ section: sectionName(hook), file: line.file, number: line.number })) ? 'resting' : line.options.shadow === true ? 'shadow' : 'enabled',
  })))
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
  })
}

/** What nobody caught is a defect to be mended, not a reason to drop everybody's mail. */
export function keepGoing(failed: (what: string, cause: unknown) => void): () => void {
  const uncaught = (cause: unknown): void => failed('a defect: nobody caught this', cause)
  process.on('uncaughtException', uncaught)
  process.on('unhandledRejection', uncaught)
  return () => {
    process.off('uncaughtException', uncaught)
    process.off('unhandledRejection', uncaught)
  }
}

/** pino takes the fields first, plugins and the host give the message first. */
function pluginLog(log: Logger): Log {
  return {
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
  }
}
