/** Refuses messages whose header lacks what every mail program writes, or has it twice (RFC 5322 section 3.6). */
import { definePlugin, error, type HeaderField } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'
import { addressesIn, hasDomain } from './addresses.ts'
import { checks, type Checks } from './checks.ts'

/** Field names, in lower case. */
const REQUIRED = [['date', 'Date'], ['from', 'From'], ['message-id', 'Message-ID']] as const
/** Those that RFC 5322 section 3.6 allows once. */
const SINGLE = new Map([
  'Date', 'From', 'Sender', 'Reply-To', 'To', 'Cc', 'Bcc', 'Message-ID', 'In-Reply-To', 'References', 'Subject',
].map((name) => [asciiLower(name), name]))
const WITH_ADDRESSES: ReadonlySet<string> = new Set(['from', 'sender', 'reply-to', 'to', 'cc'])

export default definePlugin({
  name: 'headerchecks',
  summary: 'Refuses messages whose header is incomplete or broken.',
  settings: { HEADERCHECKS: checks('what to look at; unset or empty: nothing') },
  message: async ({ session, settings, message, log }) => {
    const { HEADERCHECKS: wanted } = settings
    if (wanted === undefined || (wanted.words.size === 0 && wanted.received === Infinity)) return undefined
    // What a mail program hands in may still lack what its server adds (RFC 6409 section 8).
    if (session.relayClient || session.auth !== undefined) return undefined
    const reason = faultIn(await message.header(), wanted)
    if (reason === undefined) return undefined
    log.info('header refused', { check: reason.check })
    return error(reason.reply)
  },
})

function faultIn(written: readonly HeaderField[], { words, received }: Checks): { readonly check: string; readonly reply: string } | undefined {
  // Blanks before the colon do not count (RFC 5322 section 4.5): with one of them a second From would get past.
  const fields = written.map(({ name, value }) => ({ key: asciiLower(name.trimEnd()), value }))
  const counts = new Map<string, number>()
  for (const { key } of fields) counts.set(key, (counts.get(key) ?? 0) + 1)
  for (const [key, name] of REQUIRED) {
    if (words.has(key) && !counts.has(key)) return { check: key, reply: `550 sorry, your message has no ${name} field (#5.6.0)` }
  }
  if (words.has('singletons')) {
    for (const [key, name] of SINGLE) {
      if ((counts.get(key) ?? 0) > 1) return { check: 'singletons', reply: `550 sorry, your message has more than one ${name} field (#5.6.0)` }
    }
  }
  if ((counts.get('received') ?? 0) > received) return { check: 'received', reply: '554 sorry, your message has passed too many hosts (#5.4.6)' }
  if (words.has('bare')) {
    const bare = fields.find(({ key, value }) => WITH_ADDRESSES.has(key) && addressesIn(value).some((address) => !hasDomain(address)))
    if (bare !== undefined) return { check: 'bare', reply: `550 sorry, an address in your ${SINGLE.get(bare.key)} field has no domain (#5.6.0)` }
  }
  return undefined
}
