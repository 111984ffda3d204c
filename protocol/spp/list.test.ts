import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { textOf } from '../text.ts'
import { parsePluginList, printPluginList, SECTIONS, type ListEntry } from './list.ts'

/** `section:line:text` of each entry. */
function entries(content: string): string[] {
  return parsePluginList(content).entries.map(({ section, line, text }) => `${section}:${line}:${text}`)
}

/** `line:reason`, errors marked. */
function problems(content: string): string[] {
  return parsePluginList(content).problems.map(({ line, reason, warning }) => `${line}:${warning ? '' : 'error: '}${reason}`)
}

test('sections, comments, empty lines, and both forms', () => {
  const rcpt = '[rcpt]\n:test -n "$X" || echo N \t\nplugins/b # not a comment\n\n'
  const list = parsePluginList(`# ours\n[connection]\nplugins/a\n\n${rcpt}# c\n[connection]\nplugins/a`)
  assert.deepEqual(list, {
    entries: [
      { section: 'connection', line: 3, text: 'plugins/a', options: {}, form: 'path' },
      { section: 'rcpt', line: 6, text: ':test -n "$X" || echo N', options: {}, form: 'shell' },
      { section: 'rcpt', line: 7, text: 'plugins/b # not a comment', options: {}, form: 'path' },
      { section: 'connection', line: 11, text: 'plugins/a', options: {}, form: 'path' },
    ],
    problems: [],
  })
  assert.deepEqual(parsePluginList(''), { entries: [], problems: [] })
})

test('every section has its header', () => {
  for (const section of SECTIONS) {
    const ours = section === 'message' || section === 'deliver'
    assert.deepEqual(parsePluginList(`[${ours ? '+' : ''}${section}]\nx`), {
      entries: [{ section, line: 2, text: 'x', options: {}, form: 'path' }], problems: [],
    })
  }
})

test('vector 37: only the second character of a header matters', () => {
  const content = 'none\nnone2\n[Helo]\nnone\n[xyz]\nnone\n[mail]\n:echo P250-1\n[mzz] tail\n:echo P250-2\n'
  assert.deepEqual(entries(content), ['mail:8::echo P250-1', 'mail:10::echo P250-2'])
  assert.deepEqual(problems(content), [
    '1:this line stands before the first section header and is never run',
    '3:"[Helo]" is no section, because upper and lower case differ: lines under it are never run',
    '5:"[xyz]" is no section: the lines under it are never run',
    '9:"[mzz] tail" is read as [mail]: only the first letter of a section\'s name counts',
  ])
  assert.deepEqual(entries('[helo]\na\n[helo] remark\nb\n[hfoo\nc\n[h\nd\n[]\ne\n[\nf\n'), ['helo:2:a', 'helo:4:b', 'helo:6:c', 'helo:8:d'])
})

test('a section that is never run is no problem while it is empty', () => {
  assert.deepEqual(problems('[xyz]\n# nothing\n[rcpt]\nx\n[]'), [])
})

test('[message] means [mail], and the operator is told', () => {
  const { entries: [entry], problems: [problem] } = parsePluginList('[message]\nx\n')
  assert.equal(entry?.section, 'mail')
  assert.equal(problem?.mend, 'write [+message] if that is meant, else [mail]')
  assert.equal(problem?.warning, true)
})

test('vector 35: a leading blank belongs to the name', () => {
  assert.deepEqual(entries('[helo]\n plugins/real\n :x\n\t#y\n'), ['helo:2: plugins/real', 'helo:3: :x', 'helo:4:\t#y'])
  assert.equal(parsePluginList('[helo]\n :x').entries[0]?.form, 'path')
  assert.equal(problems('[helo]\n plugins/real\n').length, 1)
})

test('a CR is kept, and told once', () => {
  const content = '[helo]\r\nplugins/a \r\n\r\nplugins/b\n#c\r\n'
  assert.deepEqual(entries(content), ['helo:2:plugins/a \r', 'helo:3:\r', 'helo:4:plugins/b'])
  assert.deepEqual(problems(content), [
    '1:3 lines, this one first, end in a carriage return, which is read as part of the file name or command',
  ])
  assert.equal(problems('[helo]\na\r').length, 1)
  assert.deepEqual(parsePluginList('[helo]\na\r\n@no x\n').problems.map(({ line }) => line), [2, 3])
})

test('a NUL ends a line', () => {
  assert.deepEqual(entries('[helo]\na \0b\0\0#c\0[mail]\0d\ne\n# x\0f\n'), ['helo:2:a ', 'helo:2:b', 'helo:2:#c', 'mail:2:d', 'mail:3:e'])
})

test('our sections', () => {
  assert.deepEqual(entries('[+message] remark\na\n[+deliver]\nb\n'), ['message:2:a', 'deliver:4:b'])
  for (const header of ['[+massage]', '[+Message]', '[+message', '[+]', '[+ message]', '[+message2]', '[+rcpt]']) {
    assert.deepEqual(parsePluginList(`${header}\na\nb\n`), {
      entries: [], problems: [{ line: 1, reason: `there is no section ${JSON.stringify(header)}`, mend: 'write [+message] or [+deliver]' }],
    })
  }
})

test('line options', () => {
  assert.deepEqual(parsePluginList('[rcpt]\n@timeout=500ms,shadow :a b\n@onerror=open  x\n').entries, [
    { section: 'rcpt', line: 2, text: ':a b', options: { timeout: 500, shadow: true }, form: 'shell' },
    { section: 'rcpt', line: 3, text: ' x', options: { onerror: 'open' }, form: 'path' },
  ])
})

test('broken options are errors with line, reason and mend', () => {
  const error = (line: string): string => {
    const list = parsePluginList(`[rcpt]\n${line}\n`)
    assert.deepEqual(list.entries, [])
    const [problem] = list.problems
    assert.ok(problem !== undefined && problem.warning === undefined && problem.line === 2)
    return `${problem.reason}; ${problem.mend}`
  }
  assert.equal(error('@timout=5s x'), 'in the options "@timout=5s": there is no option "timout"; did you mean timeout?')
  assert.match(error('@ x'), /^in the options "@": an option is missing/)
  assert.match(error('@'), /^in the options "@": an option is missing/)
  assert.match(error('@shadow, trusted x'), /an option is missing around a comma/)
  assert.match(error('@shadow'), /^nothing follows the options/)
  assert.match(error('@shadow '), /^nothing follows the options/)
  assert.match(error('@shadow\tx'), /^a tab follows the options/)
  assert.match(error('@shadow @trusted x'), /^a second group of options/)
  assert.match(error('@example.com'), /there is no option "example.com"/)
})

test('what is never run is not looked at', () => {
  assert.deepEqual(problems('[xyz]\n@nonsense\n@more\n'), ['1:"[xyz]" is no section: the lines under it are never run'])
})

test('what is printed is read back', () => {
  const text = fc.oneof(
    fc.constantFrom(':echo E550 no', 'plugins/x', ' x', 'x y', 'a\r', 'é', '\tb'),
    fc.stringMatching(/^[a-z:][ -~]{0,10}[!-~]$/),
  )
  const options = fc.constantFrom<ListEntry['options']>({}, { timeout: 1500 }, { shadow: true, name: 'a' }, { allow: ['run', 'sleep'] })
  const entry = fc.record({ section: fc.constantFrom(...SECTIONS), text, options })
  fc.assert(fc.property(fc.array(entry, { maxLength: 12 }), (list) => {
    const read = parsePluginList(printPluginList(list))
    const got = read.entries.map(({ section, text: own, options: given }) => ({ section, text: own, options: given }))
    assert.deepEqual(got, JSON.parse(JSON.stringify(list)))
    assert.ok(read.problems.every(({ warning }) => warning))
  }))
})

test('no file makes it throw; entries are in order, never empty, and in a known section', () => {
  const blanks = ['\n', '\n', ' ', '\t', '\r', '\0']
  const pieces = [...blanks, '[', ']', '+', 'message', 'helo', '#', ':', '@', 'shadow', 'timeout=', '5', ',', '=', 'x']
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 120 }).map(textOf),
    fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join('')),
  )
  fc.assert(fc.property(noise, (content) => {
    const list = parsePluginList(content)
    const lines = content.split('\n')
    let before = 0
    for (const { section, line, text, form } of list.entries) {
      assert.ok((SECTIONS as readonly string[]).includes(section))
      assert.ok(line >= before && text !== '' && !text.includes('\n') && !text.includes('\0'))
      assert.ok(lines[line - 1]!.includes(text))
      assert.equal(form, text.startsWith(':') ? 'shell' : 'path')
      before = line
    }
    for (const { line, reason, mend } of list.problems) assert.ok(line >= 1 && line <= lines.length && reason !== '' && mend !== '')
  }), { numRuns: 3000 })
})

test('a large file and long lines end', () => {
  assert.equal(parsePluginList(`[rcpt]\n${'plugins/x\n'.repeat(100_000)}`).entries.length, 100_000)
  for (const piece of ['[', '@', '@a', 'a,', ' ', '\0', '\r', '[+', 'timeout=']) {
    assert.ok(parsePluginList(`[rcpt]\n${piece.repeat(200_000)}x\n@${piece.repeat(200_000)}`) !== undefined)
  }
})
