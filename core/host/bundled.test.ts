import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HeliosError } from '../error.ts'
import { bundledTables, bundledVerbs } from './bundled.ts'

/** A folder of plugin folders with these files. */
function folders(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'helios-bundled-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

const table = (name: string): string => `export const tables = [{ name: '${name}', about: '', columns: { id: 'integer' }, key: ['id'] }]\n`

test('tables and verbs are found in the folders that have them, and go with the folder', async (t) => {
  const root = folders(t, {
    'b-c/schema.ts': table('b_c_more'), 'a/schema.ts': table('a'), 'a/cli.ts': "export const verbs = { noun: 'a', about: '', verbs: [] }\n",
    'd/index.ts': 'throw new Error("nobody asked for this")\n', 'README.md': '',
  })
  assert.deepEqual((await bundledTables(root)).map(({ name }) => name), ['a', 'b_c_more'])
  assert.deepEqual((await bundledVerbs(root)).map(({ plugin, value }) => [plugin, value.noun]), [['a', 'a']])
  rmSync(join(root, 'a'), { recursive: true })
  assert.deepEqual([(await bundledTables(root)).length, await bundledVerbs(root)], [1, []])
  assert.deepEqual(await bundledTables(join(root, 'nowhere')), [])
})

test('a table belongs to its plugin by its name', async (t) => {
  for (const [name, message] of [
    ['passwd', /the plugin a declares the table passwd, which must be named a or begin with a_/], ['ab', /must be named a/],
    ['a_B', /names a table or column "a_B"/],
  ] as const) {
    await assert.rejects(bundledTables(folders(t, { 'a/schema.ts': table(name) })), (error) => error instanceof HeliosError && message.test(error.message))
  }
})

test('a file that does not load, or exports something else, is named', async (t) => {
  for (const content of ['throw new Error("broken")\n', 'export const table = []\n']) {
    await assert.rejects(bundledTables(folders(t, { 'a/schema.ts': content })),
      (error) => error instanceof HeliosError && /a.schema\.ts (?:does not load: broken|exports no tables)/.test(error.message))
  }
})
