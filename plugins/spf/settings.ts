/** The settings of this plugin that are more than a word: the ladder, the local policy, the explanation. */
import { oneOf, type Parsed, type Setting } from '../../core/plugin/index.ts'
import { parseIPv4, parseIPv6 } from '../../protocol/qmail/ip.ts'

/** 0 to 6 (the Helios manual, chapter 2 section 4.2). Empty is 0. */
export function level(about: string): Setting<number> {
  return {
    about, form: 'a number from 0 to 6',
    parse: (text) => /^[0-6]?$/.test(text)
      ? { ok: true, value: Number(text) }
      : { ok: false, reason: `"${text}" is no level of SPF`, mend: 'write a number from 0 (no look-up) to 6; 1 is a good start' },
  }
}

const MECHANISM = /^[-+?~]?(?:(?:a|mx)(?:[:/]\S+)?|ptr(?::\S+)?|(?:include|ip4|ip6|exists):\S+)$/i

/** Mechanisms of RFC 7208 section 5, blank-separated, such as `ip4:192.0.2.0/24 include:spf.far.example`. */
export function mechanisms(about: string): Setting<string> {
  return { about, form: 'mechanisms, as in an SPF record, without v=spf1 and without all', parse: parseMechanisms }
}

function parseMechanisms(text: string): Parsed<string> {
  const terms = text.split(/\s+/).filter((term) => term !== '')
  const wrong = terms.find((term) => !MECHANISM.test(term) || !namesNetwork(term))
  return wrong === undefined
    ? { ok: true, value: terms.join(' ') }
    : { ok: false, reason: `"${wrong}" is no mechanism`, mend: 'write mechanisms such as ip4:192.0.2.0/24 or include:spf.far.example, with a blank between them' }
}

/** False for an `ip4` or `ip6` without a network behind it (RFC 7208 section 5.6); true for everything else. */
function namesNetwork(term: string): boolean {
  const [, version, address = '', , length] = /^[-+?~]?ip([46]):([^/]*)(\/(.*))?$/i.exec(term) ?? []
  if (version === undefined) return true
  const known = version === '4' ? parseIPv4(address) : parseIPv6(address)
  return known !== undefined && (length === undefined || (/^(?:0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= (version === '4' ? 32 : 128)))
}

/** `explain-string` of RFC 7208 section 7.1: printable ASCII with macros. */
const EXPLANATION = /^(?:[ -$&-~]|%[%_-]|%\{[slodiphcrtv](?:[1-9][0-9]*)?r?[-.+,/_=]*\})*$/i

export function explanation(about: string): Setting<string> {
  return {
    about, form: 'printable ASCII with the macros of RFC 7208 section 7, such as %{i} and %{s}',
    parse: (text) => EXPLANATION.test(text)
      ? { ok: true, value: text }
      : { ok: false, reason: 'it is not printable ASCII with macros', mend: 'write %% for a percent sign, and a macro as one letter in braces, such as %{i}' },
  }
}

export type EngineName = 'mailauth' | 'spf-check'

/** Which package evaluates policies; whoever takes the weaker one is told so by `helios check`. */
export function engine(about: string): Setting<EngineName> {
  const words = oneOf<EngineName>(about, ['mailauth', 'spf-check'])
  return {
    ...words,
    parse: (text) => {
      const parsed = words.parse(text)
      return parsed.ok && parsed.value === 'spf-check' ? { ...parsed, doubt: WEAKER } : parsed
    },
  }
}

const WEAKER = {
  reason: 'spf-check decides 103 of the 203 cases of the RFC 7208 test suite as it should, mailauth all of them: '
    + 'no macros, exists, ptr, explanations or prefixes behind a and mx, and a name that does not exist passes for a failure of DNS',
  mend: 'remove SPFENGINE, unless you compare the two',
}
