import assert from 'node:assert/strict'
import { it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import badrcptto from './index.ts'

const REFUSAL = error('553 sorry, your envelope recipient is in my badrcptto list (#5.7.1)')
const LIST = 'trap@local.example\n@closed.example\n*%*\n!fifty%@local.example\n'
const ask = (recipient: string, control: Record<string, string> = { badrcptto: LIST }) =>
  testPlugin(badrcptto, { hook: 'rcpt', session: { recipient }, control })

it('refuses listed recipients, without regard to case', async () => {
  for (const recipient of ['trap@local.example', 'Trap@LOCAL.example', 'any@closed.example', 'joe%far.example@local.example']) {
    assert.deepEqual((await ask(recipient)).commands, [REFUSAL], recipient)
  }
})

it('lets other recipients and exceptions pass', async () => {
  for (const recipient of ['joe@local.example', 'joe', '', 'fifty%@local.example']) {
    assert.deepEqual((await ask(recipient)).commands, [], recipient)
  }
})

it('refuses nobody without its list', async () => {
  assert.deepEqual((await ask('trap@local.example', {})).commands, [])
})

it('logs the line that decided', async () => {
  assert.deepEqual((await ask('any@closed.example')).logged.map(({ fields }) => fields['line']), [2])
})
