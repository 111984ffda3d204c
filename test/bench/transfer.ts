/**
 * Export and import of 100,000 users and 20,000 aliases on SQLite, MariaDB and PostgreSQL, in seconds: into an empty database, the same once
 * more, and out again; each in a process of its own for its largest memory.
 *
 * usage: node test/bench/transfer.ts
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Helios } from '../../core/api/index.ts'
import type { Ground } from '../accounts/kit.ts'
import { mariadb, postgresql } from '../harness/database-server.ts'
import { connectionLines, newDatabase } from '../harness/databases.ts'
import { makeHome } from '../harness/home.ts'

const [USERS, ALIASES] = [100_000, 20_000]

/** The file, line by line. */
async function* lines(): AsyncGenerator<string> {
  yield '{"kind":"domain","domain":"example.org"}\n'
  for (let n = 0; n < USERS; n += 1) {
    yield `{"kind":"user","login":"user${n}","domain":"example.org","password":"$6$saltsalt$${'x'.repeat(86)}","quota":${n},"startdate":"2026-01-01 00:00:00"}\n`
    if (n < ALIASES) yield `{"kind":"alias","login":"alias${n}","domain":"example.org","target":"user${n}@example.org"}\n`
  }
}

async function measure(name: string, ground: Ground): Promise<void> {
  const config = ground === undefined ? [] : connectionLines(ground, await newDatabase(ground))
  const home = await makeHome({ 'control/rcpthosts': '', 'control/qmailconfig': config.map((line) => `${line}\n`).join('') })
  const child = fork(import.meta.filename, [name, home.path])
  await once(child, 'exit')
}

async function run(name: string, path: string): Promise<void> {
  const helios = await Helios.open(path)
  try {
    await helios.migrate()
    const times: string[] = []
    const timed = async (work: () => Promise<unknown>): Promise<void> => {
      const since = performance.now()
      await work()
      times.push(((performance.now() - since) / 1000).toFixed(1))
    }
    for (let pass = 0; pass < 2; pass += 1) await timed(() => helios.import(lines(), { format: 'json' }))
    let rows = 0
    await timed(async () => { for await (const _ of helios.export()) rows += 1 })
    if (rows !== USERS + ALIASES + 2) throw new Error(`${rows} rows`)
    console.log(`| ${name} | ${times.join(' | ')} | ${Math.round(process.resourceUsage().maxRSS / 1024)} |`)
  } finally {
    await helios.close()
  }
}

const [name, path] = process.argv.slice(2)
if (name !== undefined && path !== undefined) await run(name, path)
else {
  console.log('| database | import | the same again | export | MiB |\n|---|---|---|---|---|')
  await measure('SQLite', undefined)
  for (const [driver, start] of [['MariaDB', mariadb], ['PostgreSQL', postgresql]] as const) {
    const server = await start()
    if (server !== undefined) await measure(driver, server)
  }
  process.exit()
}
