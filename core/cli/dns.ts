/** `helios dns`: what a plugin that asks for a name would be told. */
import { InvalidArgumentError } from 'commander'
import { nearest } from '../../protocol/nearest.ts'
import { reverseName } from '../../protocol/dns/name.ts'
import { DNS_TYPES, type DnsAnswer, type DnsRecords, type DnsType } from '../plugin/dns.ts'
import { isDnsType, printDnsRecord } from '../plugin/dns-print.ts'
import { printable } from '../trace/printable.ts'
import { openDns } from '../world/dns.ts'
import type { Noun } from './command.ts'

const UNAVAILABLE = 3

export const dns: Noun = {
  register(program, io, exit) {
    program.command('dns').description('show what a plugin would be told about a name')
      .argument('<name>', 'a domain or host name; for PTR an address will do')
      .argument('[type]', `${DNS_TYPES.join(', ')} (default: A, for an address PTR)`, readType)
      .option('--json', 'as JSON')
      .addHelpText('after', '\nExit status: 0 an answer, 1 no such thing (or the command failed), 3 nobody knows now.')
      .action(async (name: string, given: DnsType | undefined, { json }: { readonly json?: boolean }) => {
        const settings = await io.settings()
        const reverse = given === undefined || given === 'PTR' ? reverseName(name) : undefined
        const type = given ?? (reverse === undefined ? 'A' : 'PTR')
        const asked = reverse ?? name
        const answer = await openDns(settings.dns).resolve(asked, type)
        if (json === true) io.out(JSON.stringify({ name: asked, type, ...answer }, undefined, 2))
        else for (const line of explain(asked, type, answer)) io.out(printable(line))
        exit(answer.kind === 'answer' ? 0 : answer.kind === 'none' ? 1 : UNAVAILABLE)
      })
  },
}

function explain<K extends DnsType>(name: string, type: K, answer: DnsAnswer<DnsRecords[K]>): readonly string[] {
  if (answer.kind === 'unavailable') return [`unavailable: nobody knows now whether ${name} has ${type} records: ${answer.reason}`]
  if (answer.kind === 'none') return [answer.nxdomain ? `none: there is no name ${name}` : `none: ${name} has no ${type} records`]
  const time = answer.ttl === undefined ? '' : `, to be kept for ${answer.ttl} s`
  const count = answer.records.length
  return [`answer: ${count} record${count === 1 ? '' : 's'}${time}`, ...answer.records.map((record) => `  ${printDnsRecord(type, record)}`)]
}

function readType(text: string): DnsType {
  const upper = text.toUpperCase()
  if (isDnsType(upper)) return upper
  const meant = nearest(upper, DNS_TYPES)
  throw new InvalidArgumentError(`Write one of ${DNS_TYPES.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`)
}
