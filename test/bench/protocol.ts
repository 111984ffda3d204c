/**
 * What single things cost: NOOP pipelined and one at a time, connections, 100 MB of letters and of dots, 2,000 idle
 * connections. Helios beside smtp-sink and Haraka, asked by the same client in the same run.
 *
 * usage: node test/bench/protocol.ts [rounds] [row…]
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { median, residentMiB } from './cost.ts'
import { haraka, helios, smtpSink, type Peer, type StartPeer } from './peers.ts'

const ROUNDS = Number(process.argv[2] ?? 3)
const only = process.argv.slice(3)
const MB = 1_000_000

/** A client that counts replies and looks at nothing else. */
class Counter {
  readonly socket: Socket
  #replies = 0
  #wanted = 0
  #tail = ''
  #done: (() => void) | undefined
  #failed: ((cause: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      // Last lines of replies: three digits and a blank.
      const text = this.#tail + chunk.toString('latin1')
      const end = text.lastIndexOf('\n') + 1
      this.#tail = text.slice(end)
      this.#replies += text.slice(0, end).match(/^\d{3} /gm)?.length ?? 0
      if (this.#replies >= this.#wanted) this.#done?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => this.#failed?.(new Error('the server hung up')))
  }

  static async open(port: number): Promise<Counter> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const client = new Counter(socket)
    await client.replies(1)
    return client
  }

  replies(count: number): Promise<void> {
    this.#wanted += count
    if (this.#replies >= this.#wanted) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#done = resolve
      this.#failed = reject
    })
  }

  async ask(text: string, replies = 1): Promise<void> {
    this.socket.write(text)
    await this.replies(replies)
  }
}

/** Fifty at a time: a server's backlog is not what is measured. */
async function clients(port: number, count: number): Promise<Counter[]> {
  const all: Counter[] = []
  while (all.length < count) all.push(...await Promise.all(Array.from({ length: Math.min(50, count - all.length) }, () => Counter.open(port))))
  return all
}

function close(all: readonly Counter[]): void {
  for (const { socket } of all) socket.destroy()
}

/** Each resolves with its figure. */
const MEASURES: readonly (readonly [what: string, measure: (peer: Peer) => Promise<number>])[] = [
  ['NOOP/s, 20 connections, 100 at a time', async ({ port }) => {
    const [batches, batch] = [100, 'NOOP\r\n'.repeat(100)]
    const all = await clients(port, 20)
    await Promise.all(all.map((client) => client.ask('EHLO x.example\r\n')))
    return perSecond(20 * batches * 100, async () => {
      await Promise.all(all.map(async (client) => { for (let i = 0; i < batches; i++) await client.ask(batch, 100) }))
      close(all)
    })
  }],
  ['NOOP/s, 50 connections, one at a time', async ({ port }) => {
    const all = await clients(port, 50)
    return perSecond(50 * 500, async () => {
      await Promise.all(all.map(async (client) => { for (let i = 0; i < 500; i++) await client.ask('NOOP\r\n') }))
      close(all)
    })
  }],
  ['connections/s to the greeting', ({ port }) => perSecond(1000, async () => {
    await Promise.all(Array.from({ length: 20 }, async () => { for (let i = 0; i < 50; i++) close([await Counter.open(port)]) }))
  })],
  ['100 MB of letters, MB/s', ({ port }) => big(port, `${'x'.repeat(76)}\r\n`)],
  ['100 MB of dots, MB/s', ({ port }) => big(port, '..\r\n')],
  ['KiB for each of 2,000 idle', async ({ port, pid }) => {
    const before = residentMiB(pid)
    const all = await clients(port, 2000)
    await Promise.all(all.map((client) => client.ask('EHLO x.example\r\n')))
    const after = residentMiB(pid)
    close(all)
    idleTotal.set(pid, after)
    return (after - before) / 2000 * 1024
  }],
]

const measures = MEASURES.filter(([what]) => only.length === 0 || only.some((part) => what.includes(part)))

/** MiB of the whole process with 2,000 idle connections. */
const idleTotal = new Map<number, number>()

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return count / (performance.now() - begun) * 1000
}

async function big(port: number, line: string): Promise<number> {
  const block = Buffer.from(line.repeat(Math.ceil(65_536 / line.length)))
  const client = await Counter.open(port)
  for (const command of ['EHLO x.example', 'MAIL FROM:<a@sender.example>', 'RCPT TO:<x@local.example>', 'DATA']) await client.ask(`${command}\r\n`)
  const begun = performance.now()
  let sent = 0
  while (sent < 100 * MB) {
    sent += block.length
    if (!client.socket.write(block)) await once(client.socket, 'drain')
  }
  await client.ask('.\r\n')
  const seconds = (performance.now() - begun) / 1000
  close([client])
  return sent / MB / seconds
}

const PEERS: readonly (readonly [name: string, start: StartPeer])[] = [
  ['Helios', helios('none', 'discard')], ['smtp-sink', smtpSink], ['Haraka', haraka('none')],
]

const running: { name: string; peer: Peer; found: Map<string, number[]> }[] = []
try {
  for (const [name, start] of PEERS) {
    const peer = await start()
    if (peer !== undefined) running.push({ name, peer, found: new Map() })
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, measure] of measures) {
      for (const { name, peer, found } of running) {
        console.error(`round ${round + 1}: ${what}, ${name}`)
        const figure = await measure(peer).catch(() => Number.NaN)
        found.set(what, [...found.get(what) ?? [], figure])
      }
    }
  }
  console.log(`median of ${ROUNDS}, one client for all; NaN: the server hung up`)
  const others = running.slice(1)
  console.log(`${''.padEnd(40)}${running.map(({ name }) => name.padStart(12)).join('')}${others.map(({ name }) => `× ${name}`.padStart(14)).join('')}`)
  for (const [what] of measures) {
    const [ours, ...theirs] = running.map(({ found }) => median(found.get(what)!))
    const ratios = theirs.map((figure) => (ours! / figure).toFixed(2).padStart(14))
    console.log(`${what.padEnd(40)}${[ours!, ...theirs].map((figure) => figure.toFixed(0).padStart(12)).join('')}${ratios.join('')}`)
  }
  console.log(`${'MiB of the process with 2,000 idle'.padEnd(40)}${running.map(({ peer }) => (idleTotal.get(peer.pid) ?? Number.NaN).toFixed(0).padStart(12)).join('')}`)
} finally {
  for (const { peer } of running) await peer.stop()
}
