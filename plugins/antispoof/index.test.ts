import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { error } from '../../core/plugin/index.ts'
import { testPlugin, type FakeTables, type SessionFields, type TestOptions } from '../../core/plugin/testing/index.ts'
import antispoof from './index.ts'

const AUTHENTICATE = error('530 authentication required (#4.7.1)')
const DENIED = error('550 permission denied (#5.7.0)')
const ACCOUNTS = {
  mailboxes: ['joe@local.example', 'ann@local.example'], domains: ['other.example'],
  aliases: { 'joe@local.example': ['sales@local.example'] },
}
const CONTROL = { me: 'local.example\n' }
const JOE = { auth: { user: 'Joe@Local.Example', method: 'plain' } }
const rules = (login: string, domain: string, text: string): FakeTables => ({ antispoof: [{ login, domain, rules: text }] })

const ask = (reversePath: string, session: SessionFields = {}, options: Partial<TestOptions> = {}) =>
  testPlugin(antispoof, { hook: 'mail', session: { reversePath, ...session }, env: { ANTISPOOF: '' }, control: CONTROL, accounts: ACCOUNTS, ...options })

describe('at MAIL', () => {
  it('lets strangers send from foreign addresses and asks them to log in for ours', async () => {
    assert.deepEqual((await ask('eve@far.example')).commands, [])
    for (const sender of ['joe@local.example', 'JOE@LOCAL.example.', 'nobody@other.example', 'joe', 'joe@loc\u00adal.example']) {
      assert.deepEqual((await ask(sender)).commands, [AUTHENTICATE], sender)
    }
  })

  it('takes an address in brackets that is this host\'s for this host', async () => {
    for (const sender of ['joe@[192.0.2.25]', 'joe@[127.0.0.1]', 'joe@[IPv6:::1]']) assert.deepEqual((await ask(sender)).commands, [AUTHENTICATE], sender)
    const six = { env: { ANTISPOOF: '', TCPLOCALIP: '2001:db8::25' } }
    assert.deepEqual((await ask('joe@[IPv6:2001:DB8:0::25]', {}, six)).commands, [AUTHENTICATE])
    assert.deepEqual((await ask('joe@[192.0.2.26]')).commands, [])
    const named = { control: { ...CONTROL, localiphost: 'far.example\n' } }
    assert.deepEqual((await ask('joe@[192.0.2.25]', {}, named)).commands, [])
  })

  it('lets a user send from the own address, aliases and foreign addresses, and denies the rest', async () => {
    for (const sender of ['joe@local.example', 'SALES@local.example', 'eve@far.example']) assert.deepEqual((await ask(sender, JOE)).commands, [], sender)
    for (const sender of ['ann@local.example', 'joe@other.example', 'joe-list@local.example', 'root']) {
      assert.deepEqual((await ask(sender, JOE)).commands, [DENIED], sender)
    }
  })

  it('reads the lists that are written, the group\'s in place of its default', async () => {
    assert.deepEqual((await ask('ann@local.example', JOE, { tables: rules('joe', 'local.example', 'ann@[:domain:]') })).commands, [])
    assert.deepEqual((await ask('joe@local.example', JOE, { tables: rules('[:all:]', '[:all:]', '') })).commands, [DENIED])
    assert.deepEqual((await ask('joe@local.example', {}, { tables: rules('[:none:]', '[:none:]', 'joe@[:any:]') })).commands, [])
  })

  it('never refuses the null sender, and asks nothing for it', async () => {
    const { commands, facts } = await ask('', {}, { tables: rules('[:none:]', '[:none:]', '[:none:]') })
    assert.deepEqual([commands, facts], [[], []])
  })

  it('takes who logged in by POP3 from there for that user, and still lets strangers in', async () => {
    const logins = ['joe@local.example', 'ann@local.example']
    for (const sender of ['joe@local.example', 'ann@local.example', 'sales@local.example', 'eve@far.example']) {
      assert.deepEqual((await ask(sender, { logins })).commands, [], sender)
    }
    assert.deepEqual((await ask('nobody@local.example', { logins })).commands, [AUTHENTICATE])
    // Who has logged in here speaks for that user alone.
    assert.deepEqual((await ask('ann@local.example', { ...JOE, logins })).commands, [DENIED])
  })

  it('logs each refusal with its reason', async () => {
    assert.deepEqual((await ask('ann@local.example', JOE)).logged, [{
      level: 'info', message: 'sender refused', fields: {
        ip: '192.0.2.1', user: 'Joe@Local.Example', address: 'ann@local.example', reason: 'refused: no line of the lists that hold here permits it',
      },
    }])
    assert.equal((await ask('joe@local.example')).logged[0]?.fields['user'], 'not logged in')
  })

  it('is off until ANTISPOOF is set, and where it says so', async () => {
    for (const env of [{}, { ANTISPOOF: 'off' }, { ANTISPOOF: 'OFF' }] as Record<string, string>[]) {
      const { commands, facts } = await ask('joe@local.example', {}, { env })
      assert.deepEqual([commands, facts], [[], []])
    }
  })

  it('does not decide while the database does not answer, or a list cannot be read', async () => {
    for (const options of [{ tables: { unavailable: 'locked' } }, { accounts: { unavailable: 'locked' } }] as const) {
      assert.deepEqual((await ask('eve@far.example', JOE, options)).fault, { kind: 'unavailable', detail: 'locked' })
    }
    const { commands, logged } = await ask('eve@far.example', JOE, { tables: rules('joe', 'local.example', '[:any:]\n[:noone:]') })
    assert.deepEqual(commands, [error('451 sorry, whether that address is yours is not known now (#4.3.0)')])
    assert.equal(logged[0]?.level, 'warn')
    assert.match(String(logged[0]?.fields['reason']), /line 2 of the list of joe@local\.example cannot be read/)
  })
})

describe('at the end of the message', () => {
  const message = (from: string) => `Received: from x\n${from}Subject: hello\n\nFrom: joe@local.example\n`
  const askHeader = (content: string, session: SessionFields = {}, options: Partial<TestOptions> = {}) =>
    testPlugin(antispoof, { hook: 'message', session, env: { ANTISPOOF: 'Header' }, control: CONTROL, accounts: ACCOUNTS, message: content, ...options })

  it('holds the From field to the same rules, if ANTISPOOF says header', async () => {
    const forged = message('From: The Boss <ann@local.example>\n')
    assert.deepEqual((await askHeader(forged)).commands, [AUTHENTICATE])
    assert.deepEqual((await askHeader(forged, JOE)).commands, [DENIED])
    assert.deepEqual((await askHeader(forged, JOE)).logged[0]?.message, 'From field refused')
    for (const ANTISPOOF of ['', '1', 'headers']) assert.deepEqual((await askHeader(forged, JOE, { env: { ANTISPOOF } })).commands, [], ANTISPOOF)
    assert.deepEqual((await askHeader(message('From: joe@local.example\n'), JOE)).commands, [])
    assert.deepEqual((await askHeader(message('From: eve@far.example\n'))).commands, [])
  })

  it('looks at every address of every From field', async () => {
    for (const from of [
      'From: eve@far.example, ann@local.example\n', 'From: eve@far.example\nfrom : ann@local.example\n', 'FROM:\n ann@local.example\n',
      'From: ann@local.example <eve@far.example>\n', 'From: ann\n',
    ]) assert.deepEqual((await askHeader(message(from), JOE)).commands, [DENIED], from)
    assert.deepEqual((await askHeader(message('From: Nobody:;\n'))).commands, [])
  })

  it('refuses what it cannot check: no From field, too many addresses, too long a header', async () => {
    assert.deepEqual((await askHeader(message(''))).commands, [error('550 sorry, a message needs a From field here (#5.6.0)')])
    assert.deepEqual((await askHeader('\nFrom: eve@far.example\n')).commands, [error('550 sorry, a message needs a From field here (#5.6.0)')])
    const many = `From: ${Array.from({ length: 101 }, (_, n) => `u${n}@far.example`).join(', ')}\n`
    const long = `From: eve@far.example\nX: ${'x'.repeat(300_000)}\nFrom: ann@local.example\n`
    for (const from of [many, long]) {
      assert.deepEqual((await askHeader(message(from))).commands, [error('550 sorry, that From field or header is too long to be checked (#5.6.0)')])
    }
  })

  it('takes a message that is all header', async () => {
    assert.deepEqual((await askHeader('From: eve@far.example\n')).commands, [])
    assert.deepEqual((await askHeader('From: joe@local.example\n')).commands, [AUTHENTICATE])
  })
})
