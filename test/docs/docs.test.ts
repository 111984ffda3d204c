/** The documentation is true: what it shows is run, what it links is there, and what it must name it names. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { formerNames } from '../../core/cli/former-names.ts'
import { DEFAULT_LIMITS, LIMIT_KEYS } from '../../config/limits.ts'
import { SECTIONS } from '../../protocol/spp/list.ts'
import { makeHome } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'
import { play } from '../harness/transcript.ts'
import { peer } from '../peers.ts'
import { anchorsOf, linksOf, readPage, readPages, ROOT } from './pages.ts'
import { playPage } from './scratch.ts'

const pages = readPages()
const spp = readPage('docs/spp.md')
const guide = readPage('docs/operators-guide.md')
const source = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const example = (name: string): string => source(`docs/examples/${name}`)
const canRun = ['curl', 'python3'].map(peer).every((path) => path !== undefined)

describe('what the pages show', { concurrency: 2 }, () => {
  for (const page of pages.filter(({ blocks }) => blocks.some(({ mark }) => mark !== undefined))) {
    test(page.path, { skip: !canRun }, () => playPage(page))
  }
})

test('links lead to pages and headings that are there', () => {
  for (const page of pages) {
    for (const { target, line } of linksOf(page)) {
      if (/^https?:/.test(target)) continue
      const [path, anchor] = target.split('#') as [string, string | undefined]
      const found = path === '' ? page.path : join(dirname(page.path), path)
      assert.ok(existsSync(join(ROOT, found)), `${page.path}:${line}: ${target} is not there`)
      if (anchor !== undefined) assert.ok(anchorsOf(readPage(found)).has(anchor), `${page.path}:${line}: ${target} has no such heading`)
    }
  }
})

test('each control file of a new home has a page, the index has all of them, and no page is left over', () => {
  const files = readdirSync(join(ROOT, 'config/defaults/control')).toSorted()
  const written = readdirSync(join(ROOT, 'docs/control')).filter((name) => name !== 'README.md').map((name) => name.replace(/\.md$/, '')).toSorted()
  assert.deepEqual(written, files)
  const index = linksOf(readPage('docs/control/README.md')).map(({ target }) => target)
  for (const file of files) assert.ok(index.includes(`${file}.md`), `docs/control/README.md does not list ${file}`)
})

test('each control page has the same sections', () => {
  for (const page of pages.filter(({ path }) => path.startsWith('docs/control/') && !path.endsWith('README.md'))) {
    for (const heading of ['NAME', 'FORMAT', 'DEFAULT', 'WHEN A CHANGE COUNTS', 'EXAMPLE', 'CHECK', 'TROUBLE']) {
      assert.match(page.text, new RegExp(`^## ${heading}$`, 'm'), `${page.path} has no ${heading}`)
    }
  }
})

test('the operator\'s guide names every key of the settings file', () => {
  const keys = [...source('config/schema.ts').matchAll(/reader\.object\([^[]*\[([^\]]*)\]\)/g)].flatMap((match) => match[1]!.match(/\w+/g)!)
  assert.ok(keys.length > 10)
  for (const key of keys) assert.match(guide.text, new RegExp('`(?:[a-z]+(?:\\[\\])?\\.)?' + key + '`'), `docs/operators-guide.md does not name ${key}`)
})

test('the page of spp/1 has every wording of a fault, every section and every option', () => {
  const words = /const FAULT_WORDS[^{]*\{(.*?)\n\}/s.exec(source('core/host/chain.ts'))![1]!
  const faults = [...words.matchAll(/: (?:'([^']*)'|"([^"]*)")/g)].map((match) => match[1] ?? match[2]!)
  assert.equal(faults.length, 8)
  for (const fault of faults) assert.ok(spp.text.includes(`LINE: ${fault} (#4.3.0)`), `docs/spp.md does not have "${fault}"`)
  for (const section of SECTIONS) assert.ok(['', '+'].some((plus) => spp.text.includes(`[${plus}${section}]`)), `docs/spp.md does not name [${section}]`)
  const readers = /READERS[^[]*\[(.*?)\n\]\)/s.exec(source('protocol/spp/options.ts'))![1]!
  const options = [...readers.matchAll(/^ {2}\['([a-z]+)'/gm)].map((match) => match[1]!)
  assert.ok(options.length >= 9)
  for (const option of options) assert.match(spp.text, new RegExp('`' + option), `docs/spp.md does not name the option ${option}`)
})

test('every bundled plugin is in docs/plugins.md', () => {
  const { text } = readPage('docs/plugins.md')
  for (const name of readdirSync(join(ROOT, 'plugins'))) assert.ok(text.includes(`../plugins/${name}/README.md`), `docs/plugins.md does not list ${name}`)
})

const REFUSED = ['< G', '> M', '< 250 ok', '> RCPT TO:<sales@local.example>', '< 550 sorry, sales has moved (#5.1.6)', '> U', '< 250 ok']
const GREETED = ['< G', '> M', '< 250 ok', '> RCPT TO:<nobody@local.example>', '< 550 sorry, nobody is not here (#5.1.1)',
  '> U', '< 250-hello, recipient number 2', '< 250 ok']

/** One server for each: a list of one plugin, asked at RCPT. */
const LINES: readonly (readonly [line: string, content: string, talk: readonly string[]])[] = [
  ['plugins/moved.sh', example('moved.sh'), REFUSED],
  ['plugins/moved.py', example('moved.py'), REFUSED],
  ['@trusted plugins/moved.ts', example('moved.ts'), REFUSED],
  ...['hello.sh', 'hello.py', 'hello.ts'].map((name) => [
    name.endsWith('.ts') ? `@trusted plugins/${name}` : `plugins/${name}`, source(`config/defaults/plugins/${name}`), GREETED,
  ] as const),
]

describe('the same plugin in three languages', () => {
  for (const [line, content, talk] of LINES) {
    test(line, { skip: line.endsWith('.py') && !canRun }, async () => {
      const home = await makeHome({
        [line.replace('@trusted ', '')]: content, 'control/smtpplugins': `[rcpt]\n${line}\n[+deliver]\n:echo O\n`,
      })
      const server = await startServer(home)
      await play(await server.connect(), talk)
    })
  }
})


test('the page of limits names every one, with its default', () => {
  const { text } = readPage('docs/limits.md')
  for (const key of LIMIT_KEYS) assert.match(text, new RegExp('`' + key + '`[^|\n]*\\|[^|\n]*' + DEFAULT_LIMITS[key]), `docs/limits.md does not have ${key}`)
})

test('the page of former names has every one', async () => {
  const { text } = readPage('docs/former-names.md')
  for (const name of await formerNames()) assert.ok(text.includes(`| \`${name}`), `docs/former-names.md does not have ${name}`)
})

test('the page of the library has every code of an error', () => {
  const { text } = readPage('docs/api.md')
  const files = globSync('core/{accounts,api}/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'))
  const codes = new Set(files.flatMap((path) => [...source(path).matchAll(/(?:refusal|fileFailure|new HeliosError)\('([a-z-]+)'/g)].map((match) => match[1]!)))
  // A problem of an import, which ImportRefused has.
  codes.delete('bad-record')
  assert.ok(codes.size > 15)
  for (const code of codes) assert.ok(text.includes(`\`${code}\``), `docs/api.md does not have ${code}`)
})
