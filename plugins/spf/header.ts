/** The Received-SPF field (RFC 7208 section 9.1). */
import { header, type Command } from '../../core/plugin/index.ts'
import { printable, type Finding, type Question, type Result } from './finding.ts'

/** What the field tells a person: `IP` is the client's, `DOMAIN` the one whose policy was asked. */
const WORDS: Readonly<Record<Result, string>> = {
  pass: 'DOMAIN designates IP as permitted sender',
  fail: 'DOMAIN does not designate IP as permitted sender',
  softfail: 'DOMAIN probably does not designate IP as permitted sender',
  neutral: 'DOMAIN neither permits nor denies IP',
  none: 'DOMAIN does not designate permitted senders',
  temperror: 'DOMAIN could not be looked up',
  permerror: 'the policy of DOMAIN cannot be read',
}

/** A line is at most 998 bytes long (RFC 5322 2.1.1), and quoting may double a text. What is longer is left out, or cut. */
const LONGEST_VALUE = 256
const LONGEST_COMMENT = 450

/** The commands that add the field: three lines of a folded one. */
export function receivedSpf(question: Question, finding: Finding, byLocalPolicy: boolean): readonly Command[] {
  const { ip, helo, sender, receiver } = question
  const words = byLocalPolicy ? 'our own policy names IP as permitted sender' : WORDS[finding.result]
  const comment = words.replace('DOMAIN', () => finding.domain).replace('IP', () => ip)
  const pairs = (...each: readonly (readonly [key: string, text: string | undefined])[]): string => each
    .flatMap(([key, text]) => text === undefined || text === '' || text.length > LONGEST_VALUE ? [] : [`${key}=${value(text)};`]).join(' ')
  const lines = [
    `Received-SPF: ${finding.result} (${parenthesised(`${receiver}: ${comment}`)})`,
    pairs(['receiver', receiver], ['client-ip', ip], ['helo', helo], ['identity', sender === '' ? 'helo' : 'mailfrom']),
    pairs(['envelope-from', sender], ['problem', finding.problem]),
  ]
  return lines.filter((line) => line !== '').map((line, index) => header(index === 0 ? line : `\t${line}`))
}

/** `dot-atom / quoted-string` (RFC 7208 9.1; RFC 5322 3.2.3, 3.2.4). */
function value(text: string): string {
  if (/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(text)) return text
  return `"${printable(text).replace(/["\\]/g, String.raw`\$&`)}"`
}

function parenthesised(text: string): string {
  return printable(text).slice(0, LONGEST_COMMENT).replace(/[()\\]/g, String.raw`\$&`)
}
