import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Generation } from './generation.ts'
import { Reloader, type ReloaderOptions } from './reloader.ts'

interface World { stamp: string; stamps: number; built: string[]; fails: boolean; failures: number; loaded: number[] }

function setUp(extra: Partial<ReloaderOptions> = {}): { world: World; options: ReloaderOptions } {
  const world: World = { stamp: 'a', stamps: 0, built: [], fails: false, failures: 0, loaded: [] }
  const options: ReloaderOptions = {
    // Patient enough for a busy machine; what ends without it ends as soon as it can.
    settleMs: 2, patienceMs: 10_000,
    stamp: () => { world.stamps += 1; return world.stamp },
    build: async (number) => {
      world.built.push(world.stamp)
      return world.fails
        ? { problems: [{ severity: 'error', file: 'control/smtpplugins', reason: 'bad', mend: 'mend' }] }
        : { generation: { number } as Generation, problems: [] }
    },
    onLoaded: (generation) => { world.loaded.push(generation.number) },
    onFailed: () => { world.failures += 1 },
    ...extra,
  }
  return { world, options }
}

async function started(options: ReloaderOptions): Promise<Reloader> {
  const { reloader } = await Reloader.start(options)
  assert.ok(reloader !== undefined)
  return reloader
}

test('an unchanged stamp keeps the generation; a change makes the next one', async () => {
  const { world, options } = setUp()
  const reloader = await started(options)
  assert.equal((await reloader.latest()).number, 1)
  world.stamp = 'b'
  assert.equal((await reloader.latest()).number, 2)
  assert.equal((await reloader.latest()).number, 2)
  assert.deepEqual(world.built, ['a', 'b'])
  assert.deepEqual(world.loaded, [2])
})

test('sessions that ask together share one look at the files', async () => {
  const { world, options } = setUp()
  const reloader = await started(options)
  world.stamps = 0
  await Promise.all(Array.from({ length: 100 }, () => reloader.latest()))
  assert.ok(world.stamps <= 2, `${world.stamps} looks`)
})

test('an edit made while a look is under way is seen by who asks after it', async () => {
  const gate = Promise.withResolvers<void>()
  const reading = Promise.withResolvers<void>()
  const { world, options } = setUp()
  const reloader = await started({ ...options, build: async (number) => {
    const built = await options.build(number)
    if (number === 1) return built
    reading.resolve()
    await gate.promise
    return built
  } })
  world.stamp = 'b'
  const before = reloader.latest()
  await reading.promise
  world.stamp = 'c'
  const after = reloader.latest()
  gate.resolve()
  await before
  await after
  assert.deepEqual(world.built, ['a', 'b', 'c'])
  assert.equal((await after).number, world.loaded.at(-1))
})

test('a failed build keeps the old generation, is told once, and is tried again after the next edit only', async () => {
  const { world, options } = setUp()
  const reloader = await started(options)
  world.fails = true
  world.stamp = 'broken'
  assert.equal((await reloader.latest()).number, 1)
  assert.equal((await reloader.latest()).number, 1)
  assert.equal(world.failures, 1)
  assert.equal(reloader.lastFailure?.problems[0]?.reason, 'bad')
  world.fails = false
  world.stamp = 'mended'
  assert.equal((await reloader.latest()).number, 2)
  assert.equal(reloader.lastFailure, undefined)
})

test('a file that keeps changing does not serve, and delays an accept no longer than the patience', async () => {
  let n = 0
  let moving = false
  const { world, options } = setUp({ patienceMs: 20 })
  const reloader = await started({ ...options, stamp: () => moving ? `moving ${n++}` : world.stamp })
  moving = true
  assert.equal((await reloader.latest()).number, 1)
  moving = false
  world.stamp = 'still'
  assert.equal((await reloader.latest()).number, 2)
  assert.deepEqual(world.built, ['a', 'still'])
})

test('an edit made while the files are read is nobody\'s generation: what stands afterwards is read again', async () => {
  const { world, options } = setUp()
  let saving = false
  const reloader = await started({ ...options, build: async (number) => {
    const built = await options.build(number)
    // The second half of a save arrives when the first has been read.
    if (saving) world.stamp = 'whole'
    saving = false
    return built
  } })
  world.stamp = 'half'
  saving = true
  assert.equal((await reloader.latest()).number, 2)
  assert.deepEqual(world.built, ['a', 'half', 'whole'])
  assert.deepEqual(world.loaded, [2], 'nobody was told of the half')
})

test('an edit made while the server starts is read, too', async () => {
  const { world, options } = setUp()
  await started({ ...options, build: async (number) => {
    const built = await options.build(number)
    world.stamp = 'whole'
    return built
  } })
  assert.deepEqual(world.built, ['a', 'whole'])
})

test('what is not known yet is asked again, and the number is the one that was built', async () => {
  const { world, options } = setUp()
  let known = true
  const reloader = await started({ ...options, build: async () => {
    world.built.push(world.stamp)
    return known ? { generation: { number: 7 } as Generation, problems: [] } : { problems: [], unsettled: true }
  } })
  assert.deepEqual([reloader.current.number, reloader.settled], [7, true])
  known = false
  world.stamp = 'b'
  await reloader.latest()
  assert.deepEqual([world.failures, reloader.settled], [0, false])
  known = true
  await reloader.latest()
  assert.deepEqual([world.built, world.loaded, reloader.settled], [['a', 'b', 'b'], [7], true])
})

test('files that somebody goes on writing are not settled, and are once they stand still', async () => {
  const { world, options } = setUp({ patienceMs: 20 })
  let writing = false
  let n = 0
  const reloader = await started({ ...options, stamp: () => (writing ? `w${n++}` : world.stamp) })
  writing = true
  await reloader.latest()
  assert.equal(reloader.settled, false)
  writing = false
  await reloader.latest()
  assert.equal(reloader.settled, true)
})
