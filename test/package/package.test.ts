/** The package as a stranger installs it: from a checkout, from another directory, and from the tarball. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { readPage } from '../docs/pages.ts'
import { playPage } from '../docs/scratch.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const launcher = join(root, 'core', 'cli', 'helios.js')
// npm and the launcher find the Node that runs this test first.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
const version = /^\d+\.\d+\.\d+\n$/

let scratch = ''
before(async () => { scratch = await mkdtemp(join(tmpdir(), 'helios-package-')) })
after(async () => { await rm(scratch, { recursive: true, force: true }) })

/** npx keeps what it knows of a directory's commands for good: this machine may have seen an older checkout here. */
const npx = (...args: string[]): Promise<{ stdout: string }> => run('npx', args, { cwd: root, env: { ...env, npm_config_cache: join(scratch, 'npm') } })

test('npx helios and npm start\'s launcher work in a checkout', async () => {
  assert.match((await npx('helios', '--version')).stdout, version)
})

test('npx finds the former names, too', async () => {
  assert.match((await npx('helios-passwd', '--help')).stdout, /^Usage: helios-passwd \[options\] login domain \[password\]\n/)
})

test('the launcher works by its own path from another directory', async () => {
  assert.match((await run(process.execPath, [launcher, '--version'], { cwd: scratch, env })).stdout, version)
})

test('the packed tarball works in an empty directory: init, check, the library with its types, serve', { timeout: 240_000 }, async () => {
  const packed = await run('npm', ['pack', '--pack-destination', scratch], { cwd: root, env, maxBuffer: 1 << 26 })
  const tarball = join(scratch, packed.stdout.trim().split('\n').at(-1)!)
  const empty = await mkdtemp(join(scratch, 'empty-'))
  await run('npm', ['init', '-y'], { cwd: empty, env })
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: empty, env, maxBuffer: 1 << 26 })
  const helios = join(empty, 'node_modules', '.bin', 'helios')
  assert.match((await run(helios, ['--version'], { cwd: empty, env })).stdout, version)
  await run(helios, ['init', '--domain', 'example.test', 'home'], { cwd: empty, env })
  await writeFile(join(empty, 'home', 'helios.config.json'), '{"listeners":[{"service":"smtp","host":"127.0.0.1","port":0}]}')
  await run(helios, ['--home', 'home', 'check'], { cwd: empty, env })
  await run(join(dirname(helios), 'helios-adddomain'), ['-p', 'former.test', '--home', 'home'], { cwd: empty, env })
  assert.match((await run(join(dirname(helios), 'helios-antispoofadmin'), ['list', '--home', 'home'], { cwd: empty, env })).stdout, /^\[:none:\]@\[:none:\] /)
  const installed = await readdir(join(empty, 'node_modules', 'helios-mail'))
  assert.ok(!installed.includes('test'), 'what only development needs stays out of the package')

  await playPage(readPage('docs/api.md'), join(empty, 'node_modules', 'helios-mail'))
  await writeFile(join(empty, 'typed.mts'), "import { Helios } from 'helios-mail'\nexport const names = async (helios: Helios): Promise<string[]> => (await helios.domains()).map(({ domain }) => domain)\n")
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--skipLibCheck',
    '--typeRoots', join(root, 'node_modules', '@types'), '--types', 'node', 'typed.mts'], { cwd: empty, env })

  const server = spawn(helios, ['--home', 'home', 'serve'], { cwd: empty, env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const listening = await new Promise<string>((resolve, reject) => {
      let out = ''
      server.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
        const line = /^listening smtp .*$/m.exec(out)
        if (line !== null) resolve(line[0])
      })
      server.once('exit', (code) => reject(new Error(`serve ended with ${code}`)))
    })
    assert.match(listening, /^listening smtp 127\.0\.0\.1:\d+$/)
  } finally {
    const ended = new Promise<number | null>((resolve) => { server.once('exit', resolve) })
    server.kill('SIGTERM')
    assert.equal(await ended, 0)
  }
})
