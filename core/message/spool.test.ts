import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { Envelope } from './types.ts'
import type { FileSystem } from './file-system.ts'
import { HeliosError } from '../error.ts'
import { insertField, changeRecipients } from '../plugin/message.ts'
import { DirectorySync } from './directory-sync.ts'
import { nodeFileSystem } from './file-system.ts'
import { queuePlaces } from './places.ts'
import { createSpool } from './spool.ts'
import { StoredMessage } from './stored.ts'
import { prepareQueue } from '../queue/scan.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const envelope: Envelope = {
  reversePath: 'a@b', recipients: ['c\udce9@d'], env: { TCPREMOTEIP: '127.0.0.1' }, sessionId: 's1', receivedAt: 5, parameters: {},
  edits: [],
}
let home: string
let accepted: { id: string; envelope: Envelope; size: number }[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'helios-spool-'))
  accepted = []
  await prepareQueue({ fs: nodeFileSystem, directories: new DirectorySync(nodeFileSystem), places: queuePlaces(home) })
})
afterEach(() => rm(home, { recursive: true }))

const open = (fs: FileSystem = nodeFileSystem) => createSpool({
  home, now: Date.now, log: silent, fs, accepted: (id, of, size) => void accepted.push({ id, envelope: of, size }),
})
const names = async (): Promise<string[]> => [...await readdir(queuePlaces(home).tmp), ...await readdir(queuePlaces(home).msg)]
const bytesFrom = async (content: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await Array.fromAsync(content))
const refusal = (reply: string) => (error: unknown): boolean =>
  error instanceof HeliosError && error.reply === reply && error.fault === 'system'
const stored = (id: string): Promise<StoredMessage> => StoredMessage.open(nodeFileSystem, queuePlaces(home), id)

test('property: what is written in any chunks is what the queue reads', async () => {
  const big = fc.integer({ min: 20_000, max: 150_000 }).map((size) => new Uint8Array(size).fill(size % 251))
  const chunks = fc.array(fc.oneof(fc.uint8Array({ maxLength: 50 }), big), { maxLength: 8 })
  await fc.assert(fc.asyncProperty(chunks, fc.boolean(), async (parts, look) => {
    const writer = await open().create()
    for (const part of parts) await writer.write(part.slice())
    const content = Buffer.concat(parts)
    assert.equal(writer.size, content.length)
    if (look) assert.ok((await bytesFrom(writer.message().content())).equals(content))
    await writer.commit(envelope)
    const message = await stored(writer.id)
    assert.ok((await bytesFrom(message.content())).equals(content))
    assert.equal(message.size, content.length)
    assert.deepEqual(message.envelope, envelope)
    assert.deepEqual(accepted.at(-1), { id: writer.id, envelope, size: content.length })
  }), { numRuns: 30 })
})

test('a small message touches no disk before commit, and its tmp file is gone after', async () => {
  const writer = await open().create()
  await writer.write(Buffer.from('Subject: x\n\nhello\n'))
  assert.deepEqual(await names(), [])
  assert.deepEqual(await writer.message().header(), [{ name: 'Subject', value: ' x' }])
  await writer.commit(envelope)
  assert.deepEqual(await names(), [writer.id])
  assert.equal((await stat(join(queuePlaces(home).msg, writer.id))).mode & 0o777, 0o600)
})

test('a program can read the message before commit from a file', async () => {
  for (const size of [100, 300_000]) {
    const writer = await open().create()
    await writer.write(Buffer.alloc(size, 'x'))
    const message = writer.message()
    const [path, again] = await Promise.all([message.file(), message.file()])
    assert.equal(path, again)
    assert.equal((await readFile(path)).length, size)
    assert.equal((await bytesFrom(message.content())).length, size)
    await writer.commit(envelope)
    assert.equal((await bytesFrom((await stored(writer.id)).content())).length, size)
    await assert.rejects(message.file(), /no longer good/)
    await assert.rejects(message.header(), /no longer good/)
  }
})

test('content is given out with back-pressure: memory never holds more than two batches', async () => {
  let written = 0
  const fs: FileSystem = {
    ...nodeFileSystem,
    open: async (path, how) => {
      const file = await nodeFileSystem.open(path, how)
      return how === 'create' ? { ...file, write: async (data) => { await file.write(data); written += data.length } } : file
    },
  }
  const writer = await open(fs).create()
  let most = 0
  for (let i = 0; i < 400; i++) {
    await writer.write(Buffer.alloc(16_384))
    most = Math.max(most, writer.size - written)
  }
  assert.ok(most <= 3 * 65_536 + 2 * 16_384, `${most} bytes were held`)
  await writer.abort()
  assert.deepEqual(await names(), [])
})

test('abort forgets, and is harmless after commit', async () => {
  const first = await open().create()
  await first.write(Buffer.alloc(200_000))
  await first.abort()
  await first.write(Buffer.alloc(200_000))
  await first.abort()
  await assert.rejects(first.commit(envelope), /committed or aborted/)
  const second = await open().create()
  const committing = second.commit(envelope)
  await second.abort()
  await committing
  assert.deepEqual(await names(), [second.id])
})

test('edits: the content in the file is the original, what is read is the edited message', async () => {
  const writer = await open().create()
  await writer.write(Buffer.from('A: b\n\nbody'))
  await writer.commit({ ...envelope, edits: [insertField('X-Seen', 'yes'), changeRecipients(['e@f'])] })
  assert.ok((await readFile(join(queuePlaces(home).msg, writer.id))).toString('latin1').startsWith('A: b\n\nbody{'))
  assert.deepEqual(accepted[0]?.envelope.recipients, ['e@f'])
  const message = await stored(writer.id)
  assert.deepEqual(message.envelope.recipients, ['e@f'])
  assert.deepEqual((await message.header()).map((field) => field.name), ['X-Seen', 'A'])
  const [path, again] = await Promise.all([message.file(), message.file()])
  assert.equal(path, again)
  assert.equal((await readFile(path)).toString(), 'X-Seen: yes\nA: b\n\nbody')
  assert.equal(message.size, (await readFile(path)).length)
  await message.release()
  assert.deepEqual(await names(), [writer.id])
  assert.notEqual(await message.file(), path)
  await message.release()
})

test('a missing directory or a disk that refuses is told at commit, in qmail\'s words, and leaves nothing behind', async () => {
  await rm(queuePlaces(home).tmp, { recursive: true })
  for (const size of [10, 200_000]) {
    const writer = await open().create()
    await writer.write(Buffer.alloc(size))
    await assert.rejects(writer.commit(envelope), refusal('451 qq trouble creating files in queue (#4.3.0)'))
  }
  await prepareQueue({ fs: nodeFileSystem, directories: new DirectorySync(nodeFileSystem), places: queuePlaces(home) })
  const full: FileSystem = {
    ...nodeFileSystem,
    open: async (path, how) => ({
      ...await nodeFileSystem.open(path, how), write: () => Promise.reject(Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' })),
    }),
  }
  for (const size of [10, 200_000]) {
    const writer = await open(full).create()
    await writer.write(Buffer.alloc(size))
    await writer.write(Buffer.alloc(size))
    if (size > 100_000) await assert.rejects(writer.message().header(), HeliosError)
    await assert.rejects(writer.commit(envelope), refusal('451 qq write error or disk full (#4.3.0)'))
  }
  assert.deepEqual(await names(), [])
  assert.deepEqual(accepted, [])
})

test('a message that comes byte by byte costs about its size in memory', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = async (): Promise<number> => {
    collect()
    // Buffers are given back behind the collector's back.
    await new Promise((resolve) => { setTimeout(resolve, 50) })
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const writer = await open().create()
  const before = await used()
  for (let index = 0; index < 60_000; index++) await writer.write(Uint8Array.of(index % 251))
  const grown = await used() - before
  assert.ok(grown < 4_000_000, `${grown} bytes for 60,000`)
  await writer.commit(envelope)
  const content = await bytesFrom((await stored(writer.id)).content())
  assert.ok(content.every((byte, index) => byte === index % 251) && content.length === 60_000)
})
