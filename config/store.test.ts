import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseQmailConfig } from '../protocol/qmail/qmailconfig.ts'
import { readSettings } from './schema.ts'
import { checkStore } from './store.ts'

const read = (value: unknown) => readSettings(value, { home: '/home' })

it('is the file unless the settings say otherwise', () => {
  assert.deepEqual([undefined, {}, { store: 'accounts' }, { store: 'memory' }].map((value) => read(value).settings.store), ['file', 'file', 'accounts', 'memory'])
  assert.match(read({ store: 'acounts' }).problems[0]?.reason ?? '', /^store: .*did you mean "accounts"\?/)
})

it('is no memory of several processes', () => {
  assert.deepEqual(read({ store: 'accounts', workers: 2 }).problems, [])
  assert.match(read({ store: 'memory', workers: 2 }).problems[0]?.reason ?? '', /^store: each of the 2 processes/)
})

it('needs a server for that of the accounts', () => {
  const problems = (store: 'file' | 'accounts' | 'memory', text: string) => checkStore({ store }, { qmailconfig: parseQmailConfig(text).config })
  assert.match(problems('accounts', 'localpop example.org\n')[0]?.reason ?? '', /no connectionstring/)
  assert.deepEqual([problems('accounts', 'connectionstring user=helios\n'), problems('file', ''), problems('memory', '')], [[], [], []])
})
