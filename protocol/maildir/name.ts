/**
 * Names of messages in a Maildir: a unique part, which readers must not interpret but for `,S=size`, then in
 * `cur/` the info `:2,` with the flags (qmail-control 9 and 10.4).
 */

export interface UniqueName {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly pid: number
  /** Which delivery of that process. */
  readonly sequence: number
  readonly host: string
  /** Bytes of the file. */
  readonly size: number
}

/** A name for a new message: `TIME.M<microseconds>P<pid>Q<sequence>.<host>,S=<size>`. */
export function printUniqueName({ time, pid, sequence, host, size }: UniqueName): string {
  const seconds = Math.floor(time / 1000)
  const microseconds = Math.floor((time - seconds * 1000) * 1000)
  return `${seconds}.M${microseconds}P${pid}Q${sequence}.${hostPart(host)},S=${size}`
}

/** The name up to its info: what identifies a message for POP3's UIDL and wherever its flags change. */
export function uniquePart(name: string): string {
  const colon = name.indexOf(':')
  return colon < 0 ? name : name.slice(0, colon)
}

/** The bytes that `,S=` claims, or undefined where the name does not say. */
export function sizeInName(name: string): number | undefined {
  const found = /,S=([0-9]{1,15})(?:,|$)/.exec(uniquePart(name))
  return found === null ? undefined : Number(found[1])
}

/** Flags such as `RS`, each once and in ASCII order; empty for a name without `:2,`. */
export function flagsOfName(name: string): string {
  const info = name.slice(uniquePart(name).length)
  return info.startsWith(':2,') ? sorted(info.slice(3)) : ''
}

/** The name with exactly these flags, as it stands in `cur/`: with `:2,` even when there are none. */
export function withFlags(name: string, flags: string): string {
  return `${uniquePart(name)}:2,${sorted(flags)}`
}

function sorted(flags: string): string {
  return [...new Set(flags)].toSorted().join('')
}

/** Characters with a meaning in such a name, or that could leave the directory, as octal escapes. */
function hostPart(host: string): string {
  const safe = host.replace(/[^A-Za-z0-9._-]/g, (character) => `\\${(character.charCodeAt(0) & 0xff).toString(8).padStart(3, '0')}`)
  return safe === '' ? 'localhost' : safe
}
