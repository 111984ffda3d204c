/** The Received field the server puts on top of a message (qmail-control 6.1). */
import { asciiLower, bytesOf } from '../text.ts'

export interface ReceivedFacts {
  /** `TCPREMOTEHOST`. */
  readonly remoteHost: string | undefined
  /** Argument of the last accepted HELO or EHLO, undefined before the first. */
  readonly helo: string | undefined
  /** `TCPREMOTEINFO`. */
  readonly remoteInfo: string | undefined
  /** `TCPREMOTEIP`. */
  readonly remoteIp: string | undefined
  /** `TCPLOCALHOST`, else `TCPLOCALIP`. */
  readonly local: string | undefined
  /** `SMTP`, `ESMTP`, `ESMTPA`, …: written as given. */
  readonly protocol: string
  readonly date: Date
}

/**
 * The field with its LFs. What came from the network cannot break it: every byte outside letters, digits
 * and `. @ % + / = : -` is written as `?`. An unknown fact is written as `unknown`.
 */
export function receivedField(facts: ReceivedFacts): string {
  const host = facts.remoteHost ?? 'unknown'
  const helo = facts.helo === undefined || asciiLower(facts.helo) === asciiLower(host) ? '' : `(HELO ${safe(facts.helo)}) `
  const info = facts.remoteInfo === undefined ? '' : `${safe(facts.remoteInfo)}@`
  const from = `${safe(host)} ${helo}(${info}${safe(facts.remoteIp ?? 'unknown')})`
  return `Received: from ${from}\n  by ${safe(facts.local ?? 'unknown')} with ${facts.protocol}; ${printDate(facts.date)}\n`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

let lastSecond = NaN
let lastPrinted = ''

/** `23 Nov 2026 09:05:07 -0000`: UTC, the day without a leading zero. */
export function printDate(date: Date): string {
  const second = Math.floor(date.getTime() / 1000)
  // All messages of a second have the same.
  if (second !== lastSecond) [lastSecond, lastPrinted] = [second, printAnew(date)]
  return lastPrinted
}

function printAnew(date: Date): string {
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} -0000`
}

/** One `?` for each byte, not for each character. */
function safe(text: string): string {
  if (/^[A-Za-z0-9.@%+/=:-]*$/.test(text)) return text
  return bytesOf(text).toString('latin1').replace(/[^A-Za-z0-9.@%+/=:-]/g, '?')
}
