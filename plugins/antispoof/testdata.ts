/** The installation that the tests of the rules know: two domains, three users, and the aliases of one. */
import type { Installation } from './decide.ts'
import type { Mailbox } from './names.ts'

export const USERS = ['joe@local.example', 'ann@local.example', 'joe@other.example'] as const
export const DOMAINS = ['local.example', 'other.example'] as const
export const ALIASES: Readonly<Record<string, readonly string[]>> = { 'joe@local.example': ['sales@local.example', 'Boss@Other.example'] }

/** Counts nothing, forgets nothing: answers from the lists above and writes down what it was asked. */
export function installation(): Installation & { readonly asked: readonly string[] } {
  const asked: string[] = []
  const note = (question: string): void => void asked.push(question)
  return {
    asked,
    find: async (address) => {
      note(`find ${address}`)
      // As the accounts do: an extension leads to the user before it.
      const [local, domain] = [address.slice(0, address.lastIndexOf('@')), address.slice(address.lastIndexOf('@') + 1)]
      return USERS.map(mailbox).find((user) => user.domain === domain && (local === user.login || local.startsWith(`${user.login}-`)))
    },
    hasDomain: async (domain) => {
      note(`hasDomain ${domain}`)
      return (DOMAINS as readonly string[]).includes(domain)
    },
    hasLogin: async (login) => {
      note(`hasLogin ${login}`)
      return USERS.some((user) => mailbox(user).login === login)
    },
    aliases: async (user) => {
      note(`aliases ${user}`)
      return ALIASES[user] ?? []
    },
  }
}

export function mailbox(address: string): Mailbox {
  const at = address.lastIndexOf('@')
  return { login: address.slice(0, at), domain: address.slice(at + 1) }
}
