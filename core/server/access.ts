/**
 * What a connection begins with: whether it may be here at all, and its environment (spp-protocol 8.3;
 * qmail-control 12). Never the server's own environment.
 */
import type { Control } from '../../config/control.ts'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import { lookup, type TcpRules } from '../../protocol/qmail/tcprules.ts'
import { SEARCH_PATH } from '../../protocol/spp/environment.ts'
import type { Peer } from '../smtp/connection.ts'

export interface Access {
  readonly allow: boolean
  readonly env: Readonly<Record<string, string>>
  readonly host: string | undefined
  /** The TCP rule that applied, such as `control/smtp-tcprules:3`. */
  readonly rule?: string
}

/** Names of hosts, forward-confirmed. Resolves to undefined when there is none or nobody answers. */
export type NameOf = (ip: string) => Promise<string | undefined>

export async function access(peer: Peer, control: Control, nameOf: NameOf): Promise<Access> {
  const ip = unmapIPv4(peer.remoteAddress)
  const host = namesMatter(control.tcprules) ? await nameOf(ip) : undefined
  const found = lookup(control.tcprules, { ip, ...(host === undefined ? {} : { host }) })
  const env: Record<string, string> = {
    PATH: SEARCH_PATH, ...inherited('LANG'), ...inherited('TZ'),
    PROTO: 'TCP', TCPLOCALIP: unmapIPv4(peer.localAddress), TCPLOCALPORT: String(peer.localPort),
    TCPREMOTEIP: ip, TCPREMOTEPORT: String(peer.remotePort),
    ...(host === undefined ? {} : { TCPREMOTEHOST: host }),
    ...Object.fromEntries(control.smtpconfig), ...Object.fromEntries(found.variables),
  }
  return { allow: found.allow, env, host, ...(found.rule === undefined ? {} : { rule: `control/smtp-tcprules:${found.rule.line}` }) }
}

/** A reverse lookup costs a wait before each greeting: only when a rule asks for names. */
function namesMatter(rules: TcpRules): boolean {
  return rules.rules.some((rule) => rule.key.includes('='))
}

function inherited(name: 'LANG' | 'TZ'): Record<string, string> {
  const value = process.env[name]
  return value === undefined ? {} : { [name]: value }
}
