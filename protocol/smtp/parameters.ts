/** Parameters of MAIL and RCPT: `SIZE=1000 BODY=8BITMIME` (RFC 5321 4.1.2). */
import { decodeXtext } from './xtext.ts'

/** Keyword in upper case; `true` for one without a value. */
export type Parameters = ReadonlyMap<string, string | true>

export type ParsedParameters =
  | { readonly ok: true; readonly parameters: Parameters }
  | { readonly ok: false; readonly reason: string }

/** The accepted values, or a reply without its CRLF. */
export type Checked<T> = { readonly ok: true; readonly values: T } | { readonly ok: false; readonly reply: string }

/**
 * Reads what stands behind a path: keywords of letters, digits and hyphens, each with or without `=` and a value of
 * printable ASCII without blanks and `=`, one blank or more between them. Never throws. A reason is one
 * printable ASCII phrase, fit for a reply.
 */
export function parseParameters(text: string): ParsedParameters {
  const parameters = new Map<string, string | true>()
  for (const word of text.split(' ')) {
    if (word === '') continue
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/.exec(word)
    if (match === null) return { ok: false, reason: `malformed parameter ${shown(word)}` }
    const keyword = match[1]!.toUpperCase()
    if (parameters.has(keyword)) return { ok: false, reason: `parameter ${shown(keyword)} given twice` }
    parameters.set(keyword, match[2] ?? true)
  }
  return { ok: true, parameters }
}

/** What a listener offers and allows. */
export interface ParameterLimits {
  /** SMTPUTF8 was offered (RFC 6531). */
  readonly smtputf8: boolean
  /** Bytes one message may have; 0 for no limit. */
  readonly sizeLimit: number
  /** REQUIRETLS was offered (RFC 8689): under TLS only. */
  readonly requireTls: boolean
  /** AUTH was offered (RFC 4954). */
  readonly auth?: boolean
}

export interface MailParameters {
  /** Bytes the client announced (RFC 1870); a safe integer. */
  readonly size?: number
  /** RFC 6152. */
  readonly body?: '7BIT' | '8BITMIME'
  readonly smtputf8?: true
  readonly requireTls?: true
  /** How much of the message a report returns (RFC 3461 4.3). */
  readonly ret?: 'FULL' | 'HDRS'
  /** The sender's name for the transaction, as xtext (RFC 3461 4.4). */
  readonly envid?: string
}

export interface RcptParameters {
  /** `NEVER`, or some of `SUCCESS,FAILURE,DELAY` (RFC 3461 4.1), in upper case. */
  readonly notify?: string
  /** The recipient as the sender first named it: a type, a semicolon, xtext (RFC 3461 4.2). */
  readonly orcpt?: string
}

/** Reads one parameter's value into its part of the accepted values, or refuses with a reply. */
type Reader<T> = (value: string | true, limits: ParameterLimits) => T | string
type Table<T> = ReadonlyMap<string, Reader<T>>

const MAIL: Table<MailParameters> = new Map<string, Reader<MailParameters>>([
  ['SIZE', (value, { sizeLimit }) => {
    if (value === true || !/^[0-9]{1,20}$/.test(value)) return '501 SIZE needs a number of bytes (#5.5.4)'
    const size = Math.min(Number(value), Number.MAX_SAFE_INTEGER)
    return sizeLimit > 0 && size > sizeLimit ? SIZE_EXCEEDED : { size }
  }],
  ['BODY', (value) => {
    if (value === true) return '501 BODY needs a value: 7BIT or 8BITMIME (#5.5.4)'
    const body = value.toUpperCase()
    return body === '7BIT' || body === '8BITMIME' ? { body } : `555 BODY=${shown(value)} is not offered here (#5.5.4)`
  }],
  ['SMTPUTF8', (value, { smtputf8 }) => {
    if (!smtputf8) return unknownParameter('SMTPUTF8')
    return value === true ? { smtputf8: true } : '501 SMTPUTF8 takes no value (#5.5.4)'
  }],
  // RFC 4954 5. Taken and forgotten: whom the client names as the author is only its word.
  ['AUTH', (value, { auth }) => {
    if (auth !== true) return unknownParameter('AUTH')
    const named = value !== true && value.length <= 500 && (value === '<>' || decodeXtext(value) !== undefined)
    return named ? {} : '501 AUTH needs a value: <> or an address as xtext (#5.5.4)'
  }],
  ['REQUIRETLS', (value, { requireTls }) => {
    if (!requireTls) return unknownParameter('REQUIRETLS')
    return value === true ? { requireTls: true } : '501 REQUIRETLS takes no value (#5.5.4)'
  }],
  ['RET', (value) => {
    const ret = String(value).toUpperCase()
    return ret === 'FULL' || ret === 'HDRS' ? { ret } : '501 RET needs a value: FULL or HDRS (#5.5.4)'
  }],
  ['ENVID', (value) => (value !== true && value.length <= 100 && decodeXtext(value) !== undefined
    ? { envid: value } : '501 ENVID needs a value: up to 100 characters of xtext (#5.5.4)')],
])

const RCPT: Table<RcptParameters> = new Map<string, Reader<RcptParameters>>([
  ['NOTIFY', (value) => {
    const words = String(value).toUpperCase().split(',')
    const right = words.every((word) => word === 'SUCCESS' || word === 'FAILURE' || word === 'DELAY') && new Set(words).size === words.length
    return right || words.join() === 'NEVER' ? { notify: words.join() } : '501 NOTIFY needs a value: NEVER, or some of SUCCESS,FAILURE,DELAY (#5.5.4)'
  }],
  ['ORCPT', (value) => {
    const [, address] = /^[A-Za-z0-9-]{1,40};(.+)$/.exec(String(value)) ?? []
    return value !== true && value.length <= 500 && address !== undefined && decodeXtext(address) !== undefined
      ? { orcpt: value } : '501 ORCPT needs a value: a type, a semicolon and xtext (#5.5.4)'
  }],
])

/** Also the reply for a message that turns out larger than announced. */
export const SIZE_EXCEEDED = '552 sorry, that message size exceeds my databytes limit (#5.3.4)'

/** Accepts the parameters of MAIL, or says with which reply to refuse: 555 unknown, 501 malformed, 552 too large. */
export function checkMailParameters(parameters: Parameters, limits: ParameterLimits): Checked<MailParameters> {
  return check(MAIL, parameters, limits)
}

/** The same for RCPT. */
export function checkRcptParameters(parameters: Parameters, limits: ParameterLimits): Checked<RcptParameters> {
  return check(RCPT, parameters, limits)
}

function check<T extends object>(table: Table<T>, parameters: Parameters, limits: ParameterLimits): Checked<T> {
  const parts: T[] = []
  for (const [keyword, value] of parameters) {
    const part = table.get(keyword)?.(value, limits) ?? unknownParameter(keyword)
    if (typeof part === 'string') return { ok: false, reply: part }
    parts.push(part)
  }
  return { ok: true, values: Object.assign({}, ...parts) as T }
}

function unknownParameter(keyword: string): string {
  return `555 parameter ${shown(keyword)} is not known here (#5.5.4)`
}

/** Quotes a client's word back: short, and printable ASCII only. */
function shown(word: string): string {
  const safe = word.slice(0, 32).replace(/[^!-~]/g, '?')
  return word.length > 32 ? `${safe}...` : safe
}
