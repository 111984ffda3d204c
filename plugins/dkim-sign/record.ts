/** The DNS record of a key (RFC 6376 section 3.6.1, RFC 8463 section 4.2). */
import type { KeyDescription } from '../../core/plugin/index.ts'

/** A character-string of DNS holds so many bytes (RFC 1035 section 3.3). */
const LONGEST_STRING = 255
/** Bytes of an Ed25519 public key, the last ones of its DER form. */
const ED25519_BYTES = 32

export function recordName(domain: string, selector: string): string {
  return `${selector}._domainkey.${domain}`
}

export function recordText({ kind, publicKey }: KeyDescription): string {
  const key = kind === 'ed25519' ? Buffer.from(publicKey, 'base64').subarray(-ED25519_BYTES).toString('base64') : publicKey
  return `v=DKIM1; k=${kind}; p=${key}`
}

/** One line of a zone file. */
export function zoneLine(name: string, text: string): string {
  const strings = text.match(new RegExp(`.{1,${LONGEST_STRING}}`, 'g')) ?? []
  return `${name}. IN TXT ( ${strings.map((part) => `"${part}"`).join(' ')} )`
}
