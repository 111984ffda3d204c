/** The table of dkim-sign. */
import { defineTable } from '../../core/plugin/index.ts'

/** The keys of each domain. Here, and not in a control file, because plugins of any kind may declare those. */
export const KEYS = defineTable({
  name: 'dkim_sign', about: 'The DKIM keys of each domain.',
  // `domain` in lower case; `pem`: the private key as PKCS #8; `used`: 1 when it signs, 0 while it waits for DNS.
  columns: { domain: { text: 253 }, selector: { text: 63 }, pem: 'text', used: 'integer' },
  key: ['domain', 'selector'],
})

export const tables = [KEYS]
