/** Every n-th file operation of an acceptance and a delivery fails: a refusal or a retry, never a loss, never a crash. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nodeFileSystem } from '../../core/message/file-system.ts'
import { HeliosError } from '../../core/error.ts'
import { drain, maildirOf, openHouse } from './kit.ts'
import { faultyFileSystem } from './faulty-file-system.ts'
import type { Faults } from './faulty-file-system.ts'

const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)
process.on('unhandledRejection', note)
after(() => {
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
})

const small = Buffer.from('Subject: small\n\nbody\n')
const large = Buffer.concat([Buffer.from('Subject: large\n\n'), Buffer.alloc(150_000, 'x'), Buffer.from('\n')])
const recipients = ['ann@x', 'joe@x']
const cases = ['ENOSPC', 'EIO', 'EMFILE'].flatMap((code) => [false, true].map((lasting) => ({ code, lasting })))

async function inHome(run: (home: string) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'helios-faults-'))
  await mkdir(join(home, 'mail'))
  try {
    await run(home)
  } finally {
    await rm(home, { recursive: true })
  }
}

/** Contents delivered to a recipient, without the two lines on top. */
async function delivered(home: string, recipient: string): Promise<string[]> {
  const directory = join(maildirOf(home, recipient), 'new')
  const names = await readdir(directory).catch(() => [])
  return Promise.all(names.map(async (name) => (await readFile(join(directory, name), 'latin1')).split('\n').slice(2).join('\n')))
}

for (const [name, content] of [['small', small], ['large', large]] as const) {
  test(`one acceptance of a ${name} message, each operation failing in turn`, async () => {
    for (const { code, lasting } of cases) {
      for (let at = 1, reached = true; reached; at++) {
        await inHome(async (home) => {
          const faults: Faults = { at: Infinity, code, lasting, count: 0 }
          const house = await openHouse({ home, fs: faultyFileSystem(nodeFileSystem, faults), concurrency: 0 })
          faults.count = 0
          faults.at = at
          const outcome = await house.accept(content, recipients).then(() => 'accepted', (error: unknown) => error)
          reached = faults.count >= at
          faults.at = Infinity
          const files = await readdir(join(home, 'queue', 'msg'))
          if (outcome === 'accepted') {
            assert.equal(files.length, 1)
          } else {
            assert.ok(outcome instanceof HeliosError, String(outcome))
            assert.match(outcome.reply ?? '', /^451 qq (trouble creating files in queue|write error or disk full) \(#4\.3\.0\)$/)
            // With a disk that refuses everything the name may stay, but then it is whole.
            if (!lasting) assert.deepEqual([files, await readdir(join(home, 'queue', 'tmp'))], [[], []])
          }
          await house.queue.close(1000)

          const restarted = await openHouse({ home, fs: nodeFileSystem })
          assert.equal(restarted.queue.status().corrupt, 0)
          await drain(restarted.queue)
          await restarted.queue.close(1000)
          assert.deepEqual(await delivered(home, 'joe@x'), files.map(() => content.toString('latin1')))
          assert.deepEqual(await readdir(join(home, 'queue', 'tmp')), [])
        })
      }
    }
  })

  test(`one delivery of a ${name} message to two recipients, each operation failing in turn`, async () => {
    for (const { code, lasting } of cases) {
      for (let at = 1, reached = true; reached; at++) {
        await inHome(async (home) => {
          const before = await openHouse({ home, fs: nodeFileSystem, concurrency: 0 })
          await before.accept(content, recipients)
          await before.queue.close(1000)

          const faults: Faults = { at: Infinity, code, lasting, count: 0 }
          let tried: () => void
          const once = new Promise<void>((resolve) => {
            tried = resolve
          })
          const look = (): void => {
            const { messages } = house.queue.status()
            if (messages === 0 || house.queue.list().every((message) => message.nextAttempt !== undefined)) tried()
            else setImmediate(look)
          }
          const fs = faultyFileSystem(nodeFileSystem, faults)
          // Faults begin with the first delivery, not with the opening of the queue.
          const opening = openHouse({ home, fs, concurrency: 1 })
          faults.count = -1_000_000
          const house = await opening
          faults.count = 0
          faults.at = at
          look()
          await once
          reached = faults.count >= at
          faults.at = Infinity
          await drain(house.queue)
          await house.queue.close(1000)

          const restarted = await openHouse({ home, fs: nodeFileSystem })
          await drain(restarted.queue)
          await restarted.queue.close(1000)
          for (const recipient of recipients) {
            const got = await delivered(home, recipient)
            assert.deepEqual([...new Set(got)], [content.toString('latin1')], `${recipient}, ${code} at ${at}`)
            assert.ok(got.length <= 1, `${got.length} copies for ${recipient}, ${code} at ${at}`)
            assert.deepEqual(await readdir(join(maildirOf(home, recipient), 'tmp')).then((names) => lasting ? [] : names), [])
          }
          const { msg, state, failed, corrupt, tmp } = Object.fromEntries(await Promise.all(
            ['msg', 'state', 'failed', 'corrupt', 'tmp'].map(async (directory) => [directory, await readdir(join(home, 'queue', directory))])))
          assert.deepEqual({ msg, state, failed, corrupt, tmp }, { msg: [], state: [], failed: [], corrupt: [], tmp: [] })
        })
      }
    }
  })
}
