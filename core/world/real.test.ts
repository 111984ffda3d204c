import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeliveryError, WorldUnavailable, type Effect, type World } from '../plugin/world.ts'
import type { NewTraceEvent } from '../trace/types.ts'
import { createWorld, type WorldOptions } from './real.ts'
import { storeInMemory } from './store/in-memory.ts'
import { defineTable, type Table, type TableFacts } from '../plugin/table.ts'
import { noAccounts } from './no-accounts.ts'

const UNASKED = noAccounts(() => Promise.reject(new Error('this is not asked here')))

const account = { login: 'u', domain: 'local.example', home: '/mail/u', maildir: '/mail/u/Maildir', quota: 0, active: true }

function worldOf(given: {
  readonly needs?: readonly Effect[]
  readonly options?: Partial<WorldOptions>
  readonly signal?: AbortSignal
  readonly space?: string
  readonly tables?: readonly Table[]
} = {}) {
  const events: NewTraceEvent[] = []
  const sleeps: boolean[] = []
  const world: World = createWorld({
    accounts: { ...UNASKED, find: () => Promise.resolve(undefined), hasDomain: () => Promise.resolve(true) },
    mailbox: { deliver: () => Promise.resolve('new/1') }, ...given.options,
  }).forRequest({
    plugin: 'p', ...(given.space === undefined ? {} : { space: given.space }), needs: given.needs ?? [], tables: given.tables ?? [], signal: given.signal ?? new AbortController().signal,
    onSleep: (asleep) => void sleeps.push(asleep),
    trace: { id: 's', add: (event) => void events.push(event), flush: () => undefined },
  })
  const facts = (): readonly string[] => events.map((event) =>
    event.event === 'fact' ? `${event.plugin}: ${event.question} = ${event.answer}` : event.event)
  return { world, facts, sleeps }
}

test('answers are given on and recorded', async () => {
  const { world, facts } = worldOf({ needs: ['mailbox'] })
  assert.equal(await world.accounts.find('x@y'), undefined)
  assert.equal(await world.accounts.hasDomain('y'), true)
  assert.equal(await world.mailbox.deliver(account, {} as never, { reversePath: '', recipient: 'u@local.example' }), 'new/1')
  assert.deepEqual(facts(), ['p: accounts.find x@y = none', 'p: accounts.hasDomain y = true', 'p: mailbox.deliver u@local.example = new/1'])
})

test('a plugin reads the tables it declares, and what stands in them is not recorded', async () => {
  const COLOURS = defineTable({ name: 'colours', about: '', columns: { login: { text: 64 }, colour: 'text' }, key: ['login'] })
  const rows = [{ login: 'ann', colour: 'a secret' }]
  const tables: TableFacts = { find: async () => rows as never }
  const own = worldOf({ options: { tables }, tables: [COLOURS] })
  assert.deepEqual(await own.world.tables.find(COLOURS, { login: 'ann' }), rows)
  assert.deepEqual(own.facts(), ['p: tables.find colours {"login":"ann"} = 1 row'])
  await assert.rejects(worldOf({ options: { tables } }).world.tables.find(COLOURS, {}), /does not declare the table colours/)
  await assert.rejects(worldOf({ tables: [COLOURS] }).world.tables.find(COLOURS, {}), /no tables here/)
})

test('failures are given on and recorded', async () => {
  const { world, facts } = worldOf({
    needs: ['mailbox'],
    options: {
      accounts: { ...UNASKED, find: () => Promise.reject(new WorldUnavailable('locked')), hasDomain: () => { throw new TypeError('defect') } },
      mailbox: { deliver: () => Promise.reject(new DeliveryError('451 full')) },
    },
  })
  await assert.rejects(world.accounts.find('x@y'), WorldUnavailable)
  await assert.rejects(world.accounts.hasDomain('y'), TypeError)
  await assert.rejects(world.mailbox.deliver(account, {} as never, { reversePath: '', recipient: '' }), DeliveryError)
  assert.deepEqual(facts(), [
    'p: accounts.find x@y = WorldUnavailable: locked', 'p: accounts.hasDomain y = TypeError: defect',
    'p: mailbox.deliver u@local.example = DeliveryError: 451 full',
  ])
})

test('the clock stands still, numbers do not', () => {
  let time = 0
  const numbers = [0.1, 0.2]
  const { world, facts } = worldOf({ options: { clock: () => ++time, random: () => numbers.shift()! } })
  assert.deepEqual([world.now(), world.now(), world.random(), world.random()], [1, 1, 0.1, 0.2])
  assert.deepEqual(facts(), ['p: now = 1', 'p: random = 0.1', 'p: random = 0.2'])
})

test('name servers are asked, and a question that nobody waits for any more ends', async () => {
  const leaving = new AbortController()
  const { world, facts } = worldOf({
    signal: leaving.signal,
    options: {
      dns: {
        resolve: (name) => name === 'slow.example' ? new Promise<never>(() => undefined)
          : Promise.resolve({ kind: 'answer', records: ['a "b"'], ttl: 1 } as never),
      },
    },
  })
  assert.deepEqual(await world.dns.resolve('x.example', 'TXT'), { kind: 'answer', records: ['a "b"'], ttl: 1 })
  const slow = world.dns.resolve('slow.example', 'A')
  leaving.abort(new Error('gone'))
  await assert.rejects(slow, /gone/)
  await assert.rejects(world.dns.resolve('x.example', 'A'), /gone/)
  assert.deepEqual(facts(), ['p: dns TXT x.example = "a \\"b\\""'])
})

test('the lines of one hook share what it may ask, and each hook has its own', async () => {
  const factory = createWorld({
    accounts: UNASKED, mailbox: { deliver: () => Promise.reject(new Error('not here')) }, dnsBudget: { questionsPerHook: 2, secondsPerHook: 60 },
    dns: { resolve: () => Promise.resolve({ kind: 'none', nxdomain: true }) },
  })
  const line = (asking?: object): World => factory.forRequest({
    plugin: 'p', needs: [], ...(asking === undefined ? {} : { asking }), signal: new AbortController().signal, onSleep: () => undefined,
    trace: { id: 's', add: () => undefined, flush: () => undefined },
  })
  const asked = async (world: World): Promise<string> => (await world.dns.resolve('x.example', 'A')).kind
  const [hook, other] = [{}, {}]
  const first = line(hook)
  assert.deepEqual([await asked(first), await asked(first)], ['none', 'unavailable'])
  const second = line(hook)
  assert.deepEqual([await asked(second), await asked(line(hook))], ['none', 'unavailable'])
  assert.deepEqual([await asked(line(other)), await asked(line())], ['none', 'none'])
})

test('without a resolver nobody answers', async () => {
  const { world } = worldOf()
  assert.deepEqual(await world.dns.resolve('x.example', 'A'), { kind: 'unavailable', reason: 'there is no name server here' })
})

test('effects must be declared, and then say when they sleep', async () => {
  const none = worldOf()
  await assert.rejects(none.world.sleep(0), /add needs: \['sleep'\]/)
  await assert.rejects(none.world.mailbox.deliver(account, {} as never, { reversePath: '', recipient: '' }), /add needs: \['mailbox'\]/)
  assert.deepEqual(none.facts(), [])
  const sleepy = worldOf({ needs: ['sleep'] })
  await sleepy.world.sleep(0)
  await assert.rejects(sleepy.world.sleep(-1), RangeError)
  await assert.rejects(sleepy.world.sleep(NaN), RangeError)
  assert.deepEqual(sleepy.sleeps, [true, false])
  assert.deepEqual(sleepy.facts(), ['p: sleep 0 = awake'])
})

test('a sleep ends when the client leaves', async () => {
  const leaving = new AbortController()
  const { world, sleeps } = worldOf({ needs: ['sleep'], signal: leaving.signal })
  const asleep = world.sleep(10_000)
  leaving.abort(new Error('gone'))
  await assert.rejects(asleep, /gone/)
  await assert.rejects(world.sleep(10_000), /gone/)
  assert.deepEqual(sleeps, [true, false, true, false])
})

test('what is remembered is recorded, one plugin apart from another', async () => {
  const store = storeInMemory()
  const keeping = worldOf({ needs: ['store'], options: { store, clock: () => 1000 } })
  const { counters, store: kept } = keeping.world
  assert.deepEqual([await counters.add('c', 60), await counters.add('c', 60, { amount: 4, most: 4 }), await counters.read('c', 60)], [1, 5, 1])
  assert.equal(await kept.get('k'), undefined)
  await kept.set('k', 'v', 60)
  assert.equal(await kept.setIfAbsent('k', 'w', 60), 'v')
  await kept.delete('k')
  assert.deepEqual(keeping.facts(), [
    'p: counters.add c 60 s by 1 = 1', 'p: counters.add c 60 s by 4 (at most 4) = 5', 'p: counters.read c 60 s = 1',
    'p: store.get k = none', 'p: store.set k v for 60 s = kept', 'p: store.setIfAbsent k w for 60 s = v', 'p: store.delete k = gone',
  ])
  const other = worldOf({ options: { store, clock: () => 1000 }, space: 'plugins/p' })
  assert.equal(await other.world.counters.read('c', 60), 0)
})

test('what cannot be remembered is refused before it is asked', async () => {
  const none = worldOf({ options: { store: storeInMemory() } })
  await assert.rejects(none.world.store.get('k'), /add needs: \['store'\]/)
  await assert.rejects(none.world.store.set('k', 'v', 60), /add needs: \['store'\]/)
  const { world, facts } = worldOf({ needs: ['store'], options: { store: storeInMemory() } })
  for (const seconds of [0, -1, 0.5, NaN, Infinity, 367 * 86_400]) {
    await assert.rejects(world.counters.add('k', seconds), RangeError)
    await assert.rejects(world.store.set('k', 'v', seconds), RangeError)
  }
  for (const amount of [0, -1, 0.5, NaN]) await assert.rejects(world.counters.add('k', 60, { amount }), RangeError)
  await assert.rejects(world.counters.add('k', 60, { most: NaN }), RangeError)
  await assert.rejects(world.counters.read('', 60), TypeError)
  await assert.rejects(world.store.set('k', 'v'.repeat(1025), 60), RangeError)
  assert.deepEqual(facts(), [])
})

test('without a store nothing is remembered, and who asks is told', async () => {
  const { world, facts } = worldOf({ needs: ['store'] })
  await assert.rejects(world.store.get('k'), WorldUnavailable)
  await assert.rejects(world.counters.add('k', 60), WorldUnavailable)
  assert.deepEqual(facts(), ['p: store.get k = WorldUnavailable: get: nothing is remembered here', 'p: counters.add k 60 s by 1 = WorldUnavailable: add: nothing is remembered here'])
})
