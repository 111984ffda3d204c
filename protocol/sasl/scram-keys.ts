/** What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 3): enough to recognise it, and not enough to log in with. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { createRequire } from 'node:module'

// RFC 4013; throws for what is prohibited. The package brings no types.
export const saslprep = createRequire(import.meta.url)('saslprep') as (text: string, options?: { readonly allowUnassigned?: boolean }) => string

export interface ScramKeys {
  readonly iterations: number
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** What RFC 7677 asks for at least. */
export const SCRAM_ITERATIONS = 4096
export const SCRAM_SALT_BYTES = 16
export const SCRAM_KEY_BYTES = 32

export const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/** Takes its time, by `iterations`. */
export function scramKeys(password: string, salt: Uint8Array, iterations: number): ScramKeys {
  const salted = pbkdf2Sync(prepared(password), salt, iterations, SCRAM_KEY_BYTES, 'sha256')
  return { iterations, salt, storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') }
}

/** A password that SASLprep prohibits is taken as it is: a client that is as lenient may still get in. */
function prepared(password: string): string {
  try {
    return saslprep(password)
  } catch {
    return password
  }
}
