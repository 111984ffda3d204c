/** Parameters of MAIL and RCPT: `SIZE=1000 BODY=8BITMIME` (RFC 5321 4.1.2). */

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
}

export interface MailParameters {
  /** Bytes the client announced (RFC 1870); a safe integer. */
  readonly size?: number
  /** RFC 6152. */
  readonly body?: '7BIT' | '8BITMIME'
  readonly smtputf8?: true
}

/** No parameter of RCPT is known yet. */
export type RcptParameters = Readonly<Record<never, never>>

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
])

const RCPT: Table<RcptParameters> = new Map()

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
