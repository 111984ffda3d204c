/** The mechanisms, by their names in EHLO. */
import { cramMd5 } from './cram-md5.ts'
import type { Exchange } from './exchange.ts'
import { login } from './login.ts'
import { plain } from './plain.ts'
import { scramSha256 } from './scram-sha-256.ts'

export const MECHANISMS = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'] as const
export type Mechanism = typeof MECHANISMS[number]

export interface Ingredients {
  /** Printable ASCII without commas, never the same twice. */
  readonly nonce: string
  /** The same for the life of the server. */
  readonly pepper: Uint8Array
  readonly host: string
  /** Milliseconds since 1970. */
  readonly now: number
}

export function beginExchange(mechanism: Mechanism, { nonce, pepper, host, now }: Ingredients): Exchange {
  switch (mechanism) {
    case 'PLAIN': return plain()
    case 'LOGIN': return login()
    case 'CRAM-MD5': return cramMd5(`<${nonce}.${now}@${host}>`)
    case 'SCRAM-SHA-256': return scramSha256({ nonce, pepper })
  }
}
