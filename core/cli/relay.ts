/** `helios relay`: the log of logins by POP3 and IMAP, which `AUTHEXPIRE` lets clients relay by. */
import { isIP } from 'node:net'
import { InvalidArgumentError, type Command } from 'commander'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
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
    .action((ip: string | undefined, options: { readonly json?: boolean }) => withHelios(io, async (helios) => {
      const logins = await helios.logins(ip)
      const rows = logins.map((login) => ({ ip: login.ip, account: login.account, at: new Date(login.at).toISOString() }))
      if (options.json === true) return io.out(JSON.stringify(rows, undefined, 2))
      if (rows.length === 0) return io.out('no logins by POP3 or IMAP are noted')
      for (const line of table(rows.map(({ at, ip: from, account }) => [at, from, account]))) io.out(line)
    }))
}

function registerLog(noun: Command, io: Io): void {
  noun.command('log').description('note a login, as the POP3 and IMAP services do: for services that are not ours, and to try AUTHEXPIRE out')
    .argument('<ip>', 'the address of the client', readIp).argument('<user>', 'login@domain').option('--json', 'as JSON')
    .action((ip: string, user: string, options: { readonly json?: boolean }) => withHelios(io, async (helios) => {
      const { address } = await helios.user(user)
      const at = Date.now()
      await helios.recordLogin({ ip, account: address, at })
      if (options.json === true) return io.out(JSON.stringify({ ip, account: address, at: new Date(at).toISOString() }, undefined, 2))
      io.out(`noted: ${address} logged in from ${ip}`)
    }))
}

function registerForget(noun: Command, io: Io): void {
  noun.command('forget').description('forget the logins from an address, so that it relays no longer')
    .argument('<ip>', 'the address of the client', readIp).option('--json', 'as JSON')
    .action((ip: string, options: { readonly json?: boolean }) => withHelios(io, async (helios) => {
      const forgotten = await helios.forgetLogins(ip)
      io.out(options.json === true ? JSON.stringify({ ip, forgotten }, undefined, 2) : `forgotten: ${counted(forgotten, 'login')} from ${ip}`)
    }))
}

function readIp(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write an IP address such as 192.0.2.1.')
  return text
}
