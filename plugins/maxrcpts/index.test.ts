import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { error } from '../../core/plugin/index.ts'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import maxrcpts from './index.ts'

const REFUSAL = error('550 sorry, too many recipients (#5.7.1)')
const ask = async (accepted: number, MAXRECIPIENTS: string | undefined) => {
  const recipients = Array.from({ length: accepted }, (_, n) => `u${n}@local.example`)
  return testPlugin(maxrcpts, { hook: 'rcpt', session: { recipients }, env: { MAXRECIPIENTS } })
}

it('admits as many recipients as MAXRECIPIENTS says, and refuses the next', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(20), fc.nat(20), async (accepted, limit) => {
    const { commands } = await ask(accepted, String(limit))
    assert.deepEqual(commands, accepted < limit ? [] : [REFUSAL])
  }), { numRuns: 50 })
})

it('reads 0 and the empty text as none at all', async () => {
  assert.deepEqual((await ask(0, '0')).commands, [REFUSAL])
  assert.deepEqual((await ask(0, '')).commands, [REFUSAL])
})

it('has no limit when the variable is unset or off', async () => {
  for (const variable of [undefined, 'off', 'OFF']) assert.deepEqual((await ask(1000, variable)).commands, [])
})

it('fails on a limit that is no number, instead of guessing', async () => {
  const { commands, fault } = await ask(0, 'many')
  assert.deepEqual(commands, [])
  assert.match(fault?.detail ?? '', /MAXRECIPIENTS: "many" is not a whole number/)
})

it('counts the recipients, whatever a refused MAIL made of SMTPRCPTCOUNT', async () => {
  const { commands } = await testPlugin(maxrcpts, {
    hook: 'rcpt', session: { recipients: ['a@local.example', 'b@local.example'] }, env: { MAXRECIPIENTS: '2', SMTPRCPTCOUNT: '0' },
  })
  assert.deepEqual(commands, [REFUSAL])
})
