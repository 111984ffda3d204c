/** Whose message it is, for who signs it: strict, for a signature is a promise. */
import type { HeaderField } from '../../core/plugin/index.ts'
import { asciiLower } from '../../protocol/text.ts'

export interface Author {
  /** In lower case. */
  readonly domain: string
  /** The address, where From names only one. */
  readonly address: string | undefined
}

/** The one domain of the one From field; undefined when there are several of either, or none. */
export function authorOf(fields: readonly HeaderField[]): Author | undefined {
  const [from, ...more] = fields.filter(({ name }) => asciiLower(name.trimEnd()) === 'from')
  if (from === undefined || more.length > 0) return undefined
  const addresses = addressesIn(from.value)
  const domains = new Set(addresses?.map((address) => asciiLower(address.slice(address.lastIndexOf('@') + 1))))
  const [domain, ...others] = domains
  if (domain === undefined || others.length > 0) return undefined
  return { domain, address: addresses?.length === 1 ? addresses[0] : undefined }
}

const NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/i

/**
 * Everything with an `@` outside quotes and comments (RFC 5322 section 3.4), also in a display name: there it must be the
 * same domain. Undefined when something cannot be read.
 */
function addressesIn(value: string): readonly string[] | undefined {
  const bare = withoutQuotesAndComments(value)
  if (bare === undefined) return undefined
  const words = bare.split(/[\s,;:<>]+/).filter((word) => word.includes('@'))
  return words.every((word) => word.indexOf('@') === word.lastIndexOf('@') && NAME.test(word.slice(word.indexOf('@') + 1))) ? words : undefined
}

/** A quoted string becomes `"`, a comment a blank. Undefined when one does not end. */
function withoutQuotesAndComments(value: string): string | undefined {
  let depth = 0
  let quoted = false
  let kept = ''
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!
    if (char === '\\' && (quoted || depth > 0)) at++
    else if (quoted) quoted = char !== '"'
    else if (depth > 0) depth += char === '(' ? 1 : char === ')' ? -1 : 0
    else if (char === '"') {
      quoted = true
      kept += '"'
    } else if (char === '(') {
      depth = 1
      kept += ' '
    } else kept += char
  }
  return quoted || depth > 0 ? undefined : kept
}
