/**
 * May this user mail from this address? Lists of all groups the user belongs to add up: what any line permits is allowed,
 * unless any line prohibits it (spec helios 8).
 */
import { printMailbox, readMailbox, type Mailbox } from './names.ts'
import type { Entry, List } from './owner.ts'
import { prohibits, type AddressWord, type DomainWord, type Half, type LoginWord, type Rule } from './rule.ts'

/** What the rules ask of the installation: questions of `world.accounts`. */
export interface Installation {
  find(address: string): Promise<Mailbox | undefined>
  hasDomain(domain: string): Promise<boolean>
  /** True when some domain has a user of this login. */
  hasLogin(login: string): Promise<boolean>
  /** The addresses that lead to this user, `login@domain`, besides its own. */
  aliases(user: string): Promise<readonly string[]>
}

/** A line that decided: where it stands, and what. */
export interface Place {
  readonly list: List
  readonly line: number
  readonly rule: Rule
}

export type Decision =
  | { readonly allowed: true; readonly by: 'null sender' }
  | { readonly allowed: boolean; readonly by: 'rule'; readonly place: Place }
  | { readonly allowed: false; readonly by: 'no rule' }
  /** A line that cannot be read may have been a prohibition: neither yes nor no. */
  | { readonly allowed: false; readonly by: 'unreadable'; readonly list: List; readonly entry: Entry }

/**
 * Decides for one user, or for who has not logged in.
 *
 * @param sender undefined for the null sender, which is always allowed: bounces come from it (RFC 5321 4.5.5)
 * @param lists those of `ownersFor(user)`, in that order
 */
export async function decide(
  sender: Mailbox | undefined, user: Mailbox | undefined, lists: readonly List[], installation: Installation,
): Promise<Decision> {
  if (sender === undefined) return { allowed: true, by: 'null sender' }
  for (const list of lists) {
    const entry = list.entries.find((each) => 'fault' in each)
    if (entry !== undefined) return { allowed: false, by: 'unreadable', list, entry }
  }
  const places = lists.flatMap((list) => list.entries.flatMap((entry) => 'rule' in entry ? [{ list, line: entry.line, rule: entry.rule }] : []))
  const facts = remembered(installation)
  for (const effect of ['prohibit', 'permit'] as const) {
    for (const place of places) {
      if (prohibits(place.rule) !== (effect === 'prohibit')) continue
      if (await applies(place.rule, sender, user, facts)) return { allowed: effect === 'permit', by: 'rule', place }
    }
  }
  return { allowed: false, by: 'no rule' }
}

async function applies(rule: Rule, sender: Mailbox, user: Mailbox | undefined, facts: Installation): Promise<boolean> {
  return await matches(rule, sender, user, facts) !== rule.negated
}

async function matches(rule: Rule, sender: Mailbox, user: Mailbox | undefined, facts: Installation): Promise<boolean> {
  if (rule.kind === 'address') return addressMatches(rule.word, sender, user, facts)
  // The login first: its words are answered without a question more often.
  return await loginMatches(rule.login, sender, user, facts) && domainMatches(rule.domain, sender, user, facts)
}

async function addressMatches(
  word: AddressWord, sender: Mailbox, user: Mailbox | undefined, facts: Installation,
): Promise<boolean> {
  switch (word) {
    case 'any':
    case 'none': return true
    case 'aliases':
      return user !== undefined && (await facts.aliases(printMailbox(user))).some((alias) => isSame(alias, sender))
    case 'valid user': {
      const account = await facts.find(printMailbox(sender))
      // The address itself must be a user's: that of an extension leads to an account, too, and is another address.
      return account !== undefined && isSame(printMailbox(account), sender)
    }
  }
}

/** Is this address of the installation, in whatever case somebody stored it, the sender's? */
function isSame(address: string, sender: Mailbox): boolean {
  return printMailbox(readMailbox(address, '')) === printMailbox(sender)
}

async function loginMatches(
  half: Half<LoginWord>, { login }: Mailbox, user: Mailbox | undefined, facts: Installation,
): Promise<boolean> {
  if ('name' in half) return half.name === login
  switch (half.word) {
    case 'any':
    case 'none': return true
    case 'login': return user?.login === login
    case 'my users': return facts.hasLogin(login)
  }
}

async function domainMatches(
  half: Half<DomainWord>, { domain }: Mailbox, user: Mailbox | undefined, facts: Installation,
): Promise<boolean> {
  if ('name' in half) return half.name === domain
  switch (half.word) {
    case 'any':
    case 'none': return true
    case 'domain': return user?.domain === domain
    case 'my domains': return facts.hasDomain(domain)
  }
}

/** Each question once, however many lines ask it. */
function remembered(installation: Installation): Installation {
  const once = <T>(ask: (text: string) => Promise<T>): ((text: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>()
    return (text) => {
      const before = known.get(text)
      if (before !== undefined) return before
      const answer = ask(text)
      known.set(text, answer)
      return answer
    }
  }
  return {
    find: once((address) => installation.find(address)), hasDomain: once((domain) => installation.hasDomain(domain)),
    hasLogin: once((login) => installation.hasLogin(login)), aliases: once((user) => installation.aliases(user)),
  }
}
