/** Whatever Helios reads in a smtpconfig without an error, a shell that sources the file exports too. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { parseSmtpConfig } from '../../protocol/qmail/smtpconfig.ts'
import { bytesOf, textOf } from '../../protocol/text.ts'
import { peer } from '../peers.ts'

const sh = peer('sh')
const directory = mkdtempSync(join(tmpdir(), 'helios-smtpconfig-'))
after(() => rmSync(directory, { recursive: true }))

const NAMES = ['AA', 'B_1', '_C']

/** The values of NAMES in the environment of a program started after the file was sourced. */
function sourced(content: string): Record<string, string> {
  const path = join(directory, 'smtpconfig')
  writeFileSync(path, bytesOf(content))
  const output = execFileSync(sh!, ['-c', '. "$0" && exec "$1" -0', path, '/usr/bin/env'], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] })
  const pairs = textOf(output).split('\0').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  return Object.fromEntries(pairs.filter(([name]) => NAMES.includes(name)).toSorted())
}

const plain = fc.string({ unit: fc.constantFrom('x', 'Y', '5', '.', '/', '#', '%', '@', '!', '{', '}', '*', '?', '\u00e9', '\udcfe'),
  maxLength: 3 })
const quotable = fc.string({ unit: fc.constantFrom('x', ' ', '#', ';', '|', '\\\\', '\\$', '\\x', '$', '&', '~', '\\\n', '\u00e9'),
  maxLength: 4 })
const name = fc.constantFrom(...NAMES)
const segment = fc.oneof(
  plain, quotable.map((text) => `'${text.replaceAll('\\\n', '')}'`), quotable.map((text) => `"${text}"`), fc.constantFrom('\\ ', '\\;',
    '\\$', '\\\n'),
  name.map((known) => `$${known}`), name.map((known) => `"\${${known}}"`),
)
const assignment = fc.tuple(name, fc.array(segment, { maxLength: 3 })).map(([key, parts]) => `${key}=${parts.join('')}`)
const statement = fc.oneof(
  { weight: 4, arbitrary: fc.array(assignment, { minLength: 1, maxLength: 2 }).map((words) => words.join(' ')) },
  { weight: 4, arbitrary: fc.array(fc.oneof(assignment, name), { minLength: 1, maxLength: 2 }).map((words) =>
    `export ${words.join(' ')}`) },
  fc.constantFrom('', '  ', '# remark', 'export AA # remark'),
)

test('a sourced file exports what Helios reads in it', { skip: sh === undefined }, () => {
  let compared = 0
  fc.assert(fc.property(fc.array(fc.tuple(statement, fc.constantFrom('\n', '\n', ' ; '))), (statements) => {
    // Each name begins with a value, as an unknown one is an error here and empty in a shell.
    const lines = statements.map(([text, end]) => text + (text.trim() === '' || text.includes('#') ? '\n' : end))
    const content = `AA=1 B_1=2 _C=3\n${lines.join('')}`
    const read = parseSmtpConfig(content)
    if (read.problems.some((problem) => problem.warning !== true)) return
    compared += 1
    assert.deepEqual(Object.fromEntries(read.variables.toSorted()), sourced(content))
  }), { numRuns: 300 })
  assert.ok(compared > 50, `only ${compared} files were comparable`)
})
