/** Every n-th file operation of an acceptance and a delivery fails: a refusal or a retry, never a loss, never a crash. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HeliosError } from '../../core/error.ts'
import { drain, maildirOf, openHouse } from './kit.ts'
import { faultyFileSystem } from './faulty-file-system.ts'
import { memoryHome } from './memory-file-system.ts'
import type { Faults } from './faulty-file-system.ts'
import type { MemoryFileSystem } from './memory-file-system.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
process.on('unhandledRejection', note)
after(() => {
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
})

const home = '/home'
const contents = {
  small: Buffer.from('Subject: small\n\nbody\n'),
  large: Buffer.concat([Buffer.from('Subject: large\n\n'), Buffer.alloc(150_000, 'x'), Buffer.from('\n')]),
}
const recipients = ['ann@x', 'joe@x']
/** What fails, and whether for once or from then on. */
const kinds = {
  small: ['ENOSPC', 'EIO', 'EMFILE'].flatMap((code) => [{ code, lasting: false }, { code, lasting: true }]),
  large: [{ code: 'EIO', lasting: false }, { code: 'ENOSPC', lasting: true }],
}

/** Contents delivered to a recipient, without the two lines on top. */
const delivered = (disk: MemoryFileSystem, recipient: string): string[] =>
  [...disk.list(`${maildirOf(home, recipient)}/new`).values()].map((bytes) => bytes.toString('latin1').split('\n').slice(2).join('\n'))

/** Runs with the first operation failing, the second, and so on, until the run says that so many were not reached. */
async function forEachFault(name: keyof typeof kinds, run: (faults: Faults, at: number, about: string) => Promise<boolean>): Promise<void> {
  for (const { code, lasting } of kinds[name]) {
    for (let at = 1, reached = true; reached; at++) {
      reached = await run({ at: Infinity, code, lasting, count: 0 }, at, `${code} ${lasting ? 'from' : 'at'} operation ${at}`)
    }
  }
}

for (const name of ['small', 'large'] as const) {
  const content = contents[name]

  test(`one acceptance of a ${name} message`, async () => {
    await forEachFault(name, async (faults, at, about) => {
      const disk = memoryHome(home)
      const house = await openHouse({ home, fs: faultyFileSystem(disk, faults), concurrency: 0 })
      faults.count = 0
      faults.at = at
      const outcome = await house.accept(content, recipients).then(() => 'accepted', (error: unknown) => error)
      const reached = faults.count >= at
      faults.at = Infinity
      const left = disk.list('/home/queue')
      if (outcome === 'accepted') {
        assert.equal(left.size, 1)
      } else {
        assert.ok(outcome instanceof HeliosError, String(outcome))
        assert.match(outcome.reply ?? '', /^451 qq (trouble creating files in queue|write error or disk full) \(#4\.3\.0\)$/)
        // On a disk that refuses everything a name may stay; in msg/ it is whole then.
        if (!faults.lasting) assert.deepEqual([...left.keys()], [], about)
      }
      const standing = disk.list('/home/queue/msg').size

      const restarted = await openHouse({ home, fs: disk })
      assert.equal(restarted.queue.status().corrupt, 0)
      await drain(restarted.queue)
      await restarted.queue.close(1000)
      assert.deepEqual(delivered(disk, 'joe@x'), Array.from({ length: standing }, () => content.toString('latin1')), about)
      assert.equal(disk.list('/home/queue').size, 0)
      return reached
    })
  })

  test(`one delivery of a ${name} message to two recipients without mailboxes yet`, async () => {
    await forEachFault(name, async (faults, at, about) => {
      const disk = memoryHome(home)
      const fs = faultyFileSystem(disk, faults)
      const before = await openHouse({ home, fs, concurrency: 0 })
      await before.accept(content, recipients)
      await before.queue.close(1000)
      faults.count = 0
      await (await openHouse({ home, fs, concurrency: 0 })).queue.close(0)
      // The closing sync of three operations is not part of opening: what comes behind the rest is delivery.
      const opening = faults.count - 3

      faults.count = -opening
      faults.at = at
      const house = await openHouse({ home, fs, concurrency: 1 })
      while (house.queue.list().some((message) => message.nextAttempt === undefined)) await new Promise((resolve) => {
        setImmediate(resolve)
      })
      const reached = faults.count >= at
      faults.at = Infinity
      await drain(house.queue)
      await house.queue.close(1000)

      const restarted = await openHouse({ home, fs: disk })
      await drain(restarted.queue)
      await restarted.queue.close(1000)
      assert.equal(disk.list('/home/queue').size, 0, about)
      for (const recipient of recipients) {
        const got = delivered(disk, recipient)
        assert.deepEqual([...new Set(got)], [content.toString('latin1')], `${recipient}: ${about}`)
        // A copy whose directory could not be synced and that could not be taken back either is followed by another.
        assert.ok(got.length <= (faults.lasting ? 2 : 1), `${got.length} copies for ${recipient}: ${about}`)
        if (!faults.lasting) assert.equal(disk.list(`${maildirOf(home, recipient)}/tmp`).size, 0, about)
      }
      return reached
    })
  })
}
