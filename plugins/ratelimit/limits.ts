import { orOff, type Setting } from '../../core/plugin/index.ts'
import { nearest } from '../../protocol/nearest.ts'
import { parseSpan } from '../../protocol/span.ts'

/** Whose mail is counted. */
export type Subject = 'client' | 'network' | 'user' | 'sender' | 'rcptdomain'

/** So many within so many seconds. */
export interface Limit {
  readonly subject: Subject
  readonly most: number
  readonly seconds: number
  /** As it was written. */
  readonly text: string
}

/** A window of 31 days, and a billion in it. */
const LONGEST = 31 * 86_400
const LARGEST = 1_000_000_000
const MOST_LIMITS = 20

/** `client=100/1h user=500/1d`: limits with blanks or commas between them; one subject may have several. */
export function limits<const S extends Subject>(about: string, subjects: readonly S[]): Setting<readonly Limit[]> {
  return orOff({
    about,
    form: `WHO=NUMBER/TIME, several with blanks between them; WHO: ${subjects.join(' | ')}; TIME: 90s | 5m | 1h | 1d`,
    parse: (text) => {
      const found: Limit[] = []
      for (const part of text.split(/[ \t,]+/).filter((each) => each !== '')) {
        const limit = readLimit(part, subjects)
        if ('reason' in limit) return { ok: false, ...limit }
        found.push(limit)
      }
      if (found.length > MOST_LIMITS) return { ok: false, reason: `${found.length} limits are too many`, mend: `write at most ${MOST_LIMITS}` }
      return { ok: true, value: found }
    },
  }, [])
}

function readLimit(part: string, subjects: readonly Subject[]): Limit | { readonly reason: string; readonly mend: string } {
  const shown = JSON.stringify(part.slice(0, 60))
  const match = /^([a-zA-Z]+)=([0-9]{1,10})\/([0-9]*[a-z]?)$/.exec(part)
  if (match === null) return { reason: `${shown} is no limit`, mend: `write WHO=NUMBER/TIME, such as ${subjects[0]}=100/1h` }
  const [, who, count, time] = match
  const subject = subjects.find((known) => known === who!.toLowerCase())
  if (subject === undefined) {
    const near = nearest(who!, subjects)
    return { reason: `${shown} counts nobody known here`, mend: near === undefined ? `write one of ${subjects.join(', ')} before the "="` : `did you mean ${near}?` }
  }
  const most = Number(count)
  if (most > LARGEST) return { reason: `${shown} allows too many`, mend: `write a number up to ${LARGEST}` }
  // `100/h` is `100/1h`.
  const seconds = parseSpan(/^[smhd]$/.test(time!) ? `1${time}` : time!, LONGEST)
  if (seconds === undefined) return { reason: `${shown} has no time`, mend: 'write a time from 1s to 31d behind the "/", such as 90s, 5m, 1h or 1d' }
  return { subject, most, seconds, text: part }
}
