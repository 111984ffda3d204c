import type { Setting } from '../../core/plugin/index.ts'
import { nearest } from '../../protocol/nearest.ts'
import { parseSpan } from '../../protocol/span.ts'

/** What becomes of a client that speaks out of turn. */
export type Answer = 'refuse' | 'later' | 'note'

export interface Manners {
  readonly answer: Answer
  /** Seconds a stranger waits for the greeting; 0: none. */
  readonly wait: number
  /** Seconds a client that has waited in silence is known; 0: not at all. */
  readonly keep: number
}

export const DEFAULT_MANNERS: Manners = { answer: 'refuse', wait: 5, keep: 86_400 }

const ANSWERS = ['refuse', 'later', 'note'] as const
const WORDS = [...ANSWERS, 'wait=', 'keep='] as const
/** Clients give up on the greeting after five minutes (RFC 5321 section 4.5.3.2.1). */
const LONGEST = { wait: 120, keep: 366 * 86_400 } as const

/** `EARLYTALKER`: what differs from the defaults, with blanks or commas between: `refuse wait=5s keep=1d`. */
export function manners(about: string): Setting<Manners> {
  return {
    about,
    form: 'some of refuse | later | note, wait=TIME, keep=TIME with blanks between them; TIME: 0 | 5s | 5m | 1h | 1d',
    parse: (text) => {
      let found = DEFAULT_MANNERS
      for (const part of text.toLowerCase().split(/[ \t,]+/).filter((each) => each !== '')) {
        const read = readPart(part)
        if ('reason' in read) return { ok: false, ...read }
        found = { ...found, ...read }
      }
      return { ok: true, value: found }
    },
  }
}

function readPart(part: string): Partial<Manners> | { readonly reason: string; readonly mend: string } {
  const answer = ANSWERS.find((known) => known === part)
  if (answer !== undefined) return { answer }
  const shown = JSON.stringify(part.slice(0, 40))
  const [name, value = ''] = part.split('=', 2) as [string, string?]
  if (name === 'wait' || name === 'keep') {
    const seconds = value === '0' ? 0 : parseSpan(value, LONGEST[name])
    if (seconds !== undefined) return { [name]: seconds }
    return { reason: `${shown} is no time`, mend: name === 'wait' ? 'write wait= and a time up to 2m, such as wait=5s' : 'write keep= and a time up to 366d, such as keep=1d' }
  }
  const near = nearest(`${name}${part.includes('=') ? '=' : ''}`, WORDS)
  return { reason: `${shown} is not known here`, mend: near === undefined ? `write some of ${WORDS.join(', ')}` : `did you mean ${near}?` }
}
