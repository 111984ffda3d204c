import assert from 'node:assert/strict'
import { it } from 'node:test'
import { VerbRefusal } from '../../core/plugin/index.ts'
import { fakeTables, fakeWorld, keyTools } from '../../core/plugin/testing/index.ts'
import { verbs } from './cli.ts'

/** A home in which verbs are run one after the other. */
function home(rows: Parameters<typeof fakeTables>[0] = {}) {
  const tables = fakeTables(rows)
  const { accounts } = fakeWorld({ accounts: { mailboxes: ['joe@local.example'], aliases: { 'joe@local.example': ['sales@local.example'] } } }).world
  return async (line: readonly string[], input = '') => {
    const [name, ...rest] = line
    const verb = verbs.verbs.find((each) => each.name === name)!
    const out: string[] = []
    const err: string[] = []
    const status = await verb.run({
      arguments: rest.filter((each) => !each.startsWith('--')), flags: new Set(rest.filter((each) => each.startsWith('--')).map((each) => each.slice(2))),
      tables, accounts, keys: keyTools, control: (file) => file === 'me' ? 'local.example\n' : undefined, input: async () => input,
      out: (text) => void out.push(text), err: (text) => void err.push(text),
    })
    return { out, err, status: status ?? 0 }
  }
}

const JOE = 'joe@local.example'
const bare = (lines: readonly string[]) => lines.map((text) => text.replace(/  -- .*/, ''))

it('shows the defaults until somebody writes a list', async () => {
  const run = home()
  assert.deepEqual(bare((await run(['list'])).out), [
    '[:none:]@[:none:] (default)', '  ! [:any:]@[:my domains:]',
    '[:all:]@[:all:] (default)', '  [:login:]@[:domain:]', '  [:aliases:]', '  ! [:any:]@[:my domains:]',
  ])
  assert.deepEqual((await run(['list', JOE])).out, [`${JOE}: no rules`])
})

it('adds rules in their order, each once, in one spelling', async () => {
  const run = home()
  assert.deepEqual(bare((await run(['add', 'Joe@LOCAL.example', 'A@far.example', '![:any:]@b.example'])).out), [JOE, '  a@far.example', '  ! [:any:]@b.example'])
  assert.deepEqual(bare((await run(['add', JOE, ' a@FAR.example', 'c@far.example'])).out), [JOE, '  a@far.example', '  ! [:any:]@b.example', '  c@far.example'])
})

it('adds to a default without losing it, and brings it back', async () => {
  const run = home()
  assert.equal((await run(['add', '[:any:]@[:any:]', 'x@far.example'])).out.length, 5)
  assert.equal((await run(['del', '[:all:]@[:all:]', '[:aliases:]'])).out.length, 4)
  assert.deepEqual(bare((await run(['del', '[:all:]@[:all:]', '--all'])).out), [
    '[:all:]@[:all:] (default)', '  [:login:]@[:domain:]', '  [:aliases:]', '  ! [:any:]@[:my domains:]',
  ])
})

it('sets a list from standard input, an empty one, too', async () => {
  const run = home()
  assert.deepEqual(bare((await run(['set', '[:all:]@[:all:]'], '[:login:]@[:domain:]\r\n\n x@far.example\n')).out), [
    '[:all:]@[:all:]', '  [:login:]@[:domain:]', '  x@far.example',
  ])
  assert.deepEqual((await run(['set', '[:all:]@[:all:]'], '')).out, ['[:all:]@[:all:]: no rules'])
  assert.equal((await run(['test', JOE, JOE])).status, 1)
})

it('refuses what it cannot read and changes nothing then', async () => {
  const run = home()
  await run(['add', JOE, 'a@far.example'])
  const refusals: readonly (readonly [readonly string[], string, string?])[] = [
    [['add', JOE, 'b@far.example', '[:login:]'], '"[:login:]" means nothing in the place of an address'],
    [['add', 'joe', 'b@far.example'], '"joe" is no user'],
    [['add', '[:none:]@[:none:]', '[:aliases:]'], '"[:aliases:]" speaks of a user, and who has not logged in is none'],
    [['set', JOE], 'line 2: "x" has no @', 'b@far.example\nx\n'],
    [['del', JOE], 'no rule was named'], [['del', JOE, 'a@far.example', '--all'], 'rules and --all were given'],
    [['del', JOE, 'b@far.example'], '"b@far.example" is not on the list of joe@local.example'],
    [['test', '[:all:]@local.example', JOE], '[:all:]@local.example is a group'],
  ]
  for (const [line, message, input] of refusals) {
    await assert.rejects(run(line, input), (error) => error instanceof VerbRefusal && error.message === message && error.mend !== '', message)
  }
  assert.deepEqual(bare((await run(['list', JOE])).out), [JOE, '  a@far.example'])
})

it('says when a list is for nobody', async () => {
  const run = home()
  for (const [user, doubted] of [
    [JOE, false], ['jo@local.example', true], ['[:all:]@local.example', false], ['[:all:]@lokal.example', true], ['joe@[:all:]', false], ['jo@[:all:]', true],
    ['[:all:]@[:all:]', false], ['[:none:]@[:none:]', false],
  ] as const) assert.equal((await run(['add', user, 'x@far.example'])).err.length, doubted ? 1 : 0, user)
})

it('tells what would happen, which rule decides, and what the client would be told', async () => {
  const run = home()
  assert.deepEqual(await run(['test', JOE, 'sales@local.example']), {
    out: [
      'allowed by line 2 of the default list of [:all:]@[:all:]: "[:aliases:]" permits the user\'s aliases',
      'asked: joe@local.example (0 rules), [:all:]@local.example (0 rules), joe@[:all:] (0 rules), [:all:]@[:all:] (default, 3 rules)',
    ],
    err: [], status: 0,
  })
  assert.deepEqual((await run(['test', '[:none:]@[:none:]', 'joe'])).out.slice(0, 2), [
    'refused: no line of the lists that hold here permits it', 'the client is told: 530 authentication required (#4.7.1)',
  ])
  assert.equal((await run(['test', '[:none:]@[:none:]', '<>'])).status, 0)
  await run(['add', JOE, 'eve@[:none:]'])
  const { out, status } = await run(['test', JOE, '<eve@far.example>', '--json'])
  assert.deepEqual([JSON.parse(out[0]!), status], [{
    user: JOE, address: 'eve@far.example', allowed: false, by: 'rule', list: JOE, line: 1, rule: 'eve@[:none:]', reply: '550 permission denied (#5.7.0)',
    reason: 'refused by line 1 of the list of joe@local.example: "eve@[:none:]" prohibits the login eve in every domain',
  }, 1])
})

it('shows lists as JSON', async () => {
  const run = home()
  const { out } = await run(['add', JOE, '! [:any:]@far.example', '--json'])
  assert.deepEqual(JSON.parse(out[0]!), {
    user: JOE, default: false, rules: [{ line: 1, rule: '! [:any:]@far.example', meaning: 'permits everything but addresses in far.example' }],
  })
})

it('tests an address as MAIL reads it: quotes and routes are no part of it', async () => {
  const run = home()
  for (const address of ['"joe"@local.example', '<"j\\oe"@local.example>', '<@relay.example,@b.example:joe@LOCAL.example>', 'Joe@local.example.']) {
    assert.equal((await run(['test', JOE, address])).status, 0, address)
  }
  const seen = JSON.parse((await run(['test', JOE, '"boss@local.example"@far.example', '--json'])).out.join('\n')) as { readonly address: string }
  assert.equal(seen.address, 'boss@local.example@far.example')
  assert.equal((await run(['test', JOE, '"boss"@local.example'])).status, 1)
  await assert.rejects(run(['test', JOE, `${'x'.repeat(900)}@local.example`]), VerbRefusal)
})

it('finds lines that cannot be read, and their lists', async () => {
  const run = home({ antispoof: [
    { login: 'joe', domain: 'local.example', rules: 'a@far.example\n"joe"@local.example\n!!b@far.example' }, { login: 'ann', domain: 'local.example', rules: 'a@far.example' },
  ] })
  const { out, status } = await run(['list', '--unreadable'])
  assert.deepEqual([out.length, out[0], status], [3, JOE, 1])
  assert.equal(out[1], '  "joe"@local.example  -- CANNOT BE READ: "joe" has quotes; write the login without them: addresses are compared without quotes')
  assert.match(out[2]!, /^  !!b@far\.example  -- CANNOT BE READ: there are two "!"; write one/)
  const [found] = JSON.parse((await run(['list', '--unreadable', '--json'])).out[0]!) as readonly { readonly user: string; readonly rules: readonly { readonly line: number }[] }[]
  assert.deepEqual([found?.user, found?.rules.map(({ line }) => line)], [JOE, [2, 3]])
  await run(['set', JOE], 'joe@local.example\n! b@far.example\n')
  assert.deepEqual(await run(['list', '--unreadable']), { out: [], err: [], status: 0 })
})
