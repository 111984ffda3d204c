/** `helios dkim`: the keys that sign outgoing mail, and their DNS records. */
import { VerbRefusal, type KeyDescription, type KeyKind, type Verb, type VerbContext, type Verbs } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'
import { recordName, recordText, zoneLine } from './record.ts'
import { KEYS } from './schema.ts'

const DOMAIN = { name: 'domain', about: 'the domain in From, such as example.org' }
const SELECTOR = { name: 'selector', about: 'the name of the key, a label of its DNS record' }

const make: Verb = {
  name: 'new', about: 'make a key for a domain, and print its DNS record', flags: { ed25519: 'a short key; few receivers know it, so let it sign beside an RSA key' },
  arguments: [DOMAIN, { ...SELECTOR, about: `${SELECTOR.about}; left out: the next free one`, optional: true }],
  more: 'The key signs nothing until "helios dkim on DOMAIN SELECTOR": publish the record first.',
  async run(context) {
    const [domain, selector] = context.arguments
    const kind: KeyKind = context.flags.has('ed25519') ? 'ed25519' : 'rsa'
    await keep(context, domainIn(domain!), selector, kind, await context.keys.make(kind))
  },
}

const add: Verb = {
  name: 'add', about: 'keep a key that you have: PEM on standard input', arguments: [DOMAIN, SELECTOR],
  more: 'The key signs nothing until "helios dkim on DOMAIN SELECTOR".',
  async run(context) {
    const [domain, selector] = context.arguments
    const pem = await context.input()
    const found = context.keys.describe(pem)
    if (found === undefined) {
      throw new VerbRefusal('standard input is no private key that DKIM can use', 'give it RSA of 1024 bits or more, or Ed25519, as PEM without a passphrase')
    }
    await keep(context, domainIn(domain!), selector, found.kind, found.pem)
  },
}

async function keep(context: VerbContext, domain: string, wanted: string | undefined, kind: KeyKind, pem: string): Promise<void> {
  const selector = wanted === undefined ? await nextSelector(context, domain, kind) : selectorIn(wanted)
  await context.tables.change(KEYS, { domain, selector }, (before) => {
    if (before !== undefined) throw new VerbRefusal(`${domain} has a key ${selector}`, 'give the new one another name, or take the old one off with "helios dkim del"')
    return { domain, selector, pem, used: 0 }
  })
  print(context, [{ domain, selector, pem, used: 0 }])
  if (!context.flags.has('json')) {
    context.err(`Publish this record. When "helios dns ${recordName(domain, selector)} TXT" shows it, run "helios dkim on ${domain} ${selector}".`)
  }
}

const PREFIX: Readonly<Record<KeyKind, string>> = { rsa: 'rsa', ed25519: 'ed' }

/** `rsa1`, `rsa2`, …: one more than the highest. */
async function nextSelector({ tables }: VerbContext, domain: string, kind: KeyKind): Promise<string> {
  const taken = (await tables.find(KEYS, { domain })).map(({ selector }) => Number(new RegExp(`^${PREFIX[kind]}([0-9]{1,9})$`).exec(selector)?.[1] ?? 0))
  return `${PREFIX[kind]}${Math.max(0, ...taken) + 1}`
}

const list: Verb = {
  name: 'list', about: 'show the keys, and the DNS record of each', arguments: [{ ...DOMAIN, optional: true }],
  async run(context) {
    const [domain] = context.arguments
    print(context, await context.tables.find(KEYS, domain === undefined ? {} : { domain: domainIn(domain) }))
  },
}

const on: Verb = {
  name: 'on', about: 'let a key sign, from the next message on', arguments: [DOMAIN, SELECTOR],
  run: (context) => setUsed(context, 1),
}

const off: Verb = {
  name: 'off', about: 'let a key sign no more; leave its record in DNS for a week, for mail under way', arguments: [DOMAIN, SELECTOR],
  run: (context) => setUsed(context, 0),
}

async function setUsed(context: VerbContext, used: number): Promise<void> {
  const [domain, selector] = named(context)
  const row = await context.tables.change(KEYS, { domain, selector }, (before) => {
    if (before === undefined) throw missing(domain, selector)
    return { ...before, used }
  })
  if (row !== undefined) print(context, [row])
}

const del: Verb = {
  name: 'del', about: 'forget a key for ever', arguments: [DOMAIN, SELECTOR],
  async run(context) {
    const [domain, selector] = named(context)
    await context.tables.change(KEYS, { domain, selector }, (before) => {
      if (before === undefined) throw missing(domain, selector)
      if (before.used === 1) throw new VerbRefusal(`the key ${selector} of ${domain} signs mail`, `run "helios dkim off ${domain} ${selector}" first`)
      return undefined
    })
    if (context.flags.has('json')) context.out(JSON.stringify({ domain, selector, deleted: true }, undefined, 2))
    else context.out(`the key ${selector} of ${domain} is deleted: its record may leave DNS a week after it last signed`)
  },
}

export const verbs: Verbs = { noun: 'dkim', about: 'keys that sign outgoing mail', verbs: [make, add, list, on, off, del] }

function named({ arguments: [domain, selector] }: VerbContext): [domain: string, selector: string] {
  return [domainIn(domain!), selectorIn(selector!)]
}

function missing(domain: string, selector: string): VerbRefusal {
  return new VerbRefusal(`${domain} has no key ${selector}`, `see "helios dkim list ${domain}"`)
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'

function domainIn(text: string): string {
  const domain = asciiLower(text).replace(/\.$/, '')
  if (domain.length <= 253 && new RegExp(`^${LABEL}(?:\\.${LABEL})+$`).test(domain)) return domain
  throw new VerbRefusal(`"${text}" is no domain`, 'write it as DNS has it, such as example.org or xn--bcher-kva.example')
}

function selectorIn(text: string): string {
  const selector = asciiLower(text)
  if (new RegExp(`^${LABEL}$`).test(selector)) return selector
  throw new VerbRefusal(`"${text}" is no selector`, 'write one label of letters, digits and hyphens, such as rsa2')
}

interface Row {
  readonly domain: string
  readonly selector: string
  readonly pem: string
  readonly used: number
}

/** Never the private key. */
function print({ keys, flags, out }: VerbContext, rows: readonly Row[]): void {
  const shown = rows.map(({ domain, selector, pem, used }) => {
    const found: KeyDescription | undefined = keys.describe(pem)
    const name = recordName(domain, selector)
    return { domain, selector, kind: found?.kind ?? 'unreadable', signs: used === 1, name, ...(found === undefined ? {} : { text: recordText(found) }) }
  })
  if (flags.has('json')) return out(JSON.stringify(shown, undefined, 2))
  for (const { domain, selector, kind, signs, name, text } of shown) {
    out(`; ${domain}: ${selector} (${kind}), ${signs ? 'signs' : 'signs nothing yet'}`)
    if (text !== undefined) out(zoneLine(name, text))
  }
}
