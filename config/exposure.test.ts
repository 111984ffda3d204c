import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from './schema.ts'
import { checkExposure } from './exposure.ts'

function doubts(...listeners: readonly object[]): readonly string[] {
  const { settings } = readSettings({ listeners: listeners.map((listener, index) => ({ port: 2525 + index, ...listener })) }, { home: '/home', file: '/home/helios.config.json' })
  return checkExposure(settings!).map(({ severity, file, reason, mend }) => {
    assert.deepEqual([severity, file, mend.length > 10], ['warning', '/home/helios.config.json', true])
    return reason
  })
}

test('what operators want has no doubt about it', () => {
  assert.deepEqual(doubts(
    { service: 'smtp', host: '0.0.0.0' }, { service: 'smtp', host: '0.0.0.0', tls: 'starttls' },
    { service: 'submission', host: '0.0.0.0', tls: 'starttls' }, { service: 'submission', host: '0.0.0.0', tls: true },
    { service: 'submission', host: '127.0.0.1', auth: 'always' }, { service: 'submission', host: '::1', auth: 'always' },
    { service: 'submission', host: '10.0.0.20', auth: 'always', proxy: ['10.0.0.7'] }, { service: 'submission', host: '10.0.0.20', auth: 'always', xclient: ['10.0.0.0/8'] },
  ), [])
})

test('a submission listener at which nobody can log in', () => {
  assert.match(doubts({ service: 'submission', host: '0.0.0.0' }).join(), /^listeners\[0\]: nobody can log in here/)
  assert.match(doubts({ service: 'submission', host: '0.0.0.0', tls: 'starttls', auth: false }).join(), /^listeners\[0\]: nobody can log in here.*"auth" is false$/)
})

test('passwords in the clear', () => {
  assert.match(doubts({ service: 'smtp', host: '0.0.0.0' }, { service: 'submission', host: '0.0.0.0', auth: 'always' }).join(), /^listeners\[1\]: passwords come in the clear/)
})

test('everybody a proxy', () => {
  const [proxy, xclient, ...more] = doubts({ host: '0.0.0.0', proxy: ['0.0.0.0/0'], xclient: ['10.0.0.7', '::/0'] })
  assert.match(proxy!, /"proxy" is everybody/)
  assert.match(xclient!, /"xclient" is everybody.*whose login/)
  assert.deepEqual(more, [])
})
