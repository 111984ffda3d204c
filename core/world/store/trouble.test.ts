import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorldUnavailable } from '../../plugin/world.ts'
import { troubleOf } from './trouble.ts'

const coded = (code: string, more: object = {}): Error => Object.assign(new Error('its words'), { code, ...more })

test('what may be over by itself is told from what an operator has to mend', () => {
  const cases: readonly (readonly [unknown, boolean, RegExp])[] = [
    [new WorldUnavailable('cannot be reached'), true, /^cannot be reached; start it/],
    [coded('57P01'), true, /^the connection to the database ended: its words; see that it runs/],
    [coded('ECONNRESET'), true, /connection .* ended/],
    [coded('PROTOCOL_CONNECTION_LOST', { fatal: true }), true, /connection .* ended/],
    [new Error('Connection terminated unexpectedly'), true, /connection .* ended/],
    ...['57014', '55P03', 'ER_LOCK_WAIT_TIMEOUT', 'ER_STATEMENT_TIMEOUT'].map((code) => [coded(code), true, /^the database gave it up: its words; see what holds/] as const),
    [coded('42P01'), false, /^the table helios_store is missing; run "helios db migrate"/],
    [coded('42501'), false, /^not permitted: its words; grant/],
    [coded('25006'), false, /^the database says: its words; see that popconnectionstring/],
  ]
  for (const [error, passing, text] of cases) {
    const trouble = troubleOf(error)
    assert.equal(trouble.passing, passing, String((error as { readonly code?: string }).code))
    assert.match(`${trouble.reason}; ${trouble.mend}`, text)
  }
})
