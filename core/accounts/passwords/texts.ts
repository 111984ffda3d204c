/** The forms of a password column that can be told without hashing anything. */
import { SCRAM_ITERATIONS, SCRAM_KEY_BYTES, type ScramKeys } from '../../../protocol/sasl/scram-keys.ts'

/** How a new password may be kept. `scram`: so that its owner may log in with SCRAM-SHA-256 as well. */
export type NewScheme = 'scrypt' | 'scram'

/** 32 MiB and some 60 ms a guess. */
export const COST = { ln: 15, r: 8, p: 1 } as const

/** Bytes that one scrypt may go through, some half a second: a row with absurd parameters must eat neither the machine's memory at each login nor the time of all others. */
const MOST_BYTES = 256 * 1024 * 1024
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

export interface Scrypt {
  readonly ln: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** Undefined for anything else, and for costs that nobody means. */
export function parseScrypt(stored: string): Scrypt | undefined {
  const parts = PHC.exec(stored)
  if (parts === null) return undefined
  const [ln, r, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  // RFC 7914 2: N is below 2^(128 * r / 8).
  if (ln < 1 || ln >= 16 * r || r < 1 || p < 1 || 128 * 2 ** ln * r * p > MOST_BYTES) return undefined
  return { ln, r, p, salt: Buffer.from(parts[4]!, 'base64'), hash: Buffer.from(parts[5]!, 'base64') }
}

const SCRAM = /^\{SCRAM-SHA-256\}(\d{1,7}),([A-Za-z0-9+/]{11,128}={0,2}),([A-Za-z0-9+/]{43}=),([A-Za-z0-9+/]{43}=)$/i
/** Half a second of a processor's for each login in clear text. */
const MOST_ITERATIONS = 1_000_000

/** As Dovecot's `doveadm pw -s SCRAM-SHA-256` writes it. */
export function printScram({ iterations, salt, storedKey, serverKey }: ScramKeys): string {
  return `{SCRAM-SHA-256}${[iterations, ...[salt, storedKey, serverKey].map((bytes) => Buffer.from(bytes).toString('base64'))].join(',')}`
}

/** Undefined for anything else, for fewer iterations than RFC 7677 asks for, and for costs that nobody means. */
export function parseScram(stored: string): ScramKeys | undefined {
  const parts = SCRAM.exec(stored)
  if (parts === null) return undefined
  const iterations = Number(parts[1])
  const [salt, storedKey, serverKey] = parts.slice(2).map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer, Buffer]
  if (iterations < SCRAM_ITERATIONS || iterations > MOST_ITERATIONS || storedKey.length !== SCRAM_KEY_BYTES || serverKey.length !== SCRAM_KEY_BYTES) return undefined
  return { iterations, salt, storedKey, serverKey }
}

export const CLEAR = /^\{(?:CLEAR|CLEARTEXT|PLAIN)\}/i

/** The password itself, where its owner chose that; undefined for every hash. */
export function clearText(stored: string | null | undefined): string | undefined {
  const prefix = CLEAR.exec(stored ?? '')
  return prefix === null ? undefined : stored!.slice(prefix[0].length)
}

/** Without the prefix that some programs put before crypt(3)'s text. */
export function plainCrypt(stored: string): string {
  return stored.replace(/^\{(?:CRYPT|[A-Z0-9]+-CRYPT|BLF-CRYPT)\}/i, '')
}

/** True for what a login should replace by a hash of today: older schemes and lower costs, but neither clear text nor keys of SCRAM, which were chosen. */
export function isOutdated(stored: string): boolean {
  if (CLEAR.test(stored) || parseScram(stored) !== undefined) return false
  const scrypt = parseScrypt(stored)
  return scrypt === undefined || 128 * 2 ** scrypt.ln * scrypt.r * scrypt.p < 128 * 2 ** COST.ln * COST.r * COST.p
}

/** How a password is kept; `none` for what fits no password, as an empty column or a `*`. */
export type Scheme = 'scrypt' | 'SCRAM-SHA-256' | 'bcrypt' | 'SHA-512 crypt' | 'SHA-256 crypt' | 'MD5 crypt' | 'crypt(3)' | 'clear text' | 'none'

const FORMS: readonly (readonly [RegExp, Scheme])[] = [
  [CLEAR, 'clear text'], [/^\$2[aby]\$/, 'bcrypt'], [/^\$6\$/, 'SHA-512 crypt'], [/^\$5\$/, 'SHA-256 crypt'], [/^\$1\$/, 'MD5 crypt'], [/^[./0-9A-Za-z]{13}$/, 'crypt(3)'],
]

/** Told by the form alone. */
export function schemeOf(stored: string | null): Scheme {
  if (parseScrypt(stored ?? '') !== undefined) return 'scrypt'
  if (parseScram(stored ?? '') !== undefined) return 'SCRAM-SHA-256'
  const plain = plainCrypt(stored ?? '')
  return FORMS.find(([form]) => form.test(plain))?.[1] ?? 'none'
}
