/**
 * What a connection begins with: whether it may be here at all, and its environment (spp-protocol 8.3;
 * qmail-control 12). Never the server's own environment.
 */
import type { Control } from '../../config/control.ts'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import { lookup, type TcpRules } from '../../protocol/qmail/tcprules.ts'
import { copyOfEnvironment, SEARCH_PATH } from '../../protocol/spp/environment.ts'
import type { Peer } from '../smtp/connection.ts'

export interface Access {
  readonly allow: boolean
  /** The connection's own. */
  readonly env: Record<string, string>
  readonly host: string | undefined
  /** The TCP rule that applied, such as `control/smtp-tcprules:3`. */
  readonly rule?: string
}

/** Names of hosts, forward-confirmed. Resolves to undefined when there is none or nobody answers. */
export type NameOf = (ip: string) => Promise<string | undefined>

/** What is the same for every connection. */
const OF_THE_SERVER: Readonly<Record<string, string>> = { PATH: SEARCH_PATH, ...inherited('LANG'), ...inherited('TZ') }

/** At once where no rule asks for names. */
export function access(peer: Peer, control: Control, nameOf: NameOf): Access | Promise<Access> {
  const ip = unmapIPv4(peer.remoteAddress)
  return namesMatter(control.tcprules) ? nameOf(ip).then((host) => accessOf(peer, ip, host, control)) : accessOf(peer, ip, undefined, control)
}

function accessOf(peer: Peer, ip: string, host: string | undefined, control: Control): Access {
  const found = lookup(control.tcprules, { ip, ...(host === undefined ? {} : { host }) })
  const env = copyOfEnvironment(OF_THE_SERVER)
  env['PROTO'] = 'TCP'
  env['TCPLOCALIP'] = unmapIPv4(peer.localAddress)
  env['TCPLOCALPORT'] = String(peer.localPort)
  env['TCPREMOTEIP'] = ip
  env['TCPREMOTEPORT'] = String(peer.remotePort)
  if (host !== undefined) env['TCPREMOTEHOST'] = host
  for (const [name, value] of control.smtpconfig) env[name] = value
  for (const [name, value] of found.variables) env[name] = value
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
