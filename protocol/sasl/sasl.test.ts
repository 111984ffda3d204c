import assert from 'node:assert/strict'
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeBase64 } from './base64.ts'
import { cramMd5 } from './cram-md5.ts'
import type { Exchange, Step } from './exchange.ts'
import { login } from './login.ts'
import { MECHANISMS, beginExchange } from './mechanisms.ts'
import { plain } from './plain.ts'
import { scramKeys } from './scram-keys.ts'
import { scramSha256 } from './scram-sha-256.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const after = (exchange: Exchange, ...texts: readonly string[]): Step => texts.map((text) => exchange.next(bytes(text))).at(-1)!

test('base64 is padded and nothing else', () => {
  assert.deepEqual(['', 'YQ==', 'AGFubgBzZWNyZXQ='].map((text) => decodeBase64(text)?.toString('latin1')), ['', 'a', '\0ann\0secret'])
  for (const text of ['YQ', 'YQ=', 'Y Q=', '====', 'YQ==\r', '-_==', 'a===']) assert.equal(decodeBase64(text), undefined, text)
  fc.assert(fc.property(fc.uint8Array(), (data) => assert.deepEqual(decodeBase64(Buffer.from(data).toString('base64')), Buffer.from(data))))
})

describe('PLAIN', () => {
  test('name and password; the same name for whom to act, or none', () => {
    const expected = { kind: 'password', name: 'ann@example.org', password: 'pä ss' }
    assert.deepEqual(after(plain(), '\0ann@example.org\0pä ss'), expected)
    assert.deepEqual(after(plain(), 'ann@example.org\0ann@example.org\0pä ss'), expected)
    assert.deepEqual(after(plain(), 'bob\0ann\0secret'), { kind: 'wrong', name: 'ann' })
  })

  test('what is not exactly that is malformed', () => {
    for (const text of ['', '\0', '\0\0', 'ann', '\0ann', '\0ann\0', '\0\0secret', '\0ann\0sec\0ret', `\0ann\0${'x'.repeat(1025)}`]) {
      assert.deepEqual(after(plain(), text), { kind: 'malformed' }, JSON.stringify(text))
    }
    assert.deepEqual(plain().next(Buffer.from('\0ann\0\xff', 'latin1')), { kind: 'malformed' }, 'not UTF-8')
  })

  test('every name and password without NUL comes out as it went in', () => {
    const word = fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed())
    fc.assert(fc.property(word, word, (name, password) => {
      assert.deepEqual(after(plain(), `\0${name}\0${password}`), { kind: 'password', name, password })
    }))
  })
})

test('LOGIN asks for both', () => {
  const exchange = login()
  assert.equal(exchange.opening, 'Username:')
  assert.deepEqual(after(exchange, 'ann'), { kind: 'challenge', text: 'Password:' })
  assert.deepEqual(after(exchange, 'secret'), { kind: 'password', name: 'ann', password: 'secret' })
  assert.deepEqual(after(login(), ''), { kind: 'malformed' })
  assert.deepEqual(after(login(), 'ann', ''), { kind: 'malformed' })
  assert.deepEqual(after(login(), 'a\0b'), { kind: 'malformed' })
})

/** Hands the password to a step that asks for it. */
function found(step: Step, password: string | undefined): Step {
  assert.equal(step.kind, 'secret')
  return (step as Extract<Step, { kind: 'secret' }>).found(password === undefined ? undefined : { kind: 'password', password })
}

test('CRAM-MD5: the example of RFC 2195, a wrong password, nobody, and nonsense', () => {
  const begin = (): Exchange => cramMd5('<1896.697170952@postoffice.reston.mci.net>')
  const response = 'tim b913a602c7eda7a495b4e6e7334d3890'
  assert.deepEqual(found(after(begin(), response), 'tanstaaftanstaaf'), { kind: 'right', name: 'tim' })
  assert.deepEqual(found(after(begin(), response), 'other'), { kind: 'wrong', name: 'tim' })
  assert.deepEqual(found(after(begin(), response), undefined), { kind: 'wrong', name: 'tim' })
  const nobody = createHmac('md5', 'nobody').update('<1896.697170952@postoffice.reston.mci.net>').digest('hex')
  assert.deepEqual(found(after(begin(), `tim ${nobody}`), undefined), { kind: 'wrong', name: 'tim' })
  assert.equal((after(begin(), 'tim the man B913A602C7EDA7A495B4E6E7334D3890') as { name: string }).name, 'tim the man')
  for (const text of ['', 'tim', 'tim ', ' b913a602c7eda7a495b4e6e7334d3890', 'tim b913', 'tim b913a602c7eda7a495b4e6e7334d389g']) assert.deepEqual(after(begin(), text), { kind: 'malformed' }, text)
})

/** A client of its own, by RFC 5802 3. */
function scramClient(name: string, password: string, header = 'n,,') {
  const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=clientnonce`
  return {
    first: header + bare,
    last: (challenge: string) => {
      const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)!
      const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256')
      const key = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
      const without = `c=${Buffer.from(header).toString('base64')},r=${nonce}`
      const signed = `${bare},${challenge},${without}`
      const signature = createHmac('sha256', createHash('sha256').update(key('Client Key')).digest()).update(signed).digest()
      const proof = key('Client Key').map((byte, index) => byte ^ signature[index]!)
      return {
        message: `${without},p=${Buffer.from(proof).toString('base64')}`,
        verifier: `v=${createHmac('sha256', key('Server Key')).update(signed).digest('base64')}`,
      }
    },
  }
}

describe('SCRAM-SHA-256', () => {
  const begin = (): Exchange => scramSha256({ nonce: 'servernonce', pepper: bytes('pepper') })

  function challenged(exchange: Exchange, first: string, password: string | undefined): string {
    const step = found(after(exchange, first), password)
    assert.equal(step.kind, 'challenge')
    return (step as { text: string }).text
  }

  test('both sides show that they know it', () => {
    for (const [name, password, header] of [['ann@example.org', 'pencil', 'n,,'], ['a=b,c', 'pä ss', 'y,,'], ['ann', 'x', 'n,a=ann,']] as const) {
      const exchange = begin()
      const client = scramClient(name, password, header)
      const challenge = challenged(exchange, client.first, password)
      assert.match(challenge, /^r=clientnonceservernonce,s=[A-Za-z0-9+/]{22}==,i=4096$/)
      const { message, verifier } = client.last(challenge)
      assert.deepEqual(after(exchange, message), { kind: 'challenge', text: verifier })
      assert.deepEqual(after(exchange, ''), { kind: 'right', name })
    }
  })

  test('keys that are kept in place of the password', () => {
    const keys = scramKeys('pencil', bytes('salt of its own'), 5000)
    for (const [password, known] of [['pencil', true], ['pencils', false], ['', false]] as const) {
      const exchange = begin()
      const client = scramClient('ann', password)
      const step = (after(exchange, client.first) as Extract<Step, { kind: 'secret' }>).found({ kind: 'scram', keys })
      const challenge = (step as { text: string }).text
      assert.equal(challenge, `r=clientnonceservernonce,s=${Buffer.from('salt of its own').toString('base64')},i=5000`)
      const { message, verifier } = client.last(challenge)
      assert.deepEqual(after(exchange, message), known ? { kind: 'challenge', text: verifier } : { kind: 'wrong', name: 'ann' })
    }
    const cram = after(cramMd5('<1.2@h>'), `ann ${createHmac('md5', 'pencil').update('<1.2@h>').digest('hex')}`)
    assert.deepEqual((cram as Extract<Step, { kind: 'secret' }>).found({ kind: 'scram', keys }), { kind: 'wrong', name: 'ann' }, 'of no use there')
  })

  test('a wrong password, nobody, another nonce, another header', () => {
    const tried = (password: string | undefined, change: (message: string) => string = (message) => message): string => {
      const exchange = begin()
      const client = scramClient('ann', 'pencil')
      return after(exchange, change(client.last(challenged(exchange, client.first, password)).message)).kind
    }
    assert.equal(tried('pencil'), 'challenge')
    assert.equal(tried('pencils'), 'wrong')
    assert.equal(tried(undefined), 'wrong')
    assert.equal(tried('pencil', (message) => message.replace('servernonce', 'othernonce')), 'wrong')
    assert.equal(tried('pencil', (message) => message.replace('c=biws', 'c=eSws')), 'wrong')
    assert.equal(tried('pencil', (message) => message.replace(/p=.*/, 'p=AAAA')), 'malformed')
  })

  test('the salt of a name is always the same, also where nobody bears it', () => {
    const salt = (name: string, password: string | undefined): string => /s=([^,]+)/.exec(challenged(begin(), scramClient(name, 'x').first, password))![1]!
    assert.equal(salt('ann', 'secret'), salt('ann', undefined))
    assert.notEqual(salt('ann', undefined), salt('bob', undefined))
  })

  test('channel binding, extensions that must be understood and odd names are refused', () => {
    for (const first of ['p=tls-unique,,n=ann,r=x', 'n,,m=x,n=ann,r=x', 'n,,n=a=b,r=x', 'n,,n=,r=x', 'n,,n=ann,r=', 'n,,n=ann', 'n,n=ann,r=x', 'x,,n=ann,r=x', '', 'n,,n=a\u0007,r=x']) {
      assert.deepEqual(after(begin(), first), { kind: 'malformed' }, first)
    }
    assert.deepEqual(after(begin(), 'n,a=bob,n=ann,r=x'), { kind: 'wrong', name: 'ann' })
  })

  test('what SASLprep maps is the same name', () => {
    assert.equal((after(begin(), 'n,,n=a\u00adnn,r=x') as { name: string }).name, 'ann')
    assert.equal((after(begin(), 'n,,n=\u2168,r=x') as { name: string }).name, 'IX')
  })
})

test('no response breaks a mechanism, and none is right without the password', () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom('n,,n=a,r=b', 'c=biws,r=bs,p=AAAA', 'a 00000000000000000000000000000000', '\0a\0b', '', 'v=').map(bytes))
  fc.assert(fc.property(fc.constantFrom(...MECHANISMS), fc.array(piece, { maxLength: 5 }), (mechanism, responses) => {
    const exchange = beginExchange(mechanism, { nonce: 's', pepper: bytes('p'), host: 'h', now: 0 })
    for (const response of responses) {
      let step = exchange.next(response)
      if (step.kind === 'secret') step = step.found({ kind: 'password', password: 'the password' })
      assert.notEqual(step.kind, 'right')
      if (step.kind !== 'challenge') return
    }
  }))
})
