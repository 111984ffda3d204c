/** `helios user`: the accounts of the domains. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { checkAddress, type Keep, type Scheme } from '../api/index.ts'
import type { Io, Noun } from './command.ts'
import { describeDeletion, requireYes } from './deletion.ts'
import { registerShow } from './finger.ts'
import { withHelios } from './home.ts'
import { obtainPassword, type PasswordOptions } from './password.ts'
import { table } from './table.ts'

export const user: Noun = {
  register(program, io) {
    const noun = program.command('user').description('add, list, show, change and delete users')
    registerAdd(noun, io)
    registerPasswd(noun, io)
    registerList(noun, io)
    registerShow(noun, io)
    registerQuota(noun, io)
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
    .addOption(new Option('--generate', 'make a password up and show it').conflicts('password'))
    .option('--clear-text', 'keep the password as it is and not as a hash: for APOP and CRAM-MD5, which need it')
    .addOption(new Option('--scram', 'keep what SCRAM-SHA-256 needs and not a hash').conflicts('clearText'))
    .option('--json', 'as JSON')
    .addHelpText('after', '\nWithout these options the password is asked for, or read as one line from standard input.')
}

interface KeepOption {
  readonly clearText?: boolean
  readonly scram?: boolean
}

function keepOf({ clearText, scram }: KeepOption): Keep {
  return clearText === true ? 'clear text' : scram === true ? 'scram' : 'hash'
}

function warnOfClearText(io: Io, address: string): void {
  io.err(`warning: the password of ${address} is kept as it is: whoever can read the database, or a backup of it, has it ("helios user passwd ${address}" makes it a hash again)`)
}

/** What worked with the password as it was kept, and does not with the way it is kept now. */
function lostMechanisms(before: Scheme, keep: Keep): string | undefined {
  if (before === 'clear text' && keep !== 'clear text') return `APOP${keep === 'scram' ? ' and CRAM-MD5' : ', CRAM-MD5 and SCRAM-SHA-256'} no longer work`
  return before === 'SCRAM-SHA-256' && keep === 'hash' ? 'SCRAM-SHA-256 no longer works' : undefined
}

function registerAdd(noun: Command, io: Io): void {
  const command = noun.command('add').description('add a user').argument('<address>', 'login@domain')
    .option('--quota <bytes>', 'bytes the mailbox may hold, with K, M or G; 0 for no limit', readBytes, 0)
  type AddOptions = PasswordOptions & KeepOption & Json & { readonly quota: number }
  withPasswordOptions(command).action((address: string, options: AddOptions) => withHelios(io, async (helios) => {
    // Before anything is asked.
    checkAddress(address)
    const { password, generated } = await obtainPassword(io, address, options)
    const added = await (await helios.addUser({ address, password, quota: options.quota, keep: keepOf(options) })).info()
    if (options.clearText === true) warnOfClearText(io, `${added.login}@${added.domain}`)
    if (options.json === true) return io.out(JSON.stringify({ ...added, ...generated ? { password } : {} }, undefined, 2))
    io.out(`${added.login}@${added.domain} added, mail in ${added.home}/Maildir`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerPasswd(noun: Command, io: Io): void {
  const command = noun.command('passwd').description("change a user's password").argument('<address>', 'login@domain')
  withPasswordOptions(command).action((address: string, options: PasswordOptions & KeepOption & Json) => withHelios(io, async (helios) => {
    // Before anything is asked: typing a password twice for nobody is a nuisance.
    const found = await helios.user(address)
    const { password, generated } = await obtainPassword(io, found.address, options)
    const before = await found.passwordScheme()
    await found.setPassword(password, keepOf(options))
    if (options.clearText === true) warnOfClearText(io, found.address)
    const lost = lostMechanisms(before, keepOf(options))
    if (lost !== undefined) io.err(`note: the password is ${options.scram === true ? 'kept as keys' : 'a hash'} now, so that ${lost} for ${found.address}`)
    if (options.json === true) return io.out(JSON.stringify({ login: found.login, domain: found.domain, ...generated ? { password } : {} }, undefined, 2))
    io.out(`password of ${found.address} changed`)
    if (generated) io.out(`password: ${password}`)
  }))
}

function registerList(noun: Command, io: Io): void {
  noun.command('list').description('show users').argument('[domain]', 'of this domain only').option('--json', 'as JSON')
    .action((domain: string | undefined, options: Json) => withHelios(io, async (helios) => {
      const users = await helios.users(domain)
      if (options.json === true) return io.out(JSON.stringify(users, undefined, 2))
      if (users.length === 0) return io.out('no users yet: helios user add LOGIN@DOMAIN')
      const rows = users.map(({ login, domain: of, enabled, quota, home }) => [
        `${login}@${of}`, enabled ? '' : 'disabled', quota === 0 ? '' : `${quota} bytes`, home,
      ])
      for (const line of table(rows)) io.out(line)
    }))
}

function registerQuota(noun: Command, io: Io): void {
  noun.command('quota').description('say how much a mailbox may hold (kept, and not enforced yet)').argument('<address>', 'login@domain').argument('<bytes>', 'with K, M or G; 0 for no limit', readBytes)
    .option('--json', 'as JSON')
    .action((address: string, quota: number, { json }: Json) => withHelios(io, async (helios) => {
      const found = await helios.user(address)
      await found.setQuota(quota)
      if (json === true) return io.out(JSON.stringify({ login: found.login, domain: found.domain, quota }, undefined, 2))
      io.out(`${found.address} may hold ${quota === 0 ? 'any amount' : `${quota} bytes`}`)
    }))
}

function registerSwitch(noun: Command, io: Io, verb: 'enable' | 'disable', enabled: boolean): void {
  noun.command(verb).description(enabled ? 'let a user log in and get mail' : 'no login and no mail for a user; everything stays').argument('<address>', 'login@domain')
    .option('--json', 'as JSON')
    .action((address: string, { json }: Json) => withHelios(io, async (helios) => {
      const found = await helios.user(address)
      await (enabled ? found.enable() : found.disable())
      if (json === true) return io.out(JSON.stringify({ login: found.login, domain: found.domain, enabled }, undefined, 2))
      io.out(`${address} ${verb}d`)
    }))
}

function registerRename(noun: Command, io: Io): void {
  noun.command('rename').description('give a user another name, with mailbox, password and the aliases that lead to it')
    .argument('<from>', 'login@domain').argument('<to>', 'login@domain').option('--json', 'as JSON')
    .action((from: string, to: string, { json }: Json) => withHelios(io, async (helios) => {
      const old = await helios.user(from)
      const { login, domain, home } = await (await old.rename(to)).info()
      if (json === true) return io.out(JSON.stringify({ from: old.address, login, domain, home }, undefined, 2))
      io.out(`${from} is ${login}@${domain} now, mail in ${home}/Maildir`)
    }))
}

function registerDelete(noun: Command, io: Io): void {
  noun.command('del').description('delete a user with its mail and the aliases that lead to it').argument('<address>', 'login@domain')
    .option('--yes', 'delete mail, too').option('--json', 'as JSON')
    .action((address: string, options: Json & { readonly yes?: boolean }) => withHelios(io, async (helios) => {
      const found = await helios.user(address)
      requireYes(io, address, await found.lookAtDeletion(), options.yes === true)
      const deletion = await found.delete()
      if (options.json === true) return io.out(JSON.stringify(deletion, undefined, 2))
      for (const line of describeDeletion(deletion)) io.out(`deleted: ${line}`)
    }))
}

function readBytes(text: string): number {
  const parts = /^(\d{1,12})([KMG]?)$/i.exec(text)
  if (parts === null) throw new InvalidArgumentError('Write a number of bytes such as 500M.')
  return Number(parts[1]) * 1024 ** ['', 'K', 'M', 'G'].indexOf(parts[2]!.toUpperCase())
}
