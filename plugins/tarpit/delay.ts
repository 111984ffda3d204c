import { isOff, type Setting } from '../../core/plugin/index.ts'

/** A growing or random delay by its word, or seconds. */
export type Delay = number | 'NORMAL' | 'MEDIUM' | 'HARD' | 'RAND'

const WORDS = ['NORMAL', 'MEDIUM', 'HARD', 'RAND'] as const

/** Clients give up on RCPT after five minutes (RFC 5321 section 4.5.3.2.3); a message lost to a time-out teaches nobody. */
export const LONGEST = 240

/** `TARPITDELAY`: whole seconds (empty is 0, as for counts, and so is `off`), or one of the words, in any case. */
export function delay(about: string): Setting<Delay> {
  return {
    about,
    form: `whole seconds | ${WORDS.join(' | ')} | off`,
    parse: (text) => {
      if (isOff(text)) return { ok: true, value: 0 }
      if (/^[0-9]{0,15}$/.test(text)) return { ok: true, value: Number(text) }
      const word = WORDS.find((known) => known === text.toUpperCase())
      return word === undefined
        ? { ok: false, reason: `"${text}" is no delay`, mend: `write seconds in digits, or one of ${WORDS.join(', ')}, off` }
        : { ok: true, value: word }
    },
  }
}

/**
 * Seconds to keep a client waiting at its recipient number `n` (0 is the first) when waiting begins at number `from`:
 * the formulas of the Helios manual, chapter 2 section 4.4 (helios.md 7), at most `LONGEST`.
 *
 * @param random gives a number from 0 (included) to 1 (excluded); asked for `RAND` only
 */
export function secondsAt(n: number, from: number, kind: Delay, random: () => number): number {
  return n < from ? 0 : Math.min(seconds(n - from + 1, kind, random), LONGEST)
}

function seconds(step: number, kind: Delay, random: () => number): number {
  switch (kind) {
    case 'NORMAL': return step * 2
    case 'MEDIUM': return step * 5
    case 'HARD': return step * step
    case 'RAND': return 1 + Math.floor(random() * 50)
    default: return kind
  }
}
