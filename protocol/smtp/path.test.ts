import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byteLength, textOf } from '../text.ts'
import { domainOf, MAX_ADDRESS_BYTES, parsePath, printPath, splitAddress } from './path.ts'

function address(argument: string): string {
  const parsed = parsePath(argument)
  assert.ok(parsed.ok)
  return parsed.address
}

test('vector 45: senders', () => {
  assert.deepEqual(parsePath('FROM:<@r1,@r2:"a b"@C.Example> SIZE=10'), {
    ok: true, address: 'a b@C.Example', parameters: 'SIZE=10',
  })
  assert.equal(address(''), '')
  assert.equal(address('FROM:<>'), '')
})

test('vector 46: recipients', () => {
  assert.equal(address('TO:u@local.example'), 'u@local.example')
  assert.equal(address('TO: <"q\\"x"@local.example>'), 'q"x@local.example')
  assert.equal(address('TO:<u>'), 'u')
  const local = { isOwnIp: (ip: string) => ip === '127.0.0.1', localiphost: 'test.example' }
  const parsed = parsePath('TO:<u@[127.0.0.1]>', local)
  assert.equal(parsed.ok && parsed.address, 'u@test.example')
})

test('without a bracket the address begins behind the colon and ends at a blank', () => {
  assert.deepEqual(parsePath('TO:   u@x  NOTIFY=NEVER'), { ok: true, address: 'u@x', parameters: 'NOTIFY=NEVER' })
  assert.equal(address('TO:"a b"@x y'), 'a b@x')
  assert.equal(address('a@b.example'), '')
})

test('what qmail takes without a word', () => {
  assert.equal(address('FROM:<a@b'), 'a@b')
  assert.equal(address('nonsense<a@b>c'), 'a@b')
  assert.equal(address('TO:<a\\>b@x>'), 'a>b@x')
  assert.equal(address('TO:<"a>b"@x>'), 'a>b@x')
  assert.equal(address('TO:<a b@x>'), 'a b@x')
  assert.equal(address('TO:<a@x\\'), 'a@x')
  assert.equal(address('TO:<@route>'), '')
  assert.equal(address('TO:<@route> x:y>'), 'y')
})

test('an address may have 899 bytes, with quotes and route not counted', () => {
  const long = `${'x'.repeat(MAX_ADDRESS_BYTES - 4)}@b.c`
  assert.equal(address(`TO:<@route:"${long.slice(0, -4)}"@b.c>`), long)
  assert.deepEqual(parsePath(`TO:<x${long}>`), { ok: false })
  assert.deepEqual(parsePath(`TO:<${'ä'.repeat(450)}>`), { ok: false })
})

test('a literal of ours is replaced before the length is looked at', () => {
  const literal = `${'x'.repeat(890)}@[127.0.0.1]`
  assert.deepEqual(parsePath(`TO:<${literal}>`), { ok: false })
  const parsed = parsePath(`TO:<${literal}>`, { isOwnIp: () => true, localiphost: 'me' })
  assert.equal(parsed.ok && parsed.address, `${'x'.repeat(890)}@me`)
})

test('paths are printed quoted where RFC 5321 needs it', () => {
  assert.equal(printPath(''), '<>')
  assert.equal(printPath('a.b+c@d.example'), '<a.b+c@d.example>')
  assert.equal(printPath('a b@d'), '<"a b"@d>')
  assert.equal(printPath('a"\\@d'), '<"a\\"\\\\"@d>')
  assert.equal(printPath('a@b@d'), '<"a@b"@d>')
  assert.equal(printPath('.a@d'), '<".a"@d>')
  assert.equal(printPath('@d'), '<""@d>')
  assert.equal(printPath('jörg@d'), '<jörg@d>')
  assert.equal(printPath('u@[192.0.2.1]'), '<u@[192.0.2.1]>')
  assert.equal(printPath('u@d> SIZE=1'), '<u@"d> SIZE=1">')
  assert.equal(printPath('a\r\nRCPT@d\n'), '<a??RCPT@d?>')
})

test('splitting takes the last @', () => {
  assert.deepEqual(splitAddress('a@b@C'), { local: 'a@b', domain: 'C' })
  assert.deepEqual(splitAddress('a'), { local: 'a', domain: undefined })
  assert.equal(domainOf('a@'), '')
  assert.equal(domainOf('a'), undefined)
})

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.array(fc.constantFrom(...Buffer.from('<>@:,"\\ .ab[]\t\xe4', 'latin1')), { maxLength: 40 }).map((list) => Uint8Array.from(list)),
)

test('a printed address is read back', () => {
  fc.assert(fc.property(bytes, (raw) => {
    const text = textOf(raw.filter((byte) => byte !== 0 && byte !== 10 && byte !== 13))
    const parsed = parsePath(`TO:${printPath(text)} X=1`)
    assert.ok(parsed.ok)
    assert.equal(parsed.address, text)
    assert.equal(parsed.parameters, 'X=1')
  }), { numRuns: 3000 })
})

test('no argument makes it throw, and no address has too many bytes or a NUL', () => {
  fc.assert(fc.property(bytes, (raw) => {
    const parsed = parsePath(textOf(raw))
    if (!parsed.ok) return
    assert.ok(byteLength(parsed.address) <= MAX_ADDRESS_BYTES)
    assert.ok(!parsed.address.includes('\0'))
    assert.ok(!parsed.parameters.startsWith(' '))
  }), { numRuns: 3000 })
})

test('long nonsense ends', () => {
  for (const piece of ['<', '"', '\\', '@', '@a,', 'a', '"\\', ' ', '<"a"', 'FROM:']) {
    assert.ok(parsePath(`FROM:<${piece.repeat(100_000)}`) !== undefined)
    assert.ok(parsePath(`FROM:<"${piece.repeat(100_000)}`) !== undefined)
  }
})
