/** `helios db`: the account database itself, its servers and tables. */
import { readHome } from '../api/home.ts'
import type { DatabaseStatus } from '../api/index.ts'
import { HeliosError } from '../error.ts'
import { printable } from '../trace/printable.ts'
import { copyStore } from '../world/store/copy.ts'
import type { Noun } from './command.ts'
import { withHelios } from './home.ts'
import { Progress } from './progress.ts'
import { counted, table } from './table.ts'

export const db: Noun = {
  register(program, io, exit) {
    const noun = program.command('db').description('look after the account database: servers and tables')
    noun.command('status').description('try every server of control/qmailconfig and look at the tables; exit status 1 when something is to be mended')
      .option('--json', 'as JSON')
      .action(({ json }: { readonly json?: boolean }) => withHelios(io, async (helios) => {
        const status = await helios.status({ storeHere: (await io.settings()).store === 'accounts' })
        if (status.problems.length > 0) exit(1)
        if (json === true) return io.out(JSON.stringify(status, undefined, 2))
        for (const line of describe(status)) io.out(line)
      }))
    noun.command('migrate').description('make the tables that are missing; those that are there stay as they are')
      .option('--json', 'as JSON')
      .action(({ json }: { readonly json?: boolean }) => withHelios(io, async (helios) => {
        const done = await helios.migrate()
        const { grants } = await helios.status()
        if (json === true) io.out(JSON.stringify({ done, grants }, undefined, 2))
        else for (const name of done.length === 0 ? ['nothing to do'] : done.map((each) => `${each} done`)) io.out(name)
        if (grants.length === 0) return
        throw new HeliosError('database', 'the user of connectionstring may not read every table, so mail is put off until it may', {
          fault: 'operator', mend: `let an administrator of the database run: ${grants.join('; ')}`,
        })
      }))
    noun.command('copy-store').description('put what plugins remember in store.db of the home into the account database; what is there already stays')
      .option('--json', 'as JSON')
      .action(async ({ json }: { readonly json?: boolean }) => {
        const { home } = await io.settings()
        const { qmailconfig } = await readHome(home)
        const progress = new Progress(io)
        const { copied, there } = await copyStore(home, qmailconfig, { now: Date.now(), progress: (done, total) => progress.show('copied', done, total) }).finally(() => progress.clear())
        if (json === true) return io.out(JSON.stringify({ copied, there }, undefined, 2))
        io.out(`${counted(copied, 'entry', 'entries')} of store.db copied${there === 0 ? '' : `, ${there} there already`}`)
      })
  },
}

const NAMES = { sqlite: 'SQLite, helios.db in the home', mysql: 'MySQL or MariaDB', postgresql: 'PostgreSQL' } as const

function describe({ driver, servers, migrations, users, problems }: DatabaseStatus): readonly string[] {
  return [
    NAMES[driver],
    ...table(servers.map(({ role, place, ms }) => [role, place, ms === undefined ? 'no' : `yes, ${ms} ms`])),
    ...table((migrations ?? []).map(({ name, applied }) => [name, applied === undefined ? 'to do' : `done ${applied}`])),
    ...(users === undefined ? [] : [counted(users, 'user')]),
    ...problems.map((problem) => `to mend: ${printable(problem)}`),
  ]
}
