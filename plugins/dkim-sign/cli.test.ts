import assert from 'node:assert/strict'
import { it } from 'node:test'
import { VerbRefusal } from '../../core/plugin/index.ts'
import { fakeTables, fakeWorld, keyTools, testPlugin } from '../../core/plugin/testing/index.ts'
import { verbs } from './cli.ts'
import dkimSign from './index.ts'
import { KEYS } from './schema.ts'

function home() {
  const tables = fakeTables({})
  const { accounts } = fakeWorld().world
  const run = async (line: readonly string[], input = '') => {
    const [name, ...rest] = line
    const out: string[] = []
    const err: string[] = []
    await verbs.verbs.find((each) => each.name === name)!.run({
      arguments: rest.filter((each) => !each.startsWith('--')), flags: new Set(rest.filter((each) => each.startsWith('--')).map((each) => each.slice(2))),
      tables, accounts, keys: keyTools, control: () => undefined, input: async () => input,
      out: (text) => void out.push(text), err: (text) => void err.push(text),
    })
    return { out, err }
  }
  return { run, tables }
}

const refused = (reason: RegExp) => (error: unknown): boolean => error instanceof VerbRefusal && reason.test(error.message) && error.mend !== ''

it('makes a key, prints its record, and lets it sign when it is told to', async () => {
  const { run, tables } = home()
  const { out, err } = await run(['new', 'Far.Example.'])
  assert.equal(out[0], '; far.example: rsa1 (rsa), signs nothing yet')
  assert.match(out[1]!, /^rsa1\._domainkey\.far\.example\. IN TXT \( "v=DKIM1; k=rsa; p=[A-Za-z0-9+/]+" "[A-Za-z0-9+/=]+" \)$/)
  for (const [, string] of out[1]!.matchAll(/"([^"]*)"/g)) assert.ok(string!.length <= 255)
  assert.match(err[0]!, /run "helios dkim on far\.example rsa1"\.$/)
  const sign = async () => (await testPlugin(dkimSign, {
    hook: 'message', message: 'From: joe@far.example\n\nx\n', session: { relayClient: true }, tables: { dkim_sign: await tables.find(KEYS, {}) },
  })).edits.length
  assert.equal(await sign(), 0)
  assert.equal((await run(['on', 'far.example', 'rsa1'])).out[0], '; far.example: rsa1 (rsa), signs')
  assert.equal(await sign(), 1)
})

it('names the next key by its kind and number', async () => {
  const { run } = home()
  await run(['new', 'far.example'])
  await run(['new', 'far.example'])
  const { out } = await run(['new', 'far.example', '--ed25519'])
  assert.match(out[1]!, /^ed1\._domainkey/)
  assert.deepEqual((await run(['list'])).out.filter((line) => line.startsWith(';')).length, 3)
  await assert.rejects(run(['new', 'far.example', 'rsa2']), refused(/has a key rsa2/))
})

it('keeps a key that somebody has, and only one that can sign', async () => {
  const { run } = home()
  const pem = await keyTools.make('ed25519')
  assert.match((await run(['add', 'far.example', 'mine'], pem)).out[1]!, /^mine\._domainkey\.far\.example\. IN TXT \( "v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=" \)$/)
  await assert.rejects(run(['add', 'far.example', 'none'], 'nonsense'), refused(/no private key/))
})

it('never shows the private key', async () => {
  const { run } = home()
  const pem = await keyTools.make('rsa')
  const secret = pem.split('\n')[3]!
  for (const line of [['add', 'far.example', 'k'], ['on', 'far.example', 'k'], ['list', '--json'], ['off', 'far.example', 'k']]) {
    assert.ok(!JSON.stringify(await run(line, pem)).includes(secret), line[0])
  }
})

it('forgets a key, but none that signs', async () => {
  const { run, tables } = home()
  await run(['new', 'far.example'])
  await run(['on', 'far.example', 'rsa1'])
  await assert.rejects(run(['del', 'far.example', 'rsa1']), refused(/signs mail/))
  await run(['off', 'far.example', 'rsa1'])
  assert.equal((await run(['del', 'far.example', 'rsa1'])).out[0], 'the key rsa1 of far.example is deleted: its record may leave DNS a week after it last signed')
  assert.deepEqual(await tables.find(KEYS, {}), [])
  for (const verb of ['on', 'off', 'del']) await assert.rejects(run([verb, 'far.example', 'rsa1']), refused(/has no key rsa1/))
})

it('says what is no domain or selector', async () => {
  const { run } = home()
  for (const domain of ['', 'far', 'b\u00fccher.example', 'a b.example', '-a.example', `${'a'.repeat(64)}.example`, 'x..example']) {
    await assert.rejects(run(['new', domain]), refused(/is no domain/), domain)
  }
  for (const selector of ['a.b', '_x', '-', 'x'.repeat(64)]) await assert.rejects(run(['new', 'far.example', selector]), refused(/is no selector/), selector)
})
