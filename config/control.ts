/** The control directory, read and parsed: what one generation knows of what an operator wrote. */
import { badSender, parseBadMailFrom } from '../protocol/qmail/badmailfrom.ts'
import { openCdb } from '../protocol/qmail/cdb.ts'
import { readLine, readList, readNumber } from '../protocol/qmail/control.ts'
import { parseQmailConfig, type QmailConfig } from '../protocol/qmail/qmailconfig.ts'
import { hostListed, parseHosts, type HostTable } from '../protocol/qmail/rcpthosts.ts'
import { parseSmtpConfig } from '../protocol/qmail/smtpconfig.ts'
import { parseStunnel, type TlsOptions } from '../protocol/qmail/stunnel.ts'
import { parseTcpRules, type TcpRules } from '../protocol/qmail/tcprules.ts'
import { asciiLower, textOf } from '../protocol/text.ts'
import { checkFiles } from './doubts.ts'
import type { Problem } from './problem.ts'
import { readInHome, takeSnapshot, type Snapshot } from './snapshot.ts'

/** Named after their files (qmail-control 2). Texts are Text (protocol/text.ts). */
export interface Control {
  /** Absolute path of the home. */
  readonly home: string
  readonly me: string
  /** Text after `220 `. */
  readonly smtpgreeting: string
  /** Replaces an own address in brackets as recipient domain. */
  readonly localiphost: string
  /** Domain of envelope recipients without one. */
  readonly envnoathost: string
  /** Seconds a client may stay silent, 1 or more. */
  readonly timeoutsmtpd: number
  /** Bytes a message may have, 0 for no limit. */
  readonly databytes: number
  /** Seconds after which an undelivered message bounces. */
  readonly queuelifetime: number
  /** Deliveries at the same time, 0 to 120. */
  readonly concurrencylocal: number
  readonly bouncefrom: string
  readonly bouncehost: string
  readonly doublebounceto: string
  readonly doublebouncehost: string
  /** Domains of this host, in lower case. */
  readonly locals: ReadonlySet<string>
  /** True when rcpthosts or morercpthosts admits the recipient, or it has no `@`; false for all others without the file. */
  rcpthosts(address: string): boolean
  /** The stock check: is this sender in badmailfrom? */
  badmailfrom(reversePath: string): boolean
  /** The line of badmailfrom that names the sender. */
  badmailfromLine(reversePath: string): number | undefined
  /** Exported variables of smtpconfig. */
  readonly smtpconfig: readonly (readonly [name: string, value: string])[]
  readonly tcprules: TcpRules
  /** Where accounts stand and how they are looked up: the file qmailconfig, else the one of its old name sqlserver. */
  readonly qmailconfig: QmailConfig
  /** smtpconfig-stunnel; undefined without the file. */
  readonly tls: TlsOptions | undefined
  /** The plugin list; without content the server answers 421 (spp-protocol 2.1). `file` is relative to the home. */
  readonly smtpplugins: { readonly file: string; readonly content: string | undefined }
  /** Text of any file in the control directory; undefined when there is none, or it is in `unreadable`. */
  read(name: string): string | undefined
  /** Files that are there but cannot be read, by name, with the reason: not the same as missing ones. */
  readonly unreadable: ReadonlyMap<string, string>
}

export const DEFAULT_LIST = 'control/smtpplugins'
const MOST_CONCURRENCY = 120

/** The name that qmail-sql gave the file still counts, where the new one is not there. */
function accountsFile({ files, unreadable }: Snapshot): 'qmailconfig' | 'sqlserver' {
  return !files.has('qmailconfig') && !unreadable.has('qmailconfig') && files.has('sqlserver') ? 'sqlserver' : 'qmailconfig'
}

/**
 * Reads every control file at once. Never rejects: with an error among the problems the control value is
 * still whole, on the safe side (nothing relays), but not for use by a server.
 * @param env SPPCONFFILE names another plugin list, absolute or relative to the home; empty is ignored.
 *   Without it the variable of smtpconfig counts.
 */
export async function readControl(home: string, env: { readonly SPPCONFFILE?: string } = {}): Promise<{
  readonly control: Control
  readonly problems: readonly Problem[]
}> {
  const snapshot = await takeSnapshot(home)
  const read = (name: string): string | undefined => {
    const bytes = snapshot.files.get(name)
    return bytes === undefined ? undefined : textOf(bytes)
  }
  const smtpconfig = parseSmtpConfig(read('smtpconfig'))
  const tcprules = parseTcpRules(read('smtp-tcprules'))
  const accounts = accountsFile(snapshot)
  const qmailconfig = parseQmailConfig(read(accounts))
  const stunnel = read('smtpconfig-stunnel')
  const tls = stunnel === undefined ? undefined : parseStunnel(stunnel)
  const me = readLine(read('me'), '')
  const bad = parseBadMailFrom(readList(read('badmailfrom')))
  const tables = hostTables(snapshot, read)
  const control: Control = {
    home, me, read,
    unreadable: snapshot.unreadable,
    smtpgreeting: readLine(read('smtpgreeting'), me),
    localiphost: readLine(read('localiphost'), me),
    envnoathost: readLine(read('envnoathost'), me),
    timeoutsmtpd: Math.max(1, readNumber(read('timeoutsmtpd'), 1200)),
    databytes: readNumber(read('databytes'), 0),
    queuelifetime: readNumber(read('queuelifetime'), 604800),
    concurrencylocal: Math.min(MOST_CONCURRENCY, readNumber(read('concurrencylocal'), 10)),
    bouncefrom: readLine(read('bouncefrom'), 'MAILER-DAEMON'),
    bouncehost: readLine(read('bouncehost'), me),
    doublebounceto: readLine(read('doublebounceto'), 'postmaster'),
    doublebouncehost: readLine(read('doublebouncehost'), me),
    locals: new Set((read('locals') === undefined ? [me] : readList(read('locals')).map((entry) => entry.text)).map(asciiLower)),
    rcpthosts: (address) => tables.length > 0 && hostListed(address, ...tables),
    badmailfrom: (reversePath) => badSender(bad, reversePath) !== undefined,
    badmailfromLine: (reversePath) => badSender(bad, reversePath)?.line,
    smtpconfig: smtpconfig.variables,
    tcprules: tcprules.rules,
    qmailconfig: qmailconfig.config,
    tls: tls?.options,
    smtpplugins: await pluginList(home, env.SPPCONFFILE || new Map(smtpconfig.variables).get('SPPCONFFILE') || DEFAULT_LIST, read),
  }
  const parsed = [
    ...smtpconfig.problems.map((problem) => ({ file: 'control/smtpconfig', ...problem })),
    ...tcprules.problems.map((problem) => ({ file: 'control/smtp-tcprules', ...problem })),
    ...qmailconfig.problems.map((problem) => ({ file: `control/${accounts}`, ...problem })),
    ...tls?.problems.map((problem) => ({ file: 'control/smtpconfig-stunnel', warning: false, ...problem })) ?? [],
  ]
  const problems = parsed.map(({ warning, ...problem }): Problem => ({ severity: warning === true ? 'warning' : 'error', ...problem }))
  return { control, problems: [...checkFiles(snapshot, read, control), ...problems] }
}

/** The tables to ask, in order. None without rcpthosts: morercpthosts only adds to it. */
function hostTables(snapshot: Snapshot, read: Control['read']): readonly HostTable[] {
  const rcpthosts = read('rcpthosts')
  if (rcpthosts === undefined) return []
  const more = read('morercpthosts')
  const compiled = snapshot.files.get('morercpthosts.cdb')
  const cdb = more === undefined && compiled !== undefined ? openCdb(compiled) : undefined
  return [parseHosts(readList(rcpthosts)), ...(more === undefined ? [] : [parseHosts(readList(more))]), ...(cdb === undefined ? [] : [cdb])]
}

async function pluginList(home: string, file: string, read: Control['read']): Promise<Control['smtpplugins']> {
  if (file === DEFAULT_LIST) return { file, content: read('smtpplugins') }
  const bytes = await readInHome(home, file)
  return { file, content: bytes === undefined ? undefined : textOf(bytes) }
}
