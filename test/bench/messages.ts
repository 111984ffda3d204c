/**
 * Messages a second and processor time for each, Helios beside its peers in the same run: many and one per connection,
 * without plugins, with ten inline, one sandboxed, one worker, one program; durable and not. Rounds are interleaved, the median counts.
 *
 * usage: node test/bench/messages.ts [rounds] [messages] [row…]
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { median, processorSeconds } from './cost.ts'
import { bareNode, haraka, helios, NOTHING_KEPT, postfix, smtpSink, type Peer, type StartPeer } from './peers.ts'

interface Row {
  readonly what: string
  readonly start: StartPeer
  /** Fewer messages where each costs much. */
  readonly part?: number
}

const [rounds = 3, messages = 10_000] = process.argv.slice(2, 4).map(Number)
const only = process.argv.slice(4)

const ROWS: readonly Row[] = [
  { what: 'smtp-sink', start: smtpSink },
  { what: 'Node, the same words always', start: bareNode },
  { what: 'Helios, no plugins', start: helios('none', 'discard') },
  { what: 'Helios, no plugins, no trace, no log', start: helios('none', 'discard', NOTHING_KEPT) },
  { what: 'Haraka, no plugins', start: haraka('none') },
  { what: 'Helios, ten inline', start: helios('inline10', 'discard') },
  { what: 'Haraka, ten', start: haraka('ten') },
  { what: 'Helios, one sandboxed', start: helios('sandbox', 'discard') },
  { what: 'Helios, one worker', start: helios('worker', 'discard') },
  { what: 'Helios, one program', start: helios('program', 'discard'), part: 40 },
  { what: 'Postfix, Maildir', start: postfix(), part: 5 },
  { what: 'Helios, Maildir', start: helios('none', 'maildir'), part: 5 },
  { what: 'Helios, Maildir, ten inline', start: helios('inline10', 'maildir'), part: 5 },
  { what: 'Helios, Maildir, one sandboxed', start: helios('sandbox', 'maildir'), part: 5 },
  { what: 'Helios, Maildir, one worker', start: helios('worker', 'maildir'), part: 5 },
  { what: 'Helios, Maildir, one program', start: helios('program', 'maildir'), part: 40 },
]

/** What each figure is compared with. */
const BASES: Readonly<Record<string, readonly string[]>> = {
  'Helios, no plugins': ['smtp-sink', 'Haraka, no plugins'],
  'Helios, no plugins, no trace, no log': ['smtp-sink', 'Haraka, no plugins'],
  'Helios, ten inline': ['Haraka, ten'],
  'Helios, one sandboxed': ['Helios, no plugins'],
  'Helios, one worker': ['Helios, no plugins'],
  'Helios, one program': ['Helios, no plugins'],
  'Helios, Maildir': ['Postfix, Maildir'],
  'Helios, Maildir, ten inline': ['Helios, Maildir'],
  'Helios, Maildir, one sandboxed': ['Helios, Maildir'],
  'Helios, Maildir, one worker': ['Helios, Maildir'],
  'Helios, Maildir, one program': ['Helios, Maildir'],
}

interface Figure {
  readonly perSecond: number
  /** Microseconds of processor time for a message. */
  readonly cpu: number
}

const SESSIONS = 50
const SIZE = 4096

/** Waits until a server has delivered what it took before: it is no part of what comes next. */
async function atRest({ pid }: Peer): Promise<void> {
  for (let before = -1, now = processorSeconds(pid); now !== before; now = processorSeconds(pid)) {
    before = now
    await pause(300)
  }
}

/** postfix's smtp-source: `-d` keeps a connection for many messages. */
async function load(peer: Peer, count: number, many: boolean): Promise<Figure> {
  const { port, pid } = peer
  await atRest(peer)
  const before = processorSeconds(pid)
  const begun = performance.now()
  const source = spawn('smtp-source', [
    ...(many ? ['-d'] : []), '-s', String(SESSIONS), '-m', String(count), '-l', String(SIZE), '-f', 'a@sender.example', '-t', 'x@local.example', `127.0.0.1:${port}`,
  ], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(source, 'close') as [number | null]
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`)
  const seconds = (performance.now() - begun) / 1000
  return { perSecond: count / seconds, cpu: (processorSeconds(pid) - before) / count * 1e6 }
}

if (!existsSync('/usr/sbin/smtp-source')) throw new Error('smtp-source is missing: install the package postfix')
const rows = ROWS.filter(({ what }) => only.length === 0 || only.some((part) => what.includes(part)))
const running: { row: Row; peer: Peer; figures: { many: Figure[]; one: Figure[] } }[] = []
try {
  for (const row of rows) {
    const peer = await row.start()
    if (peer === undefined) console.log(`${row.what}: not here, left out`)
    else running.push({ row, peer, figures: { many: [], one: [] } })
  }
  for (let round = 0; round <= rounds; round++) {
    for (const { row, peer, figures } of running) {
      const count = Math.max(SESSIONS * 2, Math.round(messages / (row.part ?? 1)))
      const many = await load(peer, count, true)
      const one = await load(peer, Math.round(count / 2), false)
      // The first round warms up.
      if (round === 0) continue
      figures.many.push(many)
      figures.one.push(one)
    }
  }
} finally {
  for (const { peer } of running) await peer.stop()
}

const results = new Map(running.map(({ row, figures }) => [row.what, {
  many: { perSecond: median(figures.many.map((each) => each.perSecond)), cpu: median(figures.many.map((each) => each.cpu)) },
  one: { perSecond: median(figures.one.map((each) => each.perSecond)), cpu: median(figures.one.map((each) => each.cpu)) },
}]))
console.log(`\n${SIZE} bytes, ${SESSIONS} sessions at a time, median of ${rounds}; messages a second (µs of processor time each)`)
console.log('                                        many a connection     one a connection      beside')
for (const [what, { many, one }] of results) {
  const print = ({ perSecond, cpu }: Figure): string => `${perSecond.toFixed(0).padStart(7)} (${cpu.toFixed(0)})`.padEnd(20)
  const beside = (BASES[what] ?? []).flatMap((base) => {
    const other = results.get(base)
    return other === undefined ? [] : [`${(many.perSecond / other.many.perSecond).toFixed(2)} and ${(one.perSecond / other.one.perSecond).toFixed(2)} × ${base}`]
  })
  console.log(`${what.padEnd(38)}${print(many)}  ${print(one)}  ${beside.join(', ')}`)
}
