/**
 * The broker's process: small, so that its forks are cheap, and with nothing of the server in it. Takes orders on
 * fd 3 and lives exactly as long as that pipe: at its end every process group still running is killed.
 */
import { Socket } from 'node:net'
import { openChannel } from './channel.ts'
import { holdProgram } from './hold.ts'
import { PipePool } from './pipes.ts'
import { killGroup, startRun, type Run } from './run.ts'
import { MAX_LINE, type Notice, type Order, type WireJob, type WireStart } from './wire.ts'

const CHANNEL_FD = 3
const runs = new Map<number, Run>()
const pool = new PipePool()

// However this process ends, short of SIGKILL; then the server kills those it was told.
process.on('exit', () => {
  for (const run of runs.values()) killGroup(run.pid)
})
// A terminal's or a supervisor's signal to everybody is for the server to act upon.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
await pool.fill()

const channel = openChannel<Order, Notice>(new Socket({ fd: CHANNEL_FD }), MAX_LINE, {
  received: obey,
  closed(reason) {
    if (reason !== undefined) process.stderr.write(`broker: ${reason}\n`)
    process.exit(reason === undefined ? 0 : 1)
  },
})

channel.sendNow({ notice: 'ready' })

function obey(order: Order): void {
  switch (order.order) {
    case 'run':
      return begin(order.id, order.job)
    case 'start':
      return hold(order.id, order.job)
    case 'stop':
      return runs.get(order.id)?.stop()
    case 'ping':
      return channel.sendNow({ notice: 'pong' })
  }
}

function begin(id: number, job: WireJob): void {
  const run = startRun(job, pool, (result) => {
    runs.delete(id)
    channel.sendNow({ notice: 'ended', id, result })
  })
  if (run === undefined) return
  runs.set(id, run)
  // At once: what the server does not know it cannot kill, should this process be killed.
  channel.sendNow({ notice: 'started', id, pid: run.pid })
}

function hold(id: number, job: WireStart): void {
  holdProgram(job, pool, {
    started(run) {
      runs.set(id, run)
      channel.sendNow({ notice: 'started', id, pid: run.pid })
    },
    complaint: (lines) => channel.send({ notice: 'complaint', id, lines }),
    ended(result) {
      runs.delete(id)
      channel.sendNow({ notice: 'ended', id, result })
    },
  })
}
