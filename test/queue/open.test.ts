/** A queue of thousands opens at once, delivers each message once, and knows what it holds. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nodeFileSystem } from '../../core/message/file-system.ts'
import { createIds, queuePlaces } from '../../core/message/places.ts'
import { printTrailer } from '../../core/message/trailer.ts'
import { drain, envelope, openHouse } from './kit.ts'

const COUNT = 5000
const START = 1_700_000_000_000

test(`${COUNT} messages`, async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'helios-open-'))
  try {
    await (await openHouse({ home, fs: nodeFileSystem })).queue.close(0)
    await mkdir(join(home, 'mail'))
    const nextId = createIds(() => START)
    const content = Buffer.from(`Subject: x\n\n${'x'.repeat(4000)}\n`)
    const toJoe = { ...envelope(['joe@x']), receivedAt: START }
    const file = Buffer.concat([content, printTrailer({ contentLength: content.length, envelope: toJoe })])
    const ids = Array.from({ length: COUNT }, nextId)
    for (const id of ids) writeFileSync(join(queuePlaces(home).msg, id), file)

    const begun = performance.now()
    const waiting = await openHouse({ home, fs: nodeFileSystem, concurrency: 0 })
    t.diagnostic(`opened in ${Math.round(performance.now() - begun)} ms`)
    assert.deepEqual(waiting.queue.status(), { messages: COUNT, recipientsWaiting: COUNT, oldest: START, failed: 0, corrupt: 0 })
    assert.deepEqual(waiting.queue.list().map((message) => message.id), ids)
    await waiting.queue.close(0)

    const got: string[] = []
    const { queue } = await openHouse({
      home, fs: nodeFileSystem, now: () => START + 100_000,
      deliver: async (message) => {
        got.push(message.id)
        return { status: 'delivered', text: 'did' }
      },
    })
    await drain(queue)
    await queue.close(10_000)
    assert.deepEqual(got.toSorted(), ids)
    assert.deepEqual(await readdir(queuePlaces(home).msg), [])
  } finally {
    await rm(home, { recursive: true })
  }
})
