/**
 * Access rules in the language of tcprules (qmail-control 12): `address:allow,NAME="value"`. The whole
 * grammar and its order of lookup, and one form more, which the original could only have refused:
 * `[2001:db8::1]:` and `[2001:db8::/32]:` for IPv6, in the places of an IP and of an IP prefix.
 */
import { asciiLower } from '../text.ts'
import { trimEnd } from './control.ts'
import { parseIPv4, parseIPv6, unmapIPv4 } from './ip.ts'

export interface TcpRule {
  /** 1-based. */
  readonly line: number
  /** The line as it stands in the file. */
  readonly text: string
  /** The key that matched: one number of a range, an address without its colon. */
  readonly key: string
  readonly allow: boolean
  /** In the order of the line; of a name given twice the later one counts. */
  readonly variables: readonly (readonly [name: string, value: string])[]
}

export interface TcpRules {
  /** Every rule in force, one for each key. */
  readonly rules: readonly TcpRule[]
  readonly byKey: ReadonlyMap<string, TcpRule>
  /** IPv6 prefixes, longest first. */
  readonly prefixes: readonly { readonly value: bigint; readonly bits: number; readonly rule: TcpRule }[]
}

export interface RuleProblem {
  readonly line: number
  readonly reason: string
  readonly mend: string
  readonly warning?: boolean
}

/** Reads a rules file. A missing file is no rules. Never throws; a line with an error is left out of the rules. */
export function parseTcpRules(content: string | undefined): { readonly rules: TcpRules; readonly problems: readonly RuleProblem[] } {
  const byKey = new Map<string, TcpRule>()
  const prefixes = new Map<string, TcpRules['prefixes'][number]>()
  const problems: RuleProblem[] = []
  const lines = (content ?? '').split('\n')
  for (const [index, raw] of lines.entries()) {
    const text = trimEnd(raw)
    const line = index + 1
    if (text === '' || text.startsWith('#')) continue
    const read = readRule(text)
    if ('reason' in read) {
      problems.push({ line, ...read })
      continue
    }
    const doubt = doubtAbout(read)
    if (doubt !== undefined) problems.push({ line, ...doubt, warning: true })
    let earlier: TcpRule | undefined
    let stored = 0
    for (const key of read.keys) {
      const rule: TcpRule = { line, text, key, allow: read.allow, variables: read.variables }
      const first = read.prefix === undefined ? byKey.get(key) : prefixes.get(prefixKey(read.prefix))?.rule
      earlier ??= first
      if (first !== undefined) continue
      stored += 1
      if (read.prefix === undefined) byKey.set(key, rule)
      else prefixes.set(prefixKey(read.prefix), { ...read.prefix, rule })
    }
    // A range around an earlier, narrower line is ordinary use; a line of which nothing counts is not.
    if (earlier !== undefined && stored === 0) problems.push({ line, ...repeated(read.address, earlier), warning: true })
  }
  const networks = [...prefixes.values()].toSorted((a, b) => b.bits - a.bits)
  return { rules: { rules: [...byKey.values(), ...networks.map(({ rule }) => rule)], byKey, prefixes: networks }, problems }
}

export interface TcpClient {
  readonly ip: string
  /** Set only when a forward lookup confirmed it, or anybody could claim the name of a rule. */
  readonly host?: string | undefined
  /** What an ident server said (TCPREMOTEINFO). */
  readonly info?: string | undefined
}

export interface Access {
  readonly rule?: TcpRule
  readonly allow: boolean
  readonly variables: TcpRule['variables']
}

/**
 * The one rule for a client; without any, it is allowed. Rules are never merged.
 */
export function lookup(rules: TcpRules, client: TcpClient): Access {
  const ip = unmapIPv4(client.ip)
  const rule = findRule(rules, ip, client.host === undefined ? undefined : asciiLower(client.host), client.info)
  if (rule === undefined) return { allow: true, variables: [] }
  return { rule, allow: rule.allow, variables: rule.variables }
}

function findRule({ byKey, prefixes }: TcpRules, ip: string, host: string | undefined, info: string | undefined): TcpRule | undefined {
  // The zone of a link-local address (fe80::1%eth0) names our interface, not the client.
  const number = ip.includes(':') ? parseIPv6(ip.split('%')[0]!) : undefined
  const address = number === undefined ? ip : addressKey(number)
  const exact = [
    ...(info === undefined ? [] : [`${info}@${address}`]),
    ...(info === undefined || host === undefined ? [] : [`${info}@=${host}`]),
    address,
    ...(host === undefined ? [] : [`=${host}`]),
    ...(number === undefined ? dottedPrefixes(ip) : []),
  ]
  for (const key of exact) if (byKey.has(key)) return byKey.get(key)
  const network = number === undefined ? undefined : prefixes.find(({ value, bits }) => (number ^ value) >> BigInt(128 - bits) === 0n)
  if (network !== undefined) return network.rule
  const general = host === undefined ? [''] : [...hostSuffixes(host).map((suffix) => `=${suffix}`), '=', '']
  for (const key of general) if (byKey.has(key)) return byKey.get(key)
  return undefined
}

/** `1.2.3.`, `1.2.`, `1.` for 1.2.3.4. */
function dottedPrefixes(ip: string): string[] {
  const prefixes: string[] = []
  for (let dot = ip.lastIndexOf('.'); dot !== -1; dot = dot === 0 ? -1 : ip.lastIndexOf('.', dot - 1)) prefixes.push(ip.slice(0, dot + 1))
  return prefixes
}

/** `.dom.ain`, `.ain` for x.dom.ain. */
function hostSuffixes(host: string): string[] {
  const suffixes: string[] = []
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) suffixes.push(host.slice(dot))
  return suffixes
}

/** The key of an IPv6 address: one spelling for all of its spellings. */
function addressKey(value: bigint): string {
  return `[${value.toString(16)}]`
}

const prefixKey = (prefix: { readonly value: bigint; readonly bits: number }): string => `${prefix.value.toString(16)}/${prefix.bits}`

type Fault = Omit<RuleProblem, 'line'>
interface Read {
  readonly address: string
  readonly keys: readonly string[]
  readonly prefix?: { readonly value: bigint; readonly bits: number }
  readonly allow: boolean
  readonly variables: TcpRule['variables']
}

function readRule(text: string): Read | Fault {
  const bracket = text.startsWith('[') ? text.indexOf(']:') : -1
  const colon = bracket === -1 ? text.indexOf(':') : bracket + 1
  if (colon === -1) return {
    reason: 'a line without a colon is ignored', mend: 'write address:allow or address:deny, or begin the line with "#"', warning: true,
  }
  const address = text.slice(0, colon)
  const rest = text.slice(colon + 1)
  const instruction = /^(?:allow|deny)/.exec(rest)?.[0]
  if (instruction === undefined) {
    const colons = bracket === -1 && /^[0-9a-fA-F]*:[0-9a-fA-F:]*:/.test(text)
    const hint = colons ? ', and IPv6 addresses in brackets: [2001:db8::/32]:allow' : ''
    return {
      reason: 'after the colon must come "allow" or "deny", in lower case and without blanks',
      mend: `write address:allow or address:deny${hint}`,
    }
  }
  const variables = readVariables(rest.slice(instruction.length))
  if ('reason' in variables) return variables
  const allow = instruction === 'allow'
  const what = bracket === -1 ? readAddress(address) : readBracket(address.slice(1, -1))
  if ('reason' in what) return what
  // The original stores nothing but the refusal for a deny.
  return { address, ...what, allow, variables: allow ? variables : [] }
}

function readVariables(text: string): [string, string][] | Fault {
  const variables: [string, string][] = []
  for (let rest = text; rest !== '';) {
    if (rest === '\r') return { reason: 'the line ends in a carriage return', mend: 'save the file with Unix line ends' }
    if (!rest.startsWith(',')) {
      return {
        reason: `"${rest}" stands where ,NAME="value" or the end of the line should`,
        mend: 'write address:allow,NAME="value",NAME="value" without blanks between',
      }
    }
    const equals = rest.indexOf('=')
    const delimiter = equals === -1 ? '' : String.fromCodePoint(rest.codePointAt(equals + 1) ?? 0x20)
    if (equals === -1 || equals + 1 >= rest.length) return { reason: `"${rest.slice(1)}" is no assignment`, mend: 'write NAME="value"' }
    const start = equals + 1 + delimiter.length
    const end = rest.indexOf(delimiter, start)
    if (end === -1) {
      return {
        reason: `the value of ${rest.slice(1, equals)} begins with ${delimiter} and no second ${delimiter} ends it`,
        mend: 'write NAME="value": the character after "=" must come again at the end',
      }
    }
    const name = rest.slice(1, equals)
    const value = rest.slice(start, end)
    if (name === '') return { reason: 'a variable without a name', mend: 'write NAME="value"' }
    if (`${name}${value}`.includes('\0')) return {
      reason: `the variable ${name} has a NUL byte, which no environment can hold`, mend: 'remove it',
    }
    variables.push([name, value])
    rest = rest.slice(end + delimiter.length)
  }
  return variables
}

function readAddress(address: string): { readonly keys: readonly string[] } | Fault {
  if (address.includes('=')) return { keys: [lowerHost(address)] }
  const dash = address.includes('@') ? -1 : address.indexOf('-')
  if (dash === -1) return { keys: [address] }
  const left = address.lastIndexOf('.', dash) + 1
  const dot = address.indexOf('.', dash)
  const right = dot === -1 ? address.length : dot
  const [bottom, top] = [address.slice(left, dash), address.slice(dash + 1, right)]
  if (!/^[0-9]*$/.test(bottom) || !/^[0-9]*$/.test(top)) {
    return {
      reason: `"${bottom}-${top}" is no range of numbers`,
      mend: 'write ranges such as 10.0.0.1-20:allow, and host names with "=" before them',
    }
  }
  const keys: string[] = []
  const last = Math.min(Number(top), 255)
  for (let number = Number(bottom); number <= last; number++) keys.push(`${address.slice(0, left)}${number}${address.slice(right)}`)
  return { keys }
}

/** What stands after the first `=` is a host name; before it may be a user, whose letters count. */
function lowerHost(address: string): string {
  const equals = address.indexOf('=')
  return address.slice(0, equals) + asciiLower(address.slice(equals))
}

function readBracket(text: string): { readonly keys: readonly string[]; readonly prefix?: Read['prefix'] & {} } | Fault {
  const slash = text.indexOf('/')
  const value = parseIPv6(slash === -1 ? text : text.slice(0, slash))
  if (value === undefined) {
    const mend = parseIPv4(text.split('/')[0]!) === undefined
      ? 'write [2001:db8::1]:allow or [2001:db8::/32]:allow'
      : 'write IPv4 addresses without brackets, and networks as prefixes ending in a dot: 10.1.:allow'
    return { reason: `"${text}" is not an IPv6 address`, mend }
  }
  const length = slash === -1 ? '128' : text.slice(slash + 1)
  const bits = /^[0-9]{1,3}$/.test(length) ? Number(length) : NaN
  if (!(bits <= 128)) return {
    reason: `"/${length}" is not a prefix length`, mend: 'write a number from 0 to 128, such as [2001:db8::/32]:allow',
  }
  if (value >> 32n === 0xffffn && bits >= 96) {
    const ip = unmapIPv4(slash === -1 ? text : text.slice(0, slash))
    if (bits === 128) return { keys: [ip] }
    return {
      reason: `"${text}" names IPv4 addresses, which rules see in dotted form`,
      mend: 'write the network as an IPv4 prefix ending in a dot: 10.1.:allow',
    }
  }
  if (bits === 128) return { keys: [addressKey(value)] }
  const shift = BigInt(128 - bits)
  return { keys: [`[${text}]`], prefix: { value: (value >> shift) << shift, bits } }
}

function doubtAbout({ address, keys, allow, variables }: Read): Fault | undefined {
  if (keys.length === 0) return { reason: `the range in "${address}" holds no number from 0 to 255`, mend: 'write the lower number first' }
  if (/^[0-9]+(?:\.[0-9]+){0,2}$/.test(address)) return {
    reason: `"${address}" is no whole address and matches nobody`, mend: `end a prefix with a dot: ${address}.:`,
  }
  if (/^[0-9.]+\/[0-9]+$/.test(address)) return {
    reason: `"${address}" matches nobody: IPv4 networks are not written with a slash here`,
    mend: 'write a prefix ending in a dot (10.1.:allow) or a range (10.1-5.:allow)',
  }
  if (/^[ \t]/.test(address)) return {
    reason: 'the blanks before the address belong to it, and it matches nobody', mend: 'begin the line with the address',
  }
  if (/^[A-Za-z][A-Za-z0-9-]*\./.test(address) && !/[=@]/.test(address)) return {
    reason: `"${address}" is compared with IP addresses and matches nobody`, mend: `write =${address}: for a host name`,
  }
  if (allow && ['', '='].includes(address) && variables.some(([name]) => name === 'RELAYCLIENT')) {
    return {
      reason: 'RELAYCLIENT for everybody makes this server an open relay',
      mend: 'set RELAYCLIENT only for the networks of your own clients, such as 127.:allow,RELAYCLIENT=""',
    }
  }
  return undefined
}

function repeated(key: string, first: TcpRule): Fault {
  return { reason: `"${key}" stands on line ${first.line} already, and the first line counts`, mend: 'delete one of the two' }
}
