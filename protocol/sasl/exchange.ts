/** One SASL exchange (RFC 4422) as a state machine: the client's responses in, what is to happen next out. It asks nobody itself. */
import type { ScramKeys } from './scram-keys.ts'

/** What is kept of a password: itself, or what SCRAM makes of it. */
export type Secret = { readonly kind: 'password'; readonly password: string } | { readonly kind: 'scram'; readonly keys: ScramKeys }

export type Step =
  /** Send this to the client and wait for its response. */
  | { readonly kind: 'challenge'; readonly text: string }
  /** It all depends on whether this is the password of that name. */
  | { readonly kind: 'password'; readonly name: string; readonly password: string }
  /** What is kept of the password is needed to go on; undefined where that is of no use here, which must look and take the same. */
  | { readonly kind: 'secret'; readonly name: string; found(secret: Secret | undefined): Step }
  /** The client has shown that it knows the password of this name. */
  | { readonly kind: 'right'; readonly name: string }
  | { readonly kind: 'wrong'; readonly name: string }
  /** These bytes are no response of this mechanism. */
  | { readonly kind: 'malformed' }

export interface Exchange {
  /** The first step of a mechanism in which the server begins; undefined where the client does. */
  readonly opening: string | undefined
  /** Takes a response, decoded. Never throws. */
  next(response: Uint8Array): Step
}

export const MALFORMED: Step = { kind: 'malformed' }

/** Bytes a name or a password may have. */
export const LONGEST = 1024

/** The text of a name or a password; undefined for what is none: empty, too long, not UTF-8, or with a NUL. */
export function wordOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > LONGEST || bytes.includes(0)) return undefined
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
