import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bundledPluginsDir, defaultsDir, extension, moduleFile, packageRoot } from './paths.ts'

test('in a checkout everything stands beside package.json', () => {
  assert.equal(extension, '.ts')
  assert.equal(existsSync(join(packageRoot(), 'package.json')), true)
  assert.equal(moduleFile('core/paths'), join(packageRoot(), 'core', 'paths.ts'))
  for (const directory of [bundledPluginsDir, defaultsDir]) assert.equal(statSync(directory).isDirectory(), true)
})
