/** CRAM-MD5 (RFC 2195): the client answers a challenge with the HMAC of it under its password, so the server must have that password. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { MALFORMED, wordOf, type Exchange } from './exchange.ts'

/** @param challenge never the same twice: `<random.time@host>` */
export function cramMd5(challenge: string): Exchange {
  return {
    opening: challenge,
    next: (response) => {
      const text = wordOf(response)
      const [, name, digest] = /^(.+) ([0-9a-fA-F]{32})$/s.exec(text ?? '') ?? []
      if (name === undefined || digest === undefined) return MALFORMED
      return {
        kind: 'secret', name,
        found: (secret) => {
          const password = secret?.kind === 'password' ? secret.password : undefined
          const expected = createHmac('md5', password ?? 'nobody').update(challenge).digest()
          const fits = timingSafeEqual(expected, Buffer.from(digest, 'hex'))
          return { kind: fits && password !== undefined ? 'right' : 'wrong', name }
        },
      }
    },
  }
}
