import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Envelope } from './types.ts'
import type { OpenFile } from './file-system.ts'
import { HeliosError } from '../error.ts'
import { textOf } from '../../protocol/text.ts'
import { parseSpoolFile, printTrailer, readTrailer } from './trailer.ts'

const text = fc.uint8Array({ maxLength: 30 }).map(textOf)
const envelope: fc.Arbitrary<Envelope> = fc.record({
  reversePath: text, recipients: fc.array(text, { maxLength: 300 }), sessionId: text,
  env: fc.dictionary(fc.string().filter((key) => key !== '__proto__'), text, { noNullPrototype: true }),
  receivedAt: fc.nat(), parameters: fc.constant({ SMTPUTF8: true, BODY: '8BITMIME' } as const), edits: fc.constant([]),
}, { noNullPrototype: true })

const fileOf = (bytes: Uint8Array): OpenFile => ({
  read: async (into, position) => {
    const part = bytes.subarray(position, position + into.length)
    into.set(part)
    return part.length
  },
  size: async () => bytes.length, write: () => Promise.reject(new Error('read only')),
  sync: async () => undefined, close: async () => undefined,
})
const corrupt = (error: unknown): boolean => error instanceof HeliosError && error.code === 'spool-file-corrupt'

test('property: what was written is read back, addresses that are no UTF-8 included', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array(), envelope, async (content, written) => {
    const trailer = { contentLength: content.length, envelope: written }
    const bytes = Buffer.concat([content, printTrailer(trailer)])
    assert.deepEqual(await readTrailer(fileOf(bytes), bytes.length), trailer)
    assert.deepEqual(parseSpoolFile(bytes), trailer)
  }))
})

test('property: a file cut anywhere, or with one byte changed behind the content, is recognised', async () => {
  const small = envelope.map((whole) => ({ ...whole, recipients: whole.recipients.slice(0, 3) }))
  const flips = fc.integer({ min: 1, max: 255 })
  await fc.assert(fc.asyncProperty(fc.uint8Array(), small, fc.nat(), flips, async (content, written, place, change) => {
    const bytes = Buffer.concat([content, printTrailer({ contentLength: content.length, envelope: written })])
    const cut = bytes.subarray(0, place % bytes.length)
    await assert.rejects(readTrailer(fileOf(cut), cut.length), corrupt)
    assert.throws(() => parseSpoolFile(cut), corrupt)
    const damaged = Buffer.from(bytes)
    const at = content.length + place % (bytes.length - content.length)
    damaged[at] = damaged[at]! ^ change
    await assert.rejects(readTrailer(fileOf(damaged), damaged.length), corrupt)
    assert.throws(() => parseSpoolFile(damaged), corrupt)
  }))
})

test('an envelope that is JSON of something else is corrupt', () => {
  for (const value of [null, 1, [], {}, { reversePath: 'a', recipients: [1] }]) {
    const bytes = printTrailer({ contentLength: 0, envelope: value as unknown as Envelope })
    assert.throws(() => parseSpoolFile(bytes), corrupt)
  }
})
