import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { HeliosError } from '../error.ts'
import { bundledPlugins, findTarget, identityOf, ownPlugins, type Target } from './target.ts'

const home = mkdtempSync(join(tmpdir(), 'helios-target-'))
const cwd = join(home, 'somewhere')
after(() => rmSync(home, { recursive: true, force: true }))

function write(name: string, content = '', mode = 0o644): void {
  mkdirSync(dirname(join(home, name)), { recursive: true })
  writeFileSync(join(home, name), content, { mode })
}

write('plugins/moved.ts')
write('plugins/moved.test.txt')
write('plugins/moved.md')
write('plugins/helios.d.ts')
write('plugins/tsconfig.json')
write('plugins/.hidden', '#!/bin/sh', 0o755)
write('plugins/node_modules/x/index.ts')
write('plugins/folder/index.ts')
write('plugins/both.sh', '#!/bin/sh\n', 0o755)
write('plugins/both.py', '#!/usr/bin/python3\n', 0o755)
write('plugins/forgotten', '#!/bin/sh\n')
write('plugins/data')
symlinkSync('circle', join(home, 'plugins/circle'))
write('plugins/script.mjs', '#!/usr/bin/env node\n', 0o755)
write('plugins/module.mjs')
write('plugins/tarpit.ts')
write('shadowed', '#!/bin/sh\n', 0o755)
write('plugins/shadowed.ts')
write('somewhere/else.sh', '#!/bin/sh\n', 0o755)

const find = (word: string): Target => findTarget(word, { home, cwd })
const brief = ({ text, kind, bundled }: Target): readonly unknown[] => [text, kind, bundled]

test('the plugins of a home, as the list names them', () => {
  assert.deepEqual(ownPlugins(home).map(({ text, kind }) => [text, kind]), [
    ['plugins/both.py', 'program'], ['plugins/both.sh', 'program'], ['folder', 'module'], ['plugins/forgotten', 'program'],
      ['plugins/module.mjs', 'module'],
    ['moved', 'module'], ['plugins/script.mjs', 'program'], ['plugins/shadowed.ts', 'module'], ['tarpit', 'module'],
  ])
  assert.ok(bundledPlugins().some(({ name }) => name === 'maildir'))
  assert.deepEqual(ownPlugins(join(home, 'nowhere')), [])
})

test('names, files from here, from the home and from its plugins, shell lines and options', () => {
  assert.deepEqual(brief(find('moved')), ['moved', 'module', false])
  assert.deepEqual(brief(find('moved.ts')), ['moved', 'module', false])
  assert.deepEqual(brief(find('plugins/folder')), ['folder', 'module', false])
  assert.deepEqual(brief(find('both.sh')), ['plugins/both.sh', 'program', false])
  assert.deepEqual(brief(find('else.sh')), ['somewhere/else.sh', 'program', false])
  assert.deepEqual(brief(find('maxrcpts.php')), ['maxrcpts', 'module', true])
  assert.deepEqual(brief(find('tarpit')), ['tarpit', 'module', false])
  assert.deepEqual(brief(find('shadowed')), ['plugins/shadowed.ts', 'module', false])
  assert.deepEqual(brief(find('/bin/sh')), ['/bin/sh', 'program', false])
  assert.deepEqual(brief(find(':echo N')), [':echo N', 'shell', false])
  assert.deepEqual(find('@timeout=5s,shadow moved').options, { timeout: 5000, shadow: true })
})

test('what cannot be found, or is not one, is told', () => {
  const code = (word: string): unknown => {
    try {
      return find(word)
    } catch (error) {
      return error instanceof HeliosError ? `${error.code}: ${error.mend}` : error
    }
  }
  assert.equal(code('both'), 'several-plugins: name the file: both.py or both.sh')
  assert.equal(code('mooved'), 'unknown-plugin: did you mean moved?')
  assert.equal(code(''), 'unknown-plugin: "helios plugin list" shows what there is')
  assert.match(String(code('@shadwo moved')), /^plugin-options: /)
})

test('two ways to write one plugin have one identity', () => {
  symlinkSync(join(home, 'plugins/both.sh'), join(home, 'plugins/link'))
  for (const [one, other] of [['moved', 'plugins/moved.ts'], ['moved.php', 'moved'], ['plugins/link', 'plugins/both.sh'],
    ['folder', './plugins/folder/index.ts']] as const) {
    assert.equal(identityOf(one, home), identityOf(other, home), `${one}, ${other}`)
  }
  assert.notEqual(identityOf('maxrcpts', home), identityOf('maxbouncercpts', home))
  assert.notEqual(identityOf('shadowed', home), identityOf('plugins/shadowed.ts', home))
  assert.equal(identityOf(':echo N', home), ':echo N')
  assert.equal(identityOf('plugins/gone', home), join(home, 'plugins/gone'))
})
