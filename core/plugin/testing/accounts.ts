import { asciiLower } from '../../../protocol/text.ts'
import { printAliases, printLogins } from '../accounts-print.ts'
import { WorldUnavailable, type Account, type AccountFacts, type Login } from '../world.ts'
import type { Facts } from './facts.ts'

/** The accounts of a test: mailboxes by address, or a database that does not answer. */
export interface FakeAccounts {
  /** `'joe@local.example'`, or with fields of the account: `{ address: 'old@local.example', active: false }`. Their domains are local. */
  readonly mailboxes?: readonly (string | FakeMailbox)[]
  /** Addresses that lead to an account besides its own, by `login@domain`. */
  readonly aliases?: Readonly<Record<string, readonly string[]>>
  /** Logins by POP3 or IMAP, by IP address. */
  readonly logins?: Readonly<Record<string, readonly Login[]>>
  /** More local domains, with nobody in them. */
  readonly domains?: readonly string[]
  /** Every question rejects with `WorldUnavailable` saying this. */
  readonly unavailable?: string
}

export type FakeMailbox = Partial<Account> & { readonly address: string }

/** The account of a test for this address: active, without quota, at home in `/mail/<domain>/<login>`. */
export function testAccount(address: string, fields: Partial<Account> = {}): Account {
  const at = address.lastIndexOf('@')
  if (at < 1) throw new TypeError(`"${address}" is no address of a test account: write login@domain`)
  const login = address.slice(0, at)
  const domain = address.slice(at + 1)
  const home = `/mail/${domain}/${login}`
  return { login, domain, home, maildir: `${home}/Maildir`, quota: 0, active: true, ...fields }
}

/** Answers from the given mailboxes, without regard to case, and records every question. */
export function fakeAccounts(fake: FakeAccounts, facts: Facts): AccountFacts {
  const accounts = new Map<string, Account>()
  for (const mailbox of fake.mailboxes ?? []) {
    const { address, ...fields } = typeof mailbox === 'string' ? { address: mailbox } : mailbox
    accounts.set(asciiLower(address), testAccount(address, fields))
  }
  const domains = new Set([...(fake.domains ?? []), ...[...accounts.values()].map((account) => account.domain)].map(asciiLower))

  function answer<T>(value: T): T {
    if (fake.unavailable !== undefined) throw new WorldUnavailable(fake.unavailable)
    return value
  }

  return {
    find: (address) => facts.ask(`accounts.find ${address}`, () => answer(accounts.get(asciiLower(address))),
      (account) => account === undefined ? 'none' : `${account.login}@${account.domain}`),
    takers: (address) => facts.ask(`accounts.takers ${address}`, () => answer([accounts.get(asciiLower(address))].filter((account) => account !== undefined)),
      (takers) => takers.map(({ login, domain }) => `${login}@${domain}`).join(' ') || 'none'),
    hasDomain: (domain) => facts.ask(`accounts.hasDomain ${domain}`, () => answer(domains.has(asciiLower(domain))), String),
    hasLogin: (login) => facts.ask(`accounts.hasLogin ${login}`,
      () => answer([...accounts.values()].some((account) => asciiLower(account.login) === asciiLower(login))), String),
    aliases: (account) => facts.ask(`accounts.aliases ${account}`, () => answer(fake.aliases?.[asciiLower(account)] ?? []), printAliases),
    loginsFrom: (ip, since) => facts.ask(`accounts.loginsFrom ${ip} ${since}`,
      () => answer((fake.logins?.[ip] ?? []).filter(({ at }) => at >= since)), printLogins),
  }
}
