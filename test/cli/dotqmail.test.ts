/** Dot-qmail texts, as an operator works with them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { place } from './kit.ts'

test('set, show, list and del; what is wrong is named by its line, and nothing is changed then', async (t) => {
  const here = place(t)
  assert.equal((await here.helios(['init', '--domain', 'local.example', '--user', 'joe'])).code, 0)
  const set = await here.helios(['dotqmail', 'set', 'joe@local.example', 'lists-default'], { stdin: '# to me\n./Maildir/\n&ann\n' })
  assert.deepEqual([set.code, set.out.split('\n')], [0, [
    'mail for joe-lists-*@local.example:', '  into the Maildir ./Maildir/', '  on to ann',
    'it is the first text in use: only the extensions of joe@local.example that have one are taken from now on', '',
  ]])
  assert.match(set.err, /^standard input:3: warning: "ann" has no domain \(.*\)\nnote: .* does not follow them yet: .*\n$/)
  const wrong = await here.helios(['dotqmail', 'set', 'joe@local.example', 'lists-default'], { stdin: '\n|\nMaildir/\n' })
  assert.deepEqual([wrong.code, wrong.out, wrong.err.split('\n').map((line) => /^helios: standard input:\d: error: /.exec(line)?.[0])], [1, '', [
    'helios: standard input:1: error: ', 'helios: standard input:2: error: ', 'helios: standard input:3: error: ', undefined,
  ]])
  assert.deepEqual(await here.helios(['dotqmail', 'show', 'joe@local.example', 'lists-default']), { code: 0, signal: null, out: '# to me\n./Maildir/\n&ann\n', err: '' })
  assert.equal((await here.helios(['dotqmail', 'list', 'joe@local.example'])).out, 'joe-lists-*@local.example  # to me (3 lines)\n')
  assert.match((await here.helios(['dotqmail', 'set', 'joe@local.example'])).err, /^helios: there is no text \(write /)
  const gone = await here.helios(['dotqmail', 'del', 'joe@local.example', 'lists-default', '--json'])
  assert.deepEqual(JSON.parse(gone.out), { user: 'joe@local.example', extension: 'lists-default', text: '# to me\n./Maildir/\n&ann\n', lastUse: true })
  const none = await here.helios(['dotqmail', 'show', 'joe@local.example'])
  assert.deepEqual([none.code, none.err], [1, 'helios: joe@local.example has no dot-qmail text for the address itself ("helios dotqmail list joe@local.example" shows what there is)\n'])
})
