/**
 * control/smtpconfig-stunnel: certificates and TLS of the SMTP service, in stunnel's syntax. `name = value` lines, names without
 * regard to case, remarks behind `;` or `#` at the beginning of a line. Of stunnel's options those that concern a certificate and its
 * protocol are known; everything else is an error, for an operator who wrote it expects it to count.
 *
 *   cert = FILE    the certificate, then the chain. Several: each with its key behind it, for clients that ask for its names
 *   key = FILE     the private key; without it the file of `cert` holds both
 *   CAfile = FILE, verify = 0|1|2, sslVersion = all|TLSv1.2|TLSv1.3, ciphers = LIST, options = NO_…
 */

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

export interface CertificatePair {
  /** Path as written. */
  readonly cert: string
  readonly key: string
  /** 1-based, where it stands in a file of lines. */
  readonly line?: number
}

export interface TlsOptions {
  /** The first serves clients that ask for no name, or for one that no certificate bears. */
  readonly pairs: readonly CertificatePair[]
  readonly caFile?: string
  /**
   * What is asked of clients' certificates, as stunnel counts: undefined nothing, 0 asked for and not looked at, 1 one that is shown
   * must be right, 2 a right one must be shown.
   */
  readonly verify?: 0 | 1 | 2
  /** Both absent: 1.2 and 1.3. */
  readonly minVersion?: TlsVersion
  readonly maxVersion?: TlsVersion
  /** In OpenSSL's language. */
  readonly ciphers?: string
}

export interface StunnelProblem {
  readonly line: number
  readonly reason: string
  readonly mend: string
}

export interface StunnelFile {
  readonly options: TlsOptions
  readonly problems: readonly StunnelProblem[]
}

/** The value, or what is wrong with it. */
type Read<T> = { readonly value: T } | { readonly reason: string; readonly mend: string }

const KNOWN = ['cert', 'key', 'CAfile', 'verify', 'sslVersion', 'ciphers', 'options'] as const
type Known = typeof KNOWN[number]
/** What this server never speaks: saying so once more changes nothing. */
const NEVER_SPOKEN = /^NO_(SSLv2|SSLv3|TLSv1|TLSv1\.1|TLSv1_1|COMPRESSION|RENEGOTIATION)$/i

interface Pair {
  cert: string | undefined
  key: string | undefined
  line: number
}

/** Reads the file. Never throws; a line counts up to what is wrong with it. */
export function parseStunnel(content: string): StunnelFile {
  const problems: StunnelProblem[] = []
  const pairs: Pair[] = []
  let rest: Omit<TlsOptions, 'pairs'> = {}
  const seen = new Set<Known>()
  for (const [index, text] of content.split('\n').entries()) {
    const line = index + 1
    const entry = readEntry(text)
    if (entry === undefined) continue
    if ('reason' in entry) {
      problems.push({ line, ...entry })
      continue
    }
    const { name, value } = entry
    if (name === 'cert' || name === 'key') {
      const fault = addToPairs(pairs, name, value, line)
      if (fault !== undefined) problems.push({ line, ...fault })
      continue
    }
    if (seen.has(name) && name !== 'options') problems.push({ line, reason: `${name} was given before`, mend: 'keep one of the two lines' })
    seen.add(name)
    const read = readTlsWord(name, value)
    if ('reason' in read) problems.push({ line, ...read })
    else rest = { ...rest, ...read.value }
  }
  for (const pair of pairs) {
    if (pair.cert === undefined) problems.push({ line: pair.line, reason: 'a key without a certificate', mend: 'write cert = FILE above it' })
  }
  const whole = pairs.flatMap(({ cert, key, line }) => cert === undefined ? [] : [{ cert, key: key ?? cert, line }])
  return { options: { pairs: whole, ...rest }, problems: problems.toSorted((a, b) => a.line - b.line) }
}

function readEntry(text: string): { readonly name: Known; readonly value: string } | { readonly reason: string; readonly mend: string } | undefined {
  const line = text.trim()
  if (line === '' || line.startsWith(';') || line.startsWith('#')) return undefined
  if (line.startsWith('[')) return { reason: 'there are no sections in this file: it serves the SMTP service alone', mend: 'remove the line' }
  const [, word, value] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? []
  if (word === undefined || value === undefined) return { reason: 'this is not name = value', mend: `the names are ${KNOWN.join(', ')}` }
  const name = KNOWN.find((known) => known.toLowerCase() === word.toLowerCase())
  if (name === undefined) return { reason: `${JSON.stringify(word)} is not known here`, mend: `remove the line; the names are ${KNOWN.join(', ')}` }
  if (value === '' || value.includes('\0')) return { reason: `${name} has no value`, mend: 'write one behind the "=", or remove the line' }
  return { name, value }
}

/** A cert opens a pair, or completes one that a key opened above the first cert. */
function addToPairs(pairs: Pair[], name: 'cert' | 'key', value: string, line: number): { readonly reason: string; readonly mend: string } | undefined {
  const last = pairs.at(-1)
  if (last === undefined || (name === 'cert' && last.cert !== undefined)) pairs.push({ cert: undefined, key: undefined, line, [name]: value })
  else if (last[name] !== undefined) return { reason: 'this certificate has a key already', mend: 'each cert = FILE has one key = FILE below it' }
  else Object.assign(last, { [name]: value, line })
  return undefined
}

/** One of the words that count for all pairs. */
export function readTlsWord(name: Exclude<Known, 'cert' | 'key'>, value: string): Read<Omit<TlsOptions, 'pairs'>> {
  switch (name) {
    case 'CAfile': return { value: { caFile: value } }
    case 'ciphers': return { value: { ciphers: value } }
    case 'verify': return readVerify(value)
    case 'sslVersion': return readVersion(value)
    case 'options': return NEVER_SPOKEN.test(value) ? { value: {} } : {
      reason: `the option ${JSON.stringify(value)} is not known here`, mend: 'remove the line; SSLv2, SSLv3, TLSv1 and TLSv1.1 are never spoken',
    }
  }
}

function readVerify(value: string): Read<Pick<TlsOptions, 'verify'>> {
  if (value === '0' || value === '1' || value === '2') return { value: { verify: Number(value) as 0 | 1 | 2 } }
  return { reason: `verify = ${value} is not known here`, mend: 'write 0 (ask for a certificate), 1 (check one that is shown) or 2 (demand a right one)' }
}

function readVersion(value: string): Read<Pick<TlsOptions, 'minVersion' | 'maxVersion'>> {
  if (value === 'all') return { value: {} }
  if (value === 'TLSv1.2' || value === 'TLSv1.3') return { value: { minVersion: value, maxVersion: value } }
  return { reason: `${value} is not spoken here`, mend: 'write TLSv1.2 or TLSv1.3, or remove the line for both; older versions are broken' }
}
