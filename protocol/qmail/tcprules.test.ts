import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lookup, parseTcpRules, type TcpClient } from './tcprules.ts'

function ask(content: string, client: TcpClient) {
  const { rules } = parseTcpRules(content)
  const { rule, allow, variables } = lookup(rules, client)
  return [rule?.line, allow, ...variables.map(([name, value]) => `${name}=${value}`)]
}

const errors = (content: string) => parseTcpRules(content).problems.filter((problem) => problem.warning !== true).map((problem) =>
  problem.line)
const warnings = (content: string) => parseTcpRules(content).problems.filter((problem) => problem.warning === true).map((problem) =>
  problem.line)

test('the order of lookup: the most specific rule, and only that one', () => {
  const order = ['joe@192.0.2.7', 'joe@=x.dom.ain', '192.0.2.7', '=x.dom.ain', '192.0.2.', '192.0.', '192.', '=.dom.ain', '=.ain', '=', '']
  const client = { ip: '192.0.2.7', host: 'X.dom.ain', info: 'joe' }
  for (let first = 0; first < order.length; first++) {
    const content = order.slice(first).toReversed().map((key) => `${key}:allow,K="${key}"`).join('\n')
    assert.deepEqual(ask(content, client), [order.length - first, true, `K=${order[first]!}`])
  }
  assert.deepEqual(ask('', client), [undefined, true])
  assert.deepEqual(ask('=:deny\n=.dom.ain:deny\njoe@192.0.2.7:deny', { ip: '192.0.2.7' }), [undefined, true])
})

test('any delimiter, several variables, deny without variables', () => {
  assert.deepEqual(ask(':allow,A=xhellox,B=/a b,c/,C=""', { ip: '1.1.1.1' }), [1, true, 'A=hello', 'B=a b,c', 'C='])
  assert.deepEqual(ask(':deny,A="x"', { ip: '1.1.1.1' }), [1, false])
})

test('ranges stand for their numbers, up to 255', () => {
  assert.deepEqual(ask('1.2.3.37-53:deny', { ip: '1.2.3.40' }), [1, false])
  assert.deepEqual(ask('1.2.3.37-53:deny', { ip: '1.2.3.54' }), [undefined, true])
  assert.deepEqual(ask('10.1-5.:deny', { ip: '10.5.9.9' }), [1, false])
  assert.deepEqual(ask('10.250-999:deny', { ip: '10.256' }), [undefined, true])
  assert.deepEqual(ask('joe@1.2-3:deny', { ip: '1.2-3', info: 'joe' }), [1, false])
})

test('the first line of a key counts, and a line of which nothing counts is a warning', () => {
  assert.deepEqual(ask('1.1.1.1:deny\n1.1.1.1:allow', { ip: '1.1.1.1' }), [1, false])
  assert.deepEqual(warnings('1.1.1.1:deny\n1.1.1.1:allow'), [2])
  assert.deepEqual(warnings('1.1.1.1:deny\n1.1.1.1-9:allow'), [])
  assert.deepEqual(warnings('[2001:db8::/32]:deny\n[2001:DB8:0::/32]:allow'), [2])
})

test('IPv6: addresses, prefixes, and IPv4 in IPv6 clothes', () => {
  const rules = '[2001:db8::/32]:allow,K="32"\n[2001:DB8:0:0::1]:allow,K="one"\n[2001:db8:1::/48]:allow,K="48"\n10.:allow,K="10"\n:deny'
  assert.deepEqual(ask(rules, { ip: '2001:db8::1' }), [2, true, 'K=one'])
  assert.deepEqual(ask(rules, { ip: '2001:db8:1::9' }), [3, true, 'K=48'])
  assert.deepEqual(ask(rules, { ip: '2001:db8:2::9' }), [1, true, 'K=32'])
  assert.deepEqual(ask(rules, { ip: '2001:db9::1' }), [5, false])
  assert.deepEqual(ask(rules, { ip: '::ffff:10.1.1.1' }), [4, true, 'K=10'])
  assert.deepEqual(ask('[::ffff:10.1.1.1]:deny', { ip: '10.1.1.1' }), [1, false])
  assert.deepEqual(ask('[::/0]:deny', { ip: 'fe80::1%eth0' }), [1, false])
  assert.deepEqual(ask('[fe80::1]:deny', { ip: 'fe80::1%eth0' }), [1, false])
  assert.deepEqual(ask('[::/0]:deny\n=a.b:allow', { ip: '::1', host: 'a.b' }), [2, true])
  assert.deepEqual(ask('[::/0]:deny', { ip: '10.1.1.1' }), [undefined, true])
  assert.deepEqual(errors('[10.0.0.0/8]:allow\n[2001:db8::/129]:allow\n[x]:allow\n[::ffff:10.0.0.0/104]:allow\n2001:db8::1:allow'), [1, 2,
    3, 4, 5])
})

test('bad lines are errors with their line, and the rest is read', () => {
  const bad = ['1.1.1.1:Allow', '1.1.1.1: allow', '1.1.1.1:allowed', '1.1.1.1:allow,', '1.1.1.1:allow,A', '1.1.1.1:allow,A=',
    '1.1.1.1:allow,A="x',
    '1.1.1.1:allow,A="x" ,B="y"', 'a-b:deny', '1.1-2-3:deny', '1.1.1.1:allow\r', ':allow,="x"', ':allow,A="\0"']
  for (const line of bad) assert.deepEqual(errors(`# remark\n${line}\n2.2.2.2:deny`), [2], line)
  assert.deepEqual(ask(`${bad.join('\n')}\n2.2.2.2:deny`, { ip: '2.2.2.2' }), [bad.length + 1, false])
})

test('lines that cannot do what they seem to say are warnings', () => {
  for (const line of ['no colon here', '10.1:allow', '10.0.0.0/8:allow', ' 10.:allow', 'mail.example.org:allow', '5-3:allow',
    ':allow,RELAYCLIENT=""', '=:allow,RELAYCLIENT=""']) {
    assert.deepEqual([warnings(`\n${line}`), errors(`\n${line}`)], [[2], []], line)
  }
  assert.deepEqual(warnings('# 10.\n\n10.:allow\n127.:allow,RELAYCLIENT=""\n=mail.example.org:deny\njoe@10.1.1.1:deny\n:allow  '), [])
})

test('what is printed as a rule is read as that rule', () => {
  const value = fc.string({ unit: fc.constantFrom('a', ' ', ',', '=', ':', '#', '\u00e9', '\udc80'), maxLength: 6 })
  const name = fc.string({ unit: fc.constantFrom('A', 'B', '_', '1'), minLength: 1, maxLength: 4 })
  const address = fc.constantFrom('', '=', '1.2.3.4', '1.2.', '=.dom.ain', 'joe@1.2.3.4', 'joe@=dom.ain')
  fc.assert(fc.property(address, fc.array(fc.tuple(name, value)), (key, variables) => {
    const text = `${key}:allow${variables.map(([n, v]) => `,${n}="${v}"`).join('')}`
    const { rules, problems } = parseTcpRules(text)
    assert.deepEqual(problems, [])
    assert.deepEqual(rules.rules, [{ line: 1, text, key, allow: true, variables }])
  }))
})

test('nothing throws', () => {
  const text = fc.string({ unit: fc.constantFrom('1', '9', '.', '-', ':', '=', '@', '[', ']', '/', 'allow', 'deny', ',', '"', '\n', ' ',
    '#', '\0', '\udc80', '\u{1f600}') })
  fc.assert(fc.property(text, text, fc.option(text, { nil: undefined }), fc.option(text, { nil: undefined }), (content, ip, host, info) => {
    lookup(parseTcpRules(content).rules, { ip, host, info })
  }), { numRuns: 1000 })
})
