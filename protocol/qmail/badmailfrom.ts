/** The stock badmailfrom check (qmail-control 5.1): asked at MAIL, told at RCPT. */
import { asciiLower } from '../text.ts'
import type { ListLine } from './control.ts'

/** Entry in lower case to the entry as it stands in the file; of equal entries the last one. */
export type BadMailFrom = ReadonlyMap<string, ListLine>

export function parseBadMailFrom(list: readonly ListLine[]): BadMailFrom {
  return new Map(list.map((entry) => [asciiLower(entry.text), entry]))
}

/** The entry that names this sender: the whole address, or `@` and its domain. The null sender has none. */
export function badSender(entries: BadMailFrom, reversePath: string): ListLine | undefined {
  if (reversePath === '') return undefined
  const sender = asciiLower(reversePath)
  const whole = entries.get(sender)
  if (whole !== undefined) return whole
  const at = sender.lastIndexOf('@')
  return at === -1 ? undefined : entries.get(sender.slice(at))
}
