/**
 * The broker's process: small, so that its forks are cheap, and with nothing of the server in it. Takes orders on
 * fd 3 and lives exactly as long as that pipe: at its end every process group still running is killed.
 */
import { Socket } from 'node:net'
import { openChannel } from './channel.ts'
import { PipePool } from './pipes.ts'
import { killGroup, startRun, type Run } from './run.ts'
import { MAX_LINE, type Notice, type Order, type WireJob } from './wire.ts'

const CHANNEL_FD = 3
/** Most programs are over before this, and need not cost the server a second wake-up. */
const TELL_AFTER_MS = 10

const runs = new Map<number, Run>()
const pool = new PipePool()
await pool.fill()

const channel = openChannel<Order, Notice>(new Socket({ fd: CHANNEL_FD }), MAX_LINE, {
  received: obey,
  closed(reason) {
    for (const run of runs.values()) killGroup(run.pid)
    if (reason !== undefined) process.stderr.write(`broker: ${reason}\n`)
    process.exit(reason === undefined ? 0 : 1)
  },
})

// A terminal's or a supervisor's signal to everybody is for the server to act upon.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
channel.sendNow({ notice: 'ready' })

function obey(order: Order): void {
  switch (order.order) {
    case 'run':
      return begin(order.id, order.job)
    case 'stop':
      return runs.get(order.id)?.stop()
    case 'ping':
      return channel.sendNow({ notice: 'pong' })
  }
}

function begin(id: number, job: WireJob): void {
  let telling: NodeJS.Timeout | undefined
  const run = startRun(job, pool, (result) => {
    runs.delete(id)
    clearTimeout(telling)
    channel.sendNow({ notice: 'ended', id, result })
  })
  if (run === undefined) return
  runs.set(id, run)
  telling = setTimeout(() => channel.send({ notice: 'started', id, pid: run.pid }), TELL_AFTER_MS)
}
