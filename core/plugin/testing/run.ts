import { isFinal, type Command } from '../../../protocol/spp/command.ts'
import { checkCommand, trimTrailingCr } from '../../../protocol/spp/harden.ts'
import { printCommand } from '../../../protocol/spp/output.ts'
import { readAnswer } from '../../host/runtimes/answer.ts'
import { settingsReader } from '../../host/runtimes/settings.ts'
import type { Fault, RunResult } from '../../host/types.ts'
import type { ControlShape } from '../control.ts'
import type { Edit } from '../message.ts'
import type { Hook, Log, MessageContext, Plugin } from '../plugin.ts'
import type { SettingsShape, SettingValues } from '../settings.ts'
import { DeliveryError, WorldUnavailable } from '../world.ts'
import { readControl } from './control.ts'
import type { Fact } from './facts.ts'
import { testMessage, type TestMessage } from './message.ts'
import { testSession, type Environment, type SessionFields } from './session.ts'
import { fakeWorld, type Delivered, type FakeWorld, type WorldOptions } from './world.ts'

export interface TestOptions extends Omit<WorldOptions, 'effects'> {
  readonly hook: Hook
  readonly session?: SessionFields
  /** Variables on top of those the session implies: the plugin's settings, or `SMTP…` values that differ. */
  readonly env?: Environment
  /** Contents of the control files the plugin declares, by name; one not given is missing. */
  readonly control?: Readonly<Record<string, string>>
  /** The message of the `+` hooks, in queue form (lines ended by LF). */
  readonly message?: string | Uint8Array
}

export interface TestResult {
  /** As the host would take them: nothing after the first command that ends a plugin's answer. */
  readonly commands: readonly Command[]
  readonly edits: readonly Edit[]
  readonly facts: readonly Fact[]
  /** Seconds. */
  readonly slept: number
  readonly delivered: readonly Delivered[]
  readonly logged: readonly LoggedLine[]
  /** How the run failed, when it did: there are no commands and edits then. */
  readonly fault?: Fault
}

export interface LoggedLine {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * Asks one handler of a plugin, with no server, clock or network around it.
 *
 * @throws Error when the test itself is wrong: no handler for the hook, a control file that would not load
 * @example
 * const { commands } = await testPlugin(maxrcpts, { hook: 'rcpt', env: { MAXRECIPIENTS: '0' } })
 * assert.deepEqual(commands, [error('550 sorry, too many recipients (#5.7.1)')])
 */
export async function testPlugin<S extends SettingsShape, C extends ControlShape>(
  plugin: Plugin<S, C>, options: TestOptions,
): Promise<TestResult> {
  const { hook } = options
  const handler = plugin[hook] as ((context: MessageContext<S, C>) => unknown) | undefined
  if (handler === undefined) throw new Error(`the plugin ${plugin.name} has no handler for the hook "${hook}"`)
  const { context, fake, logged, message } = setStage(plugin, options)
  try {
    const outcome = take(hook, await run(hook, () => handler(context)))
    return { ...outcome, facts: fake.facts, slept: fake.slept(), delivered: fake.delivered, logged }
  } finally {
    await message.dispose()
  }
}

/** Asks a plugin's `takes`: would its `deliver` take this domain? A plugin that delivers and has no `takes` takes every domain. */
export async function testTakes<S extends SettingsShape, C extends ControlShape>(
  plugin: Plugin<S, C>, domain: string, options: Omit<TestOptions, 'hook' | 'message'> = {},
): Promise<boolean> {
  if (plugin.takes === undefined) return plugin.deliver !== undefined
  return plugin.takes(setStage(plugin, { ...options, hook: 'rcpt' }).context, domain)
}

/** Asks a plugin's `selfTest`: what is wrong with what these settings name? */
export async function testSelfTest<S extends SettingsShape, C extends ControlShape>(
  plugin: Plugin<S, C>, options: Omit<TestOptions, 'hook' | 'message'> = {},
): Promise<readonly string[]> {
  return await plugin.selfTest?.(setStage(plugin, { ...options, hook: 'connection' }).context) ?? []
}

interface Stage<S extends SettingsShape, C extends ControlShape> {
  readonly context: MessageContext<S, C>
  readonly fake: FakeWorld
  readonly message: TestMessage
  readonly logged: readonly LoggedLine[]
}

function setStage<S extends SettingsShape, C extends ControlShape>(plugin: Plugin<S, C>, options: TestOptions): Stage<S, C> {
  const fake = fakeWorld({ ...options, effects: plugin.needs ?? [] })
  const message = testMessage(options.message)
  const logged: LoggedLine[] = []
  const session = testSession(options.hook, options.session, options.env)
  const context = {
    session,
    settings: settingsReader(plugin)(session.env) as SettingValues<S>,
    control: readControl(plugin, options.control ?? {}),
    world: fake.world,
    log: logInto(logged),
    signal: fake.signal,
    message,
  }
  return { context, fake, message, logged }
}

function logInto(logged: LoggedLine[]): Log {
  const at = (level: LoggedLine['level']): Log['info'] => (message, fields = {}) => void logged.push({ level, message, fields })
  return { info: at('info'), warn: at('warn') }
}

/** As the host runs a handler in its own process. */
async function run(hook: Hook, handler: () => unknown): Promise<RunResult> {
  try {
    return readAnswer(await handler(), hook)
  } catch (failure) {
    if (failure instanceof DeliveryError && hook === 'deliver') return { commands: [{ kind: 'E', text: failure.text }] }
    const detail = failure instanceof Error ? failure.message : String(failure)
    return { commands: [], fault: { kind: failure instanceof WorldUnavailable ? 'unavailable' : 'threw', detail } }
  }
}

/** As a listener that is not in compat mode takes it: a command that no client should be sent is the plugin's fault. */
function take(hook: Hook, result: RunResult): Pick<TestResult, 'commands' | 'edits' | 'fault'> {
  if (result.fault !== undefined) return { commands: [], edits: [], fault: result.fault }
  const commands = result.commands.map(trimTrailingCr)
  for (const command of commands) {
    const reason = checkCommand(command, hook)
    if (reason === undefined) continue
    return { commands: [], edits: [], fault: { kind: 'bad-command', detail: `${printCommand(command)}: ${reason}` } }
  }
  const last = commands.findIndex(isFinal)
  return { commands: last === -1 ? commands : commands.slice(0, last + 1), edits: result.edits ?? [] }
}
