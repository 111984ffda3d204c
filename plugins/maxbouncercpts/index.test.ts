import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { error } from '../../core/plugin/index.ts'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import maxbouncercpts from './index.ts'

const REFUSAL = error('550 sorry, too many recipients for a bounce (#5.7.1)')
const ask = async (reversePath: string, accepted: number, MAXBOUNCERECIPIENTS: string | undefined) => {
  const recipients = Array.from({ length: accepted }, (_, n) => `u${n}@local.example`)
  const session = { reversePath, recipients }
  return (await testPlugin(maxbouncercpts, { hook: 'rcpt', session, env: { MAXBOUNCERECIPIENTS } })).commands
}

it('admits as many recipients of a bounce as MAXBOUNCERECIPIENTS says, and refuses the next', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(10), fc.nat(10), async (accepted, limit) => {
    assert.deepEqual(await ask('', accepted, String(limit)), accepted < limit ? [] : [REFUSAL])
  }), { numRuns: 50 })
})

it('reads 0 and the empty text as none at all', async () => {
  assert.deepEqual(await ask('', 0, '0'), [REFUSAL])
  assert.deepEqual(await ask('', 0, ''), [REFUSAL])
})

it('has no limit when the variable is unset or off', async () => {
  for (const variable of [undefined, 'off']) assert.deepEqual(await ask('', 1000, variable), [])
})

it('leaves messages with a sender alone', async () => {
  assert.deepEqual(await ask('joe@far.example', 1000, '0'), [])
})
