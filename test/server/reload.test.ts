/** Reload by SIGHUP, by `helios reload` and by itself; what is broken never serves, and running sessions never notice. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

const run = promisify(execFile)
const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
const helios = (home: Home, ...args: string[]) => run(process.execPath, [LAUNCHER, '--home', home.path, ...args], { timeout: 60_000 })
const answer = (word: string): string => `[helo]\n:echo "E550 ${word}"\n`

async function helo(server: Server): Promise<string> {
  const client = await server.connect()
  await client.reply()
  const said = await client.command('EHLO x')
  await client.leave()
  return said
}

test('helios reload says what came of it; --dry-run says what would change and changes nothing', async () => {
  const home = await makeHome({ 'control/smtpplugins': '[helo]\n:true\n[mail]\nbadmailfrom\n', 'control/badmailfrom': '' })
  const server = await startServer(home)
  assert.match((await helios(home, 'reload')).stdout, /nothing has changed since generation 1/)
  await cp(home.at('control'), home.at('next'), { recursive: true })
  assert.match((await helios(home, 'reload', '--dry-run', '--from', home.at('next'))).stdout, /nothing has changed since generation 1/)
  await home.write('next/smtpplugins', '[helo]\n@shadow :true\n')
  await home.write('next/databytes', '1000\n')
  const dry = (await helios(home, 'reload', '--dry-run', '--from', home.at('next'))).stdout
  assert.deepEqual(dry.split('\n').toSorted(), ['', '  + [helo] @shadow :true', '  - [helo] :true', '  - [mail] badmailfrom', 'control/databytes: new', 'control/smtpplugins: changed'])
  assert.match((await helios(home, 'reload')).stdout, /nothing has changed since generation 1/, 'a dry run changes nothing')

  await home.write('next/smtpplugins', '[helo]\n[+wrong]\n')
  await home.write('control/smtpplugins', '[helo]\n[+wrong]\n')
  for (const args of [['reload', '--dry-run', '--from', home.at('next')], ['reload']]) {
    await assert.rejects(helios(home, ...args), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.match(error.stderr, /control\/smtpplugins:2: error/)
      return true
    })
  }
  for (const args of [['--from', home.at('next')], ['--dry-run', '--from', home.at('nowhere')]]) {
    await assert.rejects(helios(home, 'reload', ...args), /--from goes with --dry-run|nowhere is no directory/)
  }
  await home.write('control/smtpplugins', '')
  assert.match((await helios(home, 'reload')).stdout, /generation 2|nothing has changed since generation 2/)
  assert.match(await helo(server), /^250 /)
})

test('a broken edit is reported without any client, and a mended one is loaded', async () => {
  const home = await makeHome({ 'control/smtpplugins': answer('one') })
  const server = await startServer(home)
  await home.write('control/smtpplugins', '[helo]\n@wrong x\n')
  await server.told(/reload failed.*smtpplugins:2/)
  await home.write('control/smtpplugins', answer('two'))
  await server.told(/"reloaded"/)
  assert.equal(await helo(server), '550 two')
})

/** A file counts once it has stood so long. */
const COUNTS_AFTER_MS = 100

test('200 reloads under 64 running sessions change no reply of a running session', { timeout: 180_000 }, async () => {
  const home = await makeHome({ 'control/smtpplugins': answer('g0') })
  const server = await startServer(home)
  const running = await Promise.all(Array.from({ length: 64 }, async (_, index) => {
    const client = await server.connect({ from: `127.0.0.${2 + index}` })
    await client.reply()
    return client
  }))
  let wrong = 0
  for (let generation = 1; generation <= 200; generation++) {
    await home.write('control/smtpplugins', answer(`g${generation}`))
    if (generation % 20 !== 0) {
      await delay(20)
      continue
    }
    assert.equal(await helo(server), `550 g${generation}`)
    const replies = await Promise.all(running.map((client) => client.command('HELO x')))
    wrong += replies.filter((reply) => reply !== '550 g0').length
  }
  assert.equal(wrong, 0)
})

test('50 broken edits and 50 half-saved files leave the old generation serving, each broken one reported once', { timeout: 180_000 }, async () => {
  const home = await makeHome({ 'control/smtpplugins': answer('good') })
  const server = await startServer(home)
  for (let edit = 0; edit < 50; edit++) {
    await home.write('control/smtpplugins', `[helo]\n@broken=${edit} x\n`)
    assert.equal(await helo(server), '550 good')
    assert.equal(await helo(server), '550 good')
  }
  await server.told(/reload failed/, 50)
  assert.equal(server.stderr().match(/reload failed/g)?.length, 50)
  const file = await open(home.at('control/smtpplugins'), 'w')
  let swift = 0
  for (let half = 0; half < 50; half++) {
    // An editor that writes in pieces: each stands for less than it takes a file to count, but on a machine that is busy with other things.
    const begun = performance.now()
    await file.truncate(0)
    await file.write('[helo]\n:echo "E550 ha', 0)
    const asked = helo(server)
    await delay(30)
    await file.write('lf"\n', 21)
    const inTime = performance.now() - begun < COUNTS_AFTER_MS
    const reply = await asked
    if (!inTime) continue
    swift += 1
    assert.match(reply, /^550 (good|half)$/)
  }
  assert.ok(swift > 0)
  await file.close()
  assert.equal(await helo(server), '550 half')
  assert.deepEqual((await readdir(home.at('control'))).filter((name) => name.endsWith('.new')), [])
})

test('an edit that a running server does not take up is named, once', async () => {
  const plugin = (word: string): string => `import { definePlugin, error } from 'helios-mail/plugin'
export default definePlugin({ name: 'mine', summary: 'Says a word.', helo: () => error('550 ${word}') })
`
  const home = await makeHome({ 'control/smtpplugins': '[helo]\n@trusted plugins/mine.ts\n', 'plugins/mine.ts': plugin('one') })
  const server = await startServer(home)
  assert.equal(await helo(server), '550 one')
  await home.write('plugins/mine.ts', plugin('two'))
  await home.write('helios.config.json', `${await home.read('helios.config.json')}\n`)
  await server.told(/plugins\/mine\.ts was edited/)
  await server.told(/helios\.config\.json was edited/)
  assert.equal(await helo(server), '550 one')
  assert.equal(server.stderr().match(/plugins\/mine\.ts was edited and needs a restart/g)?.length, 1)
  assert.equal(server.stderr().match(/helios\.config\.json was edited and needs a restart/g)?.length, 1)

  const { stdout: reloaded } = await helios(home, 'reload')
  assert.match(reloaded, /^helios\.config\.json was edited since the start: that counts after a restart\nplugins\/mine\.ts was edited since .*\nnothing has changed since generation/)
  assert.match((await helios(home, 'status')).stdout, /helios\.config\.json was edited since the start/)
  await home.write('plugins/mine.ts', plugin('three'))
  assert.match((await helios(home, 'reload')).stdout, /plugins\/mine\.ts was edited since/)
})
