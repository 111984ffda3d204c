/** Verbs that a plugin's folder adds to `helios`, run as an operator runs them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { place } from './kit.ts'

test('a plugin\'s verbs are listed, work on the home\'s database, and fail as others do', async (t) => {
  const here = place(t)
  assert.equal((await here.helios(['init', '--domain', 'local.example', '--user', 'joe'])).code, 0)
  assert.match((await here.helios(['--help'])).out, /^ {2}antispoof {2,}say who may send from which address$/m)
  const added = await here.helios(['antispoof', 'add', 'joe@local.example', '![:any:]@[:my domains:]', 'x@far.example', '--json'])
  assert.deepEqual([added.code, JSON.parse(added.out).rules.map((each: { rule: string }) => each.rule)], [0, ['! [:any:]@[:my domains:]', 'x@far.example']], added.err)
  const set = await here.helios(['antispoof', 'set', '[:all:]@local.example'], { stdin: 'office@[:domain:]\n[:none:]@bad.example\n' })
  assert.deepEqual([set.code, set.out.split('\n').length], [0, 4], set.err)
  assert.deepEqual(await Promise.all(['office@local.example', 'x@bad.example', 'ann@local.example'].map(async (sender) =>
    (await here.helios(['antispoof', 'test', 'joe@local.example', sender])).code)), [0, 1, 1])
  const wrong = await here.helios(['antispoof', 'add', 'joe@local.example', '[:anny:]'])
  assert.deepEqual([wrong.code, wrong.out], [1, ''])
  assert.match(wrong.err, /^helios: "\[:anny:\]" means nothing in the place of an address \(there are .*\)\n$/)
  assert.equal((await here.helios(['antispoof', 'add', 'joe@local.example'])).code, 2, 'an argument is missing')
})

test('without a home a plugin\'s verb says so', async (t) => {
  const { code, err } = await place(t).helios(['antispoof', 'list'])
  assert.equal(code, 1)
  assert.match(err, /there is no home in .*helios init/)
})
