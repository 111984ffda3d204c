/** Whose tries to log in are counted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthOffer } from '../../core/smtp/auth.ts'
import { fakeDialogue } from './fakes.ts'

/** Names that were counted, of one wrong password each. */
async function counted(relayByLogin: boolean, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const names: string[] = []
  const auth: AuthOffer = {
    when: 'always', mechanisms: ['PLAIN'], required: false, pepper: new Uint8Array(32), told: () => undefined, besieged: () => undefined,
    accounts: { login: async () => ({ outcome: 'refused' }), secret: async () => undefined, identity: (name) => name, addressOf: async () => undefined },
    throttle: {
      begin: ({ account }) => {
        names.push(account ?? '')
        return { wait: 0, right: () => undefined, wrong: () => undefined, undo: () => undefined }
      },
    },
  }
  const { dialogue } = fakeDialogue({ env, relayByLogin, offers: { starttls: false, auth } })
  await dialogue.greet()
  await dialogue.command('EHLO x')
  await dialogue.command(`AUTH PLAIN ${Buffer.from('\0ann@local.example\0guess').toString('base64')}`)
  return names
}

test('who may relay by a rule is not counted; who may after a login by POP3 or IMAP guesses as slowly as all others', async () => {
  assert.deepEqual(await counted(false, {}), ['ann@local.example'])
  assert.deepEqual(await counted(false, { RELAYCLIENT: '' }), [])
  assert.deepEqual(await counted(true, { RELAYCLIENT: '' }), ['ann@local.example'])
})
