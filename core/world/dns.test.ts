import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { createDns } from './dns.ts'
import type { AnyAnswer } from './dns-query.ts'

const FOUND: AnyAnswer = { kind: 'answer', records: ['192.0.2.1'], ttl: 60 }

/** A resolver whose name server replies when it is told to. */
function heldServer(options: { readonly timeoutSeconds?: number; readonly turnMs?: number } = {}) {
  const asked: string[] = []
  const replies: ((answer: AnyAnswer) => void)[] = []
  const dns = createDns({
    timeoutSeconds: options.timeoutSeconds ?? 600, cacheBytes: 100_000, clock: () => 0, turnMs: options.turnMs ?? 600_000,
    ask: (name, type) => {
      asked.push(`${type} ${name}`)
      return new Promise((reply) => { replies.push(reply) })
    },
  })
  return { dns, asked, reply: (answer: AnyAnswer) => { for (const give of replies.splice(0)) give(answer) } }
}

test('a question that is under way is sent once, and its reply is kept', async () => {
  const { dns, asked, reply } = heldServer()
  const both = Promise.all([dns.resolve('X.example.', 'A'), dns.resolve('x.example', 'A'), dns.resolve('x.example', 'AAAA')])
  await turn()
  reply(FOUND)
  assert.deepEqual(await both, [FOUND, FOUND, FOUND])
  assert.deepEqual(await dns.resolve('x.EXAMPLE', 'A'), FOUND)
  assert.deepEqual(asked, ['A x.example', 'AAAA x.example'])
})

test('what cannot be asked does not exist', async () => {
  const { dns, asked } = heldServer()
  assert.deepEqual(await dns.resolve('a..b', 'A'), { kind: 'none', nxdomain: true })
  assert.deepEqual(asked, [])
})

test('nobody waits for a reply for ever', async () => {
  const { dns } = heldServer({ timeoutSeconds: 0.01 })
  assert.deepEqual(await dns.resolve('x.example', 'A'), { kind: 'unavailable', reason: 'no reply in 0.01 s' })
})

test('a crowd waits for its turn', async () => {
  const { dns, asked, reply } = heldServer()
  const all = Promise.all(Array.from({ length: 450 }, (_, index) => dns.resolve(`${index}.example`, 'A')))
  for (const most of [200, 400, 450]) {
    await turn()
    assert.equal(asked.length, most)
    reply(FOUND)
  }
  assert.ok((await all).every((answer) => answer === FOUND))
})

test('questions without a reply do not hold up the others', async () => {
  const { dns, asked, reply } = heldServer({ turnMs: 1 })
  const all = Promise.all(Array.from({ length: 250 }, (_, index) => dns.resolve(`${index}.example`, 'A')))
  while (asked.length < 250) await turn()
  reply(FOUND)
  assert.ok((await all).every((answer) => answer === FOUND))
})
