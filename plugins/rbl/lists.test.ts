import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseLists, type List } from './lists.ts'

const list = (zone: string, fields: Partial<List> = {}): List => ({ zone, allow: false, codes: [], score: 1, text: undefined, ...fields })
const at = (...bytes: readonly [number, number, number]): number => 0x7f000000 + bytes[0] * 65536 + bytes[1] * 256 + bytes[2]

function valueOf(text: string): readonly List[] {
  const parsed = parseLists(text)
  assert.ok(parsed.ok, text)
  return parsed.value
}

describe('lists', () => {
  const forms: readonly (readonly [text: string, lists: readonly List[]])[] = [
    ['', []],
    ['  \t ', []],
    ['zen.example', [list('zen.example')]],
    [' Zen.Example. \t bl.example ', [list('zen.example'), list('bl.example')]],
    ['-r zen.example -rbl.example', [list('zen.example'), list('bl.example')]],
    ['-a white.example zen.example', [list('white.example', { allow: true }), list('zen.example')]],
    ['-awhite.example', [list('white.example', { allow: true })]],
    ['zen.example:listed,see-http://x.example/?%IP%', [list('zen.example', { text: 'listed,see-http://x.example/?%IP%' })]],
    ['zen.example:"no mail: %IP%" bl.example', [list('zen.example', { text: 'no mail: %IP%' }), list('bl.example')]],
    ['"zen.example:it\'s so"', [list('zen.example', { text: 'it\'s so' })]],
    ['zen.example:', [list('zen.example')]],
    ['zen.example:=;:', [list('zen.example', { text: '=;:' })]],
    ['zen.example=127.0.0.2,127.0.0.4..8;score=3', [list('zen.example', { codes: [{ from: at(0, 0, 2), to: at(0, 0, 2) }, { from: at(0, 0, 4), to: at(0, 0, 8) }], score: 3 })]],
    ['zen.example=127.0.0.2..127.0.1.255', [list('zen.example', { codes: [{ from: at(0, 0, 2), to: at(0, 1, 255) }] })]],
    ['white.example;score=-2:x', [list('white.example', { score: -2, text: 'x' })]],
  ]
  for (const [text, lists] of forms) it(`read ${JSON.stringify(text)}`, () => assert.deepEqual(valueOf(text), lists))

  for (const text of [
    '127.0.0.2', '192.0.2.1', 'a..b', '=127.0.0.2', ':text', 'zen_ex!', `${'a.'.repeat(95)}example`, 'zen.example=', 'zen.example=1.2.3.4', 'zen.example=127.0.0.8..4',
    'zen.example=127.0.0.2..3..4', 'zen.example=127.0.0.2,', 'zen.example=127.0.0.999', 'zen.example;', 'zen.example;score=', 'zen.example;score=1001', 'zen.example;score=1.5',
    'zen.example;score=1;score=2', 'zen.example;weight=2', '-a', '-a ', '-r', '-b zen.example', '-t60 zen.example', '-a white.example;score=2', '-a -r x.example',
    'zen.example:"open', '\'', 'zén.example', 'zen.example zen..example',
  ]) {
    it(`refuse ${JSON.stringify(text)}, and say how to mend it`, () => {
      const parsed = parseLists(text)
      assert.ok(!parsed.ok && parsed.reason !== '' && parsed.mend !== '')
    })
  }
})

describe('any lists', () => {
  const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9_])?$/)
  const zone = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, 'example'].join('.'))
  const codes = fc.array(fc.tuple(fc.integer({ min: 0x7f000000, max: 0x7fffffff }), fc.integer({ min: 0, max: 300 })), { maxLength: 3 })
    .map((ranges) => ranges.map(([from, more]) => ({ from, to: Math.min(from + more, 0x7fffffff) })))
  const words = fc.string({ unit: fc.constantFrom(...'ab% =;:,."-\t'), minLength: 1, maxLength: 12 })
  const one: fc.Arbitrary<List> = fc.record({ zone, codes, text: fc.option(words, { nil: undefined }) }).chain((fields) => fc.oneof(
    fc.constant({ ...fields, allow: true, score: 1 }),
    fc.integer({ min: -1000, max: 1000 }).map((score) => ({ ...fields, allow: false, score })),
  ))
  const dotted = (code: number): string => [code >>> 24, (code >>> 16) & 255, (code >>> 8) & 255, code & 255].join('.')
  const written = ({ zone: name, allow, codes: ranges, score, text }: List): string => {
    const behind = ranges.length === 0 ? '' : `=${ranges.map(({ from, to }) => from === to ? dotted(from) : `${dotted(from)}..${dotted(to)}`).join(',')}`
    return `${allow ? '-a ' : ''}${name}${behind}${allow || score === 1 ? '' : `;score=${score}`}${text === undefined ? '' : `:'${text}'`}`
  }

  it('are read back as they were written', () => {
    fc.assert(fc.property(fc.array(one, { maxLength: 5 }), fc.constantFrom(' ', '\t', '\n  '), (lists, blank) => {
      assert.deepEqual(valueOf(lists.map(written).join(blank)), lists)
    }))
  })

  it('make no text that throws or takes for ever', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'a1.=;:,-r \'"s'), maxLength: 300 }), (text) => {
      const parsed = parseLists(text)
      return parsed.ok ? parsed.value.every(({ zone: name }) => /^[a-z0-9._-]+$/.test(name)) : parsed.mend !== ''
    }))
    assert.equal(parseLists(';'.repeat(100_000)).ok, false)
    assert.equal(parseLists(`a${';b'.repeat(100_000)}`).ok, false)
  })
})
