/**
 * What ten block lists cost at MAIL, with 1, 50 and 500 sessions that ask at the same moment: clients nobody has asked about
 * (ten questions to nsd each), the same clients once more (answers are kept), and the package dnsbl, which keeps nothing.
 * One process asks; nsd runs beside it. Prints a table; its last column is the processor time of the process that asks, for each MAIL.
 *
 * usage: node test/bench/lists.ts [mails of each row, about]
 */
import { loadEntry, type LoaderOptions } from '../../core/host/loader.ts'
import type { HookRequest, Line } from '../../core/host/types.ts'
import { testSession } from '../../core/plugin/testing/index.ts'
import { openDns } from '../../core/world/dns.ts'
import { noAccounts } from '../../core/world/no-accounts.ts'
import { createWorld } from '../../core/world/real.ts'
import { storeInMemory } from '../../core/world/store/in-memory.ts'
import { DEFAULTS } from '../../config/schema.ts'
import { parsePluginList } from '../../protocol/spp/list.ts'
import { openNameServer } from '../harness/name-server.ts'

const MAILS = Number(process.argv[2] ?? 2000)
const LISTS = Array.from({ length: 10 }, (_, index) => `list${index}.test`)
/** Nobody but their test entry is listed. */
const ZONE = LISTS.map((zone) => `2.0.0.127.${zone}. A 127.0.0.2`).join('\n')

const server = await openNameServer(ZONE)
if (server === undefined) process.exit(1)
const nothing = (): never => { throw new Error('not part of this') }
const log = { info: () => undefined, warn: (message: string) => console.error(message) }
const world = createWorld({
  accounts: noAccounts(nothing), mailbox: { deliver: nothing }, store: storeInMemory(),
  dns: openDns({ ...DEFAULTS.dns, servers: [server.address] }), dnsBudget: DEFAULTS.dns,
})
const line = await load()

async function load(): Promise<Line> {
  const options = { home: '/', control: { read: () => undefined, unreadable: new Map() }, file: 'bench', compat: false, inline: { world, log } }
  const [entry] = parsePluginList('[mail]\nrbl\n').entries
  const { line: loaded, problems } = await loadEntry(entry!, options as unknown as LoaderOptions)
  if (loaded === undefined) throw new Error(problems.map(({ reason }) => reason).join('\n'))
  return loaded
}

/** Milliseconds that one session waits. */
async function mail(ip: string, env: Readonly<Record<string, string>>): Promise<number> {
  const started = performance.now()
  const session = testSession('mail', { client: { ip, port: 1, host: undefined } }, { SMTPRBLS: LISTS.join(' '), ...env })
  const request: HookRequest = { hook: 'mail', session, signal: new AbortController().signal, trace: { id: 'bench', add: () => {}, flush: () => {} } }
  const { fault } = await line.run(request)
  if (fault !== undefined) throw new Error(fault.detail)
  return performance.now() - started
}

let clients = 0
const fresh = (): string => {
  clients += 1
  return `10.${clients >>> 16}.${(clients >>> 8) & 255}.${clients & 255}`
}

async function measure(what: string, sessions: number, ips: () => readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  const waits: number[] = []
  const began = performance.now()
  const before = process.cpuUsage()
  for (let done = 0; done < MAILS; done += sessions) waits.push(...await Promise.all(ips().map((ip) => mail(ip, env))))
  const perSecond = waits.length * 1000 / (performance.now() - began)
  const { user, system } = process.cpuUsage(before)
  waits.sort((a, b) => a - b)
  const at = (part: number): string => waits[Math.floor((waits.length - 1) * part)]!.toFixed(2).padStart(9)
  console.log(`${String(sessions).padStart(8)}  ${what.padEnd(14)}${at(0.5)}${at(0.99)}${perSecond.toFixed(0).padStart(10)}${((user + system) / waits.length).toFixed(0).padStart(12)}`)
}

console.log('sessions  asked            p50 ms   p99 ms   MAIL a second   µs of ours')
for (const sessions of [1, 50, 500]) {
  const some = Array.from({ length: sessions }, fresh)
  await Promise.all(some.map((ip) => mail(ip, {})))
  await measure('first time', sessions, () => Array.from({ length: sessions }, fresh))
  await measure('once more', sessions, () => some)
  await measure('by dnsbl', sessions, () => Array.from({ length: sessions }, fresh), { RBLENGINE: 'dnsbl', RBLSERVERS: server.address })
}
await server.stop()
