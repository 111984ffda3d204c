/**
 * One line of a permissions list (the Helios manual, chapter 3 section 4; spec helios 8):
 *
 *   [!] [:any:] | [:none:] | [:aliases:] | [:valid user:]
 *   [!] LOGIN@DOMAIN      LOGIN: a name, [:any:] [:none:] [:login:] [:my users:]
 *                         DOMAIN: a name, [:any:] [:none:] [:domain:] [:my domains:]
 *
 * Without `[:none:]` a line permits what it matches; with it, it prohibits. `!` turns the matching round, never the effect.
 */
import { asciiLower } from '../../protocol/text.ts'
import { readDomain } from './names.ts'

export const ADDRESS_WORDS = ['any', 'none', 'aliases', 'valid user'] as const
export const LOGIN_WORDS = ['any', 'none', 'login', 'my users'] as const
export const DOMAIN_WORDS = ['any', 'none', 'domain', 'my domains'] as const

export type AddressWord = typeof ADDRESS_WORDS[number]
export type LoginWord = typeof LOGIN_WORDS[number]
export type DomainWord = typeof DOMAIN_WORDS[number]

/** A special string, or a name in the form that is compared. */
export type Half<W extends string> = { readonly word: W } | { readonly name: string }

export type Rule =
  | { readonly kind: 'address'; readonly negated: boolean; readonly word: AddressWord }
  | { readonly kind: 'halves'; readonly negated: boolean; readonly login: Half<LoginWord>; readonly domain: Half<DomainWord> }

export type ReadRule =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly reason: string; readonly mend: string }

/** Reads one line. Never throws. */
export function parseRule(line: string): ReadRule {
  const text = line.trim()
  const negated = text.startsWith('!')
  const body = negated ? text.slice(1).trimStart() : text
  if (body === '') return wrong(text === '' ? 'an empty line is no rule' : 'there is nothing after the "!"', 'write an address such as joe@example.org')
  // Taken for a login that begins with it, the rule would permit nearly everything.
  if (body.startsWith('!')) return wrong('there are two "!"', 'write one: it turns the matching round, and no login can begin with it here')
  // No address has them, and they would be lines or columns of their own wherever the list is shown.
  // oxlint-disable-next-line no-control-regex -- exactly these are meant
  if (/[\x00-\x1f\x7f]/.test(body)) return wrong('the rule has a control character', 'write one rule on a line')
  const at = body.lastIndexOf('@')
  return at === -1 ? parseAddressWord(body, negated) : parseHalves(body.slice(0, at), body.slice(at + 1), negated)
}

/** The rule as lists keep and show it. */
export function printRule(rule: Rule): string {
  const body = rule.kind === 'address' ? `[:${rule.word}:]` : `${printHalf(rule.login)}@${printHalf(rule.domain)}`
  return rule.negated ? `! ${body}` : body
}

/** True for a rule that forbids what it matches. */
export function prohibits(rule: Rule): boolean {
  return rule.kind === 'address' ? rule.word === 'none' : isWord(rule.login, 'none') || isWord(rule.domain, 'none')
}

/** True for a rule that says something only of somebody who has logged in. */
export function speaksOfUser(rule: Rule): boolean {
  return rule.kind === 'address' ? rule.word === 'aliases' : isWord(rule.login, 'login') || isWord(rule.domain, 'domain')
}

export function isWord<W extends string>(half: Half<W>, word: W): boolean {
  return 'word' in half && half.word === word
}

function parseAddressWord(body: string, negated: boolean): ReadRule {
  const word = readWord(body, ADDRESS_WORDS)
  if (word !== undefined) return { ok: true, rule: { kind: 'address', negated, word } }
  if (looksSpecial(body)) return unknownWord(body, 'an address', ADDRESS_WORDS)
  return wrong(`"${body}" has no @`, `write ${body}@[:domain:], or a domain after the @`)
}

function parseHalves(left: string, right: string, negated: boolean): ReadRule {
  const [login, domain] = [readWord(left, LOGIN_WORDS), readWord(right, DOMAIN_WORDS)]
  if (login === undefined && looksSpecial(left)) return unknownWord(left, 'a login', LOGIN_WORDS)
  if (domain === undefined && looksSpecial(right)) return unknownWord(right, 'a domain', DOMAIN_WORDS)
  if (left.trimStart().startsWith('"')) return wrong(`${left} has quotes`, 'write the login without them: addresses are compared without quotes')
  if (left === '') return wrong('there is no login before the @', 'write [:any:] for every login')
  if (domain === undefined && readDomain(right.trim()) === '') return wrong('there is no domain after the @', 'write [:any:] for every domain')
  if (domain === undefined && /[\s*]/.test(right.trim())) return wrong(`"${right}" is no domain`, 'write a domain, or one of the special strings; there are no wildcards')
  return {
    ok: true,
    rule: {
      kind: 'halves', negated,
      login: login === undefined ? { name: asciiLower(left) } : { word: login },
      domain: domain === undefined ? { name: readDomain(right) } : { word: domain },
    },
  }
}

/** Anywhere: no address has it, and a rule that matches nothing may have been a prohibition. */
function looksSpecial(text: string): boolean {
  return text.includes('[:')
}

/** `[:my users:]` in any case, with as many blanks as somebody likes. */
export function readWord<W extends string>(text: string, words: readonly W[]): W | undefined {
  const inside = /^\s*\[:(.*):\]\s*$/.exec(text)?.[1]
  if (inside === undefined) return undefined
  const plain = asciiLower(inside.trim().replace(/\s+/g, ' '))
  return words.find((word) => word === plain)
}

function unknownWord(text: string, place: string, words: readonly string[]): ReadRule {
  return wrong(`"${text.trim()}" means nothing in the place of ${place}`, `there are ${words.map((word) => `[:${word}:]`).join(', ')}`)
}

function printHalf(half: Half<string>): string {
  return 'word' in half ? `[:${half.word}:]` : half.name
}

function wrong(reason: string, mend: string): ReadRule {
  return { ok: false, reason, mend }
}
