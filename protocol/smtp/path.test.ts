import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byteLength, textOf } from '../text.ts'
import { domainOf, MAX_ADDRESS_BYTES, parsePath, printPath, splitAddress } from './path.ts'

function address(argument: string, keyword: 'FROM' | 'TO' = 'TO'): string {
  const parsed = parsePath(argument, keyword)
  assert.ok(parsed.ok)
  return parsed.address
}

test('vector 45: senders', () => {
  assert.deepEqual(parsePath('FROM:<@r1,@r2:"a b"@C.Example> SIZE=10', 'FROM'), {
    ok: true, address: 'a b@C.Example', parameters: 'SIZE=10', wellFormed: true,
  })
  assert.equal(address('', 'FROM'), '')
  assert.equal(address('FROM:<>', 'FROM'), '')
})

test('vector 46: recipients', () => {
  assert.equal(address('TO:u@local.example'), 'u@local.example')
  assert.equal(address('TO: <"q\\"x"@local.example>'), 'q"x@local.example')
  assert.equal(address('TO:<u>'), 'u')
  const local = { isOwnIp: (ip: string) => ip === '127.0.0.1', localiphost: 'test.example' }
  const parsed = parsePath('TO:<u@[127.0.0.1]>', 'TO', local)
  assert.equal(parsed.ok && parsed.address, 'u@test.example')
})

test('without a bracket the address begins behind the colon and ends at a blank', () => {
  assert.deepEqual(parsePath('TO:   u@x  NOTIFY=NEVER', 'TO'), { ok: true, address: 'u@x', parameters: 'NOTIFY=NEVER', wellFormed: false })
  assert.equal(address('TO:"a b"@x y'), 'a b@x')
  assert.equal(address('a@b.example', 'FROM'), '')
})

test('what qmail takes without a word', () => {
  assert.equal(address('FROM:<a@b', 'FROM'), 'a@b')
  assert.equal(address('nonsense<a@b>c', 'FROM'), 'a@b')
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
  assert.deepEqual(parsePath(`TO:<x${long}>`, 'TO'), { ok: false })
  assert.deepEqual(parsePath(`TO:<${'ä'.repeat(450)}>`, 'TO'), { ok: false })
})

test('a literal of ours is replaced before the length is looked at', () => {
  const literal = `${'x'.repeat(890)}@[127.0.0.1]`
  assert.deepEqual(parsePath(`TO:<${literal}>`, 'TO'), { ok: false })
  const parsed = parsePath(`TO:<${literal}>`, 'TO', { isOwnIp: () => true, localiphost: 'me' })
  assert.equal(parsed.ok && parsed.address, `${'x'.repeat(890)}@me`)
})

test('the form of RFC 5321 is told from the others', () => {
  const wellFormed = (argument: string, keyword: 'FROM' | 'TO'): boolean => {
    const parsed = parsePath(argument, keyword)
    return parsed.ok && parsed.wellFormed
  }
  const right = [
    '<>', '<a@b>', '<a@b> SIZE=1', '<"a b\\""@b>', '<@x,@y:a@b>', '<a..b.@b_c>', '<a@[IPv6:::1]>', '<jörg@bücher.example>', '<u>',
  ]
  for (const path of right) {
    assert.ok(wellFormed(`FROM:${path}`, 'FROM'), path)
    assert.ok(wellFormed(`from: ${path}`, 'FROM'), path)
    assert.equal(wellFormed(`TO:${path}`, 'TO'), path !== '<>', path)
    assert.ok(!wellFormed(`TO:${path}`, 'FROM'), path)
  }
  const wrong = [
    '', 'a@b', '<a@b', 'a@b>', '<a@b>SIZE=1', '<a b@c>', '<a@b@c>', '<a@b c>', '<"a@b>', '<"a"b@c>', '<a\\@b@c>', '<a@>', '<@b>',
    '<a\rb@c>', '<a@b\x7f>', '<<a@b>>', '<a@"b">', 'x<a@b>',
  ]
  for (const path of wrong) assert.ok(!wellFormed(`FROM:${path}`, 'FROM'), path)
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

test('a printed address is read back, and is in the form of RFC 5321 when its domain allows', () => {
  fc.assert(fc.property(bytes, (raw) => {
    const text = textOf(raw.filter((byte) => byte !== 0 && byte !== 10 && byte !== 13))
    const parsed = parsePath(`TO:${printPath(text)} X=1`, 'TO')
    assert.ok(parsed.ok)
    assert.equal(parsed.address, text)
    assert.equal(parsed.parameters, 'X=1')
    // oxlint-disable-next-line no-control-regex -- no quoted string holds control bytes
    if (text !== '' && /^[^@]*(@[a-z.]+)?$/.test(text) && !/[\x00-\x1f\x7f]/.test(text)) assert.ok(parsed.wellFormed, text)
  }), { numRuns: 3000 })
})

test('no argument makes it throw, and no address has too many bytes or a NUL', () => {
  fc.assert(fc.property(bytes, fc.constantFrom('FROM', 'TO'), (raw, keyword) => {
    const parsed = parsePath(textOf(raw), keyword)
    if (!parsed.ok) return
    assert.ok(byteLength(parsed.address) <= MAX_ADDRESS_BYTES)
    assert.ok(!parsed.address.includes('\0'))
    assert.ok(!parsed.parameters.startsWith(' '))
  }), { numRuns: 3000 })
})

test('long nonsense ends', () => {
  for (const piece of ['<', '"', '\\', '@', '@a,', 'a', '"\\', ' ', '<"a"', 'FROM:']) {
    assert.ok(parsePath(`FROM:<${piece.repeat(100_000)}`, 'FROM') !== undefined)
    assert.ok(parsePath(`FROM:<"${piece.repeat(100_000)}`, 'FROM') !== undefined)
  }
})
