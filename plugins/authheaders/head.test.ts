import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../core/plugin/index.ts'
import { testMessage } from '../../core/plugin/testing/index.ts'
import { withFewSignatures } from './head.ts'

/** What is left of a message that comes in pieces of these lengths. */
async function left(text: string, lengths: readonly number[]): Promise<string> {
  let closed = false
  async function* content(): AsyncGenerator<Uint8Array> {
    try {
      let at = 0
      for (const length of lengths) yield Buffer.from(text.slice(at, at += length), 'latin1')
      yield Buffer.from(text.slice(at), 'latin1')
    } finally {
      closed = true
    }
  }
  const message: Message = { ...testMessage(''), content }
  const parts: Uint8Array[] = []
  for await (const part of withFewSignatures(message)) parts.push(part)
  assert.ok(closed, 'the file behind a message is closed')
  return Buffer.concat(parts).toString('latin1')
}

const lengths = fc.array(fc.nat({ max: 40 }), { maxLength: 12 })
const line = fc.oneof(fc.string({ unit: fc.constantFrom('a', ':', ' ', '\t', ';', 'l', '=', '\r', '\xe9'), maxLength: 12 }), fc.constantFrom('From: a@b', ' folded', ''))
const signature = fc.constantFrom('DKIM-Signature: v=1; d=x', 'dkim-signature : l=1\n ; b=y', 'ARC-Seal: i=1', 'ARC-Message-Signature: i=1; l=2')

it('a message with few signatures is left as it is, however it comes in pieces', async () => {
  await fc.assert(fc.asyncProperty(fc.array(line, { maxLength: 10 }), fc.array(signature, { maxLength: 2 }), fc.array(line, { maxLength: 6 }), lengths, async (before, signatures, after, cuts) => {
    const text = [...signatures, ...before, '', ...after].join('\n')
    assert.equal(await left(text, cuts), text)
  }))
})

it('ten signatures stay, and of those with l= two', async () => {
  const plain = (number: number): string => `DKIM-Signature: v=1; s=plain${number}\n`
  const partial = (number: number): string => `DKIM-Signature: v=1;\n\tl =${number}; s=partial${number}\n`
  const many = (each: (number: number) => string, count: number): string => Array.from({ length: count }, (_, number) => each(number)).join('')
  await fc.assert(fc.asyncProperty(fc.nat({ max: 15 }), fc.nat({ max: 15 }), lengths, async (plains, partials, cuts) => {
    const kept = await left(`${many(partial, partials)}${many(plain, plains)}From: a@b\n\nbody\n`, cuts)
    const partialLeft = kept.match(/s=partial/g)?.length ?? 0
    assert.equal(partialLeft, Math.min(partials, 2))
    // Each that is left out has been looked at, too.
    assert.equal(kept.match(/s=plain/g)?.length ?? 0, Math.max(Math.min(plains, 10 - Math.min(partials, 10)), 0))
    assert.ok(kept.endsWith('From: a@b\n\nbody\n'))
  }))
})
