/** rcpthosts and morercpthosts (qmail-control 4): which recipient domains are ours to accept. */
import { asciiLower } from '../text.ts'
import type { ListLine } from './control.ts'

/** A set of keys in lower case: a parsed list, or the compiled file (protocol/qmail/cdb.ts). */
export interface HostTable {
  has(key: string): boolean
}

/** The keys of a list file. An empty list is a table that has nothing, which is not the same as a missing file. */
export function parseHosts(list: readonly ListLine[]): ReadonlySet<string> {
  return new Set(list.map((entry) => asciiLower(entry.text)))
}

/**
 * True when the address has no `@`, or its domain (after the last `@`) is in one of the tables: whole, or
 * any part of it that begins at a dot, so that `.dom.ain` admits subdomains only.
 */
export function hostListed(address: string, ...tables: readonly HostTable[]): boolean {
  const at = address.lastIndexOf('@')
  if (at === -1) return true
  const domain = asciiLower(address.slice(at + 1))
  return tables.some((table) => hostKeys(domain).some((key) => table.has(key)))
}

/** A name and all its parts that begin at a dot, longest first. */
export function hostKeys(host: string): readonly string[] {
  if (host === '') return []
  const keys = [host]
  for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) keys.push(host.slice(dot))
  return keys
}
