/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: the client shows that it knows the password without
 * sending it, and the server that it does. The server goes by the keys that are kept, or makes them of the password itself.
 */
import { timingSafeEqual } from 'node:crypto'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { MALFORMED, wordOf, type Exchange, type Step } from './exchange.ts'
import { hmac, saslprep, SCRAM_ITERATIONS, SCRAM_KEY_BYTES, SCRAM_SALT_BYTES, scramKeys, sha256, type ScramKeys } from './scram-keys.ts'

export interface ScramOptions {
  /** The server's part of the nonce: printable ASCII without commas, never the same twice. */
  readonly nonce: string
  /** The salt of a name is made of it, so that a name has always the same, and one that nobody bears has one as well. */
  readonly pepper: Uint8Array
}

export function scramSha256(options: ScramOptions): Exchange {
  let state: (message: string) => Step = (message) => first(message, options, (then) => { state = then })
  return {
    opening: undefined,
    next: (response) => {
      // Only the last response is empty.
      const message = response.length === 0 ? '' : wordOf(response)
      return message === undefined ? MALFORMED : state(message)
    },
  }
}

type Then = (state: (message: string) => Step) => void

/** `n,,n=user,r=nonce`. `y`: the client could bind to the channel and sees that we cannot; `p`: it insists. `m`: an extension that must be understood. */
function first(message: string, { nonce, pepper }: ScramOptions, then: Then): Step {
  const [, header, authzid, bare, saslname, clientNonce] = /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)(?:,[^]*)?)$/.exec(message) ?? []
  if (header === undefined || bare === undefined || clientNonce === undefined) return MALFORMED
  const name = readName(saslname!)
  const other = authzid === undefined ? name : readName(authzid)
  if (name === undefined || other === undefined) return MALFORMED
  // Nobody may act for another.
  if (other !== name) return { kind: 'wrong', name }
  return {
    kind: 'secret', name,
    found: (secret) => {
      // The same work, and the same look, whatever is kept.
      const salt = hmac(pepper, name).subarray(0, SCRAM_SALT_BYTES)
      const made = scramKeys(secret?.kind === 'password' ? secret.password : nonce, salt, SCRAM_ITERATIONS)
      const keys = secret?.kind === 'scram' ? secret.keys : made
      const both = `${clientNonce}${nonce}`
      const challenge = `r=${both},s=${Buffer.from(keys.salt).toString('base64')},i=${keys.iterations}`
      then((answer) => last(answer, { name, known: secret !== undefined, keys, header, nonce: both, before: `${bare},${challenge}` }, then))
      return { kind: 'challenge', text: challenge }
    },
  }
}

interface Begun {
  readonly name: string
  readonly known: boolean
  readonly keys: ScramKeys
  readonly header: string
  readonly nonce: string
  /** The part of the AuthMessage that both have. */
  readonly before: string
}

/** `c=base64 of the header,r=nonce,p=proof` */
function last(message: string, { name, known, keys, header, nonce, before }: Begun, then: Then): Step {
  const [, bare, channel, theirNonce, proofText] = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[^]*)?),p=([A-Za-z0-9+/=]+)$/.exec(message) ?? []
  const proof = decodeBase64(proofText ?? '')
  if (bare === undefined || proof?.length !== SCRAM_KEY_BYTES) return MALFORMED
  if (channel !== encodeBase64(header) || theirNonce !== nonce) return { kind: 'wrong', name }
  const signed = `${before},${bare}`
  const signature = hmac(keys.storedKey, signed)
  const clientKey = Buffer.from(proof.map((byte, index) => byte ^ signature[index]!))
  if (!timingSafeEqual(sha256(clientKey), keys.storedKey) || !known) return { kind: 'wrong', name }
  then((answer) => answer === '' ? { kind: 'right', name } : MALFORMED)
  return { kind: 'challenge', text: `v=${hmac(keys.serverKey, signed).toString('base64')}` }
}

/** `=2C` is a comma and `=3D` an equals sign; another `=` is none of ours. */
function readName(saslname: string): string | undefined {
  if (/=(?!2C|3D)/.test(saslname)) return undefined
  try {
    const name = saslprep(saslname.replace(/=2C/g, ',').replace(/=3D/g, '='), { allowUnassigned: true })
    return name === '' ? undefined : name
  } catch {
    return undefined
  }
}
