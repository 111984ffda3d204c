import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, textOf } from '../text.ts'
import { isFinal, type Command } from './command.ts'
import { isReplyDialect, parseOutput, printCommand, type Output } from './output.ts'

function parse(output: string, unterminated: 'lose-byte' | 'keep' = 'lose-byte'): Output {
  return parseOutput(Buffer.from(output, 'latin1'), { unterminated })
}
const commands = (output: string, unterminated?: 'lose-byte' | 'keep'): readonly Command[] => parse(output, unterminated).commands

test('vectors 4 to 8: one refusal, its line end, and what is no command', () => {
  assert.deepEqual(commands('E550 no\n'), [{ kind: 'E', text: '550 no' }])
  assert.deepEqual(commands('E550 no.'), [{ kind: 'E', text: '550 no' }])
  assert.deepEqual(commands('E550 no\r\n'), [{ kind: 'E', text: '550 no\r' }])
  assert.deepEqual(parse('\n\nhello\n550 x\ne550 y\nX\n'), { commands: [], ignored: 4, firstIgnored: 'hello', final: false })
  assert.deepEqual(parse('P250-one\nP250-two\nE550 three\nP250 four\n'), {
    commands: [{ kind: 'P', text: '250-one' }, { kind: 'P', text: '250-two' }, { kind: 'E', text: '550 three' }],
    ignored: 0, final: true,
  })
})

test('without its LF the last line loses its last byte', () => {
  assert.deepEqual(parse('N'), { commands: [], ignored: 1, firstIgnored: 'N', final: false })
  assert.deepEqual(commands('DD'), [{ kind: 'D' }])
  assert.deepEqual(commands('Sa=b\nH'), [{ kind: 'S', name: 'a', value: 'b' }])
  assert.deepEqual(commands('E\xc3\xa4'), [{ kind: 'E', text: '\udcc3' }])
})

test('hardened, it keeps it', () => {
  assert.deepEqual(commands('N', 'keep'), [{ kind: 'N' }])
  assert.deepEqual(commands('E550 no.', 'keep'), [{ kind: 'E', text: '550 no.' }])
  assert.deepEqual(commands('P250-a\nE550 no\n', 'keep'), commands('P250-a\nE550 no\n'))
})

test('vector 49: a NUL ends texts, but not a header line or an address', () => {
  for (const kind of ['E', 'R', 'P', 'LM', 'LR', 'LD'] as const) {
    assert.deepEqual(commands(`${kind}550 a\0b\n`), [{ kind, text: '550 a' }])
  }
  assert.deepEqual(commands('U\0b\nUa\0b\n'), [{ kind: 'U', name: '' }, { kind: 'U', name: 'a' }])
  assert.deepEqual(commands('Sa=b\0c\n'), [{ kind: 'S', name: 'a', value: 'b' }])
  assert.deepEqual(parse('Sa\0=b\n'), { commands: [], ignored: 1, firstIgnored: 'Sa\0=b', final: false })
  assert.deepEqual(commands('HX: a\0b\n'), [{ kind: 'H', text: 'X: a\0b' }])
  assert.deepEqual(commands('Ca\0b\n'), [{ kind: 'C', address: 'a\0b' }])
})

test('vector 50: bare letters', () => {
  assert.deepEqual(parse('H\nP\nS\nU\nC\nL\nLM\n'), {
    commands: [
      { kind: 'H', text: '' }, { kind: 'P', text: '' }, { kind: 'U', name: '' }, { kind: 'C', address: '' }, { kind: 'LM', text: '' },
    ],
    ignored: 2, firstIgnored: 'S', final: false,
  })
})

test('vector 52: the first = separates', () => {
  assert.deepEqual(commands('SFOO=bar=baz\nS=x\nSA=\n'), [
    { kind: 'S', name: 'FOO', value: 'bar=baz' }, { kind: 'S', name: '', value: 'x' }, { kind: 'S', name: 'A', value: '' },
  ])
})

test('letters have case, L takes three others, and A N O D carry nothing', () => {
  assert.deepEqual(parse('lMx\nLmx\nLXx\n\x80\n').ignored, 4)
  for (const kind of ['A', 'N', 'O', 'D'] as const) {
    assert.deepEqual(parse(`${kind}xyz\nE550 late\n`), { commands: [{ kind }], ignored: 0, final: true })
  }
  for (const kind of ['E', 'R'] as const) {
    assert.deepEqual(parse(`${kind}\nN\n`), { commands: [{ kind, text: '' }], ignored: 0, final: true })
  }
})

test('bytes that are not UTF-8 survive', () => {
  const [command] = commands('E550 \xe9\n')
  assert.deepEqual(bytesOf(printCommand(command!)), Buffer.from('E550 \xe9', 'latin1'))
})

/** Taken out as bytes: what is left of a text need not be one, for its bytes may come to be a character. */
const without = (...codes: readonly number[]) => fc.uint8Array({ maxLength: 30 }).map((bytes) => textOf(bytes.filter((byte) => !codes.includes(byte))))
const payload = without(0, 10)
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constantFrom('A', 'N', 'O', 'D') }),
  fc.record({ kind: fc.constantFrom('E', 'R', 'P', 'H', 'LM', 'LR', 'LD'), text: payload }),
  fc.record({ kind: fc.constant('C'), address: payload }),
  fc.record({ kind: fc.constant('U'), name: payload }),
  fc.record({ kind: fc.constant('S'), name: without(0, 10, 61), value: payload }),
)

test('what is printed is read back, up to the first final command', () => {
  fc.assert(fc.property(fc.array(command, { maxLength: 8 }), fc.constantFrom('lose-byte', 'keep'), (list, unterminated) => {
    const output = bytesOf(list.map((one) => `${printCommand(one)}\n`).join(''))
    const last = list.findIndex(isFinal)
    const { commands: read, ignored, final } = parseOutput(output, { unterminated })
    assert.deepEqual(read, JSON.parse(JSON.stringify(last === -1 ? list : list.slice(0, last + 1))))
    assert.equal(ignored, 0)
    assert.equal(final, last !== -1)
  }))
})

const letters = Buffer.from('ANODERPHCSULM=\n\n\r\0 550- x', 'latin1')
const noise = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.array(fc.constantFrom(...letters), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
)

test('no output makes it throw, and every line is a command, ignored or blank', () => {
  fc.assert(fc.property(noise, (output) => {
    for (const unterminated of ['lose-byte', 'keep'] as const) {
      const { commands: read, ignored, firstIgnored, final } = parseOutput(output, { unterminated })
      assert.equal(firstIgnored !== undefined, ignored > 0)
      assert.ok(read.every((one, index) => !isFinal(one) || index === read.length - 1))
      if (final) continue
      const lines = Buffer.from(output).toString('latin1').split('\n').filter((line) => line !== '')
      assert.equal(read.length + ignored, lines.length)
    }
    const reply = isReplyDialect(output)
    if (reply === undefined) return
    const code = reply[0]!.slice(0, 3)
    reply.forEach((line, index) => assert.match(line, new RegExp(`^${code}${index < reply.length - 1 ? '-' : '( |$)'}`)))
  }), { numRuns: 3000 })
})

function reply(output: string): string[] | undefined {
  return isReplyDialect(Buffer.from(output, 'latin1'))
}

test('the old dialect: a full reply, with LF or CR LF, or without a line end', () => {
  const text = '550 sorry, too many recipients (#5.7.1)'
  for (const output of [text, `${text}\n`, `${text}\r\n`, `${text}\nmore\n`, `${text}\n550 again\n`]) {
    assert.deepEqual(reply(output), [text])
  }
  assert.deepEqual(reply('421-a\r\n421-b\n421 c\r\n421 d\n'), ['421-a', '421-b', '421 c'])
  assert.deepEqual(reply('550-a\n550\nb'), ['550-a', '550'])
  assert.deepEqual(reply('550 \n'), ['550 '])
  assert.deepEqual(reply('550 no\r\r\n'), ['550 no\r'])
})

test('a reply that breaks off is ended', () => {
  assert.deepEqual(reply('550-a\n550-b\n'), ['550-a', '550 b'])
  assert.deepEqual(reply('550-a\n551 b\n'), ['550 a'])
  assert.deepEqual(reply('550-a\n\n550 b\n'), ['550 a'])
  assert.deepEqual(reply('550-'), ['550 '])
})

test('what is not the old dialect', () => {
  const others = ['', '\n', '550', '550\n', '550x', '250 ok\n', '354 go\n', '650 x\n', ' 550 x\n', '\n550 x\n', 'E550 x\n', '55\n', '\0']
  for (const output of others) {
    assert.equal(reply(output), undefined)
  }
})
