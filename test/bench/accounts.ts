/**
 * What accounts cost on SQLite, MariaDB and PostgreSQL, among 100 and 100,000 users: lookups a second, one after the other and 16 at once;
 * and how long a client waits for the answer to RCPT while rcptexists asks, alone and beside 15 others. The last line is RCPT with nobody asked.
 *
 * usage: node test/bench/accounts.ts
 */
import { accountFacts } from '../../core/accounts/accounts.ts'
import { openDatabase, type Database } from '../../core/accounts/database.ts'
import { migrate } from '../../core/accounts/migrations.ts'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import type { Ground } from '../accounts/kit.ts'
import { mariadb, postgresql } from '../harness/database-server.ts'
import { connectionLines, newDatabase } from '../harness/databases.ts'
import { SmtpClient } from '../client/smtp-client.ts'
import { makeHome, type Home } from '../harness/home.ts'
import { startServer } from '../harness/server.ts'

const QUESTIONS = 4000
const RECIPIENTS = 2000
/** Of one message. */
const AT_A_TIME = 100
const TOGETHER = 16
const ROWS_AT_ONCE = 1000
const FILES = { 'control/rcpthosts': 'example.org\n', 'control/smtpplugins': '[rcpt]\nrcptexists\n[+deliver]\nmaildir\n' }

async function measure(name: string, ground: Ground): Promise<void> {
  for (const users of [100, 100_000]) {
    const lines = ground === undefined ? [] : connectionLines(ground, await newDatabase(ground))
    const home = await makeHome({ ...FILES, 'control/qmailconfig': lines.map((line) => `${line}\n`).join('') })
    const database = openDatabase(home.path, parseQmailConfig(lines.join('\n')).config)
    try {
      await migrate(database)
      await fill(database, users)
      console.log(`| ${name} | ${users} | ${await lookups(database, users)} | ${await recipients(home, users)} |`)
    } finally {
      await database.close()
    }
  }
}

async function fill({ write }: Database, users: number): Promise<void> {
  for (let from = 0; from < users; from += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, users - from) }, (_, n) => ({ login: `user${from + n}`, virtual_host: 'example.org', startdate: null }))
    await write.insertInto('passwd').values(rows).execute()
  }
}

/** A second, alone and together. */
async function lookups(database: Database, users: number): Promise<string> {
  const find = accountFacts(() => database, { locals: () => new Set() }).find
  const ask = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) if (await find(random(users)) === undefined) throw new Error('not found')
  }
  await ask(QUESTIONS / 4)
  const alone = await rate(() => ask(QUESTIONS))
  const together = await rate(async () => { await Promise.all(Array.from({ length: TOGETHER }, () => ask(QUESTIONS / TOGETHER))) })
  return `${alone} | ${together}`
}

async function rate(work: () => Promise<void>): Promise<number> {
  const since = performance.now()
  await work()
  return Math.round(QUESTIONS / (performance.now() - since) * 1000)
}

/** Milliseconds from RCPT to its answer, median and 99th percentile, alone and together. */
async function recipients(home: Home, users: number): Promise<string> {
  const server = await startServer(home)
  try {
    await talk(server.port, users, RECIPIENTS / 4)
    const alone = await talk(server.port, users, RECIPIENTS)
    const together = (await Promise.all(Array.from({ length: TOGETHER }, () => talk(server.port, users, RECIPIENTS / TOGETHER)))).flat()
    return `${percentiles(alone)} | ${percentiles(together)}`
  } finally {
    await server.stop()
  }
}

async function talk(port: number, users: number, count: number): Promise<readonly number[]> {
  const client = await SmtpClient.connect(port)
  const times: number[] = []
  try {
    await client.reply()
    await client.command('HELO bench.example')
    while (times.length < count) {
      await client.command('MAIL FROM:<a@far.example>')
      for (let n = 0; n < AT_A_TIME && times.length < count; n += 1) {
        const since = performance.now()
        const answer = await client.command(`RCPT TO:<${random(users)}>`)
        times.push(performance.now() - since)
        if (!answer.startsWith('250')) throw new Error(answer)
      }
      await client.command('RSET')
    }
    return times
  } finally {
    await client.leave()
  }
}

function percentiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b)
  return [0.5, 0.99].map((share) => sorted[Math.floor(sorted.length * share)]!.toFixed(2)).join(' / ')
}

function random(users: number): string {
  return `user${Math.floor(Math.random() * users)}@example.org`
}

console.log('| database | users | one after the other | 16 at once | RCPT alone, ms | RCPT beside 15 others, ms |\n|---|---|---|---|---|---|')
await measure('SQLite', undefined)
for (const [name, start] of [['MariaDB', mariadb], ['PostgreSQL', postgresql]] as const) {
  const server = await start()
  if (server !== undefined) await measure(name, server)
}
console.log(`| nobody asked | - | - | - | ${await recipients(await makeHome({ ...FILES, 'control/smtpplugins': '[+deliver]\n:echo O\n' }), 100)} |`)
process.exit()
