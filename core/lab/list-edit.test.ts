import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parsePluginList, SECTIONS, type Section } from '../../protocol/spp/list.ts'
import { disableLines, enableLine, type Enabling } from './list-edit.ts'

const LIST = `# Which plugins are asked.
[helo]
badhelo  

[rcpt]
maxrcpts
# A remark about maxrcpts
#plugins/hello.sh
#  @timeout=5s plugins/slow
tarpit
# The end of rcpt.

[+deliver]
maildir
`

function enabling(section: Section, text: string, more: Partial<Enabling> = {}): Enabling {
  return { section, text, options: {}, shadow: false, means: (other) => other === text, ...more }
}

test('a line that is commented out loses its #, and nothing else changes', () => {
  const { content, changes } = enableLine(LIST, enabling('rcpt', 'plugins/hello.sh'))
  assert.equal(content, LIST.replace('#plugins/hello.sh', 'plugins/hello.sh'))
  assert.deepEqual(changes, [{ kind: 'uncommented', line: 8, section: 'rcpt', text: 'plugins/hello.sh' }])
})

test('its own options stay, and given ones come', () => {
  const { content } = enableLine(LIST, enabling('rcpt', 'plugins/slow', { options: { onerror: 'open' }, shadow: true }))
  assert.equal(content, LIST.replace('#  @timeout=5s plugins/slow', '@timeout=5s,onerror=open,shadow plugins/slow'))
})

test('a new line comes behind the last of its section', () => {
  const { content, changes } = enableLine(LIST, enabling('rcpt', 'greylist', { shadow: true }))
  assert.equal(content, LIST.replace('tarpit\n', 'tarpit\n@shadow greylist\n'))
  assert.deepEqual(changes.map(({ kind, line }) => [kind, line]), [['added', 11]])
})

test('a section that is not there is made, and an end of line with it', () => {
  assert.equal(enableLine(LIST, enabling('data', 'x')).content, `${LIST}\n[data]\nx\n`)
  assert.equal(enableLine('[mail]\ny', enabling('message', 'x')).content, '[mail]\ny\n\n[+message]\nx\n')
  assert.equal(enableLine('', enabling('rcpt', 'x')).content, '[rcpt]\nx\n')
  assert.equal(enableLine('[rcpt]\n[mail]\n', enabling('rcpt', 'x')).content, '[rcpt]\nx\n[mail]\n')
})

test('enabling again changes nothing; without shadow a shadow line is obeyed from then on', () => {
  const shadowed = enableLine(LIST, enabling('rcpt', 'tarpit', { shadow: true }))
  assert.equal(shadowed.content, LIST.replace('tarpit', '@shadow tarpit'))
  assert.deepEqual(enableLine(shadowed.content, enabling('rcpt', 'tarpit', { shadow: true })).changes, [])
  const obeyed = enableLine(shadowed.content, enabling('rcpt', 'tarpit'))
  assert.deepEqual([obeyed.content, obeyed.changes[0]!.kind], [LIST, 'changed'])
})

test('disabling puts a # before each line, in one section or in all', () => {
  const twice = `${LIST}[rcpt]\nmaildir\n`
  const means = (text: string): boolean => text === 'maildir'
  assert.deepEqual(disableLines(twice, { means }).changes.map(({ line, text }) => [line, text]), [[14, '#maildir'], [16, '#maildir']])
  assert.equal(disableLines(twice, { means, section: 'rcpt' }).content, `${LIST}[rcpt]\n#maildir\n`)
  assert.deepEqual(disableLines(LIST, { means: () => false }), { content: LIST, changes: [] })
})

const word = fc.constantFrom('a', 'b', 'plugins/x y', ':echo N', 'target', 'a')
const line = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('', '', '#', '# ', '@shadow ', '#@timeout=5s ', '@bad '), word,
    fc.constantFrom('', ' ', '\t', '\r')).map((parts) => parts.join('')) },
  { weight: 2, arbitrary: fc.constantFrom('[rcpt]', '[mail', '[h', '[RCPT]', '[+deliver]', '[+nothing]', '[x]', '# [rcpt]') },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constant('') },
)
const list = fc.array(line, { maxLength: 14 }).map((lines) => lines.join('\n'))
const means = (text: string): boolean => text === 'target'

test('whatever stands in the list, one line comes or changes and every other stays to the byte', () => {
  fc.assert(fc.property(list, fc.constantFrom(...SECTIONS), fc.boolean(), (before, section, shadow) => {
    const wanted = enabling(section, 'target', { shadow, means })
    const { content, changes } = enableLine(before, wanted)
    assert.ok(changes.length <= 1)
    const on = parsePluginList(content).entries.find((entry) => entry.section === section && means(entry.text))
    assert.ok(on !== undefined && (on.options.shadow === true) === shadow)
    assert.deepEqual(enableLine(content, wanted), { content, changes: [] })
    const [change] = changes
    if (change === undefined) return assert.equal(content, before)
    assert.equal(content.split('\n')[change.line - 1], change.text)
    const old = before.split('\n')
    const now = content.split('\n')
    if (change.kind !== 'added') return assert.deepEqual(now.toSpliced(change.line - 1, 1), old.toSpliced(change.line - 1, 1))
    // Besides the new line there may be its header, and an end to a last line that had none.
    assert.ok(content.startsWith(old.slice(0, firstDifference(old, now)).join('\n')))
    const rest = now.toSpliced(change.line - 1, 1).join('\n').replace(/\n$/, '')
    const made = rest.length - before.replace(/\n$/, '').length
    assert.ok(made >= 0 && made <= '\n\n[connection]'.length, JSON.stringify([before, content]))
  }))
})

test('disabling and enabling again is no change', () => {
  fc.assert(fc.property(list, fc.constantFrom(...SECTIONS), (before, section) => {
    const on = enableLine(before, enabling(section, 'target', { means })).content
    const off = disableLines(on, { section, means })
    assert.ok(off.changes.length > 0)
    assert.ok(!parsePluginList(off.content).entries.some((entry) => entry.section === section && means(entry.text)))
    const changed = new Set(off.changes.map((change) => change.line - 1))
    const [old, now] = [on.split('\n'), off.content.split('\n')]
    for (const [index, text] of now.entries()) assert.equal(text, changed.has(index) ? `#${old[index]}` : old[index])
    const again = enableLine(off.content, enabling(section, 'target', { means }))
    assert.equal(again.changes[0]!.kind, 'uncommented')
  }))
})

function firstDifference(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index])
  return at === -1 ? a.length : at
}
