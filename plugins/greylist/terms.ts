import type { Setting } from '../../core/plugin/index.ts'
import { nearest } from '../../protocol/nearest.ts'
import { parseSpan } from '../../protocol/span.ts'

/** How strangers are treated. Times in seconds. */
export interface Terms {
  /** A first attempt waits so long. */
  readonly delay: number
  /** A first attempt is remembered so long: who comes back later is a stranger again. */
  readonly retry: number
  /** Who came back in time is known so long, from the last message on. */
  readonly keep: number
  /** A network that came back with so many different mails is known as a whole; 0: never. */
  readonly network: number
  /** Senders whose domain permits the client (SPF) need not wait. */
  readonly spf: boolean
}

export const DEFAULT_TERMS: Terms = { delay: 300, retry: 86_400, keep: 36 * 86_400, network: 5, spf: false }

const WORDS = ['off', 'spf', 'delay=', 'retry=', 'keep=', 'network='] as const
const DAY = 86_400
const LONGEST = { delay: DAY, retry: 7 * DAY, keep: 366 * DAY } as const
const MOST_NETWORK = 1000

/** `GREYLIST`: `off` alone, or what differs from the defaults, with blanks or commas between: `delay=5m retry=1d keep=36d network=5 spf`. */
export function terms(about: string): Setting<Terms | 'off'> {
  return {
    about,
    form: 'off, or some of delay=TIME retry=TIME keep=TIME network=NUMBER spf with blanks between them; TIME: 90s | 5m | 1h | 1d',
    parse: (text) => {
      const parts = text.toLowerCase().split(/[ \t,]+/).filter((each) => each !== '')
      if (parts.length === 1 && parts[0] === 'off') return { ok: true, value: 'off' }
      let found = DEFAULT_TERMS
      for (const part of parts) {
        const read = readTerm(part)
        if ('reason' in read) return { ok: false, ...read }
        found = { ...found, ...read }
      }
      if (found.delay < found.retry) return { ok: true, value: found }
      return { ok: false, reason: 'who waits for delay is forgotten by then', mend: 'write a retry that is longer than delay' }
    },
  }
}

function readTerm(part: string): Partial<Terms> | { readonly reason: string; readonly mend: string } {
  if (part === 'spf') return { spf: true }
  const shown = JSON.stringify(part.slice(0, 40))
  const [name, value = ''] = part.split('=', 2) as [string, string?]
  if (name === 'network') {
    if (/^[0-9]{1,4}$/.test(value) && Number(value) <= MOST_NETWORK) return { network: Number(value) }
    return { reason: `${shown} is no number of mails`, mend: `write network= and a number up to ${MOST_NETWORK}, such as network=5; 0 for never` }
  }
  if (name === 'delay' || name === 'retry' || name === 'keep') {
    const seconds = parseSpan(value, LONGEST[name])
    if (seconds !== undefined) return { [name]: seconds }
    return { reason: `${shown} is no time`, mend: `write ${name}= and a time from 1s to ${LONGEST[name] / DAY}d, such as 90s, 5m, 1h or 1d` }
  }
  if (name === 'off') return { reason: 'off does not go with anything else', mend: 'write off alone, or leave it out' }
  const near = nearest(`${name}${part.includes('=') ? '=' : ''}`, WORDS)
  return { reason: `${shown} is not known here`, mend: near === undefined ? 'write some of delay=, retry=, keep=, network=, spf, or off alone' : `did you mean ${near}?` }
}
