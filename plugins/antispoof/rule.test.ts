import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ADDRESS_WORDS, DOMAIN_WORDS, LOGIN_WORDS, parseRule, printRule, prohibits, speaksOfUser, type Half, type Rule } from './rule.ts'

const rule = (text: string): Rule => {
  const read = parseRule(text)
  assert.ok(read.ok, text)
  return read.rule
}

it('reads addresses, special strings in each place, and the exclamation mark', () => {
  for (const [text, printed] of [
    ['joe@local.example', 'joe@local.example'], ['  Joe@LOCAL.Example.  ', 'joe@local.example'], ['[:any:]', '[:any:]'],
    ['![:any:]@[:my domains:]', '! [:any:]@[:my domains:]'], ['!   [:any:]@[:my domains:]', '! [:any:]@[:my domains:]'],
    ['[:Valid  User:]', '[:valid user:]'], ['[:my users:]@[:none:]', '[:my users:]@[:none:]'], ['a@b@local.example', 'a@b@local.example'],
    ['joe doe@local.example', 'joe doe@local.example'], ['joe@Bücher.example', 'joe@xn--bcher-kva.example'], ['[x]@local.example', '[x]@local.example'],
    ['joe@[192.0.2.1]', 'joe@[192.0.2.1]'],
  ]) assert.equal(printRule(rule(text!)), printed, text)
})

it('says what is wrong with anything else, and how to mend it', () => {
  for (const [text, reason] of [
    ['', 'an empty line is no rule'], ['!', 'there is nothing after the "!"'], ['joe', '"joe" has no @'],
    ['[:login:]', '"[:login:]" means nothing in the place of an address'], ['[:all:]', '"[:all:]" means nothing in the place of an address'],
    ['[:domain:]@local.example', '"[:domain:]" means nothing in the place of a login'],
    ['joe@[:login:]', '"[:login:]" means nothing in the place of a domain'], ['joe@[:all:]', '"[:all:]" means nothing in the place of a domain'],
    ['[:any@local.example', '"[:any" means nothing in the place of a login'], ['@local.example', 'there is no login before the @'],
    ['joe@', 'there is no domain after the @'], ['joe@..', 'there is no domain after the @'], ['joe@local.example ann@local.example', undefined], ['joe@*.example', '"*.example" is no domain'],
    ['joe@local.example\0', 'the rule has a control character'], ['joe@local.example\nann@local.example', 'the rule has a control character'],
    ['! ! joe@far.example', 'there are two "!"'], ['!!joe@far.example', 'there are two "!"'], ['"joe"@local.example', '"joe" has quotes'],
    ['x[:any:]@local.example', '"x[:any:]" means nothing in the place of a login'], ['joe@x[:domain:]', '"x[:domain:]" means nothing in the place of a domain'],
  ]) {
    const read = parseRule(text!)
    if (reason === undefined) continue
    assert.ok(!read.ok, text)
    assert.equal(read.reason, reason)
    assert.notEqual(read.mend, '')
  }
})

it('prohibits with [:none:] in any place, negated or not', () => {
  for (const text of ['[:none:]', '! [:none:]', '[:none:]@x.example', 'joe@[:none:]', '[:none:]@[:none:]', '! joe@[:none:]']) assert.ok(prohibits(rule(text)), text)
  for (const text of ['[:any:]', '! [:any:]@[:my domains:]', 'none@x.example', 'joe@none']) assert.ok(!prohibits(rule(text)), text)
})

it('knows the rules that speak of a user', () => {
  for (const text of ['[:aliases:]', '! [:aliases:]', '[:login:]@x.example', 'joe@[:domain:]', '[:login:]@[:none:]']) assert.ok(speaksOfUser(rule(text)), text)
  for (const text of ['[:any:]', '[:valid user:]', '[:my users:]@[:my domains:]', '[:none:]']) assert.ok(!speaksOfUser(rule(text)), text)
})

it('property: what is printed reads as the same rule', () => {
  const PLAIN = { noNullPrototype: true }
  const name = fc.stringMatching(/^[a-z0-9](?:[a-z0-9.-]{0,10}[a-z0-9])?$/)
  const half = <W extends string>(words: readonly W[]): fc.Arbitrary<Half<W>> =>
    fc.oneof(fc.constantFrom(...words).map((word) => ({ word })), name.map((text) => ({ name: text })))
  const rules: fc.Arbitrary<Rule> = fc.oneof(
    fc.record({ kind: fc.constant('address' as const), negated: fc.boolean(), word: fc.constantFrom(...ADDRESS_WORDS) }, PLAIN),
    fc.record({ kind: fc.constant('halves' as const), negated: fc.boolean(), login: half(LOGIN_WORDS), domain: half(DOMAIN_WORDS) }, PLAIN),
  )
  fc.assert(fc.property(rules, (each) => assert.deepEqual(rule(printRule(each)), each)))
})

it('property: any text is a rule or is refused with reason and mend, and never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    const read = parseRule(text)
    if (read.ok) assert.deepEqual(parseRule(printRule(read.rule)), read)
    else assert.ok(read.reason !== '' && read.mend !== '')
  }))
})
