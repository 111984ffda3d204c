#!/usr/bin/env node
/*
 * The launcher: plain JavaScript that an old Node can read, too (no newer syntax than Node 12 has). It finds
 * a Node that can run Helios, and the code to run: the sources in a checkout, dist/ in an installed package.
 */
import { spawn } from 'child_process'
import { existsSync } from 'fs'
import module from 'module'
import { dirname, join } from 'path'
import { fileURLToPath, pathToFileURL } from 'url'

const NEEDED = [22, 19]
// For young objects. Left alone, V8 takes 100 MiB and more for those of a busy server, which is no faster for it. Of so little,
// several threads collect no faster than one, and cost more. The last lets the server collect what its start leaves behind.
const MEMORY = ['--max-semi-space-size=4', '--no-parallel-scavenge', '--expose-gc']
// What a server is started by: "helios serve", "qmailctl start".
const SERVING = ['serve', 'start', 'restart']
// Behind a symbolic link such as node_modules/.bin/helios, this is still the file itself.
const launcher = fileURLToPath(import.meta.url)
const root = dirname(dirname(dirname(launcher)))

function isNewEnough(version) {
  const parts = version.split('.').map(Number)
  return parts[0] > NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] >= NEEDED[1])
}

if (isNewEnough(process.versions.node)) run()
else if (process.env.HELIOS_LAUNCHED === undefined && existsSync(broughtNode())) relaunch(broughtNode())
else fail()

/** The Node that a checkout's private workspace installs. */
function broughtNode() {
  return join(root, 'node_modules', 'node-' + process.platform + '-' + process.arch, 'bin', 'node')
}

function fail() {
  process.stderr.write('helios: needs Node ' + NEEDED.join('.') + ' or newer, and this is ' + process.versions.node +
    ' (install a newer Node and run helios with it)\n')
  process.exitCode = 1
}

function run() {
  if (wantsLittle()) process.execve(process.execPath, [process.execPath].concat(MEMORY, process.execArgv, launcher, process.argv.slice(2)), withMalloc(process.env))
  followLauncher()
  quietWarnings()
  // Before the first use of the thread pool: password hashes and syncs to disk must not wait for one another.
  if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = '16'
  const source = join(root, 'core', 'cli', 'main.ts')
  const main = existsSync(source) ? source : join(root, 'dist', 'core', 'cli', 'main.js')
  // TypeScript is read once and not at each start. Beside the code itself, for who may write there could change that as well.
  if (main === source) {
    const cache = join(root, 'node_modules', '.cache', 'helios')
    module.enableCompileCache(cache)
    // For other processes that serve sessions.
    if (process.env.NODE_COMPILE_CACHE === undefined) process.env.NODE_COMPILE_CACHE = cache
  }
  import(pathToFileURL(main).href).then((module) => module.main(process.argv.slice(2)))
}

/**
 * The C library gives memory back: left alone, it keeps a pool for each thread, and from the first large buffer on takes larger ones
 * from what it never returns. Variables that somebody has set count.
 */
function withMalloc(env) {
  return Object.assign({ MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072' }, env)
}

/** A server that was started without the option above, where a process can start itself anew. */
function wantsLittle() {
  const told = process.execArgv.concat(process.env.NODE_OPTIONS || '').some((option) => option.includes('semi-space'))
  return process.argv.some((word) => SERVING.includes(word)) && !told && !process.channel && process.execve !== undefined && process.platform !== 'win32'
}

/** A launcher that is killed outright must not leave its server behind, holding the home. */
function followLauncher() {
  if (process.env.HELIOS_LAUNCHED === undefined) return
  delete process.env.HELIOS_LAUNCHED
  if (!process.channel) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

/** Node 22 calls node:sqlite and plain TypeScript experimental each time; an operator can do nothing about it. */
function quietWarnings() {
  const emit = process.emitWarning
  process.emitWarning = function (warning, ...more) {
    const text = typeof warning === 'string' ? warning : String(warning && warning.message)
    if (/^(SQLite|Type Stripping) is an experimental feature/.test(text)) return
    emit.call(process, warning, ...more)
  }
}

function relaunch(node) {
  const child = spawn(node, process.execArgv.concat(MEMORY, launcher, process.argv.slice(2)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign(withMalloc(process.env), { HELIOS_LAUNCHED: '1' })
  })
  // What is typed at a terminal reaches the child by itself; twice would be once too often.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const signals = ['SIGTERM', 'SIGHUP', 'SIGUSR2', 'SIGALRM', 'SIGINT', 'SIGQUIT']
  for (const signal of signals) {
    const typed = signal === 'SIGINT' || signal === 'SIGQUIT'
    process.on(signal, () => { if (!(typed && terminal)) child.kill(signal) })
  }
  child.on('error', (error) => {
    process.stderr.write('helios: cannot start ' + node + ': ' + error.message + ' (run npm ci once more)\n')
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    // The same end, so that a supervisor sees what happened.
    for (const one of signals) process.removeAllListeners(one)
    process.kill(process.pid, signal)
    setTimeout(() => process.exit(1), 1000)
  })
}
