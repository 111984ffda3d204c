import assert from 'node:assert/strict'
import { it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import badhelo from './index.ts'

const REFUSAL = error('553 sorry, your HELO name is in my badhelo list (#5.7.1)')
const LIST = '# names that are never true\nlocalhost\n*.localdomain\n.dial.far.example\n!good.dial.far.example\n'
const ask = (helo: string, env = { BADHELO: '' }, control: Record<string, string> = { badhelo: LIST }) =>
  testPlugin(badhelo, { hook: 'helo', session: { helo }, env, control })

it('refuses listed names, by name, wildcard and domain, without regard to case', async () => {
  for (const helo of ['localhost', 'LocalHost', 'x.localdomain', 'pool-7.dial.far.example']) {
    assert.deepEqual((await ask(helo)).commands, [REFUSAL], helo)
  }
})

it('lets other names and exceptions pass', async () => {
  for (const helo of ['mx.far.example', 'dial.far.example', 'good.dial.far.example', '', '[192.0.2.1]']) {
    assert.deepEqual((await ask(helo)).commands, [], helo)
  }
})

it('is not fooled by blanks around the name', async () => {
  assert.deepEqual((await ask('localhost  ')).commands, [REFUSAL])
})

it('is off until BADHELO is set', async () => {
  const { commands } = await testPlugin(badhelo, { hook: 'helo', session: { helo: 'localhost' }, control: { badhelo: LIST } })
  assert.deepEqual(commands, [])
})

it('is off where a rule for one network says so', async () => {
  assert.deepEqual((await ask('localhost', { BADHELO: 'off' })).commands, [])
})

it('refuses nobody without its list', async () => {
  assert.deepEqual((await ask('localhost', { BADHELO: '1' }, {})).commands, [])
})

it('logs the line that decided', async () => {
  const { logged } = await ask('x.localdomain')
  assert.deepEqual(logged, [
    { level: 'info', message: 'HELO name refused', fields: { pattern: '*.localdomain', file: 'control/badhelo', line: 3 } },
  ])
})
