import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from './command.ts'
import { checkCommand, trimTrailingCr } from './harden.ts'

const good: readonly Command[] = [
  { kind: 'A' }, { kind: 'N' }, { kind: 'O' }, { kind: 'D' },
  { kind: 'E', text: '550 no' }, { kind: 'E', text: '451' }, { kind: 'R', text: '421 x' },
  { kind: 'LM', text: '450-a' }, { kind: 'LD', text: '550 é' },
  { kind: 'P', text: '250-hello' }, { kind: 'P', text: '550-' }, { kind: 'P', text: '354-x' },
  { kind: 'H', text: 'X-Checked: yes' }, { kind: 'H', text: 'X:' }, { kind: 'H', text: '\tfolded' }, { kind: 'H', text: ' a' },
  { kind: 'C', address: '' }, { kind: 'C', address: 'a b@x' },
  { kind: 'S', name: 'FOO', value: 'a=b' }, { kind: 'S', name: 'X-1', value: '' }, { kind: 'U', name: 'FOO' }, { kind: 'U', name: '' },
]

const bad: readonly (readonly [Command, RegExp])[] = [
  [{ kind: 'E', text: '' }, /^E at rcpt: .*4xx or 5xx code.*""/],
  [{ kind: 'E', text: 'no' }, /"no"/],
  [{ kind: 'E', text: '250 ok' }, /4xx or 5xx/],
  [{ kind: 'E', text: '550no' }, /4xx or 5xx/],
  [{ kind: 'E', text: '550-no' }, /hyphen/],
  [{ kind: 'R', text: '421-' }, /hyphen/],
  [{ kind: 'E', text: '5500' }, /4xx or 5xx/],
  [{ kind: 'R', text: '220 hi' }, /^R at rcpt/],
  [{ kind: 'LR', text: 'later' }, /^LR at rcpt/],
  [{ kind: 'P', text: '250 hello' }, /hyphen/],
  [{ kind: 'P', text: '150-hello' }, /hyphen/],
  [{ kind: 'P', text: '' }, /hyphen/],
  [{ kind: 'E', text: '550 a\r\nb' }, /holds a CR \(at 6/],
  [{ kind: 'E', text: '550 a\n' }, /holds a LF/],
  [{ kind: 'E', text: '550 a\0' }, /holds a NUL/],
  [{ kind: 'P', text: '250-a\rb' }, /holds a CR/],
  [{ kind: 'H', text: '' }, /empty/],
  [{ kind: 'H', text: ' \t ' }, /empty/],
  [{ kind: 'H', text: 'no field' }, /must be a field/],
  [{ kind: 'H', text: ': x' }, /must be a field/],
  [{ kind: 'H', text: 'Sub ject: x' }, /must be a field/],
  [{ kind: 'H', text: 'Ä: x' }, /must be a field/],
  [{ kind: 'H', text: 'X: a\n\nbody' }, /header line holds a LF/],
  [{ kind: 'C', address: 'a@b\r' }, /address holds a CR/],
  [{ kind: 'S', name: '', value: 'x' }, /name is empty/],
  [{ kind: 'S', name: 'A=B', value: 'x' }, /"A=B" holds an "="/],
  [{ kind: 'S', name: 'A\nB', value: 'x' }, /name holds a LF/],
  [{ kind: 'S', name: 'A', value: 'x\ny' }, /value of "A" holds a LF/],
  [{ kind: 'U', name: 'A\0' }, /name holds a NUL/],
]

test('what a plugin may say', () => {
  for (const command of good) assert.equal(checkCommand(command, 'rcpt'), undefined, JSON.stringify(command))
})

test('what it may not say, and why', () => {
  for (const [command, reason] of bad) assert.match(checkCommand(command, 'rcpt') ?? 'no fault', reason, JSON.stringify(command))
})

test('a long text is shortened in the reason', () => {
  assert.ok(checkCommand({ kind: 'E', text: 'x'.repeat(10_000) }, 'message')!.length < 250)
})

test('one CR at the end of the line is part of the line end', () => {
  assert.deepEqual(trimTrailingCr({ kind: 'E', text: '550 no\r' }), { kind: 'E', text: '550 no' })
  assert.deepEqual(trimTrailingCr({ kind: 'H', text: 'a: b\r\r' }), { kind: 'H', text: 'a: b\r' })
  assert.deepEqual(trimTrailingCr({ kind: 'LD', text: '\r' }), { kind: 'LD', text: '' })
  assert.deepEqual(trimTrailingCr({ kind: 'C', address: 'a@b\r' }), { kind: 'C', address: 'a@b' })
  assert.deepEqual(trimTrailingCr({ kind: 'S', name: 'a\r', value: 'b\r' }), { kind: 'S', name: 'a\r', value: 'b' })
  assert.deepEqual(trimTrailingCr({ kind: 'U', name: 'a\r' }), { kind: 'U', name: 'a' })
  assert.deepEqual(trimTrailingCr({ kind: 'N' }), { kind: 'N' })
  assert.deepEqual(trimTrailingCr({ kind: 'P', text: 'a\rb' }), { kind: 'P', text: 'a\rb' })
})
