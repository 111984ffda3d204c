/**
 * Lookups a second on SQLite, MariaDB and PostgreSQL, among 100 and 100,000 users: one after the other, and 16 at once.
 *
 * usage: node test/bench/accounts.ts
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountFacts } from '../../core/accounts/accounts.ts'
import { openDatabase, type Database } from '../../core/accounts/database.ts'
import { migrate } from '../../core/accounts/migrations.ts'
import { parseQmailConfig } from '../../protocol/qmail/qmailconfig.ts'
import { connectionLines, newDatabase, type Ground } from '../accounts/kit.ts'
import { mariadb, postgresql } from '../accounts/servers.ts'

const QUESTIONS = 4000
const ROWS_AT_ONCE = 1000

async function measure(name: string, ground: Ground): Promise<void> {
  for (const users of [100, 100_000]) {
    const home = mkdtempSync(join(tmpdir(), 'helios-bench-'))
    mkdirSync(join(home, 'control'))
    const lines = ground === undefined ? [] : connectionLines(ground, await newDatabase(ground))
    const database = openDatabase(home, parseQmailConfig(lines.join('\n')).config)
    try {
      await migrate(database)
      await fill(database, users)
      const find = accountFacts(() => database, { locals: () => new Set() }).find
      const random = (): string => `user${Math.floor(Math.random() * users)}@example.org`
      const ask = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n += 1) if (await find(random()) === undefined) throw new Error('not found')
      }
      await ask(QUESTIONS / 4)
      const alone = await rate(() => ask(QUESTIONS))
      const together = await rate(async () => { await Promise.all(Array.from({ length: 16 }, () => ask(QUESTIONS / 16))) })
      console.log(`| ${name} | ${users} | ${alone} | ${together} |`)
    } finally {
      await database.close()
      rmSync(home, { recursive: true, force: true })
    }
  }
}

async function fill({ write }: Database, users: number): Promise<void> {
  for (let from = 0; from < users; from += ROWS_AT_ONCE) {
    const rows = Array.from({ length: Math.min(ROWS_AT_ONCE, users - from) }, (_, n) => ({ login: `user${from + n}`, virtual_host: 'example.org' }))
    await write.insertInto('passwd').values(rows).execute()
  }
}

async function rate(work: () => Promise<void>): Promise<number> {
  const since = performance.now()
  await work()
  return Math.round(QUESTIONS / (performance.now() - since) * 1000)
}

console.log('| database | users | one after the other | 16 at once |\n|---|---|---|---|')
await measure('SQLite', undefined)
for (const [name, start] of [['MariaDB', mariadb], ['PostgreSQL', postgresql]] as const) {
  const server = await start()
  if (server !== undefined) await measure(name, server)
}
process.exit()
