/** Which domains and logins an account may have: what is safe as a file name and as a mail address alike. */
import { domainToASCII } from 'node:url'
import { asciiLower } from '../../protocol/text.ts'
import { LOGIN_LENGTH } from './accounts.ts'
import { refusal } from './errors.ts'

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
/** RFC 5321 4.1.2 Dot-string without the slash, which would leave the mail directory. */
const LOGIN = /^[a-z0-9!#$%&'*+=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+=?^_`{|}~-]+)*$/

/** The domain in lower case. Throws HeliosError `bad-domain` for what is no host name. */
export function checkDomain(text: string): string {
  const domain = asciiLower(text)
  const ascii = domainToASCII(text)
  if (!/^[\x21-\x7e]*$/.test(text) && ascii !== '') {
    throw refusal('bad-domain', `"${text}" has letters that DNS does not carry`, `write its ASCII form: ${ascii}`)
  }
  // 64 is what the table holds (spec helios 4.1).
  if (domain.length <= 64 && domain.split('.').every((label) => LABEL.test(label))) return domain
  throw refusal('bad-domain', `"${text}" is not a domain`, 'write a name such as example.org, of at most 64 characters')
}

/** The domain in lower case; undefined for what is none. */
export function domainIn(text: string): string | undefined {
  try {
    return checkDomain(text)
  } catch {
    return undefined
  }
}

/** Login and domain of `login@domain`, in lower case. Throws HeliosError `bad-address` or `bad-domain`. */
export function checkAddress(text: string): { readonly login: string; readonly domain: string } {
  const at = text.lastIndexOf('@')
  if (at <= 0) throw refusal('bad-address', `"${text}" is not an address`, 'write login@domain, such as ann@example.org')
  const login = asciiLower(text.slice(0, at))
  const domain = checkDomain(text.slice(at + 1))
  if (login.length <= LOGIN_LENGTH && LOGIN.test(login) && !login.startsWith('-')) return { login, domain }
  throw refusal('bad-address', `"${text.slice(0, at)}" cannot be a login`,
    `use at most ${LOGIN_LENGTH} of a-z, 0-9, dots between them, and - _ + (no blank, no slash, nothing outside ASCII)`)
}
