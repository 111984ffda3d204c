/** A decision in words: which line of whose list decided, and what the line says. */
import type { Decision, Place } from './decide.ts'
import { printMailbox } from './names.ts'
import type { List } from './owner.ts'
import { isWord, printRule, prohibits, type Half, type Rule } from './rule.ts'

/** One sentence without a full stop. */
export function explain(decision: Decision): string {
  switch (decision.by) {
    case 'null sender': return 'allowed: bounces come from the null sender, which nobody is refused'
    case 'no rule': return 'refused: no line of the lists that hold here permits it'
    case 'unreadable': {
      const { list, entry } = decision
      return `not decided: ${printPlace(list, entry.line)} cannot be read: ${'fault' in entry ? entry.fault.reason : entry.text}`
    }
    case 'rule': return `${decision.allowed ? 'allowed' : 'refused'} by ${printPlace(decision.place.list, decision.place.line)}: ${describe(decision.place)}`
  }
}

/** `line 2 of the list of joe@local.example`. */
export function printPlace(list: List, line: number): string {
  return `line ${line} of the ${list.isDefault ? 'default list' : 'list'} of ${printMailbox(list.owner)}`
}

function describe({ rule }: Place): string {
  return `"${printRule(rule)}" ${meaning(rule)}`
}

/** What a rule does, in words that follow its text: `permits every address in a domain of this installation`. */
export function meaning(rule: Rule): string {
  return `${prohibits(rule) ? 'prohibits' : 'permits'} ${rule.negated ? 'everything but ' : ''}${matched(rule)}`
}

function matched(rule: Rule): string {
  if (rule.kind === 'address') {
    switch (rule.word) {
      case 'any':
      case 'none': return 'every address'
      case 'aliases': return "the user's aliases"
      case 'valid user': return "any user's address"
    }
  }
  if (isEvery(rule.login) && isEvery(rule.domain)) return 'every address'
  const login = 'name' in rule.login ? `the login ${rule.login.name}` : LOGINS[rule.login.word]
  const domain = 'name' in rule.domain ? `in ${rule.domain.name}` : DOMAINS[rule.domain.word]
  return `${login} ${domain}`
}

function isEvery(half: Half<string>): boolean {
  return isWord(half, 'any') || isWord(half, 'none')
}

const LOGINS = { any: 'addresses', none: 'addresses', login: "the user's login", 'my users': 'logins that some user has' } as const
const DOMAINS = { any: 'in every domain', none: 'in every domain', domain: "in the user's domain", 'my domains': 'in domains of this installation' } as const
