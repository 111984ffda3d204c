import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSmtpConfig } from './smtpconfig.ts'

const variables = (content: string) => parseSmtpConfig(content).variables.map(([name, value]) => `${name}=${value}`)
const errors = (content: string) => parseSmtpConfig(content).problems.filter((problem) => problem.warning !== true).map((problem) =>
  problem.line)
const warnings = (content: string) => parseSmtpConfig(content).problems.filter((problem) => problem.warning === true).map((problem) =>
  problem.line)

test('only what is exported reaches a session, with its last value', () => {
  assert.deepEqual(variables('A=1\nexport B=2\nexport A\nA=3\n'), ['B=2', 'A=3'])
  assert.deepEqual(variables('export A B=2; A=1'), ['A=1', 'B=2'])
  assert.deepEqual(variables('A=1 B=2\nexport A B'), ['A=1', 'B=2'])
  assert.deepEqual(variables(''), [])
  assert.deepEqual(parseSmtpConfig(undefined), { variables: [], problems: [] })
})

test('quotes, backslashes, remarks and expansion as in a shell', () => {
  assert.deepEqual(variables(`export A='as $it \\ "stands"' # remark`), ['A=as $it \\ "stands"'])
  assert.deepEqual(variables('export A="a \\"b\\" \\\\ \\$c \\` \\d"'), ['A=a "b" \\ $c ` \\d'])
  assert.deepEqual(variables('B=x; export A="<$B>${B}y"$B\'$B\'\\$B'), ['A=<x>xyx$B$B'])
  assert.deepEqual(variables('export A=a#b C=\\#'), ['A=a#b', 'C=#'])
  assert.deepEqual(variables('export A=one\\\ntwo'), ['A=onetwo'])
  assert.deepEqual(variables('export A= B=""'), ['A=', 'B='])
  assert.deepEqual(variables('export A=a"$"b\nexport C=$'), ['A=a$b', 'C=$'])
  assert.deepEqual(variables('export A="\udce9\u00e9"'), ['A=\udce9\u00e9'])
})

test('whatever would run something is an error of its line, and reading goes on', () => {
  const bad = ['ulimit -v 8000', 'softlimit -m 1', 'echo hi', 'A=$(id)', 'A="$(id)"', 'A=`id`', 'A="`id`"', 'A=$UNKNOWN', 'A=${B:-c}',
    'A=$1', 'A=$$', 'A=1 | B=2',
    'A=1 && B=2', 'A=1 > f', 'A=(1)', 'A = 1', 'A+=1', 'export', 'export 1A=2', 'export -p', 'export A-B=1', 'A="open', "A='open",
      'A=~/x', 'A=x:~', 'A=1 true', '; A=1',
    "A=$'x'", 'A=$\\\nB', 'B=1; A="$B\\\nC"', 'A=1\r', 'A="\0"', 'if true', '"A"=1', 'A=x\\']
  for (const line of bad.slice(0, -1)) {
    assert.deepEqual(errors(`# first\n${line}\nexport Z=1\n`), [2], line)
    assert.deepEqual(variables(`# first\n${line}\nexport Z=1\n`), ['Z=1'], line)
  }
  assert.deepEqual(errors('A=x\\'), [1])
})

test('a value that no session sees is a warning, unless another line uses it', () => {
  assert.deepEqual(warnings('A=1\nB=2\nexport C=$B\nexport D'), [1, 4])
})

test('secrets stay out of messages', () => {
  for (const line of ['export 1A=s3cret', 'A+=s3cret', 'export A-B="s3cret"', '"s3cret" x']) {
    assert.doesNotMatch(JSON.stringify(parseSmtpConfig(line)), /s3cret/, line)
  }
})

test('what is printed as a variable is read as that variable', () => {
  const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/)
  const value = fc.string({ unit: fc.constantFrom('a', ' ', '\t', '"', '$', '\\', '`', '#', ';', '=', '~', '\u00e9', '\udc80',
    '\u{1f600}') })
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([n]) => n }), (pairs) => {
    const single = pairs.map(([n, v]) => `export ${n}='${v}'\n`).join('')
    const double = pairs.map(([n, v]) => `export ${n}="${v.replace(/["\\$`]/g, '\\$&')}"\n`).join('')
    const escaped = pairs.map(([n, v]) => `export ${n}=${v.replace(/[^a]/gu, '\\$&')}\n`).join('')
    for (const content of [single, double, escaped]) assert.deepEqual(parseSmtpConfig(content), { variables: pairs, problems: [] })
  }))
})

test('nothing throws, and every problem has a line of the file', () => {
  const text = fc.string({ unit: fc.constantFrom('A', 'B=', 'export ', ' ', '"', "'", '$', '{', '}', '\\', '\n', ';', '#', '`', '(', '~',
    '\0', '\r', '\udc80') })
  fc.assert(fc.property(text, (content) => {
    for (const { line } of parseSmtpConfig(content).problems) assert.ok(line >= 1 && line <= content.split('\n').length)
  }), { numRuns: 2000 })
})
