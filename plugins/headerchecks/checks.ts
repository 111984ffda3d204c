import { orOff, type Setting } from '../../core/plugin/index.ts'
import { nearest } from '../../protocol/nearest.ts'

/** What is looked at. `received` is the most fields of that name. */
export interface Checks {
  readonly words: ReadonlySet<Word>
  readonly received: number
}

export const WORDS = ['date', 'from', 'message-id', 'singletons', 'bare'] as const
export type Word = typeof WORDS[number]

const MOST_RECEIVED = 1000

/** `HEADERCHECKS`: words of `WORDS` and `received=NUMBER`, in any case and order, with blanks or commas between them. */
export function checks(about: string): Setting<Checks> {
  return orOff({
    about,
    form: `${WORDS.join(' | ')} | received=NUMBER, several with blanks between them`,
    parse: (text) => {
      const words = new Set<Word>()
      let received = Infinity
      for (const part of text.toLowerCase().split(/[ \t,]+/).filter((each) => each !== '')) {
        const word = WORDS.find((known) => known === part)
        const most = /^received=([0-9]{1,4})$/.exec(part)?.[1]
        if (word !== undefined) words.add(word)
        else if (most !== undefined && Number(most) >= 1 && Number(most) <= MOST_RECEIVED) received = Number(most)
        else return { ok: false, reason: `${JSON.stringify(part.slice(0, 40))} is no check`, mend: mendOf(part) }
      }
      return { ok: true, value: { words, received } }
    },
  }, { words: new Set(), received: Infinity })
}

function mendOf(part: string): string {
  if (part.startsWith('received')) return `write received= and a number from 1 to ${MOST_RECEIVED}, such as received=30`
  const near = nearest(part, WORDS)
  return near === undefined ? `write some of ${WORDS.join(', ')}, received=NUMBER` : `did you mean ${near}?`
}
