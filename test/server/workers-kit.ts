/** For tests of a server with several processes: who serves, and what its status file says. */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { ClientOptions, SmtpClient } from '../client/smtp-client.ts'
import { makeHome, type Home, type HomeFiles } from '../harness/home.ts'
import { startServer, type Server } from '../harness/server.ts'

/** Only a hang meets it. */
const PATIENCE_MS = 60_000
/** Says at HELO which process serves: the parent of the broker, which is the parent of the shell. */
export const WHO = ':read -r line < /proc/$PPID/stat; set -- ${line##*) }; echo "P250-$2"'

export interface WorkerStatus {
  readonly number: number
  readonly pid?: number
  readonly sessions: number
  readonly generation?: number
  readonly replaced: number
}

export interface Status {
  readonly sessions: number
  readonly generation: { readonly number: number }
  readonly lastFailedReload?: unknown
  readonly workers: readonly WorkerStatus[]
}

export async function statusFile(home: Home): Promise<Status | undefined> {
  return readFile(home.at('run/status.json'), 'utf8').then((text) => JSON.parse(text) as Status, () => undefined)
}

export interface Served {
  readonly client: SmtpClient
  /** Of the process that serves it. */
  readonly pid: number
}

export async function served(server: Server, options: ClientOptions = {}): Promise<Served> {
  const client = await server.connect(options)
  const [greeting] = await client.reply()
  if (!greeting!.startsWith('220')) throw new Error(greeting)
  return { client, pid: Number((await hello(client))[0]!.slice(4)) }
}

export async function hello(client: SmtpClient): Promise<string[]> {
  client.send('HELO x\r\n')
  return client.reply()
}

/** Sessions on both processes: the system chooses who accepts, so as many as it takes. */
export async function oneOnEach(server: Server): Promise<readonly Served[]> {
  const found: Served[] = []
  await until(async () => {
    found.push(await served(server))
    return new Set(found.map(({ pid }) => pid)).size === 2
  })
  return found
}

/** Two processes. */
export async function start(files: HomeFiles, settings: object = {}): Promise<{ readonly home: Home; readonly server: Server }> {
  const home = await makeHome(files)
  await home.write('helios.config.json', JSON.stringify({ workers: 2, listeners: [{ service: 'smtp', host: '127.0.0.1', port: 0 }], ...settings }))
  return { home, server: await startServer(home) }
}

export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`it did not come about: ${look.toString()}`)
    await pause(20)
  }
}
