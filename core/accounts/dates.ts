/** Dates as the account tables hold them: `YYYY-MM-DD HH:MM:SS`, UTC. */

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?(?:Z|\+00(?::?00)?)?$/

/** Milliseconds since 1970, infinite where PostgreSQL says so; undefined for no date (null, empty, MySQL's zero date), 'unreadable' for anything else. */
export function readDate(text: string | null): number | undefined | 'unreadable' {
  if (text === null || text === '' || text.startsWith('0000-00-00')) return undefined
  if (text === 'infinity' || text === '-infinity') return text === 'infinity' ? Infinity : -Infinity
  const parts = DATE.exec(text)
  if (parts === null) return 'unreadable'
  const [year, month, day, hour, minute, second] = parts.slice(1).map((part) => part ?? '00')
  // `Date.UTC` would take the year 50 for 1950.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  const time = date.setUTCHours(Number(hour), Number(minute), Number(second), 0)
  // 31 February becomes 3 March, and 25 o'clock tomorrow; such a date is a mistake.
  const same = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day) && date.getUTCHours() === Number(hour)
    && date.getUTCMinutes() === Number(minute) && date.getUTCSeconds() === Number(second)
  return same ? time : 'unreadable'
}

/** As the tables hold it. @param time finite milliseconds since 1970 */
export function printDate(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace('T', ' ')
}
