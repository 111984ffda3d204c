import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { ended, LAUNCHER, place, type Place } from './kit.ts'

const VERSION = /^\d+\.\d+\.\d+\n$/
/** Makes a launcher believe that its Node is an old one; the Node it starts is left its own. */
const OLD = `data:text/javascript,if (process.env.HELIOS_LAUNCHED === undefined || process.env.ALWAYS_OLD !== undefined) {
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } }) }`
const oldNode = [process.execPath, '--import', OLD, LAUNCHER]

test('by its path from any directory, and through a symbolic link', async (t) => {
  const here = place(t)
  symlinkSync(LAUNCHER, here.at('helios'))
  for (const command of [[process.execPath, LAUNCHER], [process.execPath, here.at('helios')]]) {
    for (const cwd of [here.directory, '/']) {
      const said = await here.helios(['--version'], { command, cwd })
      assert.deepEqual([said.code, said.err], [0, ''])
      assert.match(said.out, VERSION)
    }
  }
})

test('a Node that is too old starts the one of the workspace, with arguments, input and exit status', async (t) => {
  const here = place(t)
  assert.match((await here.helios(['--version'], { command: oldNode })).out, VERSION)
  assert.equal((await here.helios(['no-such-noun'], { command: oldNode })).code, 2)
  assert.equal((await here.helios(['init'], { command: oldNode })).code, 0)
  assert.equal((await here.helios(['user', 'passwd', 'demo@example.test'], { command: oldNode, stdin: 'from outside\n' })).out,
    'password of demo@example.test changed\n')
})

test('every real Node on the search path that is too old does as well', async (t) => {
  const here = place(t)
  for (const node of nodesOnPath()) {
    const said = await here.helios(['--version'], { command: [node, LAUNCHER] })
    assert.match(said.out, VERSION, `${node}: ${said.err}`)
  }
})

test('where no newer one is to be had, one sentence says what is needed', async (t) => {
  const said = await place(t).helios(['--version'], { command: oldNode, env: { ALWAYS_OLD: '1', HELIOS_LAUNCHED: '1' } })
  assert.deepEqual([said.code, said.out], [1, ''])
  assert.equal(said.err, 'helios: needs Node 22.19 or newer, and this is 20.20.2 (install a newer Node and run helios with it)\n')
})

test('a signal to the launcher reaches the server, and the server\'s end is the launcher\'s', async (t) => {
  const here = await homeForServer(place(t))
  const stopped = here.start(['serve'], { command: oldNode })
  const end = ended(stopped)
  await serving(here)
  stopped.kill('SIGTERM')
  assert.deepEqual([(await end).code, existsSync(here.at('helios-home/run/status.json'))], [0, false])

  const killed = here.start(['serve'], { command: oldNode })
  const secondEnd = ended(killed)
  process.kill(await serving(here), 'SIGKILL')
  assert.equal((await secondEnd).signal, 'SIGKILL')
})

test('a launcher that is killed outright leaves no server behind', async (t) => {
  const here = await homeForServer(place(t))
  const launcher = here.start(['serve'], { command: oldNode })
  const end = ended(launcher)
  await serving(here)
  launcher.kill('SIGKILL')
  await until(() => !existsSync(here.at('helios-home/run/status.json')))
  await end
})

test('the server has little room for young objects and few pools of memory, unless somebody said how much; through whichever Node it is started', { skip: process.platform !== 'linux' }, async (t) => {
  const here = await homeForServer(place(t))
  for (const { command, options, wanted } of [
    { command: [process.execPath, LAUNCHER], options: '', wanted: ['--max-semi-space-size=4', '--no-parallel-scavenge', '--expose-gc'] },
    { command: oldNode, options: '', wanted: ['--max-semi-space-size=4', '--no-parallel-scavenge', '--expose-gc'] },
    { command: [process.execPath, LAUNCHER], options: '--max-semi-space-size=8', wanted: [] },
  ]) {
    const started = here.start(['serve'], { command, env: options === '' ? {} : { NODE_OPTIONS: options } })
    const end = ended(started)
    const pid = await serving(here)
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    assert.deepEqual(words.filter((word) => /semi-space|scavenge|expose-gc/.test(word)), wanted)
    assert.equal(/^MALLOC_ARENA_MAX=2$/m.test(readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', '\n')), options === '')
    started.kill('SIGTERM')
    assert.equal((await end).code, 0)
  }
})

async function homeForServer(here: Place): Promise<Place> {
  await here.helios(['init', '--domain', 'example.test'])
  here.write('helios-home/helios.config.json', '{ "listeners": [{ "service": "smtp", "host": "127.0.0.1", "port": 0 }] }')
  return here
}

/** The pid of the server, once it has told its status. */
async function serving(here: Place): Promise<number> {
  let pid: number | undefined
  await until(async () => {
    const { out } = await here.helios(['status', '--json'])
    const status = JSON.parse(out) as { readonly running: boolean; readonly server?: { readonly pid: number } }
    pid = status.running ? status.server?.pid : undefined
    return pid !== undefined
  })
  return pid!
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => { setTimeout(resolve, 50) })
}

function nodesOnPath(): readonly string[] {
  return [...new Set((process.env['PATH'] ?? '').split(delimiter))].map((directory) => join(directory, 'node')).filter((node) => {
    const version = existsSync(node) ? /^v(\d+)\.(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout) : null
    return version !== null && (Number(version[1]) < 22 || version[1] === '22' && Number(version[2]) < 19)
  })
}
