/** Runs the cases of a test file against one plugin, whatever it is written in: no server, network or clock. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Control } from '../../config/control.ts'
import type { Settings } from '../../config/settings.ts'
import { checkCommand, trimTrailingCr } from '../../protocol/spp/harden.ts'
import { printCommand } from '../../protocol/spp/output.ts'
import { bytesOf } from '../../protocol/text.ts'
import { givenTo, type Expected, type Given, type Transcript } from '../../protocol/spp/transcript.ts'
import { printExpected } from '../../protocol/spp/transcript-print.ts'
import type { Hook, Plugin } from '../plugin/plugin.ts'
import { testMessage } from '../plugin/testing/message.ts'
import { testPlugin } from '../plugin/testing/run.ts'
import { fakeWorld, testMemory, type TestMemory } from '../plugin/testing/world.ts'
import { testSession } from '../plugin/testing/session.ts'
import { SEARCH_PATH } from '../../protocol/spp/environment.ts'
import type { SessionTrace } from '../trace/types.ts'
import { noAccounts } from '../world/no-accounts.ts'
import { createWorld } from '../world/real.ts'
import type { Fault, RunResult } from '../host/types.ts'
import { answerLines } from './answer-lines.ts'
import { fakeDnsOf } from './given-dns.ts'
import { sessionFields } from './given-session.ts'
import { openLab, type Lab, type Logged } from './lab.ts'
import type { Target } from './target.ts'

export interface CaseResult {
  /** Of the case in its file, 1-based. */
  readonly line: number
  readonly title: string
  readonly passed: boolean
  /** Lines as the file has them. */
  readonly expected: readonly string[]
  readonly got: readonly string[]
  /** What may help: details of a fault, facts that were asked, what was logged. */
  readonly remarks: readonly string[]
}

export interface TestPlace {
  readonly settings: Pick<Settings, 'home' | 'replyDialect'>
  readonly control: Control
}

/** Milliseconds a plugin may take where the case says nothing. */
const DEFAULT_TIMEOUT_MS = 10_000
/** Seconds: the longest that can be asked for. */
const LONGEST_MEMORY = 366 * 86_400

/**
 * Asks the plugin about each case, one after the other. A plugin in TypeScript is asked in this process, in a world that
 * knows what the case says and nothing else; a program is started in a home of its own that holds the case's control
 * files and the real home's plugins. Rejects with HeliosError when the plugin does not load.
 */
export async function runTranscript(transcript: Transcript, target: Target, place: TestPlace): Promise<readonly CaseResult[]> {
  const subject = target.kind === 'module' ? await moduleSubject(target, place) : await programSubject(target, place)
  try {
    const results: CaseResult[] = []
    for (const each of transcript.cases) {
      const given = givenTo(transcript, each)
      const outcome = await subject.ask(given).catch((cause: unknown): Outcome => ({
        answer: [], remarks: [], impossible: cause instanceof Error ? cause.message : String(cause),
      }))
      results.push(compare(each.line, each.title ?? `hook ${given.hook}`, each.expected, outcome))
    }
    return results
  } finally {
    await subject.close()
  }
}

interface Outcome extends Omit<Expected, 'fault'> {
  readonly fault?: Fault
  readonly remarks: readonly string[]
  /** Why the plugin could not be asked: the test itself is wrong. */
  readonly impossible?: string
}

interface Subject {
  /** Rejects when the case cannot be put to this plugin. */
  ask(given: Given): Promise<Outcome>
  close(): Promise<void>
}

function compare(line: number, title: string, expected: Expected, outcome: Outcome): CaseResult {
  const { answer, fault, slept, delivered, impossible } = outcome
  const wanted = printExpected(expected)
  const got = impossible !== undefined ? [`(not asked: ${impossible})`] : printExpected({
    answer,
    ...(fault === undefined ? {} : { fault: expected.fault === 'any' ? 'any' : fault.kind }),
    // What the case does not mention is not looked at; a program's effects cannot be seen.
    ...(expected.slept === undefined ? {} : { slept: slept ?? expected.slept }),
    ...(expected.delivered === undefined ? {} : { delivered: delivered ?? expected.delivered }),
  })
  const passed = wanted.length === got.length && wanted.every((text, index) => text === got[index])
  const remarks = fault === undefined ? outcome.remarks : [`${fault.kind}: ${fault.detail}`, ...outcome.remarks]
  return { line, title, passed, expected: wanted, got, remarks }
}

/** A plugin in this process. Whoever tests a plugin trusts it, so what its line of the list says does not matter here. */
async function moduleSubject(target: Target, { settings, control }: TestPlace): Promise<Subject> {
  const lab = await openLab({ settings, control: withoutFiles(control), world: NO_WORLD })
  try {
    const plugin = await lab.trusted(target)
    return { ask: (given) => askModule(plugin, given), close: async () => undefined }
  } finally {
    await lab.close()
  }
}

async function askModule(plugin: Plugin, given: Given): Promise<Outcome> {
  const env = Object.fromEntries(given.env)
  const hook = given.hook as Hook
  const run = testPlugin(plugin, {
    memory: await remembered(given), hook, env, session: sessionFields(hook, env, given.accepted), control: Object.fromEntries(given.control),
    accounts: {
      mailboxes: given.accounts.map(({ address, inactive, quota = 0 }) => ({ address, active: inactive !== true, quota })),
      domains: given.domains, ...(given.accountsUnavailable === true ? { unavailable: 'the accounts cannot be asked' } : {}),
    },
    dns: fakeDnsOf(given.dns),
    ...(given.now === undefined ? {} : { now: given.now }), ...(given.random === undefined ? {} : { random: given.random }),
    ...(given.leaves === undefined ? {} : { clientLeavesAfter: given.leaves }),
    ...(given.message === undefined ? {} : { message: given.message }),
  })
  const timeoutMs = given.timeout ?? DEFAULT_TIMEOUT_MS
  const result = await before(timeoutMs, run)
  if (result === undefined) {
    return { answer: [], remarks: [], fault: { kind: 'timed-out', detail: `no answer after ${timeoutMs / 1000} s` } }
  }
  const { facts, logged, fault } = result
  return {
    answer: answerLines(result), slept: result.slept,
    delivered: result.delivered.map(({ account }) => `${account.login}@${account.domain}`),
    ...(fault === undefined ? {} : { fault }),
    remarks: [...facts.map(({ question, answer }) => `asked ${question}: ${answer}`), ...logged.map(said)],
  }
}

/** What the plugin remembers from before. */
async function remembered({ counted, stored, storeUnavailable, now }: Given): Promise<TestMemory> {
  if (storeUnavailable === true) return testMemory({ unavailable: 'the store cannot be asked' })
  const memory = testMemory()
  const { world } = fakeWorld({ memory, ...(now === undefined ? {} : { now }) })
  for (const { key, amount, seconds } of counted) await world.counters.add(key, seconds, { amount })
  for (const [key, value] of stored) await world.store.set(key, value, LONGEST_MEMORY)
  return memory
}

/** Undefined when it takes longer. */
async function before<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

/** A program, started anew for each case by the broker as a server would have it started. */
async function programSubject(target: Target, { settings, control }: TestPlace): Promise<Subject> {
  const home = await mkdtemp(join(tmpdir(), 'helios-plugin-test-'))
  await symlink(join(settings.home, 'plugins'), join(home, 'plugins'))
  const lab = await openLab({ settings: { ...settings, home }, control, world: NO_WORLD })
  return {
    async ask(given) {
      await rm(join(home, 'control'), { recursive: true, force: true })
      await mkdir(join(home, 'control'))
      for (const [name, content] of given.control) await writeFile(join(home, 'control', name), bytesOf(content))
      return askProgram(lab, target, given)
    },
    async close() {
      await lab.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function askProgram(lab: Lab, target: Target, given: Given): Promise<Outcome> {
  const hook = given.hook as Hook
  const env = Object.fromEntries(given.env)
  // By its real path: the test's home has only what the case says.
  const text = target.file ?? target.text
  const timeout = given.timeout ?? target.options.timeout ?? DEFAULT_TIMEOUT_MS
  const line = await lab.line({ ...target, text }, hook, { ...target.options, timeout })
  const saidBefore = lab.logged.length
  const message = hook === 'message' || hook === 'deliver' ? testMessage(given.message) : undefined
  try {
    const result = await line.run({
      hook, session: testSession(hook, sessionFields(hook, env, given.accepted), { PATH: SEARCH_PATH, ...env }),
      ...(message === undefined ? {} : { message }), signal: new AbortController().signal, trace: NO_TRACE,
    })
    return { ...hardened(result, hook), remarks: lab.logged.slice(saidBefore).map(said) }
  } finally {
    await message?.dispose()
  }
}

const NO_TRACE: SessionTrace = { id: 'test', add: () => undefined, flush: () => undefined }

/** As a listener that is not in compat mode takes it. */
function hardened(result: RunResult, hook: Hook): Pick<Outcome, 'answer' | 'fault'> {
  if (result.fault !== undefined) return { answer: [], fault: result.fault }
  const commands = result.commands.map(trimTrailingCr)
  for (const command of commands) {
    const reason = checkCommand(command, hook)
    if (reason !== undefined) return { answer: [], fault: { kind: 'bad-command', detail: `${printCommand(command)}: ${reason}` } }
  }
  return { answer: answerLines({ ...result, commands }) }
}

function said({ level, message }: Logged): string {
  return `${level === 'warn' ? 'warned' : 'said'}: ${message}`
}

/** The control files of a test come from its cases. */
function withoutFiles(control: Control): Control {
  return { ...control, read: () => undefined, unreadable: new Map() }
}

const nobody = (): Promise<never> => Promise.reject(new Error('a test has no world'))
const NO_WORLD = createWorld({ accounts: noAccounts(nobody), mailbox: { deliver: nobody } })
