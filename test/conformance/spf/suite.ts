/**
 * The test suite of RFC 7208 (openspf.org, release 2014.04 with later corrections), as JSON: its scenarios with their zone
 * data, made from the YAML of the pyspf project. Licence: rfc7208.LICENSE. Records of type SPF stand as TXT, as the suite
 * says; each character of a record is one byte.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DNS_TYPES, type DnsRecords } from '../../../core/plugin/index.ts'
import type { FakeName, TestOptions } from '../../../core/plugin/testing/index.ts'
import { textOf } from '../../../protocol/text.ts'

type FakeDns = NonNullable<TestOptions['dns']>
type Entry = 'TIMEOUT' | readonly [type: keyof DnsRecords, value: string | readonly [priority: number, exchange: string]]

export interface Case {
  readonly name: string
  readonly helo: string
  /** The client's address. */
  readonly host: string
  readonly mailfrom: string
  /** Any of them is right. */
  readonly result: readonly string[]
  /** `DEFAULT`: the domain explains nothing. */
  readonly explanation?: string
}

export interface Scenario {
  readonly about: string
  readonly zone: Readonly<Record<string, readonly Entry[]>>
  readonly tests: readonly Case[]
}

export function readSuite(): readonly Scenario[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'rfc7208.json'), 'utf8')) as readonly Scenario[]
}

/** The zone as a test world has it: after the word TIMEOUT nobody replies to questions of types that did not stand before it. */
export function dnsOf(zone: Scenario['zone']): FakeDns {
  return Object.fromEntries(Object.entries(zone).map(([name, entries]) => [name, nameOf(entries)]))
}

function nameOf(entries: readonly Entry[]): FakeName {
  const name: Record<string, unknown> = {}
  for (const entry of entries) {
    if (entry === 'TIMEOUT') for (const type of DNS_TYPES) name[type] ??= 'timeout'
    else name[entry[0]] = [...(name[entry[0]] as readonly unknown[] | undefined ?? []), recordOf(entry)]
  }
  return name as FakeName
}

function recordOf([type, value]: Exclude<Entry, string>): unknown {
  if (typeof value !== 'string') return { priority: value[0], exchange: value[1].toLowerCase() }
  return type === 'TXT' ? textOf(Buffer.from(value, 'latin1')) : value
}
