/**
 * What plugins' memory costs in each place it can be: decisions a second, one after the other and 16 at once. A limit is looked at and counted up,
 * as ratelimit does, for 10,000 clients and for one that all share; greylist asks for a network and a triplet, of strangers and of who is known.
 *
 * usage: node test/bench/store.ts
 */
import { rmSync } from 'node:fs'
import { openDatabase } from '../../core/accounts/database.ts'
import { migrate } from '../../core/accounts/migrations.ts'
import { storeInAccounts } from '../../core/world/store/in-accounts.ts'
import { storeInFile } from '../../core/world/store/in-file.ts'
import { storeInMemory } from '../../core/world/store/in-memory.ts'
import type { HomeStore, Store } from '../../core/world/store/types.ts'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { mariadb, postgresql, type DatabaseServer } from '../harness/database-server.ts'
import { connectionLines, newDatabase } from '../harness/databases.ts'
import { temporaryDirectory } from '../harness/home.ts'

const DECISIONS = 4000
const TOGETHER = 16
const CLIENTS = 10_000
const HOUR = 3600_000

type Decide = (store: Store, n: number) => Promise<unknown>

function limited(store: Store, key: string): Promise<unknown> {
  const asked = { space: 'ratelimit', key, window: HOUR, now: Date.now() }
  return store.ask({ ask: 'read', ...asked }).then(() => store.ask({ ask: 'add', ...asked, amount: 1, most: 1e9 }))
}

async function greylisted(store: Store, mail: string): Promise<unknown> {
  const now = Date.now()
  await store.ask({ ask: 'get', space: 'greylist', key: 'network 192.0.2', now })
  return store.ask({ ask: 'setIfAbsent', space: 'greylist', key: `mail 192.0.2 joe@far.example ${mail}`, value: String(now), until: now + 24 * HOUR, now })
}

let strangers = 0
const DECISIONS_OF: readonly (readonly [name: string, decide: Decide])[] = [
  ['a limit of each of 10,000 clients', (store) => limited(store, `client ${Math.floor(Math.random() * CLIENTS)}`)],
  ['a limit that all share', (store) => limited(store, 'network')],
  ['greylist, a stranger', (store) => greylisted(store, `stranger${++strangers}@example.org`)],
  ['greylist, known', (store, n) => greylisted(store, `known${n % 100}@example.org`)],
]

async function rate(store: Store, decide: Decide, together: number): Promise<number> {
  const since = performance.now()
  await Promise.all(Array.from({ length: together }, async () => {
    for (let n = 0; n < DECISIONS / together; n += 1) await decide(store, n)
  }))
  return Math.round(DECISIONS / (performance.now() - since) * 1000)
}

async function measure(name: string, store: HomeStore): Promise<void> {
  for (const [what, decide] of DECISIONS_OF) {
    for (let n = 0; n < DECISIONS / 4; n += 1) await decide(store, n)
    console.log(`| ${name} | ${what} | ${await rate(store, decide, 1)} | ${await rate(store, decide, TOGETHER)} |`)
  }
  await store.close()
}

async function onServer(server: DatabaseServer): Promise<HomeStore> {
  const { config } = parseQmailConfig(connectionLines(server, await newDatabase(server)).join('\n'))
  const accounts = openDatabase('/', config)
  await migrate(accounts)
  await accounts.close()
  const store = storeInAccounts()
  store.use(config)
  return store
}

const home = await temporaryDirectory()
console.log('| place | decision | one after the other | 16 at once |\n|---|---|---|---|')
await measure('memory', storeInMemory())
await measure('file', storeInFile(home))
for (const [name, start] of [['MariaDB', mariadb], ['PostgreSQL', postgresql]] as const) {
  const server = await start()
  if (server !== undefined) await measure(name, await onServer(server))
}
rmSync(home, { recursive: true, force: true })
process.exit()
