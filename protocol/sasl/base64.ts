/** Base64 as SASL in SMTP has it (RFC 4954 4, RFC 4648 4): padded, and nothing but. */

/** The bytes; undefined for what is no base64. */
export function decodeBase64(text: string): Buffer | undefined {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined
}

export function encodeBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
