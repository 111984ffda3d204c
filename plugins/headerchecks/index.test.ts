import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { error } from '../../core/plugin/index.ts'
import { testPlugin, type SessionFields } from '../../core/plugin/testing/index.ts'
import { addressesIn, hasDomain } from './addresses.ts'
import { checks, WORDS } from './checks.ts'
import headerchecks from './index.ts'

const GOOD = 'Received: by mx\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nFrom: Joe <joe@far.example>\nTo: u@local.example\nMessage-ID: <1@far.example>\nSubject: hello\n'
const ask = (header: string, HEADERCHECKS?: string, session: SessionFields = {}) =>
  testPlugin(headerchecks, { hook: 'message', message: `${header}\nBody\n`, env: { HEADERCHECKS }, session })
const commands = async (header: string, wanted?: string, session?: SessionFields) => (await ask(header, wanted, session)).commands
const without = (name: string): string => GOOD.replace(new RegExp(`^${name}: .*\n`, 'm'), '')
const ALL = 'date from message-id singletons bare received=30'

describe('the plugin', () => {
  it('lets a complete header pass', async () => {
    assert.deepEqual(await commands(GOOD, ALL), [])
  })

  it('refuses what is missing, where it is told to look', async () => {
    for (const [word, name] of [['date', 'Date'], ['from', 'From'], ['message-id', 'Message-ID']] as const) {
      assert.deepEqual(await commands(without(name), word), [error(`550 sorry, your message has no ${name} field (#5.6.0)`)])
      assert.deepEqual(await commands(without(name), ALL.replace(new RegExp(`(^| )${word}(?= |$)`), '')), [], word)
    }
  })

  it('refuses what is there twice, whatever its case', async () => {
    assert.deepEqual(await commands(`${GOOD}sUBJECT: again\n`, 'singletons'), [error('550 sorry, your message has more than one Subject field (#5.6.0)')])
    assert.deepEqual(await commands(`${GOOD}From: Eve <eve@far.example>\n`, 'singletons'), [error('550 sorry, your message has more than one From field (#5.6.0)')])
    assert.deepEqual(await commands(`${GOOD}X-A: 1\nX-A: 2\nReceived: again\n`, ALL), [])
  })

  it('refuses more Received fields than it was told', async () => {
    const hops = (n: number): string => 'Received: by x\n'.repeat(n - 1) + GOOD
    assert.deepEqual(await commands(hops(3), 'received=3'), [])
    assert.deepEqual(await commands(hops(4), 'received=3'), [error('554 sorry, your message has passed too many hosts (#5.4.6)')])
  })

  it('refuses addresses without a domain', async () => {
    assert.deepEqual(await commands(GOOD.replace('Joe <joe@far.example>', 'root'), 'bare'), [error('550 sorry, an address in your From field has no domain (#5.6.0)')])
    assert.deepEqual(await commands(GOOD.replace('u@local.example', 'u@local.example,\n ann (Ann)'), 'bare'), [error('550 sorry, an address in your To field has no domain (#5.6.0)')])
    assert.deepEqual(await commands(GOOD.replace('To: u@local.example', 'To: undisclosed-recipients:;'), 'bare'), [])
  })

  it('logs the check that decided', async () => {
    assert.deepEqual((await ask(without('Date'), ALL)).logged, [{ level: 'info', message: 'header refused', fields: { check: 'date' } }])
  })

  it('looks at nothing unless it is told to', async () => {
    assert.deepEqual(await commands('X: y\n'), [])
    assert.deepEqual(await commands('X: y\n', ' '), [])
  })

  it('spares relay clients and authenticated users, whose server is this one', async () => {
    assert.deepEqual(await commands('X: y\n', ALL, { relayClient: true }), [])
    assert.deepEqual(await commands('X: y\n', ALL, { auth: { user: 'joe@local.example', method: 'plain' } }), [])
  })

  it('refuses a message with no header at all', async () => {
    assert.deepEqual(await commands('', 'from'), [error('550 sorry, your message has no From field (#5.6.0)')])
  })
})

describe('HEADERCHECKS', () => {
  const setting = checks('')

  it('is words and a number, in any order and case, with blanks and commas', () => {
    fc.assert(fc.property(fc.subarray([...WORDS]), fc.option(fc.integer({ min: 1, max: 1000 })), fc.constantFrom(' ', ', ', '\t', '  '), fc.boolean(), (words, received, between, upper) => {
      const text = [...words, ...(received === null ? [] : [`received=${received}`])].toReversed().join(between)
      assert.deepEqual(setting.parse(upper ? text.toUpperCase() : text), { ok: true, value: { words: new Set(words), received: received ?? Infinity } })
    }))
  })

  it('is read or refused with a reason, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const parsed = setting.parse(text)
      assert.ok(parsed.ok || (parsed.reason !== '' && parsed.mend !== ''))
    }))
    assert.deepEqual(setting.parse('dates'), { ok: false, reason: '"dates" is no check', mend: 'did you mean date?' })
    for (const text of ['received', 'received=', 'received=0', 'received=1001', 'received=-1', 'all']) assert.equal(setting.parse(text).ok, false, text)
  })
})

describe('the addresses of a field', () => {
  it('are read as RFC 5322 writes them', () => {
    const cases: readonly (readonly [string, readonly string[]])[] = [
      [' "Joe, J." <joe@far.example>, list: ann (Ann), "x y"@b.example;', ['joe@far.example', 'ann', '"x y"@b.example']],
      [' joe (a (nested) \\) comment, with comma) @far.example', ['joe  @far.example']],
      [' <@a.example,@b.example:joe@far.example>', ['@a.example,@b.example:joe@far.example']],
      [' joe@[192.0.2.1,x]', ['joe@[192.0.2.1,x]']],
      [' undisclosed-recipients:;', []],
      ['', []],
      [' Joe <>', ['']],
      [' "never closed, x@y', ['"never closed, x@y']],
      [' (never closed, x@y', []],
    ]
    for (const [value, expected] of cases) assert.deepEqual(addressesIn(value), expected, value)
  })

  it('are those that were written, with whatever names and comments around them', () => {
    const atom = fc.stringMatching(/^[a-z0-9]{1,8}$/)
    const address = fc.tuple(atom, fc.option(atom)).map(([local, domain]) => (domain === null ? local : `${local}@${domain}.example`))
    const quoted = fc.string().map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`)
    const comment = fc.string().map((text) => `(${text.replaceAll(/[()\\]/g, '\\$&')})`)
    const written = fc.tuple(address, fc.option(quoted), fc.option(comment)).map(([plain, name, note]) =>
      ({ plain, text: `${name === null ? plain : `${name} <${plain}>`}${note === null ? '' : ` ${note}`}` }))
    fc.assert(fc.property(fc.array(written), (list) => {
      assert.deepEqual(addressesIn(list.map(({ text }) => text).join(', ')), list.map(({ plain }) => plain))
      assert.ok(list.every(({ plain }) => hasDomain(plain) === plain.includes('@')))
    }))
  })

  it('are found in any text, in time that grows with its length', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('<', '>', '(', ')', '"', '\\', ',', ';', ':', '[', ']', '@', 'a', ' '), maxLength: 400 }), (text) => {
      assert.ok(addressesIn(text).join('').length <= text.length)
    }))
  })
})
