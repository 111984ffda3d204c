/** What a sandboxed plugin may be made of, and what an error says of what it may not. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { bundlePlugin, stopBundling } from '../../core/host/runtimes/sandbox/bundle.ts'
import { printProblem } from '../../config/problem.ts'
import { requestOf } from './runtimes-kit.ts'
import { pluginText, sandboxKit } from './sandbox-kit.ts'

const SECRET = 'root:x:0:0:secret'

interface Place {
  readonly home: string
  bundle(name?: string): Promise<{ readonly text: string | undefined; readonly said: string; readonly files: readonly string[] }>
}

/** A home with these files; `outside` stands beside it, with a secret, a tsconfig and a package.json that no JSON parser takes. */
function place(t: TestContext, files: Readonly<Record<string, string>>): Place {
  const root = mkdtempSync(join(tmpdir(), 'helios-bundle-'))
  const home = join(root, 'home')
  const all = {
    'outside/secret.ts': `export default ${JSON.stringify(SECRET)} as const satisfies\n${SECRET}\n`, 'outside/secret.json': `${SECRET}\n`,
    'tsconfig.json': `${SECRET}\n`, 'package.json': `${SECRET}\n`, 'home/tsconfig.json': `${SECRET}\n`, 'home/package.json': `${SECRET}\n`,
    'node_modules/out/index.js': `export default ${JSON.stringify(SECRET)}`, 'home/node_modules/out/index.js': `export default ${JSON.stringify(SECRET)}`,
    'home/plugins/x.ts': '',
  }
  for (const [name, text] of [...Object.entries(all), ...Object.entries(files).map(([name, text]) => [`home/${name}`, text] as const)]) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  t.after(async () => {
    await stopBundling()
    rmSync(root, { recursive: true, force: true })
  })
  return {
    home,
    async bundle(name = 'plugins/x.ts') {
      const { text, problems, files: read } = await bundlePlugin(join(home, name), home)
      const said = problems.map(printProblem).join('\n')
      assert.ok(!JSON.stringify([text, said]).includes('secret:') && !JSON.stringify([text, problems]).includes(SECRET), 'nothing from outside is repeated')
      for (const file of read) assert.ok(file.startsWith(join(home, 'plugins')), file)
      return { text: text?.text, said, files: read.map((file) => file.slice(home.length + 1)) }
    },
  }
}

const REFUSED: readonly (readonly [source: string, said: RegExp])[] = [
  ["import x from '../../outside/secret.ts'", /x\.ts:1: error: it imports "\.\.\/\.\.\/outside\/secret\.ts", which lies outside the plugins folder/],
  ["import x from '../../outside/secret'", /lies outside the plugins folder/],
  ["import x from '../../outside/none.ts'", /lies outside the plugins folder/],
  ["import x from '../../outside/secret.json'", /lies outside/],
  ["import x from '../x'", /lies outside/],
  ["import x from '/etc/passwd'", /lies outside/],
  ["import x from 'file:///etc/passwd'", /no such file/],
  ["import x from 'data:text/javascript,1'", /no such file/],
  ["import x from './link.ts'", /lies outside/],
  ["import x from './folder/secret.ts'", /lies outside/],
  ["import x from 'linked'", /lies outside/],
  ["import x from 'out'", /x\.ts:1: error: it imports "out", and there is no such file \(install the package below plugins/],
  ["import x from 'pointing'", /no such file/],
  ["import x from 'node:fs'", /x\.ts:1: error: it imports "node:fs": there are no modules of Node in the sandbox/],
  ["import x from 'fs'", /there are no modules of Node/],
  ["import x from 'node:os/../fs'", /no such file/],
  ["\nexport { default } from 'child_process'", /x\.ts:2: error: .*no modules of Node/],
  ["const x = require('fs')", /no modules of Node/],
  ["const x = import('node:fs')", /no modules of Node/],
  ["import x from 'helios-mail'", /a plugin imports helios-mail\/plugin alone/],
  ["import x from 'helios-mail/plugin/testing'", /a plugin imports helios-mail\/plugin alone/],
  ["import x from 'helios-mail/../../outside/secret'", /a plugin imports/],
  ["import x from 'inside'", /no such file/],
  ["import x from './missing'", /x\.ts:1: error: it imports "\.\/missing", and there is no such file/],
  ['const name = "a"\nimport(`./${name}.ts`)', /x\.ts:2: error: it imports a file whose name is computed/],
  ['const name = "a"\nrequire("../../" + name)', /x\.ts:2: error: it imports a file whose name is computed/],
  ['const name = "a"\nimport(/* all */ `../../outside/${name}.ts`)', /computed/],
  // Written so that only esbuild sees it: it looks for files then, and we give it none.
  ['const name = "a"\nimport(("../outside/") + name)', /computed|Could not resolve/],
  [`const name = "a"\nimport(("../${basename(process.cwd())}/pack") + name)`, /computed/],
  ['await 1', /x\.ts:1: error: Top-level await/],
  ['const x: = 1', /x\.ts:1: error: /],
  ["import x from './x.png'", /no such file/],
  ['import x from "./a\\0b"', /no path|no such file/],
]

test('nothing outside plugins/ is read, embedded or repeated', async (t) => {
  const { home, bundle } = place(t, { 'plugins/node_modules/pointing/package.json': '{"exports":"../../../../outside/secret.ts"}' })
  symlinkSync('../../outside/secret.ts', join(home, 'plugins', 'link.ts'))
  symlinkSync('../../outside', join(home, 'plugins', 'folder'))
  symlinkSync('../../../node_modules/out', join(home, 'plugins', 'node_modules', 'linked'))
  for (const [source, said] of REFUSED) {
    // An import that nothing uses is taken for one of types.
    writeFileSync(join(home, 'plugins', 'x.ts'), source.startsWith('import x') ? `${source}\nexport default x\n` : `${source}\n`)
    const found = await bundle()
    assert.equal(found.text, undefined, source)
    assert.match(found.said, said, source)
  }
  for (const name of ['plugins/link.ts', 'outside/secret.ts', 'plugins/../../outside/secret.ts', 'plugins', '../package.json']) {
    assert.match((await bundle(name)).said, /lies outside the plugins folder|there is no such file/, name)
  }
})

test('imports are found as TypeScript and Node find them, below plugins/', async (t) => {
  const { home, bundle } = place(t, {
    'plugins/x.ts': `import a from './lib/a.js'\nimport { b } from './lib'\nimport data from './data.json'\nimport one, { two } from 'one'\nimport deep from 'one/deep/er'\nimport old from 'old'\nimport cjs = require('./c.cjs')\nimport type { Nothing } from 'nowhere'\nexport default [a, b, data.n, one, two, deep, old, cjs, await1]\nconst await1 = require('@s/p')`,
    'plugins/lib/a.ts': "import { c } from '@s/p'\nexport default 'A' + c",
    'plugins/lib/index.ts': "export const b = 'B'",
    'plugins/data.json': '{"n":"N"}',
    'plugins/c.cjs': "module.exports = 'CJS'",
    'plugins/node_modules/one/package.json': '{"exports":{".":{"node":"./node.js","import":"./one.mjs","require":"./one.cjs"},"./deep/*":["./no/*.js",{"default":"./deep/*.js"}],"./deep/private/*":null}}',
    'plugins/node_modules/one/one.mjs': "export default 'ONE'\nexport const two = 'TWO'",
    'plugins/node_modules/one/no/er.js': "export default 'DEEP'",
    'plugins/node_modules/old/package.json': '{"main":"./lib"}',
    'plugins/node_modules/old/lib/index.js': "module.exports = 'OLD'",
    'plugins/node_modules/@s/p/package.json': '{"module":"m.js","main":"none.js"}',
    'plugins/node_modules/@s/p/m.js': "export const c = 'C'",
  })
  const { text, said, files } = await bundle()
  assert.equal(said, '')
  for (const word of ['A', 'B', 'N', 'ONE', 'TWO', 'DEEP', 'OLD', 'CJS', 'C']) assert.ok(text!.includes(`"${word}"`), word)
  assert.ok(files.includes('plugins/lib/a.ts') && files.includes('plugins/data.json') && files.includes('plugins/node_modules/one/package.json'), files.join())
  symlinkSync('lib', join(home, 'plugins', 'inner'))
  writeFileSync(join(home, 'plugins', 'x.ts'), "export { b } from './inner'")
  assert.equal((await bundle()).said, '', 'a link that stays inside is fine')
})

test('esbuild opens no file of a home, nor any below its folders', { skip: straceMissing() }, async (t) => {
  const { home } = place(t, { 'plugins/x.ts': "import './y.ts'\nimport 'helios-mail/plugin'\nexport default 1", 'plugins/y.ts': 'export {}' })
  const trace = join(home, 'trace.txt')
  const script = `import { bundlePlugin } from ${JSON.stringify(join(import.meta.dirname, '../../core/host/runtimes/sandbox/bundle.ts'))}
const { text, problems } = await bundlePlugin(${JSON.stringify(join(home, 'plugins/x.ts'))}, ${JSON.stringify(home)})
if (text === undefined) throw new Error(JSON.stringify(problems))
process.exit(0)`
  execFileSync('strace', ['-f', '-e', 'trace=open,openat,execve', '-o', trace, process.execPath, '--input-type=module-typescript', '-e', script], { cwd: home, stdio: 'ignore' })
  const opened = execFileSync('grep', ['-a', home, trace]).toString().split('\n').filter((line) => line.includes('open'))
  const others = opened.filter((line) => !/plugins\/(?:x|y)\.ts"/.test(line))
  assert.deepEqual(others, [])
})

function straceMissing(): string | false {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return 'there is no strace'
  }
}

test('a plugin that does not load: the file, the line, and what to do', async (t) => {
  const kit = sandboxKit(t)
  const said = async (text: string, control: Readonly<Record<string, string>> = {}): Promise<string> => {
    kit.write({ 'plugins/x.ts': text })
    const { lease, problems } = await kit.load('plugins/x.ts', { control })
    assert.ok(lease === undefined || problems.every(({ severity }) => severity === 'warning'))
    return problems.map(printProblem).join('\n')
  }
  assert.match(await said('export const a = 1'), /^plugins\/x\.ts: error: it does not load: its default export is no plugin; write /)
  assert.match(await said("import { definePlugin } from 'helios-mail/plugin'\nexport default definePlugin({ name: 'x', summary: '' })"), /the plugin has no handler/)
  assert.match(await said("\nconst none = undefined as never\nexport default (none as { a: 1 }).a"), /^plugins\/x\.ts:3: error: it does not load: TypeError: Cannot read/)
  assert.match(await said("import './y.ts'"), /plugins\/x\.ts:1: error: it imports/)
  kit.write({ 'plugins/y.ts': "\n\n\nthrow new Error('top')\n" })
  assert.match(await said("import './y.ts'"), /^plugins\/y\.ts:4: error: it does not load: top /)
  assert.match(await said(pluginText('x', 'rcpt: () => undefined, needs: ["fly" as never]')), /needs "fly", which is no effect/)
  const reads = pluginText('x', "control: { bad: { about: 'b', parse: (content) => ({ value: 1, problems: content === undefined ? [] : [{ line: 3, reason: 'wrong', mend: 'mend it', ...(content === 'w' && { warning: true }) }] }) } }, rcpt: () => undefined")
  assert.equal(await said(reads, { bad: 'x' }), 'control/bad:3: error: wrong (mend it)')
  assert.equal(await said(reads, { bad: 'w' }), 'control/bad:3: warning: wrong (mend it)')
  assert.equal(await said(reads), '')
  assert.match(await said(pluginText('x', 'rcpt: () => undefined', 'process.exit(1)')), /ReferenceError: process is not defined/)
  assert.deepEqual(kit.sandboxes.pids, [], 'what is only tried leaves no process behind')
})

test('a top level that never ends, or eats memory, fails the load', async (t) => {
  const kit = sandboxKit(t, { limits: { loadMs: 1000 } })
  kit.write({ 'plugins/x.ts': 'for (;;);', 'plugins/y.ts': 'const all = []\nfor (let i = 0; ; i++) all.push(new Uint8Array(2 ** 23).fill(1))' })
  const [loops, eats] = [await kit.load('plugins/x.ts'), await kit.load('plugins/y.ts')]
  assert.match(loops.problems[0]!.reason, /its process gave no sign of life/)
  assert.match(eats.problems[0]!.reason, /its process used more than 256 MiB/)
})

test('the line of an error in an imported file is that file\'s', async (t) => {
  const kit = sandboxKit(t)
  kit.write({
    'plugins/x.ts': "import { definePlugin } from 'helios-mail/plugin'\nimport { check } from './lib/check.ts'\nexport default definePlugin({ name: 'x', summary: '', rcpt: ({ session }) => check(session.helo) })\n",
    'plugins/lib/check.ts': "interface A { b: string }\n\nexport function check(helo: string | undefined): undefined {\n  const a = undefined as unknown as A\n\n  a.b.trim()\n  return void helo\n}\n",
  })
  const { fault } = await (await kit.line('rcpt', 'plugins/x.ts')).run(requestOf('rcpt'))
  assert.equal(fault?.detail, "TypeError: Cannot read properties of undefined (reading 'b') (plugins/lib/check.ts:6)")
})
