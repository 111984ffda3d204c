/** `helios antispoof`: the permissions lists of users and groups. */
import { VerbRefusal, type Verb, type VerbContext, type Verbs } from '../../core/plugin/index.ts'
import { readLine } from '../../protocol/qmail/control.ts'
import { parsePath } from '../../protocol/smtp/path.ts'
import { decide } from './decide.ts'
import { explain, meaning } from './explain.ts'
import { printMailbox, type Mailbox } from './names.ts'
import { EVERYBODY, isNobody, NOBODY, ownersFor, parseOwner, readEntry, readList, WITH_DEFAULTS, type Entry, type List, type Owner } from './owner.ts'
import { printRule } from './rule.ts'
import { LISTS, listsOf } from './schema.ts'
import { senderOf } from './sender.ts'

const USER = { name: 'user', about: 'login@domain, [:all:]@domain, login@[:all:], [:all:]@[:all:], or [:none:]@[:none:] for who has not logged in' }
const QUOTE = 'Quote rules and groups for the shell: \'[:all:]@[:all:]\' \'! [:any:]@[:my domains:]\'.'
const examples = (...lines: readonly string[]): string => `\n\nExamples:\n${lines.map((line) => `  helios antispoof ${line}`).join('\n')}`

const list: Verb = {
  name: 'list', about: 'show the permissions lists, or one user\'s', arguments: [{ ...USER, optional: true }],
  flags: { unreadable: 'only lines that cannot be read; exit status 1 when there are some' },
  more: examples('list', 'list ann@example.org', 'list --unreadable').trimStart(),
  async run(context) {
    const [user] = context.arguments
    const unreadable = context.flags.has('unreadable')
    const all = user === undefined ? await allLists(context) : await listsOf(context.tables, [ownerOf(user)])
    const lists = unreadable ? all.map(onlyUnreadable).filter(({ entries }) => entries.length > 0) : all
    if (context.flags.has('json')) context.out(JSON.stringify(lists.map(jsonOf), undefined, 2))
    else for (const each of lists) for (const line of linesOf(each)) context.out(line)
    return unreadable && lists.length > 0 ? 1 : 0
  },
}

const add: Verb = {
  name: 'add', about: 'add rules to a list',
  more: QUOTE + examples("add ann@example.org 'office@[:domain:]'", "add '[:all:]@example.org' 'sales@[:domain:]'"),
  arguments: [USER, { name: 'rule', about: 'an address, with special strings, and ! before it', rest: true }],
  async run(context) {
    const [user, ...rules] = context.arguments
    const owner = ownerOf(user!)
    const added = rules.map((text) => readable(owner, text))
    const after = await change(context, owner, (before) => [...new Set([...before, ...added])])
    await doubt(context, owner)
    said(context, after)
  },
}

const del: Verb = {
  name: 'del', about: 'take rules off a list, or the whole list',
  more: QUOTE + examples("del ann@example.org 'office@[:domain:]'", 'del ann@example.org --all'), flags: { all: 'the whole list; a default comes back into force' },
  arguments: [USER, { name: 'rule', about: 'a rule of the list', rest: true, optional: true }],
  async run(context) {
    const [user, ...rules] = context.arguments
    const owner = ownerOf(user!)
    if (context.flags.has('all') !== (rules.length === 0)) {
      throw new VerbRefusal(rules.length === 0 ? 'no rule was named' : 'rules and --all were given', 'name the rules to take off, or write --all for the whole list')
    }
    if (rules.length === 0) {
      await context.tables.change(LISTS, owner, () => undefined)
      return said(context, readList(owner, undefined))
    }
    const named = new Set(rules.map(plain))
    said(context, await change(context, owner, (before) => {
      const missing = [...named].find((rule) => !before.some((text) => plain(text) === rule))
      if (missing !== undefined) throw new VerbRefusal(`"${missing}" is not on the list of ${printMailbox(owner)}`, `see "helios antispoof list '${printMailbox(owner)}'"`)
      return before.filter((text) => !named.has(plain(text)))
    }))
  },
}

const set: Verb = {
  name: 'set', about: 'replace a list by the rules on standard input, one on a line', more: `Nothing on standard input makes an empty list, which permits nothing.${examples('set ann@example.org < file-with-the-rules')}`,
  arguments: [USER],
  async run(context) {
    const owner = ownerOf(context.arguments[0]!)
    const lines = (await context.input()).split('\n').map((text) => text.trim())
    const rules = lines.flatMap((text, index) => text === '' ? [] : [readable(owner, text, index + 1)])
    const after = await change(context, owner, () => [...new Set(rules)])
    await doubt(context, owner)
    said(context, after)
  },
}

const test: Verb = {
  name: 'test', about: 'say whether a user may send from an address, and which rule decides',
  more: `Exit status: 0 allowed, 1 refused or not decided.${examples('test ann@example.org boss@example.org', "test '[:none:]@[:none:]' ann@example.org")}`,
  arguments: [{ name: 'user', about: 'login@domain, or [:none:]@[:none:] for who has not logged in' }, { name: 'address', about: 'the sender; <> is the null sender' }],
  async run(context) {
    const [user, address] = context.arguments as [string, string]
    const person = personOf(user)
    // As MAIL is read: quotes, backslashes and a source route are no part of the address.
    const path = parsePath(address.startsWith('<') ? `FROM:${address}` : `FROM:<${address}>`)
    if (!path.ok) throw new VerbRefusal('no address is as long as that', 'write local@domain')
    const sender = senderOf(path.address, hostOf(context), undefined)
    const lists = await listsOf(context.tables, ownersFor(person))
    const decision = await decide(sender, person, lists, context.accounts)
    const reply = decision.allowed ? undefined
      : decision.by === 'unreadable' ? '451' : person === undefined ? '530 authentication required (#4.7.1)' : '550 permission denied (#5.7.0)'
    if (context.flags.has('json')) {
      const place = decision.by === 'rule' ? { list: printMailbox(decision.place.list.owner), line: decision.place.line, rule: printRule(decision.place.rule) } : {}
      context.out(JSON.stringify({
        user: printMailbox(person ?? NOBODY), address: sender === undefined ? '' : printMailbox(sender), allowed: decision.allowed,
        by: decision.by, ...place, ...(reply === undefined ? {} : { reply }), reason: explain(decision),
      }, undefined, 2))
    } else {
      context.out(explain(decision))
      if (reply !== undefined && reply !== '451') context.out(`the client is told: ${reply}`)
      context.out(`asked: ${lists.map((each) => `${printMailbox(each.owner)} (${counted(each)})`).join(', ')}`)
    }
    return decision.allowed ? 0 : 1
  },
}

export const verbs: Verbs = {
  noun: 'antispoof', about: 'say who may send from which address', formerName: 'helios-antispoofadmin', verbs: [list, add, del, set, test],
  async account(account, { tables }) {
    const lists = (await listsOf(tables, ownersFor(ownerOf(account)))).filter(({ entries, isDefault }) => !isDefault || entries.length > 0)
    return { lines: lists.flatMap(linesOf), json: lists.map(jsonOf) }
  },
}

function ownerOf(text: string): Owner {
  const read = parseOwner(text)
  if (!read.ok) throw new VerbRefusal(read.reason, read.mend)
  return read.owner
}

function personOf(text: string): Mailbox | undefined {
  const owner = ownerOf(text)
  if (isNobody(owner)) return undefined
  if (owner.login !== EVERYBODY.login && owner.domain !== EVERYBODY.domain) return owner
  throw new VerbRefusal(`${text} is a group`, 'name one user, or [:none:]@[:none:] for who has not logged in')
}

function hostOf({ control }: VerbContext) {
  const line = (name: string): string => readLine(control(name), '')
  return { me: line('me'), envnoathost: line('envnoathost'), localiphost: line('localiphost') }
}

/** The rule as lists keep it. */
function readable(owner: Owner, text: string, line?: number): string {
  const entry = readEntry(owner, text, line ?? 1)
  if ('rule' in entry) return printRule(entry.rule)
  throw new VerbRefusal(`${line === undefined ? '' : `line ${line}: `}${entry.fault.reason}`, entry.fault.mend)
}

/** The rule in one spelling; a line that cannot be read in its own. */
function plain(text: string): string {
  const entry = readEntry(EVERYBODY, text, 1)
  return 'rule' in entry ? printRule(entry.rule) : text.trim()
}

/** Rewrites a list; one that nobody has written begins with its default. */
async function change({ tables }: VerbContext, owner: Owner, work: (lines: readonly string[]) => readonly string[]): Promise<List> {
  const row = await tables.change(LISTS, owner, (before) => {
    const lines = readList(owner, before?.rules).entries.map((entry) => 'rule' in entry ? printRule(entry.rule) : entry.text)
    return { ...owner, rules: work(lines).join('\n') }
  })
  return readList(owner, row?.rules)
}

/** Lists of somebody who is not there are likely a slip of the pen. */
async function doubt({ accounts, err }: VerbContext, owner: Owner): Promise<void> {
  if (isNobody(owner)) return
  const [everyLogin, everyDomain] = [owner.login === EVERYBODY.login, owner.domain === EVERYBODY.domain]
  const there = everyDomain
    ? everyLogin || await accounts.hasLogin(owner.login)
    : everyLogin ? await accounts.hasDomain(owner.domain) : await accounts.find(printMailbox(owner)) !== undefined
  if (!there) err(`note: nobody here is ${printMailbox(owner)} as yet`)
}

async function allLists({ tables }: VerbContext): Promise<readonly List[]> {
  const stored = (await tables.find(LISTS, {})).map((row) => readList({ login: row.login, domain: row.domain }, row.rules))
  const written = new Set(stored.map(({ owner }) => printMailbox(owner)))
  return [...WITH_DEFAULTS.filter((owner) => !written.has(printMailbox(owner))).map((owner) => readList(owner, undefined)), ...stored]
}

function onlyUnreadable(of: List): List {
  return { ...of, entries: of.entries.filter((entry) => !('rule' in entry)) }
}

function said({ out, flags }: VerbContext, after: List): void {
  if (flags.has('json')) return out(JSON.stringify(jsonOf(after), undefined, 2))
  for (const line of linesOf(after)) out(line)
}

function linesOf(of: List): readonly string[] {
  const head = `${printMailbox(of.owner)}${of.entries.length === 0 ? ': no rules' : ''}${of.isDefault && of.entries.length > 0 ? ' (default)' : ''}`
  return [head, ...of.entries.map((entry) => `  ${ruleOf(entry)}  -- ${'rule' in entry ? meaning(entry.rule) : `CANNOT BE READ: ${entry.fault.reason}; ${entry.fault.mend}`}`)]
}

function jsonOf(of: List) {
  return {
    user: printMailbox(of.owner), default: of.isDefault,
    rules: of.entries.map((entry) => ({
      line: entry.line, rule: ruleOf(entry), ...('rule' in entry ? { meaning: meaning(entry.rule) } : { fault: entry.fault.reason, mend: entry.fault.mend }),
    })),
  }
}

function ruleOf(entry: Entry): string {
  return 'rule' in entry ? printRule(entry.rule) : entry.text
}

function counted({ entries, isDefault }: List): string {
  return `${isDefault && entries.length > 0 ? 'default, ' : ''}${entries.length} rule${entries.length === 1 ? '' : 's'}`
}
