/** `helios user`: the accounts of the domains. */
import { InvalidArgumentError, type Command } from 'commander'
import { dropAccountRows, moveAccountRows } from '../accounts/account-rows.ts'
import { deleteUser, lookAtUser } from '../accounts/deletion.ts'
import { addUser, listUsers, renameUser, requireUser, setEnabled, setPassword } from '../accounts/users.ts'
import { checkAddress, checkDomain } from '../accounts/names.ts'
import type { Io, Noun } from './command.ts'
import { declaredTables } from './declared.ts'
import { describeDeletion, requireYes } from './deletion.ts'
import { registerShow } from './finger.ts'
import { withAccounts } from './home.ts'
import { obtainPassword, type PasswordOptions } from './password.ts'
import { table } from './table.ts'

export const user: Noun = {
  register(program, io) {
    const noun = program.command('user').description('add, list, show, change and delete users')
    registerAdd(noun, io)
    registerPasswd(noun, io)
    registerList(noun, io)
    registerShow(noun, io)
    registerSwitch(noun, io, 'enable', true)
    registerSwitch(noun, io, 'disable', false)
    registerRename(noun, io)
    registerDelete(noun, io)
  },
}

interface Json {
  readonly json?: boolean
}

function withPasswordOptions(command: Command): Command {
  return command
    .option('--password <text>', 'the password; readable by other users of this machine while the command runs')
    .option('--generate', 'make a password up and show it')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nWithout these options the password is asked for, or read as one line from standard input.')
}

function registerAdd(noun: Command, io: Io): void {
  const command = noun.command('add').description('add a user').argument('<address>', 'login@domain')
    .option('--quota <bytes>', 'bytes the mailbox may hold, with K, M or G; 0 for no limit', readBytes, 0)
  type AddOptions = PasswordOptions & Json & { readonly quota: number }
  withPasswordOptions(command).action((address: string, options: AddOptions) => withAccounts(io, async (database) => {
    const { password, generated } = await obtainPassword(io, address, options)
    const added = await addUser(database, { address, password, quota: options.quota })
    if (options.json === true) return io.out(JSON.stringify({ ...added, ...generated ? { password } : {} }, undefined, 2))
    io.out(`${added.login}@${added.domain} added, mail in ${added.home}/Maildir`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerPasswd(noun: Command, io: Io): void {
  const command = noun.command('passwd').description("change a user's password").argument('<address>', 'login@domain')
  withPasswordOptions(command).action((address: string, options: PasswordOptions & Json) => withAccounts(io, async (database) => {
    // Before anything is asked: typing a password twice for nobody is a nuisance.
    const { login, domain } = await requireUser(database, address)
    const { password, generated } = await obtainPassword(io, `${login}@${domain}`, options)
    await setPassword(database, address, password)
    if (options.json === true) return io.out(JSON.stringify({ login, domain, ...generated ? { password } : {} }, undefined, 2))
    io.out(`password of ${login}@${domain} changed`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show users').argument('[domain]', 'of this domain only').option('--json', 'as JSON')
    .action((domain: string | undefined, options: Json) => withAccounts(io, async (database) => {
      const users = await listUsers(database, domain === undefined ? undefined : checkDomain(domain))
      if (options.json === true) return io.out(JSON.stringify(users, undefined, 2))
      if (users.length === 0) return io.out('no users yet: helios user add LOGIN@DOMAIN')
      const rows = users.map(({ login, domain: of, enabled, quota, home }) => [
        `${login}@${of}`, enabled ? '' : 'disabled', quota === 0 ? '' : `${quota} bytes`, home,
      ])
      for (const line of table(rows)) io.out(line)
    }))
}

function registerSwitch(noun: Command, io: Io, verb: 'enable' | 'disable', enabled: boolean): void {
  noun.command(verb).description(enabled ? 'let a user log in and get mail' : 'no login and no mail for a user; everything stays').argument('<address>', 'login@domain')
    .option('--json', 'as JSON')
    .action((address: string, { json }: Json) => withAccounts(io, async (database) => {
      await setEnabled(database, address, enabled)
      if (json === true) return io.out(JSON.stringify({ ...checkAddress(address), enabled }, undefined, 2))
      io.out(`${address} ${verb}d`)
    }))
}

function registerRename(noun: Command, io: Io): void {
  noun.command('rename').description('give a user another name, with mailbox, password and the aliases that lead to it')
    .argument('<from>', 'login@domain').argument('<to>', 'login@domain').option('--json', 'as JSON')
    .action((from: string, to: string, { json }: Json) => withAccounts(io, async (database) => {
      const old = await requireUser(database, from)
      const { login, domain, home } = await renameUser(database, from, to)
      await moveAccountRows(database, await declaredTables(), old, { login, domain })
      if (json === true) return io.out(JSON.stringify({ from: `${old.login}@${old.domain}`, login, domain, home }, undefined, 2))
      io.out(`${from} is ${login}@${domain} now, mail in ${home}/Maildir`)
    }))
}

function registerDelete(noun: Command, io: Io): void {
  noun.command('del').description('delete a user with its mail and the aliases that lead to it').argument('<address>', 'login@domain')
    .option('--yes', 'delete mail, too').option('--json', 'as JSON')
    .action((address: string, options: Json & { readonly yes?: boolean }) => withAccounts(io, async (database) => {
      const deletion = await lookAtUser(database, address)
      requireYes(io, address, deletion, options.yes === true)
      for (const each of deletion.users) {
        await deleteUser(database, each)
        await dropAccountRows(database, await declaredTables(), each)
      }
      if (options.json === true) return io.out(JSON.stringify(deletion, undefined, 2))
      for (const line of describeDeletion(deletion)) io.out(`deleted: ${line}`)
    }))
}

function readBytes(text: string): number {
  const parts = /^(\d{1,12})([KMG]?)$/i.exec(text)
  if (parts === null) throw new InvalidArgumentError('Write a number of bytes such as 500M.')
  return Number(parts[1]) * 1024 ** ['', 'K', 'M', 'G'].indexOf(parts[2]!.toUpperCase())
}
