import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeliosError } from '../error.ts'
import { WorldUnavailable } from '../plugin/world.ts'
import { explained } from './errors.ts'
import { answered } from './questions.ts'
import { UnfitRow } from './unfit-row.ts'

const coded = (code: string): Error => Object.assign(new Error('its words'), { code })

/** As a lookup hands it on. */
async function unanswered(error: Error): Promise<unknown> {
  try {
    return await answered(() => { throw error })
  } catch (known) {
    return known
  }
}

test('what the database said is told once, with what to do about that', async () => {
  const cases: readonly (readonly [unknown, RegExp, RegExp])[] = [
    [new WorldUnavailable('the account database cannot be reached: x at y/z: refused'), /^the account database cannot be reached: x at y\/z: refused$/, /^start it/],
    [new WorldUnavailable('the connection to the account database was closed'), /was closed$/, /^open it again$/],
    [new UnfitRow('the alias a@b leads to c@d'), /^the alias a@b leads to c@d$/, /helios alias list/],
    [new WorldUnavailable('somebody else is making the tables'), /^somebody else is making the tables$/, /^try again; /],
    [coded('42501'), /^the account database: not permitted: its words$/, /helios db status/],
    [coded('ER_NO_SUCH_TABLE'), /^the account database: a table is missing$/, /helios db migrate/],
    [await unanswered(coded('42P01')), /^the account database: a table is missing$/, /helios db migrate/],
    [await unanswered(coded('ER_TABLEACCESS_DENIED_ERROR')), /^the account database: not permitted: its words$/, /helios db status/],
    [await unanswered(new Error('gone')), /^the account database does not answer: gone$/, /^start it/],
  ]
  for (const [error, message, mend] of cases) {
    const known = explained(error)
    assert.ok(known instanceof HeliosError, String(error))
    assert.match(known.message, message)
    assert.match(known.mend, mend)
  }
  const strange = new Error('strange')
  assert.equal(explained(strange), strange)
})
