import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Command } from 'commander'
import { packageRoot } from '../paths.ts'
import { formerNames, runFormer } from './former-names.ts'

const root = packageRoot()

test('each former name is installed as a command, and no other', async () => {
  const names = await formerNames()
  const { bin, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly bin: Readonly<Record<string, string>>; readonly files: readonly string[] }
  assert.deepEqual(bin, { helios: 'core/cli/helios.js', ...Object.fromEntries(names.map((name) => [name, `core/cli/former/${name}.js`])) })
  assert.ok(files.includes('core/cli/former'))
  assert.deepEqual(readdirSync(join(root, 'core/cli/former')).toSorted(), names.map((name) => `${name}.js`))
  const [first, ...others] = names.map((name) => readFileSync(join(root, 'core/cli/former', `${name}.js`), 'utf8'))
  for (const other of others) assert.equal(other, first)
  for (const name of names) assert.equal(statSync(join(root, 'core/cli/former', `${name}.js`)).mode & 0o111, 0o111, name)
})

/** What a former command line is in our words; undefined where it was not understood. */
async function wordsOf(name: string, ...args: readonly string[]): Promise<string | undefined> {
  let said: string | undefined
  const prepare = (command: Command): Command => command.exitOverride().configureOutput({ outputError: () => undefined })
  await runFormer(name, args, async (words) => { said = words.join(' ') }, { out: () => undefined }, prepare).catch(() => undefined)
  return said
}

test('the words of former days are ours', async () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['helios-adddomain example.org', 'domain add example.org'], ['helios-adddomain -p example.org --json', 'domain add -p example.org --json'],
    ['helios-adddomain', undefined], ['helios-adddomain a.example b.example', undefined], ['helios-deldomain --yes example.org', 'domain del --yes example.org'],
    ['helios-listdomain example.org --home h', '--home h domain show example.org'],
    ['helios-adduser ann example.org', 'user add ann@example.org'], ['helios-adduser ann@example.org secret', 'user add ann@example.org --password=secret'],
    ['helios-adduser ann', undefined], ['helios-adduser ann example.org a b', undefined], ['helios-deluser ann example.org', 'user del ann@example.org'],
    ['helios-passwd ann example.org foo', 'user passwd ann@example.org --password=foo'], ['helios-passwd ann example.org -- -foo', 'user passwd ann@example.org --password=-foo'],
    ['helios-passwd ann example.org --generate', 'user passwd ann@example.org --generate'],
    ['helios-addalias info example.org ann@example.org bob@example.org', 'alias add info@example.org ann@example.org bob@example.org'],
    ['helios-delalias info@example.org', 'alias del info@example.org'], ['helios-delalias info example.org ann@example.org', 'alias del info@example.org ann@example.org'],
    ['helios-setdotqmail ann example.org ext', 'dotqmail set ann@example.org ext'], ['helios-deldotqmail ann example.org', 'dotqmail del ann@example.org'],
    ['helios-finger ann example.org', 'finger ann@example.org'], ['helios-finger ann@example.org bob@example.org', 'finger ann@example.org bob@example.org'],
    ['helios-finger ann', 'finger ann'], ['helios-finger', undefined],
    ['helios-notifyadmin test ann@example.org', 'notify test ann@example.org'], ['helios-antispoofadmin list', 'antispoof list'],
    ['qmailctl hup', 'reload'], ['qmailctl stat --home h', '--home h status'], ['qmailctl start', 'serve'], ['qmailctl what', undefined], ['helios-other x', undefined],
  ]
  for (const [line, expected] of cases) {
    const [name, ...args] = line.split(' ')
    assert.equal(await wordsOf(name!, ...args), expected, line)
  }
})
