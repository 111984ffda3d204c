import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fitJob, readArgumentLimit } from './limits.ts'

const MIB = 1024 * 1024

test('the limit of the system is read, with the bounds of execve', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'helios-limits-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const limitOf = (content: string): number => {
    const file = join(directory, 'limits')
    writeFileSync(file, content)
    return readArgumentLimit(file)
  }
  assert.equal(limitOf('Max stack size            8388608              unlimited            bytes\n'), 2 * MIB)
  assert.equal(limitOf('Max stack size            unlimited            unlimited            bytes\n'), 6 * MIB)
  assert.equal(limitOf('Max stack size            65536                unlimited            bytes\n'), 128 * 1024)
  assert.equal(limitOf('something else\n'), 2 * MIB)
  assert.equal(readArgumentLimit(join(directory, 'none')), 2 * MIB)
})

test('an environment becomes NAME=value strings', () => {
  const env = { A: '1', B: undefined, '': 'nameless', 'C=D': 'E', F: 'a=b', G: '' }
  assert.deepEqual(fitJob({ text: 'x', env }, MIB), { ok: true, env: ['A=1', 'F=a=b', 'G='] })
})

test('the longest string that fits, counted in bytes', () => {
  const fits = (text: string): boolean => fitJob({ text, env: {} }, 6 * MIB).ok &&
    fitJob({ text: '', env: { X: text.slice(2) } }, 6 * MIB).ok
  assert.equal(fits('x'.repeat(131_071)), true)
  assert.equal(fits('x'.repeat(131_072)), false)
  assert.equal(fits(`x${'é'.repeat(65_535)}`), true)
  assert.equal(fits(`xx${'é'.repeat(65_535)}`), false)
  assert.equal(fits('\udce9'.repeat(131_071)), true)
})

test('all strings together', () => {
  const env = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`X${index}`, 'é'.repeat(1000)]))
  const total = 10 * (3 + 2000 + 9) + 1 + 4096
  assert.equal(fitJob({ text: 'x', env }, total).ok, true)
  assert.deepEqual(fitJob({ text: 'x', env }, total - 1), {
    ok: false, reason: `the environment has ${total} bytes, the system takes ${total - 1}`,
  })
})
