import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDotqmail } from './dotqmail.ts'

/** Instructions and problems, each as short as can be. */
function read(text: string): readonly string[] {
  const { instructions, problems } = parseDotqmail(text)
  return [
    ...instructions.map((each) => `${each.line} ${each.kind} ${each.kind === 'program' ? each.command : each.kind === 'forward' ? each.address : each.path}`),
    ...problems.map(({ line, reason, warning }) => `${line} ${warning === true ? 'doubt' : 'WRONG'} ${reason}`),
  ]
}

test('every kind of line', () => {
  const text = `# a comment
|/usr/bin/vacation ann | logger
/var/mail/ann
./Maildir/

./Mailbox \t
&bob@example.net
eve@example.net
+list
carol@example.net`
  assert.deepEqual(read(text), [
    '2 program /usr/bin/vacation ann | logger', '3 mbox /var/mail/ann', '4 maildir ./Maildir/', '6 mbox ./Mailbox', '7 forward bob@example.net',
    '8 forward eve@example.net', '10 forward carol@example.net',
  ])
  assert.deepEqual(read(''), [], 'the default instructions')
  assert.deepEqual(read('#\n'), [], 'nobody gets it')
  assert.deepEqual(read('./\n'), ['1 maildir ./'])
})

test('what fails a delivery is named with its line', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['\n./Maildir/\n', /^1 WRONG the first line is blank/], [' \t\n./Maildir/\n', /^1 WRONG the first line is blank/], ['\n', /^1 WRONG the first line is blank/],
    ['#\n ./Maildir/', /^2 WRONG the line begins with a blank/], ['./Maildir/\r\n', /^1 WRONG the line ends in a carriage return/],
    ['#\n|  \n', /^2 WRONG there is no program/], ['&', /^1 WRONG there is no address/], ['Maildir/', /^1 WRONG "Maildir\/" would be taken for an address/],
    ['Ann <ann@example.org>', /^1 WRONG .* there is a blank in it/], ['<ann@example.org>', /^1 WRONG .* is more than an address/],
    ['a@example.org,b@example.org', /^1 WRONG .* is more than an address/], ['&ann@', /^1 WRONG "ann@" is not an address/], ['@example.org', /^1 WRONG/],
    ['/', /^1 WRONG "\/" is no place/], ['..', /^1 WRONG/], ['x\0y@example.org', /^1 WRONG there is a NUL/], ['x\udcffy@example.org', /^1 WRONG .* not UTF-8/],
    ['&bob@example.org\n+list\n|cat', /^3 WRONG after "\+list"/],
  ]
  for (const [text, expected] of cases) {
    const wrong = read(text).filter((each) => each.includes('WRONG'))
    assert.equal(wrong.length, 1, `${JSON.stringify(text)}: ${wrong.join('; ')}`)
    assert.match(wrong[0]!, expected)
  }
})

test('what is only doubtful stays an instruction', () => {
  assert.deepEqual(read('&bob\n'), ['1 forward bob', '1 doubt "bob" has no domain'])
  assert.deepEqual(read('./../eve/Maildir/').map((each) => each.slice(0, 7)), ['1 maild', '1 doubt'])
  assert.deepEqual(read('+x\n').map((each) => each.slice(0, 7)), ['1 doubt'])
})

test('property: any text is read, and its lines are named rightly', () => {
  fc.assert(fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('|x', './Maildir/', '&a@b.example', '+list', '# x', ''))), (parts) => {
    const text = parts.join('\n')
    const count = text.split('\n').length
    const { instructions, problems } = parseDotqmail(text)
    for (const { line } of [...instructions, ...problems]) assert.ok(line >= 1 && line <= count)
    for (const each of instructions) assert.ok(text.split('\n')[each.line - 1]!.includes(each.kind === 'program' ? each.command : each.kind === 'forward' ? each.address : each.path))
  }))
})
