import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'node:test'
import { inlineLine, type InlineOptions } from '../../core/host/runtimes/inline.ts'
import type { HookRequest, Line, RunResult } from '../../core/host/types.ts'
import {
  changeReversePath, count, definePlugin, DeliveryError, error, header, insertField, ok, WorldUnavailable,
  type Hook, type MessageContext, type Plugin,
} from '../../core/plugin/index.ts'
import { createWorld, type WorldOptions } from '../../core/world/real.ts'
import { entryOf, requestOf } from './runtimes-kit.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'

const UNASKED = noAccounts(() => Promise.reject(new Error('this is not asked here')))

const account = { login: 'u', domain: 'local.example', home: '/mail/u', maildir: '/mail/u/Maildir', quota: 0, active: true }

interface Given extends Partial<InlineOptions> {
  readonly text?: string
  readonly facts?: Partial<WorldOptions>
}

function line(plugin: Plugin, hook: Hook, given: Given = {}): Line {
  const section = hook === 'message' || hook === 'deliver' ? `+${hook}` : hook
  const { text = plugin.name, facts, ...options } = given
  return inlineLine({
    entry: entryOf(section, text), file: 'control/smtpplugins', plugin, control: {}, log: { info: () => undefined, warn: () => undefined },
    world: createWorld({
      accounts: { ...UNASKED, find: () => Promise.resolve(account), hasDomain: () => Promise.resolve(false) },
      mailbox: { deliver: () => Promise.resolve('new/1') }, clock: () => 1000, random: () => 0.25, ...facts,
    }),
    ...options,
  })
}

/** A plugin of one handler. */
function plugin(hook: Hook, handler: (context: never) => unknown, more: Partial<Plugin> = {}): Plugin {
  return { name: 'tested', summary: 'Tested.', [hook]: handler, ...more } as Plugin
}

const run = (handler: (context: never) => unknown, hook: Hook = 'rcpt', more: Partial<Plugin> = {}): RunResult | Promise<RunResult> =>
  line(plugin(hook, handler, more), hook).run(requestOf(hook))

test('a handler that answers at once is answered at once', () => {
  const refuse = error('550 no')
  assert.deepEqual(run(() => refuse), { commands: [refuse] })
  assert.deepEqual(run(() => [header('X-A: 1'), refuse]), { commands: [header('X-A: 1'), refuse] })
  assert.deepEqual(run(() => undefined), { commands: [] })
})

test('a handler that promises', async () => {
  const asked = run(() => Promise.resolve(ok()))
  assert.ok(asked instanceof Promise)
  assert.deepEqual(await asked, { commands: [ok()] })
})

test('edits are an answer of +message alone', () => {
  const edits = [insertField('X-A', '1'), changeReversePath('')]
  assert.deepEqual(run(() => [edits[0], ok(), edits[1]], 'message'), { commands: [ok()], edits })
  assert.equal((run(() => edits, 'rcpt') as RunResult).fault?.kind, 'bad-command')
})

test('answers that are no commands', () => {
  const answers = [null, 'E550 no', 0, false, {}, { kind: 'E' }, { kind: 'X', text: '' }, [[ok()]], { kind: 'S', name: 'A' }, [ok(), undefined]]
  for (const answer of answers) {
    const result = run(() => answer) as RunResult
    assert.equal(result.fault?.kind, 'bad-command', JSON.stringify(answer))
    assert.deepEqual(result.commands, [])
  }
})

test('what a handler throws is a failure and never thrown on', async () => {
  const faults = async (thrown: unknown, hook: Hook = 'rcpt'): Promise<readonly unknown[]> => {
    const results = [run(() => { throw thrown }, hook), await run(() => Promise.reject(thrown as Error), hook)] as RunResult[]
    assert.deepEqual(results[0], results[1])
    return [results[0]!.fault?.kind ?? results[0]!.commands, results[0]!.fault?.detail]
  }
  assert.deepEqual(await faults(new Error('oops')), ['threw', 'oops'])
  assert.deepEqual(await faults('text'), ['threw', 'text'])
  assert.deepEqual(await faults(new WorldUnavailable('no database')), ['unavailable', 'no database'])
  assert.deepEqual(await faults(new DeliveryError('451 full'), 'deliver'), [[error('451 full')], undefined])
  assert.deepEqual(await faults(new DeliveryError('451 full'), 'rcpt'), ['threw', '451 full'])
})

test('settings are read when looked at', async () => {
  const tarpit = definePlugin({
    name: 'tarpit', summary: 'T.', settings: { TARPITCOUNT: count('recipients'), TARPITDELAY: count('seconds') },
    rcpt: ({ settings }) => settings.TARPITDELAY === undefined ? undefined : error(`450 ${settings.TARPITDELAY} ${settings.TARPITCOUNT}`),
  })
  const asked = line(tarpit as unknown as Plugin, 'rcpt')
  const commands = async (env: Record<string, string>): Promise<RunResult> => asked.run(requestOf('rcpt', { env }))
  assert.deepEqual((await commands({ TARPITCOUNT: 'x' })).commands, [])
  assert.deepEqual((await commands({ TARPITCOUNT: 'x', TARPITDELAY: '1' })).fault, {
    kind: 'threw', detail: 'TARPITCOUNT: "x" is not a whole number (write digits only, such as 10)',
  })
  assert.deepEqual((await commands({ TARPITCOUNT: '7', TARPITDELAY: '1' })).commands, [error('450 1 7')])
  assert.deepEqual((await commands({ TARPITDELAY: '2' })).commands, [error('450 2 undefined')])
})

test('the context is what the request is', () => {
  const request = requestOf('rcpt')
  const seen: unknown[] = []
  line(plugin('rcpt', ({ session, control, settings, world, signal, message }: MessageContext) => {
    seen.push(session, control, settings, world.now(), signal.aborted, message)
  }), 'rcpt', { control: { badhelo: 1 } }).run(request)
  assert.deepEqual(seen, [request.session, { badhelo: 1 }, {}, 1000, false, undefined])
})

test('facts are recorded in the trace', async () => {
  const request = requestOf('rcpt')
  const asks = plugin('rcpt', async ({ world }: { world: ReturnType<ReturnType<typeof createWorld>['forRequest']> }) => {
    await world.accounts.find('u@local.example')
    await world.accounts.hasDomain('far.example')
    return [world.now(), world.now(), world.random()].map(String).map((text) => header(`X: ${text}`))
  })
  const result = await line(asks, 'rcpt').run(request)
  assert.deepEqual(result.commands, [header('X: 1000'), header('X: 1000'), header('X: 0.25')])
  assert.deepEqual(request.events.map((event) => event.event === 'fact' ? [event.plugin, event.question, event.answer] : event), [
    ['tested', 'accounts.find u@local.example', 'u@local.example'], ['tested', 'accounts.hasDomain far.example', 'false'],
    ['tested', 'now', '1000'], ['tested', 'random', '0.25'],
  ])
})

test('the time is up: the signal is aborted and nobody waits for the answer', async () => {
  let signal: AbortSignal | undefined
  const hangs = plugin('rcpt', (context: { signal: AbortSignal }) => { signal = context.signal; return new Promise(() => {}) })
  const result = await line(hangs, 'rcpt', { text: '@timeout=20ms tested' }).run(requestOf('rcpt'))
  assert.deepEqual(result, { commands: [], fault: { kind: 'timed-out', detail: 'no answer after 0.02 s' } })
  assert.equal(signal!.aborted, true)
})

test('the time is up as well where an answer of the handler\'s own kind leads to a promise that never ends', async () => {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what some plugin may answer
  const leads = plugin('rcpt', () => ({ then: (told: (later: unknown) => void) => told(new Promise(() => {})) }))
  const result = await line(leads, 'rcpt', { text: '@timeout=20ms tested' }).run(requestOf('rcpt'))
  assert.equal(result.fault?.kind, 'timed-out')
  // oxlint-disable-next-line unicorn/no-thenable
  const throws = plugin('rcpt', () => ({ then: () => { throw new Error('never') } }))
  assert.equal((await line(throws, 'rcpt').run(requestOf('rcpt'))).fault?.kind, 'threw')
})

test('sleeping does not count against the time, thinking afterwards does', async () => {
  const needs = ['sleep'] as const
  type Sleeper = { world: { sleep(seconds: number): Promise<void> } }
  const slow = plugin('rcpt', async ({ world }: Sleeper) => {
    await Promise.all([world.sleep(0.3), world.sleep(0.1)])
    return ok()
  }, { needs })
  assert.deepEqual(await line(slow, 'rcpt', { text: '@timeout=50ms tested' }).run(requestOf('rcpt')), { commands: [ok()] })
  const slower = plugin('rcpt', async ({ world }: Sleeper) => {
    await world.sleep(0.01)
    await wait(60_000, undefined, { ref: false })
  }, { needs })
  const result = await line(slower, 'rcpt', { text: '@timeout=50ms tested' }).run(requestOf('rcpt'))
  assert.equal(result.fault?.kind, 'timed-out')
})

test('a client that leaves ends the sleep and the wait', async () => {
  const sleeps = ({ world }: MessageContext): Promise<void> => world.sleep(1000)
  for (const handler of [sleeps, () => new Promise(() => {})]) {
    const leaving = new AbortController()
    for (const when of ['at once', 'later']) {
      const left = when === 'at once' ? leaving : new AbortController()
      const asked = line(plugin('rcpt', handler, { needs: ['sleep'] }), 'rcpt').run(requestOf('rcpt', { signal: left.signal }))
      if (when === 'later') await new Promise((resolve) => { setImmediate(resolve) })
      left.abort()
      assert.equal((await asked).fault?.kind, 'unavailable')
    }
    const late = await line(plugin('rcpt', handler, { needs: ['sleep'] }), 'rcpt').run(requestOf('rcpt', { signal: leaving.signal }))
    assert.equal(late.fault?.kind, 'unavailable')
  }
})

test('effects that were not declared are refused', async () => {
  const sleeps = await run(({ world }: { world: { sleep(seconds: number): Promise<void> } }) => world.sleep(0))
  assert.deepEqual(sleeps.fault, {
    kind: 'threw', detail: 'the plugin uses the effect "sleep" without declaring it (add needs: [\'sleep\'])',
  })
})

test('takes is asked with the domain, and fails as the plugin fails', async () => {
  const takes = (context: { world: object }, domain: string): boolean => {
    if (domain === 'broken') throw new WorldUnavailable('no database')
    return context.world !== undefined && domain === 'local.example'
  }
  const asked = line(plugin('deliver', () => ok(), { takes } as Partial<Plugin>), 'deliver')
  const request: HookRequest = requestOf('deliver')
  assert.equal(asked.takes!(request, 'local.example'), true)
  assert.equal(asked.takes!(request, 'far.example'), false)
  assert.throws(() => asked.takes!(request, 'broken'), WorldUnavailable)
  assert.equal(line(plugin('deliver', () => ok()), 'deliver').takes, undefined)
})

test('a line is called as it says, else as its plugin', () => {
  const { name, text, runtime, file, number } = line(plugin('rcpt', () => ok()), 'rcpt', { text: '@name=mine tested.php' })
  assert.deepEqual({ name, text, runtime, file, number }, {
    name: 'mine', text: 'tested.php', runtime: 'inline', file: 'control/smtpplugins', number: 2,
  })
  assert.equal(line(plugin('rcpt', () => ok()), 'rcpt', { text: 'tested.php' }).name, 'tested')
})

test('the log of a server has the session and the line, and says of one in shadow that it is not obeyed', () => {
  const said: unknown[] = []
  const log: InlineOptions['log'] = { info: (message, fields) => said.push([message, fields]), warn: (message, fields) => said.push([message, fields]) }
  const refuses = plugin('rcpt', ({ log: own }: MessageContext) => { own.info('refused', { pattern: 'x', line: 'its own', session: 'its own' }) })
  void line(refuses, 'rcpt', { log }).run(requestOf('rcpt'))
  void line(refuses, 'rcpt', { log, bySession: true }).run(requestOf('rcpt'))
  const entry = entryOf('rcpt', 'tested')
  void line(refuses, 'rcpt', { log, bySession: true, entry: { ...entry, options: { ...entry.options, shadow: true } } }).run(requestOf('rcpt'))
  const about = { session: requestOf('rcpt').session.id, line: `control/smtpplugins:${entry.line} tested`, pattern: 'x' }
  assert.deepEqual(said, [['refused', { pattern: 'x', line: 'its own', session: 'its own' }], ['refused', about], ['in shadow, not obeyed: refused', about]])
})
