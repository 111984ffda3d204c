/** Proves of every rule that it bites, and that it leaves alone what it should, on small made-up trees. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { checkTree, printViolation } from './check.ts'

const trees: string[] = []
after(() => trees.forEach((tree) => rmSync(tree, { recursive: true, force: true })))

function plant(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'helios-rules-'))
  trees.push(root)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

/** `file:line` of every violation. */
function places(files: Readonly<Record<string, string>>): readonly string[] {
  return checkTree(plant(files)).map(({ file, line }) => `${file}:${line}`)
}

function passes(file: string, text: string): void {
  assert.deepEqual(checkTree(plant({ [file]: text })), [], `${file}: ${text}`)
}

function bites(file: string, text: string, reason: RegExp, line = 1): void {
  const violations = checkTree(plant({ [file]: text }))
  assert.equal(violations.length, 1, `${file}: ${text}: ${violations.map(printViolation).join('; ')}`)
  assert.equal(violations[0]!.line, line)
  assert.match(violations[0]!.reason, reason)
}

describe('who may import whom', () => {
  const importing = (path: string): string => `import { x } from '${path}'\nexport { x }\n`

  it('protocol imports nothing of ours', () => {
    passes('protocol/spp/a.ts', importing('../text.ts'))
    passes('protocol/spp/a.ts', importing('node:buffer'))
    bites('protocol/a.ts', importing('../config/b.ts'), /config\/b\.ts: protocol may import only/)
    bites('protocol/a.ts', importing('../core/b.ts'), /core\/b\.ts/)
    bites('protocol/a.ts', importing('../plugins/b/index.ts'), /plugins\/b/)
    bites('protocol/a.ts', importing('../test/b.ts'), /test\/b/)
  })

  it('protocol has no sockets, files and clock', () => {
    for (const module of ['node:fs', 'fs/promises', 'node:net', 'node:timers', 'child_process']) {
      bites('protocol/a.ts', importing(module), /no sockets, no files, no clock/)
    }
    bites('protocol/a.ts', 'export const t = () => Date.now()\n', /Date\.now: protocol has no clock/)
    bites('protocol/a.ts', 'export const t = () => new Date()\n', /new Date\(\)/)
    passes('protocol/a.ts', 'export const t = (ms: number) => new Date(ms).toISOString()\n')
    passes('protocol/a.test.ts', 'import { readFileSync } from \'node:fs\'\nreadFileSync(String(Date.now()))\n')
  })

  it('config imports protocol only', () => {
    passes('config/a.ts', importing('../protocol/b.ts'))
    bites('config/a.ts', importing('../core/b.ts'), /config may import only/)
  })

  it('core imports config and protocol, never a plugin', () => {
    passes('core/smtp/a.ts', importing('../../protocol/b.ts') + 'import "../../config/c.ts"\nimport "../host/d.ts"\n')
    bites('core/host/a.ts', importing('../../plugins/spf/index.ts'), /plugins\/spf\/index\.ts: core may import only/)
    bites('core/host/a.test.ts', importing('../../plugins/spf/index.ts'), /core may import only/)
    bites('core/host/a.ts', importing('../../test/client.ts'), /core may import only/)
  })

  it('commands go to accounts through the library, and nobody else in core does', () => {
    passes('core/cli/user.ts', importing('../api/index.ts') + "import '../accounts/errors.ts'\nimport '../accounts/ownership.ts'\n")
    bites('core/cli/user.ts', importing('../accounts/users.ts'), /nothing behind its back/)
    passes('core/cli/plugin/try.ts', importing('../../accounts/accounts.ts'))
    passes('core/api/helios.ts', importing('../accounts/users.ts') + "import './home.ts'\n")
    bites('core/server/serve.ts', importing('../api/index.ts'), /the library is for other programs/)
  })

  it('the host and the dialogue know nothing of who asks them', () => {
    bites('core/host/a.ts', importing('../smtp/b.ts'), /core\/host\/ is asked by others/)
    bites('core/host/runtimes/a.test.ts', importing('../../server/b.ts'), /core\/host\/ is asked by others/)
    bites('core/smtp/a.ts', importing('../server/b.ts'), /core\/smtp\/ is asked by others/)
    passes('core/lab/a.ts', importing('../smtp/b.ts') + "import '../host/c.ts'\nimport '../server/d.ts'\n")
    passes('core/server/a.ts', importing('../smtp/b.ts') + "import '../host/c.ts'\n")
  })

  it('a plugin imports the plugin API, protocol and its own folder', () => {
    passes('plugins/a/index.ts', importing('../../core/plugin/index.ts') + 'import \'../../protocol/text.ts\'\nimport \'./delay.ts\'\n')
    bites('plugins/a/index.ts', importing('../b/index.ts'), /plugins know nothing of one another/)
    bites('plugins/a/index.ts', importing('../../core/host/chain.ts'), /core\/host\/chain\.ts: plugins may import only/)
    bites('plugins/a/index.ts', importing('../../core/plugin/world.ts'), /plugins may import only/)
    bites('plugins/a/index.test.ts', importing('../b/index.ts'), /plugins know nothing of one another/)
  })

  it('the test world is for tests', () => {
    passes('plugins/a/index.test.ts', importing('../../core/plugin/testing/index.ts'))
    bites('plugins/a/index.ts', importing('../../core/plugin/testing/index.ts'), /plugins may import only/)
  })

  it('sees every way to import', () => {
    for (const text of [
      'import \'../core/b.ts\'', 'import type { B } from \'../core/b.ts\'', 'export * from \'../core/b.ts\'',
      'export type { B } from \'../core/b.ts\'', 'await import(\'../core/b.ts\')', 'export type B = import(\'../core/b.ts\').B',
      'await import(`../core/b.ts`)',
    ]) bites('protocol/a.ts', `\n${text}\n`, /core\/b\.ts/, 2)
    bites('protocol/a.cts', 'import b = require(\'../core/b.ts\')\n', /core\/b\.ts/)
  })

  it('words in comments and texts are no imports', () => {
    passes('protocol/a.ts', '// import \'../core/b.ts\'\nexport const text = "import \'../core/b.ts\'"\n')
  })

  it('test imports whatever it needs', () => {
    const all = ['../../core/b.ts', 'node:net', '../../plugins/a/index.ts', 'smtp-server']
    passes('test/story/a.ts', all.map((path) => `import '${path}'\n`).join(''))
  })
})

describe('what a plugin may touch', () => {
  it('nothing that reaches out by itself', () => {
    for (const [text, what] of [
      ['export const a = () => Date.now()', /Date\.now/], ['export const a = () => new Date()', /new Date\(\)/],
      ['export const a = () => Date()', /Date/], ['export const { now } = Date', /Date/],
      ['export const a = () => Math.random()', /Math\.random/], ['export const { random } = Math', /Math/],
      ['export const a = () => fetch(\'x\')', /fetch/], ['export const a = { fetch }', /fetch/],
      ['export const a = () => globalThis.fetch', /globalThis/],
      ['export const a = process.env', /process/], ['export const a = () => performance.now()', /performance/],
      ['export const a = () => crypto.randomUUID()', /crypto/], ['setTimeout(() => {}, 1)', /setTimeout/],
      ['export const a = import.meta.dirname', /import\.meta/], ['export const a = (name: string) => import(name)', /computed at run time/],
      ['import { readFileSync } from \'node:fs\'', /node:fs/], ['import { readFileSync } from \'fs\'', /fs/],
      ['import type { Socket } from \'node:net\'', /node:net/], ['console.log(1)', /console/],
    ] as const) bites('plugins/a/b.ts', `${text}\n`, what)
  })

  it('its world, arithmetic and names of its own stay', () => {
    passes('plugins/a/b.ts', [
      'export const a = (world: { random(): number; fetch(): void }) => Math.floor(world.random()) + Math.max(1, 2)',
      'export const b = (ms: number, d: Date) => [new Date(ms), Date.UTC(2026, 0), d instanceof Date, { process: 1 }.process]',
      'export interface C { readonly crypto: string; performance(): void }',
      '',
    ].join('\n'))
  })

  it('a test of a plugin may read files', () => {
    passes('plugins/a/index.test.ts', 'import { readFileSync } from \'node:fs\'\nreadFileSync(String(Date.now()))\n')
  })
})

describe('packages', () => {
  it('smtp-server is known to one file', () => {
    const text = 'import { SMTPServer } from \'smtp-server\'\nimport \'smtp-server/lib/smtp-connection.js\'\nnew SMTPServer()\n'
    assert.deepEqual(places({ 'core/smtp/connection.ts': text }), [])
    assert.deepEqual(places({ 'core/smtp/talk.ts': text }), ['core/smtp/talk.ts:1', 'core/smtp/talk.ts:2'])
    assert.deepEqual(places({ 'test/contract/smtp-server.test.ts': text }), [])
  })

  it('sources import only what an installed Helios has', () => {
    const manifest = JSON.stringify({ name: 'helios-mail', dependencies: { kysely: '1', '@a/b': '1' } })
    const of = (name: string): string => `import '${name}'\n`
    assert.deepEqual(places({ 'package.json': manifest, 'core/a.ts': of('kysely') + of('@a/b/c') + of('kysely/helpers') }), [])
    assert.deepEqual(places({ 'package.json': manifest, 'core/a.ts': of('fast-check') + of('@a/c') }), ['core/a.ts:1', 'core/a.ts:2'])
    assert.deepEqual(places({ 'package.json': manifest, 'core/a.test.ts': of('fast-check'), 'test/b.ts': of('execa') }), [])
  })
})

describe('tests', () => {
  it('beside a source open no socket and start no program', () => {
    for (const module of ['node:net', 'tls', 'node:http', 'https', 'node:child_process', 'node:dns/promises', 'execa', 'nodemailer']) {
      bites('core/server/a.test.ts', `import '${module}'\n`, /stands in test\//)
      passes('test/server/a.test.ts', `import '${module}'\n`)
    }
    passes('core/server/a.test.ts', 'import \'node:fs\'\nimport \'node:test\'\n')
  })

  it('may calculate with addresses', () => {
    passes('protocol/a.test.ts', 'import { isIP, BlockList as Networks } from \'node:net\'\nexport { isIP, Networks }\n')
    for (const clause of ['{ isIP, connect }', '{ connect as isIP }', '* as isIP', 'isIP']) {
      bites('protocol/a.test.ts', `import ${clause} from 'node:net'\n`, /stands in test\//)
    }
  })
})

describe('files', () => {
  it('have at most 600 lines', () => {
    passes('core/a.ts', 'export {}\n'.repeat(600))
    bites('core/a.ts', 'export {}\n'.repeat(601), /601 lines/, 601)
    bites('test/a.js', 'export {}\n'.repeat(601), /601 lines/, 601)
    passes('docs/a.md', 'word\n'.repeat(700))
  })

  it('have no default export, but a plugin has', () => {
    for (const text of [
      'export default 1', 'export default function a() {}', 'export default class A {}', 'const a = 1\nexport { a as default }',
    ]) {
      bites('core/a.ts', `\n${text}\n`, /default export/, text.startsWith('const') ? 3 : 2)
      passes('plugins/a/index.ts', `${text}\n`)
      passes('test/stories/plugins/a.ts', `${text}\n`)
      passes('docs/examples/a.ts', `${text}\n`)
    }
  })

  it('have no words of a workplace', () => {
    const word = (...parts: string[]): string => parts.join('')
    for (const text of [
      word('see /wo', 'rk/shared'), word('iss', 'ue #12'), word('the helper ', 'agent'), word('/tmp/', 'brief.md'), word('TO', 'DO: later'),
    ]) {
      bites('docs/a.md', `one\n${text}\n`, /" is /, 2)
      bites('core/a.ts', `\n// ${text}\n`, /" is /, 2)
    }
    passes('docs/a.md', 'a mail user agent, the work/ folder, https://host.example/work/, the issue (#5.7.1), /tmp/x\n')
    passes('docs/picture.png', `\0${word('/wo', 'rk/')}`)
  })
})

describe('the program', () => {
  const run = (root: string): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, [join(import.meta.dirname, 'check.ts'), root], { encoding: 'utf8' })

  it('prints file:line: reason and exits 1', () => {
    const { status, stdout } = run(plant({ 'core/a.ts': '\nimport \'../plugins/b/index.ts\'\n' }))
    assert.match(stdout, /^core\/a\.ts:2: imports plugins\/b\/index\.ts: /)
    assert.equal(status, 1)
  })

  it('says nothing and exits 0 when all is well, whatever lies in node_modules', () => {
    const bad = 'export default 1\n'
    const { status, stdout } = run(plant({ 'core/a.ts': 'export const a = 1\n', 'node_modules/x/a.ts': bad, 'dist/a.js': bad }))
    assert.equal(stdout, '')
    assert.equal(status, 0)
  })

  it('in a checkout looks at tracked and new files, not at ignored ones', () => {
    const root = plant({ '.gitignore': 'home/\n', 'home/a.ts': 'export default 1\n', 'core/new.ts': 'export default 1\n' })
    spawnSync('git', ['init', '-q'], { cwd: root })
    assert.deepEqual(checkTree(root).map(({ file }) => file), ['core/new.ts'])
  })
})
