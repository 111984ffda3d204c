/** `helios notify`: how users are told of new mail. */
import type { Command } from 'commander'
import { checkJid, HeliosError, type Helios, type NotifyPlan, type NotifySettings } from '../api/index.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
import { obtainPassword } from './password.ts'
import { table } from './table.ts'

interface Json {
  readonly json?: boolean
}

interface SetOptions extends Json {
  readonly jid?: string
  readonly password?: string
  readonly newPassword?: boolean
  readonly sendTo?: string
  readonly on?: boolean
  readonly off?: boolean
}

const USER = 'login@domain, or a group: [:all:]@domain, login@[:all:], [:all:]@[:all:] (in quotes)'
const NOT_YET = 'note: this version keeps these settings and sends nothing yet'

export const notify: Noun = {
  register(program, io, exit) {
    const noun = program.command('notify').description('set, show, try and delete how users are told of new mail (Jabber)')
    registerSet(noun, io)
    noun.command('show').description('show what is set').argument('[user]', USER).option('--json', 'as JSON')
      .action((user: string | undefined, { json }: Json) => withHelios(io, async (helios) => {
        const found = user === undefined ? await helios.notifications() : [await helios.notification(user) ?? nothingSet(user)]
        if (json === true) return io.out(JSON.stringify(user === undefined ? found : found[0], undefined, 2))
        if (found.length === 0) return io.out('nothing is set yet: helios notify set USER --jid ACCOUNT --send-to ADDRESS')
        for (const line of table(found.map(rowOf))) io.out(printable(line))
      }))
    noun.command('del').description('delete what is set').argument('<user>', USER).option('--json', 'as JSON')
      .action((user: string, { json }: Json) => withHelios(io, async (helios) => {
        const gone = await helios.deleteNotification(user)
        if (json === true) return io.out(JSON.stringify(gone, undefined, 2))
        io.out(`${gone.user}: nothing is set any more`)
      }))
    noun.command('test').description('say what would be sent when mail comes for a user; exit status 1 when nothing would').argument('<user>', 'login@domain').option('--json', 'as JSON')
      .action((user: string, { json }: Json) => withHelios(io, async (helios) => {
        const { address } = await helios.user(user)
        const plan = await helios.notifyPlan(address)
        if (plan.outcome !== 'sent') exit(1)
        if (json === true) io.out(JSON.stringify({ user: address, ...plan }, undefined, 2))
        else for (const line of describe(address, plan)) io.out(printable(line))
        io.err(NOT_YET)
      }))
  },
}

function registerSet(noun: Command, io: Io): void {
  noun.command('set').description('set the account that sends, its password, and where it sends to').argument('<user>', USER)
    .option('--jid <account>', 'the Jabber account that sends, such as ann@jabber.example')
    .option('--password <text>', 'its password; readable by other users of this machine while the command runs')
    .option('--new-password', 'ask for its password anew')
    .option('--send-to <address>', 'the Jabber address that is told')
    .option('--on', 'tell of new mail').option('--off', 'do not, and keep the rest').option('--json', 'as JSON')
    .addHelpText('after', '\nFor a new account the password is asked for, or read as one line from standard input. It is kept as it is: the account cannot be used otherwise.')
    .action((user: string, options: SetOptions) => withHelios(io, async (helios) => {
      if (options.on === true && options.off === true) {
        throw new HeliosError('usage', 'both --on and --off were given', { fault: 'operator', mend: 'write one of them' })
      }
      // Before a password is asked for.
      if (!user.includes('[:')) await helios.user(user)
      const { jid, sendTo } = options
      const password = await passwordFor(io, helios, user, options)
      const enabled = options.on === true ? true : options.off === true ? false : undefined
      const set = await helios.setNotification(user, {
        ...jid === undefined ? {} : { jid }, ...sendTo === undefined ? {} : { sendTo },
        ...password === undefined ? {} : { password }, ...enabled === undefined ? {} : { enabled },
      })
      if (options.json === true) io.out(JSON.stringify(set, undefined, 2))
      else for (const line of table([rowOf(set)])) io.out(line)
      io.err(NOT_YET)
    }))
}

/** Undefined where the one that is kept stays. */
async function passwordFor(io: Io, helios: Helios, user: string, options: SetOptions): Promise<string | undefined> {
  const before = await helios.notification(user)
  const jid = options.jid ?? before?.jid ?? undefined
  const isNew = options.jid !== undefined && (options.jid !== before?.jid || !before.hasPassword)
  if (options.password === undefined && options.newPassword !== true && !isNew) return undefined
  if (jid === undefined) throw new HeliosError('usage', 'a password was given, and no account that it is for', { fault: 'operator', mend: 'add --jid ACCOUNT' })
  // Before it is asked for.
  checkJid(jid)
  return (await obtainPassword(io, jid, options.password === undefined ? {} : { password: options.password }, 'write it there as one line')).password
}

function nothingSet(user: string): never {
  throw new HeliosError('unknown-notify', `nothing is set for ${user}`, { fault: 'operator', mend: `"helios notify test ${user}" says whether a group's settings count` })
}

function rowOf({ user, enabled, jid, hasPassword, sendTo }: NotifySettings): readonly string[] {
  const from = jid === null ? '' : `from ${jid}${hasPassword ? '' : ' (no password)'}`
  return [user, enabled ? 'on' : 'off', from, sendTo === null ? '' : `to ${sendTo}`]
}

function describe(user: string, plan: NotifyPlan): readonly string[] {
  switch (plan.outcome) {
    case 'none': return [`nothing would be sent: neither ${user} nor a group has settings`]
    case 'off': return [`nothing would be sent: ${plan.by.join(' ')} says off`]
    case 'incomplete': return [`nothing would be sent: of the settings of ${plan.by.join(' ')} something is missing: ${plan.missing.join(', ')}`]
    case 'sent': return [
      `for each new message of ${user}, by the settings of ${plan.by.join(' ')}:`,
      `  log in as ${plan.jid}, and send to ${plan.sendTo}`,
      '  the sender, the subject and the beginning of the text',
    ]
  }
}
