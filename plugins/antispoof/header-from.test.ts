import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { addressesIn } from './header-from.ts'

it('reads what RFC 5322 allows', () => {
  for (const [value, addresses] of [
    [' joe@local.example', ['joe@local.example']],
    [' Joe Doe <joe@local.example>', ['joe@local.example']],
    [' "Doe, Joe" <joe@local.example> (his work)', ['joe@local.example']],
    [' joe@local.example, Ann <ann@far.example>', ['joe@local.example', 'ann@far.example']],
    [' Joe\n <joe@local\n .example>', ['joe@local.example']],
    [' joe (a (nested\\) one) comment) @ local . example', ['joe@local.example']],
    [' "joe doe"@local.example', ['joe doe@local.example']],
    [' "a@b"@local.example', ['a@b@local.example']],
    [' <@relay.example,@other.example:joe@local.example>', ['joe@local.example']],
    [' joe@[IPv6:2001:db8::1]', ['joe@[IPv6:2001:db8::1]']],
    [' Friends: joe@local.example, Ann <ann@far.example>;', ['joe@local.example', 'ann@far.example']],
    [' Nobody:;', []], [' <>', []], ['', []], [' MAILER-DAEMON <>', []],
    [' =?utf-8?q?J=C3=B6?= <j@local.example>', ['j@local.example']],
    [' "boss@local.example" <eve@far.example>', ['eve@far.example']],
  ] as const) assert.deepEqual(addressesIn(value), addresses, value)
})

it('finds what mail programs may show all the same', () => {
  for (const value of [
    ' boss@local.example <eve@far.example>', ' eve@far.example boss@local.example', ' <eve@far.example><boss@local.example>',
    ' eve@far.example; boss@local.example', ' x (y <boss@local.example>, eve@far.example) boss@local.example', ' <boss@local.example',
    ' boss @local.example eve', ' Eve: boss@local.example: eve@far.example', ' "x" boss@local.example "y" <eve@far.example>',
    ' (unclosed\\) ) <boss@local.example', ' ,,,boss@local.example,', ' <eve@far.example, boss@local.example>',
  ]) assert.ok(addressesIn(value).some((address) => address.includes('boss@local.example')), value)
})

it('takes a name without an address for an address of this host', () => {
  assert.deepEqual(addressesIn(' boss'), ['boss'])
  assert.deepEqual(addressesIn(' "The Boss"'), ['The Boss'])
  assert.deepEqual(addressesIn(' "boss@local.example'), ['boss@local.example'])
})

it('property: never throws, and every address without quotes and comments around it is found', () => {
  const noise = fc.string({ unit: fc.constantFrom('a', ' ', '<', '>', ',', ';', ':', '.', '@', '\\', '\n', 'é', '\u0000') })
  fc.assert(fc.property(noise, noise, (before, after) => {
    const found = addressesIn(`${before} , boss@local.example , ${after}`)
    assert.ok(found.some((address) => address.includes('boss@local.example')))
  }))
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => void addressesIn(value)))
})

it('reads a long field in time that grows with its length alone', () => {
  for (const part of ['(', '"', '<', 'a@b,', '@', 'a ', '\\', '[', 'a@b ']) assert.ok(addressesIn(part.repeat(60_000)).length <= 60_000)
})
