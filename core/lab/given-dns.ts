/** What a test file or a command line says of names, as the test world takes it. */
import type { GivenDns } from '../../protocol/spp/transcript-dns.ts'
import type { FakeDns } from '../plugin/testing/dns.ts'

/** "Unavailable" is a name server that does not reply. */
export function fakeDnsOf(lines: readonly GivenDns[]): FakeDns {
  const names = new Map<string, 'nxdomain' | 'timeout' | Record<string, unknown>>()
  for (const line of lines) {
    if (line.type === undefined) {
      names.set(line.name, line.outcome === 'none' ? 'nxdomain' : 'timeout')
      continue
    }
    const before = names.get(line.name)
    const types = typeof before === 'object' ? before : {}
    names.set(line.name, types)
    if ('outcome' in line) types[line.type] = line.outcome === 'none' ? [] : 'timeout'
    else types[line.type] = [...(types[line.type] as readonly unknown[] | undefined ?? []), line.record]
  }
  return Object.fromEntries(names) as FakeDns
}
