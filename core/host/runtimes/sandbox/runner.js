// @ts-check
/**
 * The process of a sandbox. Passes strings between its pipe (fd 3) and the realms of the plugins loaded here, in
 * which vm2 keeps them, and lives exactly as long as the pipe. Started with Node's permissions: it may read this
 * folder and vm2, write nothing, start nothing.
 *
 * Answers are written once the microtasks of what was asked have run. So whoever watches from outside knows: where
 * one call is unanswered, its code is what runs; where there are more, a `run` line told whose turn it is.
 *
 * Plain JavaScript, checked as TypeScript is: taking types away at the start would cost each process 15 MB and 60 ms.
 */
import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'

/** @import { Notice, Order } from './wire.ts' */
/** @import { Enter } from './inside.ts' */
/** @typedef {{ readonly enter: Enter, readonly timers: Map<number, NodeJS.Timeout> }} Loaded */

/** By its path: looking for it would look at folders this process may not read. */
const { VM } = /** @type {typeof import('vm2')} */ (createRequire(import.meta.url)(String(process.argv[2])))

const PIPE = 3
/** Bytes of one buffer that a plugin may allocate at once. */
const MOST_BUFFER = 16 * 1024 * 1024
const LF = '\n'
/** Nobody wakes it: a wait of a millisecond. */
const NAP = new Int32Array(new SharedArrayBuffer(4))

/** @type {Map<number, Loaded>} */
const plugins = new Map()
/** Calls that the server waits for, and whose they are. @type {Map<number, number>} */
const unanswered = new Map()
/** @type {Order[]} */
const orders = []
let out = ''
let turning = false
let entered = 0

narrow()
// A terminal's or a supervisor's signal to everybody is for the server to act upon.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.on('uncaughtException', () => process.exit(1))
// What was rejected is an object of a plugin's realm: it is not touched here.
process.on('unhandledRejection', () => tell({ k: 'stray', p: entered, v: UNSEEN }))
const UNSEEN = JSON.stringify({ name: 'UnhandledRejection', message: 'a promise was rejected and nobody looked at it', at: [] })

const socket = new Socket({ fd: PIPE })
let partial = ''
socket.setEncoding('utf8')
socket.on('data', (/** @type {string} */ chunk) => {
  const lines = (partial + chunk).split(LF)
  partial = lines.pop() ?? ''
  for (const line of lines) take(JSON.parse(line))
  turn()
})
socket.on('error', () => process.exit(1))
socket.on('end', () => process.exit(0))
say({ k: 'ready' })

/** @param {Order} order */
function take(order) {
  // The server asks whether this loop still turns, not whether there is nothing to do.
  if (order.k === 'ping') return say({ k: 'pong', n: order.n })
  if (order.k === 'ask') unanswered.set(order.i, order.p)
  orders.push(order)
}

/** One order in each turn of the event loop: microtasks run in between. */
function turn() {
  if (turning) return
  turning = true
  step()
}

function step() {
  flush()
  const order = orders.shift()
  if (order === undefined) {
    turning = false
    return
  }
  obey(order)
  setImmediate(step)
}

/** @param {Order} order */
function obey(order) {
  switch (order.k) {
    case 'load':
      return load(order.p, order.text, order.v)
    case 'control':
      mark(order.p, 0)
      return report(order.p, 'controlled', enter(order.p, 'control', 0, order.v))
    case 'drop':
      return drop(order.p)
    case 'ask': case 'abort': case 'fact': {
      if (unanswered.size > 1) mark(order.p, order.i)
      const answer = enter(order.p, order.k, order.i, order.v)
      if (answer !== undefined || order.k === 'ask' && !plugins.has(order.p)) reply(order.p, order.i, answer ?? GONE)
      return
    }
    case 'ping':
  }
}

/** @param {number} p @param {string} text @param {string | undefined} control */
function load(p, text, control) {
  mark(p, 0)
  /** @type {Loaded['timers']} */
  const timers = new Map()
  try {
    const vm = new VM(/** @type {import('vm2').VMOptions} */ ({ eval: false, wasm: false, bufferAllocLimit: MOST_BUFFER }))
    /** @type {(host: (kind: unknown, id: unknown, v: unknown) => void) => Enter} */
    const open = vm.run(text, 'plugin')
    plugins.set(p, { enter: open((kind, id, v) => hear(p, timers, kind, id, v)), timers })
  } catch (error) {
    return report(p, 'loaded', `-${JSON.stringify({ name: 'Error', message: messageOf(error), at: [] })}`)
  }
  const described = enter(p, 'load', 0, '')
  const read = control === undefined || described?.startsWith('+') !== true ? described : enter(p, 'control', 0, control)
  report(p, 'loaded', read?.startsWith('+') === true ? described : read)
}

/**
 * @param {number} p
 * @param {'loaded' | 'controlled'} k
 * @param {string | undefined} said `+` and what is told, or `-` and what was thrown
 */
function report(p, k, said) {
  const ok = said?.startsWith('+') === true
  tell({ k: ok ? k : 'broken', p, v: said?.slice(1) ?? '{}' })
  tell({ k: 'run', p: 0, i: 0 })
}

/** @param {number} p */
function drop(p) {
  for (const timer of plugins.get(p)?.timers.values() ?? []) clearTimeout(timer)
  plugins.delete(p)
  for (const [i, owner] of unanswered) if (owner === p) reply(p, i, GONE)
}

/**
 * Into the plugin's realm and back, with strings.
 * @param {number} p @param {string} kind @param {number} id @param {string} v
 * @returns {string | undefined}
 */
function enter(p, kind, id, v) {
  const loaded = plugins.get(p)
  if (loaded === undefined) return undefined
  entered = p
  try {
    /** @type {unknown} */
    const said = loaded.enter(kind, id, v)
    return typeof said === 'string' ? said : undefined
  } catch {
    // The realm's own part catches what plugins throw; what gets here may be a stack without room for that.
    return kind === 'ask' ? OVERFLOWN : kind === 'load' || kind === 'control' ? `-${THROWN}` : undefined
  }
}

const THROWN = JSON.stringify({ name: 'Error', message: 'something that cannot be shown, such as a stack that is full', at: [] })
const GONE = JSON.stringify({ thrown: { name: 'Error', message: 'the plugin is not loaded any more', at: [] } })
const OVERFLOWN = `{"thrown":${THROWN}}`

/**
 * What a plugin's realm says by itself.
 * @param {number} p @param {Loaded['timers']} timers @param {unknown} kind @param {unknown} id @param {unknown} v
 */
function hear(p, timers, kind, id, v) {
  if (typeof kind !== 'string' || typeof id !== 'number' || typeof v !== 'string') return
  switch (kind) {
    case 'answer':
      return reply(p, id, v)
    case 'question':
      return unanswered.get(id) === p ? tell({ k: kind, p, i: id, v }) : undefined
    case 'log':
      return tell({ k: kind, p, i: unanswered.get(id) === p ? id : 0, v })
    case 'stray':
      return tell({ k: kind, p, v })
    case 'timer':
      timers.set(id, setTimeout(fire, Number(v), p, timers, id))
      return
    case 'clear':
      clearTimeout(timers.get(id))
      timers.delete(id)
  }
}

/** @param {number} p @param {Loaded['timers']} timers @param {number} id */
function fire(p, timers, id) {
  timers.delete(id)
  flush()
  mark(p, 0)
  enter(p, 'timer', id, '')
  tell({ k: 'run', p: 0, i: 0 })
}

/** @param {number} p @param {number} i @param {string} v */
function reply(p, i, v) {
  if (unanswered.get(i) !== p) return
  unanswered.delete(i)
  tell({ k: 'answer', p, i, v })
}

/** Written with the next turn. @param {Notice} notice */
function tell(notice) {
  out += `${JSON.stringify(notice)}\n`
  if (!turning) {
    turning = true
    setImmediate(step)
  }
}

/** @param {number} p @param {number} i */
function mark(p, i) {
  say({ k: 'run', p, i })
}

/** At once. @param {Notice} notice */
function say(notice) {
  write(`${JSON.stringify(notice)}\n`)
}

function flush() {
  if (out === '') return
  const text = out
  out = ''
  write(text)
}

/**
 * To the end, and in order: a stream would write when this loop turns again, which a plugin may prevent.
 * @param {string} text
 */
function write(text) {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(PIPE, bytes, at)
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') process.exit(1)
      Atomics.wait(NAP, 0, 0, 1)
    }
  }
}

/** @param {unknown} error @returns {string} */
function messageOf(error) {
  try {
    const { message } = /** @type {{ readonly message?: unknown }} */ (error)
    return typeof message === 'string' ? message.slice(0, 500) : 'it does not compile'
  } catch {
    return 'it does not compile'
  }
}

/**
 * Takes away what only code that has got out of its realm could use. It makes such code's way longer, not impossible:
 * the wall is the process.
 */
function narrow() {
  const ofProcess = [
    'kill', '_kill', '_debugProcess', '_debugEnd', 'abort', 'binding', '_linkedBinding', 'dlopen', 'execve', 'getBuiltinModule',
    'chdir', 'report', 'setuid', 'setgid', 'seteuid', 'setegid', 'setgroups', 'initgroups', 'umask', 'loadEnvFile',
  ]
  const ofGlobal = ['fetch', 'WebSocket', 'EventSource', 'BroadcastChannel', 'MessageChannel', 'Request', 'Response']
  for (const name of ofProcess) Reflect.deleteProperty(process, name)
  for (const name of ofGlobal) Reflect.deleteProperty(globalThis, name)
}
