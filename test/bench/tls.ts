/**
 * What TLS costs: handshakes of TLS 1.3 behind STARTTLS, whole and taken up again with a ticket, and 2,000 idle connections. Helios beside
 * Haraka and Postfix, with the same certificate (P-256), asked by the same client in the same run. The client does half of each
 * handshake, so processor time of the server says more than the rate.
 *
 * usage: node test/bench/tls.ts [rounds] [handshakes]
 */
import assert from 'node:assert/strict'
import type { TLSSocket } from 'node:tls'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeCertificate } from '../harness/certificates.ts'
import { median, processorSeconds, residentMiB } from './cost.ts'
import { haraka, heliosTls, postfix, type Peer, type StartPeer } from './peers.ts'

const [rounds = 3, handshakes = 1000] = process.argv.slice(2).map(Number)
const AT_A_TIME = 20
const IDLE = 2000

const certificate = makeCertificate(['bench.example'])
const PEERS: readonly (readonly [name: string, start: StartPeer])[] = [
  ['Helios', heliosTls(certificate)], ['Haraka', haraka('none', certificate)], ['Postfix', postfix(certificate)],
]

/** A connection under TLS that has said EHLO, and the ticket it got: a server sends it before it answers anything. */
async function secured(port: number, ticket?: Buffer): Promise<{ readonly socket: TLSSocket; readonly ticket: Buffer | undefined }> {
  const client = await SmtpClient.connect(port)
  await client.reply()
  await client.command('EHLO x.example')
  assert.match(await client.command('STARTTLS'), /^220 /)
  const socket = await client.secure({ minVersion: 'TLSv1.3', ...(ticket === undefined ? {} : { session: ticket }) })
  let given: Buffer | undefined
  socket.on('session', (session: Buffer) => { given = session })
  await client.command('EHLO x.example')
  return { socket, ticket: given }
}

interface Figure {
  readonly perSecond: number
  /** Microseconds of processor time for one. */
  readonly cpu: number
  /** A server did not take up a session whose ticket it had given. */
  readonly refused: boolean
}

/** Connections, each with a whole handshake, or with the ticket of the one before. */
async function run({ port, pid }: Peer, resumed: boolean): Promise<Figure> {
  const before = processorSeconds(pid)
  const begun = performance.now()
  let refused = false
  await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
    let last: Buffer | undefined
    for (let done = 0; done < handshakes / AT_A_TIME; done++) {
      const { socket, ticket } = await secured(port, last)
      refused ||= last !== undefined && !socket.isSessionReused()
      if (resumed) last = ticket ?? last
      socket.destroy()
    }
  }))
  const seconds = (performance.now() - begun) / 1000
  return { perSecond: handshakes / seconds, cpu: (processorSeconds(pid) - before) / handshakes * 1e6, refused }
}

/** KiB that each idle connection adds to a process that has just been started, and MiB of all. */
async function idle({ port, pid }: Peer): Promise<{ readonly each: number; readonly all: number }> {
  const before = residentMiB(pid)
  const all: TLSSocket[] = []
  while (all.length < IDLE) all.push(...await Promise.all(Array.from({ length: 50 }, async () => (await secured(port)).socket)))
  const after = residentMiB(pid)
  for (const socket of all) socket.destroy()
  return { each: (after - before) / IDLE * 1024, all: after }
}

const WAYS = [['whole', false], ['resumed', true]] as const
const running: { readonly name: string; readonly peer: Peer; readonly figures: Map<string, Figure[]> }[] = []
try {
  for (const [name, start] of PEERS) {
    const peer = await start()
    if (peer === undefined) console.log(`${name}: not here, left out`)
    else running.push({ name, peer, figures: new Map() })
  }
  // Postfix has a process for each connection: only servers of one process are asked about memory.
  const memory: string[] = []
  for (const { name, peer } of running.filter((each) => each.name !== 'Postfix')) {
    const { each, all } = await idle(peer)
    memory.push(`${name} ${each.toFixed(0)} KiB each, ${all.toFixed(0)} MiB in all`)
  }
  for (let round = 0; round <= rounds; round++) {
    for (const [what, resumed] of WAYS) {
      for (const { name, peer, figures } of running) {
        console.error(`round ${round}: ${what}, ${name}`)
        const figure = await run(peer, resumed)
        // The first round warms up.
        if (round > 0) figures.set(what, [...figures.get(what) ?? [], figure])
      }
    }
  }
  console.log(`\nhandshakes of TLS 1.3 behind STARTTLS, ${AT_A_TIME} at a time, median of ${rounds}: a second (µs of processor time each), and how many times less time Helios takes`)
  for (const [what] of WAYS) {
    const results = running.map(({ name, figures }) => {
      const of = figures.get(what)!
      return { name, perSecond: median(of.map(({ perSecond }) => perSecond)), cpu: median(of.map(({ cpu }) => cpu)), refused: of.some(({ refused }) => refused) }
    })
    console.log(what.padEnd(10) + results.map(({ name, perSecond, cpu, refused }) => {
      const ratio = name === 'Helios' ? '' : `, ${(cpu / results[0]!.cpu).toFixed(2)} ×`
      return `${name} ${perSecond.toFixed(0)} (${cpu.toFixed(0)}${ratio})${refused ? ' whole all the same' : ''}`.padEnd(32)
    }).join(''))
  }
  console.log(`${IDLE} idle: ${memory.join('; ')}`)
} finally {
  for (const { peer } of running) await peer.stop()
}
