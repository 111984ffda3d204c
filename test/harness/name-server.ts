/** Debian's nsd on loopback, for a test that wants a real name server: it is authoritative for everything there is. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { promises as dns } from 'node:dns'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { peer } from '../peers.ts'
import { temporaryDirectory } from './home.ts'
import { freePort } from './ports.ts'

export interface NameServer {
  /** `127.0.0.1:PORT`, as the setting `dns.servers` takes it. */
  readonly address: string
  stop(): Promise<void>
}

/** In front of every zone: the root, and a name that says that the server is up. */
const HEAD = `$ORIGIN .
$TTL 60
. SOA ns.test. hostmaster.test. 1 60 60 60 60
. NS ns.test.
ns.test. A 127.0.0.1
up.test. TXT "up"
`
/** Only a hang meets it. */
const START_MS = 30_000
const ATTEMPTS = 5

const running = new Set<ChildProcess>()
process.on('exit', () => { for (const child of running) child.kill('SIGKILL') })

/**
 * Starts nsd with one zone, the root: records in master format (RFC 1035 section 5), names with their dot at the end.
 * A name that is not there does not exist. Undefined, with a loud line, where nsd is not installed. It is stopped after
 * the tests of the file.
 */
export async function startNameServer(records: string): Promise<NameServer | undefined> {
  const server = await openNameServer(records)
  if (server !== undefined) after(() => server.stop())
  return server
}

/** The same, to be stopped by who started it. */
export async function openNameServer(records: string): Promise<NameServer | undefined> {
  const program = peer('nsd')
  if (program === undefined) return undefined
  const directory = await temporaryDirectory()
  await mkdir(join(directory, 'xfr'))
  await writeFile(join(directory, 'root.zone'), HEAD + records)
  for (let attempt = 1; ; attempt++) {
    const port = await freePortOfBoth()
    const started = await start(program, directory, port)
    if (typeof started !== 'string') return started
    if (attempt === ATTEMPTS) throw new Error(`nsd did not start:\n${started}`)
  }
}

/** The server, or what it said instead of starting: its port may be taken by now. */
async function start(program: string, directory: string, port: number): Promise<NameServer | string> {
  const config = join(directory, 'nsd.conf')
  await writeFile(config, `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "${directory}"
  database: ""
  zonelistfile: "${directory}/zone.list"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}/xfr"
  pidfile: ""
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  verbosity: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone"
`)
  const child = spawn(program, ['-d', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { said += text })
  const exited = once(child, 'close').then(() => void running.delete(child))
  const resolver = new dns.Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([`127.0.0.1:${port}`])
  const giveUpAt = Date.now() + START_MS
  while (running.has(child) && Date.now() < giveUpAt) {
    const up = await resolver.resolveTxt('up.test').catch(() => undefined)
    if (up !== undefined) {
      return {
        address: `127.0.0.1:${port}`,
        stop: async () => {
          child.kill('SIGTERM')
          await exited
        },
      }
    }
    await Promise.race([exited, wait(50)])
  }
  child.kill('SIGKILL')
  await exited
  return said
}

/** For both: of TCP there may be thousands taken, of UDP hardly any. */
async function freePortOfBoth(): Promise<number> {
  for (;;) {
    const port = await freePort()
    const socket = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      socket.once('error', () => resolve(false)).bind(port, '127.0.0.1', () => resolve(true))
    })
    socket.close()
    if (free) return port
  }
}
