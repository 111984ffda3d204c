/**
 * Whose list it is: one user's, or that of a group of users (the Helios manual, chapter 3 section 4).
 *
 *   joe@local.example        that user
 *   [:all:]@local.example    every user of that domain
 *   joe@[:all:]              users of that login in every domain
 *   [:all:]@[:all:]          everybody who has logged in
 *   [:none:]@[:none:]        everybody who has not
 *
 * The manual's table of defaults writes `[:any:]` for `[:all:]`; both are read.
 */
import { asciiLower } from '../../protocol/text.ts'
import { printMailbox, readDomain, type Mailbox } from './names.ts'
import { parseRule, readWord, speaksOfUser, type Rule } from './rule.ts'

/** The owner of a list, its parts in the form they are stored and compared. */
export type Owner = Mailbox

export const EVERYBODY: Owner = { login: '[:all:]', domain: '[:all:]' }
export const NOBODY: Owner = { login: '[:none:]', domain: '[:none:]' }

export type ReadOwner =
  | { readonly ok: true; readonly owner: Owner }
  | { readonly ok: false; readonly reason: string; readonly mend: string }

export function parseOwner(text: string): ReadOwner {
  const at = text.lastIndexOf('@')
  if (at === -1) return wrong(`"${text}" is no user`, 'write login@domain, or one of the groups [:all:]@[:all:], [:all:]@domain, login@[:all:], [:none:]@[:none:]')
  const [left, right] = [text.slice(0, at).trim(), text.slice(at + 1).trim()]
  const [login, domain] = [groupWord(left), groupWord(right)]
  if (login === 'none' && domain === 'none') return { ok: true, owner: NOBODY }
  if (login === 'none' || domain === 'none') return wrong(`"${text}" is no group`, 'who has not logged in has neither login nor domain: write [:none:]@[:none:]')
  for (const [part, word] of [[left, login], [right, domain]] as const) {
    if (word === undefined && part.startsWith('[:')) return wrong(`"${part}" means nothing in a user's name`, 'there are [:all:] and [:none:]')
    if (part === '' || part.length > 64 || /\s/.test(part)) return wrong(`"${text}" is no user`, 'write login@domain, such as joe@example.org')
  }
  return {
    ok: true,
    owner: {
      login: login === undefined ? asciiLower(left) : EVERYBODY.login,
      domain: domain === undefined ? readDomain(right) : EVERYBODY.domain,
    },
  }
}

/** The lists that hold for a user, the narrowest first; for nobody in particular the one of those who have not logged in. */
export function ownersFor(user: Mailbox | undefined): readonly Owner[] {
  if (user === undefined) return [NOBODY]
  return [user, { ...EVERYBODY, domain: user.domain }, { ...EVERYBODY, login: user.login }, EVERYBODY]
}

/** True for the list of those who have not logged in. */
export function isNobody(owner: Owner): boolean {
  return owner.login === NOBODY.login && owner.domain === NOBODY.domain
}

/** Table 3.1 of the manual: what holds for a group whose list nobody has written. */
const DEFAULTS: ReadonlyMap<string, readonly string[]> = new Map([
  [printMailbox(NOBODY), ['! [:any:]@[:my domains:]']],
  [printMailbox(EVERYBODY), ['[:login:]@[:domain:]', '[:aliases:]', '! [:any:]@[:my domains:]']],
])

/** The owners that have a list without anybody writing one. */
export const WITH_DEFAULTS: readonly Owner[] = [NOBODY, EVERYBODY]

/** The lines of a list that nobody has written. */
export function defaultLines(owner: Owner): readonly string[] {
  return DEFAULTS.get(printMailbox(owner)) ?? []
}

/** One line of a list, read. A line that cannot be read keeps its text and the reason. */
export type Entry = { readonly line: number; readonly text: string } & (
  | { readonly rule: Rule }
  | { readonly fault: { readonly reason: string; readonly mend: string } }
)

export interface List {
  readonly owner: Owner
  /** Nobody has written it: the lines are the manual's. */
  readonly isDefault: boolean
  readonly entries: readonly Entry[]
}

/** A list from its stored text, one rule on a line, or its default where nothing is stored. Empty lines count as lines and say nothing. */
export function readList(owner: Owner, stored: string | undefined): List {
  const lines = stored === undefined ? defaultLines(owner) : stored.split('\n')
  const entries = lines.flatMap((text, index) => text.trim() === '' ? [] : [readEntry(owner, text, index + 1)])
  return { owner, isDefault: stored === undefined, entries }
}

/** Reads one line for this owner's list. */
export function readEntry(owner: Owner, text: string, line: number): Entry {
  const read = parseRule(text)
  if (!read.ok) return { line, text, fault: { reason: read.reason, mend: read.mend } }
  if (isNobody(owner) && speaksOfUser(read.rule)) {
    const reason = `"${text.trim()}" speaks of a user, and who has not logged in is none`
    return { line, text, fault: { reason, mend: 'put it into the list of [:all:]@[:all:]' } }
  }
  return { line, text, rule: read.rule }
}

function groupWord(text: string): 'all' | 'none' | undefined {
  const word = readWord(text, ['all', 'any', 'none'])
  return word === 'any' ? 'all' : word
}

function wrong(reason: string, mend: string): ReadOwner {
  return { ok: false, reason, mend }
}
