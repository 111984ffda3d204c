import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exported } from './resolve.ts'

const IMPORT: ReadonlySet<string> = new Set(['import', 'module', 'default'])

test('what a package exports, by the examples of Node\'s documentation', () => {
  const cases: readonly (readonly [exports: unknown, subpath: string, target: string | undefined])[] = [
    ['./a.js', '.', './a.js'],
    ['./a.js', './b', undefined],
    [{ import: './i.js', default: './d.js' }, '.', './i.js'],
    [{ require: './r.js', default: './d.js' }, '.', './d.js'],
    [{ default: './d.js', import: './i.js' }, '.', './d.js'],
    [{ node: { import: './n.js' }, default: { import: './b.js' } }, '.', './b.js'],
    [{ '.': './a.js', './features/*.js': './src/*.js', './features/private/*': null }, './features/x.js', './src/x.js'],
    [{ './features/*.js': './src/*.js', './features/private/*': null }, './features/private/x.js', undefined],
    [{ './a/*': './1/*.js', './a/b/*': './2/*.js' }, './a/b/c', './2/c.js'],
    [{ './*': './*/*.js' }, './x', './x/x.js'],
    [{ '.': ['not-relative', './a.js'] }, '.', './a.js'],
    [{ '.': '../out.js' }, '.', undefined],
    [{ '.': '/out.js' }, '.', undefined],
    [null, '.', undefined],
  ]
  for (const [exports, subpath, target] of cases) assert.equal(exported(exports, subpath, IMPORT), target, JSON.stringify([exports, subpath]))
})

test('whatever stands there, nothing is thrown, and a target begins with ./', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.string(), (exports, rest) => {
    const target = exported(exports, `./${rest}`, IMPORT)
    assert.ok(target === undefined || target.startsWith('./'))
  }))
})
