/** `helios db`: the account database itself, its servers and tables. */
import { databaseStatus, type DatabaseStatus } from '../accounts/status.ts'
import { migrate } from '../accounts/migrations.ts'
import { makeTables, missingTables } from '../accounts/tables.ts'
import type { Database } from '../accounts/database.ts'
import type { Noun } from './command.ts'
import { declaredTables } from './declared.ts'
import { withAccounts } from './home.ts'
import { counted, table } from './table.ts'

export const db: Noun = {
  register(program, io, exit) {
    const noun = program.command('db').description('look after the account database: servers and tables')
    noun.command('status').description('try every server of control/qmailconfig and look at the tables; exit status 1 when something is to be mended')
      .option('--json', 'as JSON')
      .action(({ json }: { readonly json?: boolean }) => withAccounts(io, async (database) => {
        const status = await databaseStatus(database, database.driver === 'sqlite' ? [] : await declaredTables())
        if (status.problems.length > 0) exit(1)
        if (json === true) return io.out(JSON.stringify(status, undefined, 2))
        for (const line of describe(status)) io.out(line)
      }))
    noun.command('migrate').description('make the tables that are missing; those that are there stay as they are')
      .option('--json', 'as JSON')
      .action(({ json }: { readonly json?: boolean }) => withAccounts(io, async (database) => {
        const done = [...await migrate(database), ...await makeMissing(database)]
        if (json === true) return io.out(JSON.stringify({ done }, undefined, 2))
        for (const name of done) io.out(`${name} done`)
        if (done.length === 0) io.out('nothing to do')
      }))
  },
}

async function makeMissing(database: Database): Promise<readonly string[]> {
  const missing = await missingTables(database, await declaredTables())
  await makeTables(database, missing)
  return missing.map(({ name }) => `table ${name}`)
}

const NAMES = { sqlite: 'SQLite, helios.db in the home', mysql: 'MySQL or MariaDB', postgresql: 'PostgreSQL' } as const

function describe({ driver, servers, migrations, users, problems }: DatabaseStatus): readonly string[] {
  return [
    NAMES[driver],
    ...table(servers.map(({ role, place, ms }) => [role, place, ms === undefined ? 'no' : `yes, ${ms} ms`])),
    ...table((migrations ?? []).map(({ name, applied }) => [name, applied === undefined ? 'to do' : `done ${applied}`])),
    ...(users === undefined ? [] : [counted(users, 'user')]),
    ...problems.map((problem) => `to mend: ${problem}`),
  ]
}
