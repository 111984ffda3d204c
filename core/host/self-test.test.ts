import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definePlugin, text, type Plugin } from '../plugin/index.ts'
import { createWorld } from '../world/real.ts'
import { SelfTests, selfTest } from './self-test.ts'

const world = createWorld({
  accounts: {} as never, mailbox: {} as never,
  dns: { resolve: (name) => Promise.resolve({ kind: 'none', nxdomain: name.startsWith('no') }) },
})
const probe = definePlugin({
  name: 'probe', summary: '', settings: { LIST: text('') },
  selfTest: async ({ settings, world: { dns } }) => [`${settings.LIST ?? 'nothing'} ${(await dns.resolve('no.example', 'A')).kind}`],
}) as unknown as Plugin

const control = (smtpconfig: Readonly<Record<string, string>>, ...rules: readonly Readonly<Record<string, string>>[]) => ({
  smtpconfig: new Map(Object.entries(smtpconfig)),
  tcprules: { rules: rules.map((each) => ({ variables: Object.entries(each) })) },
}) as never

test('a plugin is asked with everybody\'s settings, and with those of each rule that changes them', async () => {
  const silent = definePlugin({ name: 'silent', summary: '' }) as unknown as Plugin
  const given = control({ LIST: 'a', OTHER: 'x' }, { LIST: 'b' }, { OTHER: 'y' }, { LIST: 'b', OTHER: 'z' }, {})
  assert.deepEqual(await selfTest([silent, probe], given, world), ['probe: a none', 'probe: b none'])
  assert.deepEqual(await selfTest([probe], control({}), world), ['probe: nothing none'])
})

test('a test that fails is a complaint of its own', async () => {
  const failing = definePlugin({ name: 'failing', summary: '', selfTest: () => { throw new Error('broken') } })
  assert.deepEqual(await selfTest([failing], control({}), world), ['failing: its test of the settings failed: broken'])
})

test('what was said after the load before is not said again', async () => {
  const warned: string[] = []
  const tests = new SelfTests(world, (sentence) => void warned.push(sentence))
  for (const LIST of ['a', 'a', 'b', 'a']) await tests.run({ plugins: [probe], control: control({ LIST }) })
  assert.deepEqual(warned, ['probe: a none', 'probe: b none', 'probe: a none'])
})
