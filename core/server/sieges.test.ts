import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorldUnavailable } from '../plugin/world.ts'
import type { Sieges } from '../smtp/login-throttle.ts'
import { tellSieges } from './sieges.ts'

const NOON = Date.UTC(2026, 0, 1, 12)
const SIEGE = { failures: 10, lasted: 90_000 }
const FIELDS = { session: 's1', failures: 10, since: '2026-01-01T11:58:30.000Z' }

async function lines(sieges: Sieges, addressOf: (name: string) => Promise<string | undefined> = async () => undefined): Promise<readonly (readonly [object, string])[]> {
  const told: (readonly [object, string])[] = []
  const log = { warn: (fields: object, text: string) => void told.push([fields, text]) } as unknown as Parameters<typeof tellSieges>[0]
  await tellSieges(log, { addressOf }, { who: { session: 's1' }, network: '2001:db8::/64', name: 'a password that slipped', sieges }, NOON)
  return told
}

test('a network is named, with its failures, since when, and what to do', async () => {
  assert.deepEqual(await lines({ network: SIEGE }), [[
    { ...FIELDS, network: '2001:db8::/64' },
    'many failed logins from 2001:db8::/64: 10 since 2026-01-01T11:58:30.000Z; each further try from there waits (if nobody of yours is there, keep it out with deny in control/smtp-tcprules, or with a firewall)',
  ]])
})

test('an account is named as the database has it, and printed safely', async () => {
  const [[fields, text] = []] = await lines({ account: SIEGE }, async () => 'ann\x1b[2J@example.org')
  assert.deepEqual(fields, { ...FIELDS, account: 'ann\x1b[2J@example.org' })
  assert.match(text!, /^many failed logins as ann\\x1b\[2J@example\.org: 10 since 2026-.*helios user passwd ann\\x1b/)
})

test('a name that is no account\'s, or of which nobody knows, is not said', async () => {
  const [nobody] = await lines({ account: SIEGE })
  assert.match(nobody![1], /^many failed logins as somebody who is not here: 10 since /)
  const [unknown] = await lines({ account: SIEGE }, async () => { throw new WorldUnavailable('down') })
  assert.match(unknown![1], /the account database does not say/)
  for (const [fields, text] of [nobody!, unknown!]) assert.ok(!`${JSON.stringify(fields)} ${text}`.includes('slipped'))
})

test('both at once are two lines', async () => {
  assert.equal((await lines({ network: SIEGE, account: SIEGE })).length, 2)
})
