/** What an editor is told in a home is true: the same types as the sources', with nothing else installed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeEditorFiles } from '../../core/cli/plugin/editor.ts'
import { scaffold } from '../../core/lab/scaffold.ts'
import { HOOKS } from '../../core/plugin/plugin.ts'
import { declarePluginApi, DECLARATIONS } from '../editor/declarations.ts'
import { makeHome, type Home } from '../harness/home.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** What the compiler says of the home's plugins; empty when it is content. */
function compile(home: Home): Promise<string> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '-p', home.at('plugins')], { cwd: home.path }, (_error, out) => resolve(out))
  })
}

test('the checked-in declarations are those of the sources', () => {
  assert.equal(readFileSync(DECLARATIONS, 'utf8'), declarePluginApi(), 'the plugin API has changed: run node test/editor/declarations.ts')
})

test('with them every example compiles in a home that has nothing else, and a wrong plugin does not', async () => {
  const home = await makeHome()
  assert.deepEqual(writeEditorFiles(home.path), ['plugins/helios.d.ts', 'plugins/tsconfig.json'])
  assert.deepEqual(writeEditorFiles(home.path), [])
  mkdirSync(home.at('plugins/folder'))
  cpSync(join(ROOT, 'config', 'defaults', 'plugins', 'hello.ts'), home.at('plugins/hello.ts'))
  for (const name of ['moved.ts', 'quiet-hours.ts']) cpSync(join(ROOT, 'docs', 'examples', name), home.at(`plugins/${name}`))
  for (const hook of HOOKS) {
    const [plugin] = scaffold(`new-${hook}`, 'ts', hook).files
    writeFileSync(home.at(plugin!.path), plugin!.content)
  }
  // The bundled ones use most of the API.
  for (const name of ['tarpit', 'badhelo', 'maildir', 'rcptexists', 'maxrcpts']) {
    const source = readFileSync(join(ROOT, 'plugins', name, 'index.ts'), 'utf8').replace("'../../core/plugin/index.ts'",
      "'helios-mail/plugin'")
    if (source.includes('../../') || source.includes("'./")) continue
    writeFileSync(home.at(`plugins/folder/${name}.ts`), source)
  }
  assert.ok(existsSync(home.at('plugins/folder/badhelo.ts')))
  assert.equal(await compile(home), '')
  await home.write('plugins/wrong.ts', `import { definePlugin, error, fetch } from 'helios-mail/plugin'
export default definePlugin({ name: 'wrong', rcpt: ({ session, world }) => { world.now().length; session.helo.trim(); return error(550) } })
`)
  const said = await compile(home)
  for (const word of ['fetch', 'summary', 'length', 'helo', 'number']) assert.match(said, new RegExp(`wrong\\.ts.*${word}`, 's'))
})
