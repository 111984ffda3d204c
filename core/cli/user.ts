/** `helios user`: the accounts of the domains. */
import { InvalidArgumentError, type Command } from 'commander'
import { addUser, listUsers, requireUser, setPassword } from '../accounts/users.ts'
import { checkDomain } from '../accounts/names.ts'
import type { Io, Noun } from './command.ts'
import { withAccounts } from './home.ts'
import { obtainPassword, type PasswordOptions } from './password.ts'
import { table } from './table.ts'

export const user: Noun = {
  register(program, io) {
    const noun = program.command('user').description('add and list users, change their passwords')
    registerAdd(noun, io)
    registerPasswd(noun, io)
    registerList(noun, io)
  },
}

function withPasswordOptions(command: Command): Command {
  return command
    .option('--password <text>', 'the password; readable by other users of this machine while the command runs')
    .option('--generate', 'make a password up and show it')
    .addHelpText('after', '\nWithout these options the password is asked for, or read as one line from standard input.')
}

function registerAdd(noun: Command, io: Io): void {
  const command = noun.command('add').description('add a user').argument('<address>', 'login@domain')
    .option('--quota <bytes>', 'bytes the mailbox may hold, with K, M or G; 0 for no limit', readBytes, 0)
  type AddOptions = PasswordOptions & { readonly quota: number }
  withPasswordOptions(command).action((address: string, options: AddOptions) => withAccounts(io, async (database) => {
    const { password, generated } = await obtainPassword(io, address, options)
    const added = await addUser(database, { address, password, quota: options.quota })
    io.out(`${added.login}@${added.domain} added, mail in ${added.home}/Maildir`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerPasswd(noun: Command, io: Io): void {
  const command = noun.command('passwd').description("change a user's password").argument('<address>', 'login@domain')
  withPasswordOptions(command).action((address: string, options: PasswordOptions) => withAccounts(io, async (database) => {
    // Before anything is asked: typing a password twice for nobody is a nuisance.
    const { login, domain } = await requireUser(database, address)
    const { password, generated } = await obtainPassword(io, `${login}@${domain}`, options)
    await setPassword(database, address, password)
    io.out(`password of ${login}@${domain} changed`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show users').argument('[domain]', 'of this domain only').option('--json', 'as JSON')
    .action((domain: string | undefined, options: { readonly json?: boolean }) => withAccounts(io, async (database) => {
      const users = await listUsers(database, domain === undefined ? undefined : checkDomain(domain))
      if (options.json === true) return io.out(JSON.stringify(users, undefined, 2))
      if (users.length === 0) return io.out('no users yet: helios user add LOGIN@DOMAIN')
      const rows = users.map(({ login, domain: of, enabled, quota, home }) => [
        `${login}@${of}`, enabled ? '' : 'disabled', quota === 0 ? '' : `${quota} bytes`, home,
      ])
      for (const line of table(rows)) io.out(line)
    }))
}

function readBytes(text: string): number {
  const parts = /^(\d{1,12})([KMG]?)$/i.exec(text)
  if (parts === null) throw new InvalidArgumentError('Write a number of bytes such as 500M.')
  return Number(parts[1]) * 1024 ** ['', 'K', 'M', 'G'].indexOf(parts[2]!.toUpperCase())
}
