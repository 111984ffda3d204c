/** Keys for the verbs of plugins. */
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { KeyDescription, KeyKind, KeyTools } from '../plugin/verbs.ts'

const generate = promisify(generateKeyPair)
/** RFC 8301 section 3.2: at least 1024 bits, better 2048. What is longer does not fit some DNS software. */
const RSA_BITS = 2048
const FEWEST_RSA_BITS = 1024

export const keyTools: KeyTools = {
  async make(kind) {
    const { privateKey } = await (kind === 'rsa' ? generate('rsa', { modulusLength: RSA_BITS }) : generate('ed25519'))
    return pemOf(privateKey)
  },
  describe(pem): KeyDescription | undefined {
    const key = readKey(pem)
    const kind = key === undefined ? undefined : kindOf(key)
    if (key === undefined || kind === undefined) return undefined
    return { kind, pem: pemOf(key), publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64') }
  },
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}

function kindOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyKind | undefined {
  if (asymmetricKeyType === 'ed25519') return 'ed25519'
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= FEWEST_RSA_BITS ? 'rsa' : undefined
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string
}
