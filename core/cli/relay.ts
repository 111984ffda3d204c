/** `helios relay`: the log of logins by POP3 and IMAP, which `AUTHEXPIRE` lets clients relay by. */
import { isIP } from 'node:net'
import { InvalidArgumentError, type Command } from 'commander'
import { forgetLogins, listLogins, LOGINS, recordLogin } from '../accounts/logins.ts'
import { makeTables } from '../accounts/tables.ts'
import { requireUser } from '../accounts/users.ts'
import type { Database } from '../accounts/database.ts'
import type { Io, Noun } from './command.ts'
import { withAccounts } from './home.ts'
import { counted, table } from './table.ts'

export const relay: Noun = {
  register(program, io) {
    const noun = program.command('relay').description('show and change the logins that AUTHEXPIRE lets clients relay by')
    registerList(noun, io)
    registerLog(noun, io)
    registerForget(noun, io)
  },
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show the last login of each account from each address, the newest first')
    .argument('[ip]', 'from this address only', readIp).option('--json', 'as JSON')
    .action((ip: string | undefined, options: { readonly json?: boolean }) => withLogins(io, async (database) => {
      const logins = await listLogins(database, ip)
      const rows = logins.map((login) => ({ ip: login.ip, account: login.account, at: new Date(login.at).toISOString() }))
      if (options.json === true) return io.out(JSON.stringify(rows, undefined, 2))
      if (rows.length === 0) return io.out('no logins by POP3 or IMAP are noted')
      for (const line of table(rows.map(({ at, ip: from, account }) => [at, from, account]))) io.out(line)
    }))
}

function registerLog(noun: Command, io: Io): void {
  noun.command('log').description('note a login, as the POP3 and IMAP services do: for services that are not ours, and to try AUTHEXPIRE out')
    .argument('<ip>', 'the address of the client', readIp).argument('<user>', 'login@domain')
    .action((ip: string, user: string) => withLogins(io, async (database) => {
      const { login, domain } = await requireUser(database, user)
      await recordLogin(database, { ip, account: `${login}@${domain}`, at: Date.now() })
      io.out(`noted: ${login}@${domain} logged in from ${ip}`)
    }))
}

function registerForget(noun: Command, io: Io): void {
  noun.command('forget').description('forget the logins from an address, so that it relays no longer')
    .argument('<ip>', 'the address of the client', readIp)
    .action((ip: string) => withLogins(io, async (database) => {
      io.out(`forgotten: ${counted(await forgetLogins(database, ip), 'login')} from ${ip}`)
    }))
}

function withLogins(io: Io, work: (database: Database) => Promise<void>): Promise<void> {
  return withAccounts(io, async (database) => {
    await makeTables(database, [LOGINS])
    await work(database)
  })
}

function readIp(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write an IP address such as 192.0.2.1.')
  return text
}
