import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiLower } from '../text.ts'
import { readList } from './control.ts'
import { codePoints, compileGlob } from './glob.ts'
import { parsePatterns } from './patterns.ts'

const decides = (list: string, text: string): number | undefined => parsePatterns(list).value.match(text)?.line

test('plain entries are the whole text, without case', () => {
  assert.equal(decides('user@dom.ain', 'USER@Dom.Ain'), 1)
  assert.equal(decides('user@dom.ain', 'xuser@dom.ain'), undefined)
  assert.equal(decides('localhost', 'LOCALHOST'), 1)
  assert.equal(decides('a.b+c', 'aXb+c'), undefined)
})

test('@domain is the domain, .suffix is below it; a host name is its own domain for .suffix only', () => {
  assert.equal(decides('@dom.ain', 'u@DOM.ain'), 1)
  assert.equal(decides('@dom.ain', 'u@x.dom.ain'), undefined)
  assert.equal(decides('@dom.ain', 'dom.ain'), undefined)
  assert.equal(decides('.dom.ain', 'u@x.y.dom.ain'), 1)
  assert.equal(decides('.dom.ain', 'u@dom.ain'), undefined)
  assert.equal(decides('.dom.ain', 'x.dom.ain'), 1)
  assert.equal(decides('.dom.ain', 'u.dom.ain@elsewhere'), undefined)
})

test('globs are over the whole text', () => {
  assert.equal(decides('*%*', 'a%b@c'), 1)
  assert.equal(decides('spam?@*', 'spam1@x'), 1)
  assert.equal(decides('spam?@*', 'spam@x'), undefined)
  assert.equal(decides('[a-c]x', 'Bx'), 1)
  assert.equal(decides('[!a-c]x', 'Bx'), undefined)
  assert.equal(decides('[^a-c]x', 'dx'), 1)
  assert.equal(decides('[]x]*', ']'), 1)
  assert.equal(decides('\\**', '*a'), 1)
  assert.equal(decides('\\**', 'ba'), undefined)
  assert.equal(decides('[\\]]*', ']'), 1)
  assert.equal(decides('[a', '[a'), 1)
  assert.equal(decides('?', '\u{1f600}'), 1)
  assert.equal(decides('?', '\udce9'), 1)
  assert.equal(decides('*', ''), 1)
})

test('the last matching line decides, and an exception decides for nobody', () => {
  const list = '@dom.ain\n!boss@dom.ain\n*spam*\n'
  assert.equal(decides(list, 'u@dom.ain'), 1)
  assert.equal(decides(list, 'boss@dom.ain'), undefined)
  assert.equal(decides(list, 'spamboss@dom.ain'), 3)
  assert.equal(decides('!*\nu@dom.ain', 'u@dom.ain'), 2)
  assert.equal(decides('u@dom.ain\n!u@dom.ain\nu@dom.ain', 'u@dom.ain'), 3)
  assert.deepEqual(parsePatterns('\n*x').value.match('ax'), { line: 2, pattern: '*x' })
})

test('doubtful lines are warnings with their line', () => {
  const doubts = (list: string) => parsePatterns(list).problems.map((problem) => [problem.line, problem.warning])
  for (const line of ['.*@spam\\.org', '^spam', 'spam$', '(a|b)@c', 'two words', 'x\r', '!', '!!x', '[a', '[z-a]', '*@[1.2.3.4]', '/x/']) {
    assert.deepEqual(doubts(`\n${line}`), [[2, true]], line)
  }
  assert.deepEqual(doubts('a@b\n@b\n.b\n*%*\n!x@b\n# (a|b)\nmail.*\nuser+tag@b\n'), [])
})

test('a pattern of stars cannot stall the matcher', () => {
  const glob = compileGlob(`${'*a'.repeat(50)}b`)
  assert.equal(glob.matches(codePoints('a'.repeat(20_000))), false)
})

/** The rules of qmail-control 5.3 in their plainest form: every line, one after another. */
function slowMatch(list: string, text: string): number | undefined {
  let decided: { line: number; exception: boolean } | undefined
  for (const { text: entry, line } of readList(list)) {
    const exception = entry.startsWith('!')
    const body = asciiLower(exception ? entry.slice(1) : entry)
    const whole = asciiLower(text)
    if (body === '') continue
    const at = whole.lastIndexOf('@')
    const hit = /[*?[]/.test(body) ? compileGlob(body).matches(codePoints(whole))
      : body.startsWith('@') ? at !== -1 && whole.slice(at) === body
      : body.startsWith('.') ? whole.slice(at + 1).endsWith(body)
      : body === whole
    if (hit) decided = { line, exception }
  }
  return decided === undefined || decided.exception ? undefined : decided.line
}

test('lookups decide as the plain walk over all lines does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'A', 'b', '@', '.', '*', '!', '?'), maxLength: 6 })
  fc.assert(fc.property(fc.array(text, { maxLength: 12 }), text, (lines, subject) => {
    const list = lines.join('\n')
    assert.equal(decides(list, subject), slowMatch(list, subject))
  }), { numRuns: 2000 })
})

test('globs of literals, ? and * agree with a regular expression', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
  const subject = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 })
  fc.assert(fc.property(pattern, subject, (glob, text) => {
    const expression = new RegExp(`^${glob.replace(/[.*?]/g, (char) => ({ '.': '\\.', '*': '.*', '?': '.' })[char]!)}$`)
    assert.equal(compileGlob(glob).matches(codePoints(text)), expression.test(text))
  }), { numRuns: 2000 })
})

test('nothing throws', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '[', ']', '!', '^', '-', '\\', '*', '@', '.', '\n', '\0', '\udc80', '\u{1f600}') })
  fc.assert(fc.property(text, text, (list, subject) => void parsePatterns(list).value.match(subject)))
})

test('ten thousand plain entries are lookups, not a walk', () => {
  const { value } = parsePatterns(Array.from({ length: 10_000 }, (_, i) => `user${i}@dom.ain`).join('\n'))
  assert.equal(value.size, 10_000)
  for (let i = 0; i < 10_000; i++) assert.equal(value.match(`user${i}@dom.ain`)?.line, i + 1)
})
