/**
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding: the client shows that it knows the password without
 * sending it, and the server that it does. Here the server derives the keys from the password itself.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { createRequire } from 'node:module'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { MALFORMED, wordOf, type Exchange, type Step } from './exchange.ts'

// RFC 4013; throws for what is prohibited. The package brings no types.
const saslprep = createRequire(import.meta.url)('saslprep') as (text: string, options?: { readonly allowUnassigned?: boolean }) => string

export interface ScramOptions {
  /** The server's part of the nonce: printable ASCII without commas, never the same twice. */
  readonly nonce: string
  /** The salt of a name is made of it, so that a name has always the same, and one that nobody bears has one as well. */
  readonly pepper: Uint8Array
}

/** What RFC 7677 asks for at least; the passwords lie here in clear text anyway. */
const ITERATIONS = 4096
const SALT_BYTES = 16
const KEY_BYTES = 32

const hmac = (key: Uint8Array | string, text: string): Buffer => createHmac('sha256', key).update(text).digest()

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
    found: (password) => {
      const salt = hmac(pepper, name).subarray(0, SALT_BYTES)
      const both = `${clientNonce}${nonce}`
      const challenge = `r=${both},s=${salt.toString('base64')},i=${ITERATIONS}`
      // The same work where nobody has it.
      const salted = pbkdf2Sync(prepared(password ?? nonce), salt, ITERATIONS, KEY_BYTES, 'sha256')
      then((answer) => last(answer, { name, known: password !== undefined, salted, header, nonce: both, before: `${bare},${challenge}` }, then))
      return { kind: 'challenge', text: challenge }
    },
  }
}

interface Begun {
  readonly name: string
  readonly known: boolean
  readonly salted: Buffer
  readonly header: string
  readonly nonce: string
  /** The part of the AuthMessage that both have. */
  readonly before: string
}

/** `c=base64 of the header,r=nonce,p=proof` */
function last(message: string, { name, known, salted, header, nonce, before }: Begun, then: Then): Step {
  const [, bare, channel, theirNonce, proofText] = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)(?:,[^]*)?),p=([A-Za-z0-9+/=]+)$/.exec(message) ?? []
  const proof = decodeBase64(proofText ?? '')
  if (bare === undefined || proof?.length !== KEY_BYTES) return MALFORMED
  if (channel !== encodeBase64(header) || theirNonce !== nonce) return { kind: 'wrong', name }
  const signed = `${before},${bare}`
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
  const expected = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
  if (!timingSafeEqual(expected, proof) || !known) return { kind: 'wrong', name }
  then((answer) => answer === '' ? { kind: 'right', name } : MALFORMED)
  return { kind: 'challenge', text: `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}` }
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

/** A password that SASLprep prohibits is taken as it is: a client that is as lenient may still get in. */
function prepared(password: string): string {
  try {
    return saslprep(password)
  } catch {
    return password
  }
}
