/** `helios finger` and `helios user show`: everything known of users. */
import type { Command } from 'commander'
import type { Found, Helios, UserDetails } from '../api/index.ts'
import type { AccountPart } from '../plugin/verbs.ts'
import { printable } from '../trace/printable.ts'
import type { Io, Noun } from './command.ts'
import { withHelios } from './home.ts'
import { accountParts } from './plugin-verbs.ts'
import { counted } from './table.ts'

interface Json {
  readonly json?: boolean
}

interface Shown extends UserDetails {
  readonly parts: readonly (AccountPart & { readonly plugin: string })[]
}

export const finger: Noun = {
  register(program, io, exit) {
    program.command('finger').description('show everything known of users; exit status 1 when somebody is unknown')
      .argument('<user...>', 'login@domain, an address that leads to users, or a login of any domain').option('--json', 'as JSON')
      .action((names: readonly string[], { json }: Json) => withHelios(io, async (helios) => {
        const answers: { readonly asked: string; readonly found: Found; readonly users: readonly Shown[] }[] = []
        for (const asked of names) {
          const found = await helios.findUsers(asked)
          const users = await Promise.all(found.users.map((user) => look(helios, user)))
          answers.push({ asked, found, users })
        }
        if (answers.some(({ users }) => users.length === 0)) exit(1)
        if (json === true) return io.out(JSON.stringify(answers.map(({ asked, found, users }) => ({ asked, by: found.by, users: users.map(jsonOf) })), undefined, 2))
        for (const [index, { asked, found, users }] of answers.entries()) {
          if (index > 0) io.out('')
          if (found.by === 'nobody') io.err(`helios: nobody here is ${asked} ("helios user list" and "helios alias list" show what there is)`)
          if (found.by === 'address') io.out(`${asked} leads to ${found.users.join(' ')}`)
          for (const line of users.flatMap((user, place) => [...place > 0 ? [''] : [], ...describe(user)])) io.out(line)
        }
      }))
  },
}

/** `helios user show`, for the noun `user`. */
export function registerShow(noun: Command, io: Io): void {
  noun.command('show').description('show everything known of a user').argument('<address>', 'login@domain').option('--json', 'as JSON')
    .action((address: string, { json }: Json) => withHelios(io, async (helios) => {
      const user = await look(helios, address)
      if (json === true) return io.out(JSON.stringify(jsonOf(user), undefined, 2))
      for (const line of describe(user)) io.out(line)
    }))
}

async function look(helios: Helios, address: string): Promise<Shown> {
  const user = await helios.user(address)
  return { ...await user.details(), parts: await accountParts(user.address, helios) }
}

function jsonOf({ parts, logins, ...details }: Shown): object {
  return {
    ...details, logins: logins.map(({ ip, at }) => ({ ip, at: new Date(at).toISOString() })),
    plugins: Object.fromEntries(parts.map(({ plugin, json }) => [plugin, json])),
  }
}

function describe(user: Shown): readonly string[] {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['state', [stateOf(user)]],
    ['mailbox', [`${user.maildir}: ${mailboxOf(user)}`]],
    ['quota', [user.quota === 0 ? 'no limit' : counted(user.quota, 'byte')]],
    ['password', [user.password === 'none' ? 'none: nobody can log in' : user.password]],
    ['last login', [user.lastlogin === null ? 'never' : `${user.lastlogin} UTC`, ...user.logins.map(({ ip, at }) => `${new Date(at).toISOString()} by POP3 or IMAP from ${ip}`)]],
    ['aliases', user.aliases],
    ['dot-qmail', dotqmailOf(user)],
    ['notify', notifyOf(user)],
    ...user.parts.map(({ plugin, lines }) => [plugin, lines] as const),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  // What stands in a database somebody else may have written: a text must not move the cursor.
  return [`${user.login}@${user.domain}`, ...rows.flatMap(([name, lines]) => lines.map((line, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${line}`))].map(printable)
}

function stateOf({ enabled, active, startdate, stopdate }: UserDetails): string {
  // Every account has begun at some time.
  const dates = [startdate === null || active === true ? '' : `from ${startdate}`, stopdate === null ? '' : `until ${stopdate}`].filter((part) => part !== '').join(' ')
  if (active === 'unreadable') return `neither mail nor login: a date cannot be read (${dates})`
  const word = !enabled ? 'disabled: no mail, no login' : active ? 'enabled' : 'outside its dates: no mail, no login'
  return dates === '' ? word : `${word} (${dates} UTC)`
}

function mailboxOf({ mailbox }: UserDetails): string {
  if (mailbox === null) return 'not there yet'
  if (typeof mailbox === 'string') return `cannot be read (${mailbox})`
  const { messages, unseen, bytes, folders } = mailbox
  return `${counted(messages, 'message')}${unseen === 0 ? '' : ` (${unseen} new)`}, ${counted(bytes, 'byte')}${folders === 0 ? '' : `, ${counted(folders, 'folder')}`}`
}

function dotqmailOf({ dotqmail: { used, texts } }: UserDetails): readonly string[] {
  const lines = texts.map(({ extension, text }) => `${extension === '' ? 'the address itself' : `-${extension}`}: ${text.trimEnd().replaceAll('\n', ' / ')}`)
  return used || texts.length === 0 ? lines : ['(not in use)', ...lines]
}

function notifyOf({ notify }: UserDetails): readonly string[] {
  switch (notify.outcome) {
    case 'none': return []
    case 'off': return [`off (${notify.by.join(' ')})`]
    case 'incomplete': return [`incomplete: no ${notify.missing.join(', no ')} (${notify.by.join(' ')})`]
    case 'sent': return [`from ${notify.jid} to ${notify.sendTo} (${notify.by.join(' ')})`]
  }
}
