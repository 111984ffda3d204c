/**
 * A power failure after every single operation of accepting and delivering. What was not synced is lost, or some of it
 * is, by chance. At every point the disk must be one from which the next start goes on: an accepted message is in the
 * queue or in the mailbox, whole, and a message that was not accepted is nowhere or whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Luck, MemoryFileSystem } from './memory-file-system.ts'
import { drain, maildirOf, openHouse } from './kit.ts'
import { allLuck, memoryHome, noLuck } from './memory-file-system.ts'

const home = '/home'
const contents = [Buffer.from('Subject: small\n\nbody\n'), Buffer.concat([Buffer.from('Subject: large\n\n'), Buffer.alloc(150_000, 'x')])]
const recipients = ['ann@x', 'joe@x']
const SOME = 2

/** The same numbers each time, so that a failure can be looked at. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function someLuck(seed: number): Luck {
  const random = chance(seed)
  return { keepsName: () => random() < 0.5, keepsBytes: (unsynced) => Math.floor(random() * (unsynced + 1)) }
}

const copies = (disk: MemoryFileSystem, recipient: string, content: Buffer): number => {
  let count = 0
  for (const bytes of disk.list(`${maildirOf(home, recipient)}/new`).values()) {
    const after = bytes.subarray(bytes.indexOf('\n', bytes.indexOf('\n') + 1) + 1)
    assert.ok(contents.some((whole) => whole.equals(after)), 'a message is half')
    if (after.equals(content)) count += 1
  }
  return count
}

test('whenever the power fails, what was accepted is delivered, and at most what was in flight twice', async () => {
  const crashes: { readonly disk: MemoryFileSystem; readonly accepted: readonly number[]; readonly about: string }[] = []
  const accepted: number[] = []
  let step = 0
  let watching = false
  const disk = memoryHome(home, () => {
    step += 1
    if (!watching) return
    const lucks = [noLuck, allLuck, ...Array.from({ length: SOME }, (_, i) => someLuck(step * SOME + i))]
    for (const [which, luck] of lucks.entries()) {
      crashes.push({ disk: disk.crash(luck), accepted: [...accepted], about: `after operation ${step}, luck ${which}` })
    }
  })
  const house = await openHouse({ home, fs: disk, concurrency: 3 })
  watching = true
  // One after the other, then both at once: alone and mixed with the deliveries of the other.
  for (const [index, content] of contents.entries()) {
    await house.accept(content, recipients)
    accepted.push(index)
  }
  await drain(house.queue)
  await house.queue.close(1000)
  watching = false
  assert.ok(crashes.length > 300, `${crashes.length} crashes are too few to show anything`)

  for (const crash of crashes) {
    const { queue } = await openHouse({ home, fs: crash.disk })
    assert.deepEqual([queue.status().corrupt, queue.status().failed], [0, 0], crash.about)
    await drain(queue)
    await queue.close(1000)
    assert.equal(crash.disk.list('/home/queue').size, 0, crash.about)
    for (const recipient of recipients) {
      for (const [index, content] of contents.entries()) {
        const got = copies(crash.disk, recipient, content)
        assert.ok(got >= (crash.accepted.includes(index) ? 1 : 0), `message ${index} to ${recipient} is lost ${crash.about}`)
        assert.ok(got <= 2, `message ${index} came ${got} times to ${recipient} ${crash.about}`)
      }
    }
  }
})

test('of a message with many recipients only those in flight get it twice', async () => {
  const crashes: { readonly disk: MemoryFileSystem; readonly about: string }[] = []
  const list = ['ann@x', 'joe@x', 'kim@x']
  let step = 0
  let watching = false
  const disk = memoryHome(home, () => {
    step += 1
    if (!watching) return
    const lucks = [noLuck, ...Array.from({ length: 5 }, (_, i) => someLuck(step * 5 + i))]
    for (const [which, luck] of lucks.entries()) crashes.push({ disk: disk.crash(luck), about: `after operation ${step}, luck ${which}` })
  })
  const house = await openHouse({ home, fs: disk, concurrency: 1 })
  await house.accept(contents[0]!, list)
  watching = true
  await drain(house.queue)
  await house.queue.close(1000)
  watching = false

  for (const crash of crashes) {
    const { queue } = await openHouse({ home, fs: crash.disk })
    await drain(queue)
    await queue.close(1000)
    const got = list.map((recipient) => copies(crash.disk, recipient, contents[0]!))
    const total = got.reduce((sum, count) => sum + count, 0)
    assert.ok(got.every((count) => count >= 1) && total <= list.length + 1, `${got.join(', ')} copies ${crash.about}`)
  }
})

test('a recipient that failed for good is not forgotten by a power failure, and the message neither', async () => {
  const crashes: { readonly disk: MemoryFileSystem; readonly about: string }[] = []
  let step = 0
  let watching = false
  const disk = memoryHome(home, () => {
    step += 1
    if (!watching) return
    const lucks = [noLuck, allLuck, someLuck(step), someLuck(step + 1000)]
    crashes.push(...lucks.map((luck) => ({ disk: disk.crash(luck), about: `after operation ${step}` })))
  })
  const deliver = async (_: unknown, __: unknown, recipient: string) => recipient === 'ann@x'
    ? { status: 'failed' as const, text: '550 no' } : { status: 'delivered' as const, text: 'did' }
  const house = await openHouse({ home, fs: disk, deliver, concurrency: 1 })
  await house.accept(contents[0]!, recipients)
  watching = true
  await drain(house.queue)
  await house.queue.close(1000)
  watching = false

  for (const crash of crashes) {
    const { queue } = await openHouse({ home, fs: crash.disk, deliver })
    await drain(queue)
    await queue.close(1000)
    assert.deepEqual(queue.status(), { messages: 0, recipientsWaiting: 0, oldest: undefined, failed: 1, corrupt: 0 }, crash.about)
    assert.equal([...crash.disk.list('/home/queue/failed').keys()].length, 2, crash.about)
    assert.equal(crash.disk.list('/home/queue').size, 2, crash.about)
  }
})
