/**
 * The servers of the comparison, each a process of its own on loopback: Helios, postfix's smtp-sink, Haraka from npm (in a
 * temporary directory, never a dependency), and Postfix itself. They take mail for `x@local.example`.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { certificateFiles, type MadeCertificate } from '../harness/certificates.ts'
import { makeHome, temporaryDirectory, type HomeFiles } from '../harness/home.ts'
import { freePort } from '../harness/ports.ts'

export interface Peer {
  readonly port: number
  /** Its first process; what it costs is that of all below it, too. */
  readonly pid: number
  stop(): Promise<void>
}

export type StartPeer = () => Promise<Peer | undefined>

const LAUNCHER = join(import.meta.dirname, '..', '..', 'core', 'cli', 'helios.js')
/** Haraka's optional plugins bring compiled parts that no message here needs. */
const HARAKA = 'Haraka@3.3.4'

const started = new Set<ChildProcess>()
process.on('exit', () => { for (const child of started) child.kill('SIGKILL') })

/** Throws the message away before anything is promised. */
const DISCARD = `import { definePlugin, drop } from 'helios-mail/plugin'
export default definePlugin({ name: 'discard', summary: 'Discards.', message: () => drop(), deliver: () => undefined, takes: () => true })
`
/** A plugin that is asked and has nothing to say. */
const QUIET = `import { definePlugin } from 'helios-mail/plugin'
const nothing = () => undefined
export default definePlugin({ name: 'quiet', summary: 'Says nothing.', helo: nothing, mail: nothing, rcpt: nothing })
`
/** All from one address, and thousands of NOOPs: limits on a client would end the measurement. */
const settings = (listener: object = {}, more: object = {}): string => JSON.stringify({
  listeners: [{ service: 'smtp', host: '127.0.0.1', port: 0, ...listener }], limits: { connections: 0, junkCommands: 0 }, ...more,
})
/** As smtp-sink, which says nothing of what it did. */
export const NOTHING_KEPT: HomeFiles = { 'helios.config.json': settings({}, { trace: { enabled: false }, log: { level: 'warn' } }) }
const WORKER = '#!/bin/sh\necho spp/2\nwhile read -r line; do [ "$line" ] || echo .; done\n'

export const LISTS = {
  discard: '[+message]\n@trusted plugins/discard.ts\n[+deliver]\n@trusted plugins/discard.ts\n',
  maildir: '[+deliver]\nmaildir\n',
} as const

/** Lines in front of the list, each a way to be asked once a message. */
export const LINES = {
  none: '',
  inline10: '[helo]\nbadhelo\n@trusted plugins/quiet.ts\n[mail]\nbadmailfrom\n@trusted plugins/quiet.ts\n'
    + '[rcpt]\nmaxrcpts\nmaxbouncercpts\nbadrcptto\ntarpit\nrcptexists\n@trusted plugins/quiet.ts\n',
  sandbox: '[rcpt]\nplugins/quiet.ts\n',
  worker: '[rcpt]\n@protocol=spp2 plugins/worker.sh\n',
  program: '[rcpt]\n:true\n',
} as const

/** What npm has of them for the ten lines above, with the versions that Haraka asks for. */
const HARAKA_PLUGINS = ['haraka-plugin-access@1.4.0', 'haraka-plugin-bounce@2.2.1', 'haraka-plugin-helo.checks@1.1.3', 'haraka-plugin-limit@1.3.2']

/** Haraka's own plugins for badhelo, badmailfrom and badrcptto, maxrcpts, maxbouncercpts and tarpit, told to do no more than those do. */
const HARAKA_CONFIG: Readonly<Record<string, string>> = {
  'helo.checks.ini': `[check]\n${['bare_ip', 'dynamic', 'big_company', 'valid_hostname', 'rdns_match', 'forward_dns', 'host_mismatch', 'proto_mismatch']
    .map((check) => `${check}=false\n`).join('')}match_re=true\n[reject]\nmatch_re=true\n[skip]\nprivate_ip=false\n[bigco]\n`,
  'helo.checks.regexps': 'nobody\\.example\n',
  'access.ini': '[check]\nany=false\nconn=false\nmail=true\nrcpt=true\n',
  'mail_from.access.blacklist': 'nobody@nowhere.example\n',
  'rcpt_to.access.blacklist': 'nobody@nowhere.example\n',
  // Counted over all messages of a connection.
  'limit.ini': '[recipients]\nenabled=true\nmax=1000000000\n',
  'bounce.ini': '[check]\nsingle_recipient=true\nbounce_spf=false\nhash_date=false\n[reject]\nsingle_recipient=true\n',
  'tarpit.ini': 'hooks_to_delay=rcpt\n',
}

/** Looks the recipient up in a database, as `rcptexists` does. */
const HARAKA_ACCOUNTS = `const { DatabaseSync } = require('node:sqlite')
exports.register = function () {
  this.user = new DatabaseSync(this.config.get('accounts')).prepare('SELECT login, enabled FROM passwd WHERE login IN (?, ?) AND virtual_host IN (?, ?)')
}
exports.hook_rcpt = function (next, connection, params) {
  const { user, host } = params[0]
  next(this.user.all(user, user.toLowerCase(), host, host.toLowerCase()).length === 0 ? DENY : undefined)
}
`
/** The three lines of a plugin that has nothing to say. */
const HARAKA_QUIET = ['helo', 'ehlo', 'mail', 'rcpt'].map((hook) => `exports.hook_${hook} = function (next) { next() }\n`).join('')

export function helios(lines: keyof typeof LINES, list: keyof typeof LISTS, more: HomeFiles = {}): StartPeer {
  return async () => {
    const home = await makeHome({
      'control/smtpplugins': LINES[lines] + LISTS[list],
      'control/smtpconfig': 'export BADHELO=1\nexport MAXRECIPIENTS=100\nexport MAXBOUNCERECIPIENTS=1\n',
      'control/badhelo': 'nobody.example\n', 'control/badmailfrom': 'nobody@nowhere.example\n', 'control/badrcptto': 'nobody@nowhere.example\n',
      'helios.config.json': settings(), 'plugins/discard.ts': DISCARD, 'plugins/quiet.ts': QUIET, 'plugins/worker.sh': { content: WORKER, mode: 0o755 }, ...more,
    })
    execFileSync(process.execPath, [LAUNCHER, '--home', home.path, 'user', 'add', 'x@local.example'], { input: 'bench password\n', stdio: ['pipe', 'ignore', 'inherit'] })
    const child = start(process.execPath, [LAUNCHER, '--home', home.path, 'serve'], home.path)
    return peerOf(child, await portOf(child))
  }
}

/** Without plugins, with STARTTLS. */
export function heliosTls(certificate: MadeCertificate): StartPeer {
  return helios('none', 'discard', {
    'helios.config.json': settings({ tls: 'starttls' }), 'control/smtpconfig-stunnel': 'cert = tls/bench.pem\nkey = tls/bench.key\n',
    ...certificateFiles({ bench: certificate }),
  })
}

async function portOf(child: ChildProcess): Promise<number> {
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => { said += text })
  while (child.exitCode === null && child.signalCode === null) {
    const port = /^listening smtp \S+:([0-9]+)$/m.exec(said)?.[1]
    if (port !== undefined) return Number(port)
    await pause(50)
  }
  throw new Error(`Helios did not start: ${said}`)
}

export const smtpSink: StartPeer = async () => {
  if (!existsSync('/usr/sbin/smtp-sink')) return undefined
  const port = await freePort()
  const child = start('/usr/sbin/smtp-sink', [...asRoot(['-u', 'nobody']), '-m', '2500', `127.0.0.1:${port}`, '511'], '/')
  await listening(port)
  return peerOf(child, port)
}

/** Answers each line with the same words and looks at nothing: what is left of a server in Node when there is no server. */
const BARE_NODE = `require('node:net').createServer((socket) => {
  let content = false
  socket.on('error', () => {}).setNoDelay(true).write('220 bare.example ESMTP\\r\\n')
  socket.on('data', (chunk) => {
    if (content) {
      if (chunk.toString('latin1', chunk.length - 5) !== '\\r\\n.\\r\\n') return
      content = false
      socket.write('250 ok\\r\\n')
    } else if (chunk[0] === 0x44) {
      content = true
      socket.write('354 go ahead\\r\\n')
    } else if (chunk[0] === 0x51) {
      socket.write('221 bare.example\\r\\n')
      socket.destroy()
    } else socket.write('250 ok\\r\\n')
  })
}).listen(Number(process.argv[1]), '127.0.0.1', 511)
`

export const bareNode: StartPeer = async () => {
  const port = await freePort()
  const child = start(process.execPath, ['-e', BARE_NODE, String(port)], '/')
  await listening(port)
  return peerOf(child, port)
}

/** One process; with `ten`, Haraka's own plugins for what our ten lines do, and written here what it has none for; with a certificate, STARTTLS. */
export function haraka(plugins: 'none' | 'ten', certificate?: MadeCertificate): StartPeer {
  return async () => {
    const directory = await temporaryDirectory()
    const cache = process.env['HELIOS_BENCH_HARAKA'] ?? directory
    if (!existsSync(join(cache, 'node_modules/haraka-plugin-helo.checks'))) {
      mkdirSync(cache, { recursive: true })
      try {
        execFileSync('npm', ['install', '--prefix', cache, '--omit=optional', '--no-audit', '--no-fund', HARAKA, ...HARAKA_PLUGINS], { stdio: 'ignore' })
      } catch {
        return undefined
      }
    }
    const port = await freePort()
    const config = join(directory, 'haraka/config')
    mkdirSync(join(directory, 'haraka/plugins'), { recursive: true })
    cpSync(join(cache, 'node_modules/Haraka/config'), config, { recursive: true })
    const own = (name: string, body: string): void => writeFileSync(join(directory, 'haraka/plugins', `${name}.js`), body)
    own('discard', 'exports.hook_queue = function (next) { next(OK) }\n')
    own('quiet', HARAKA_QUIET)
    own('accounts', HARAKA_ACCOUNTS)
    const accounts = new DatabaseSync(join(directory, 'accounts.db'))
    accounts.exec("CREATE TABLE passwd (login TEXT, virtual_host TEXT, enabled INTEGER, PRIMARY KEY (virtual_host, login)); INSERT INTO passwd VALUES ('x', 'local.example', 1)")
    accounts.close()
    writeFileSync(join(config, 'accounts'), `${join(directory, 'accounts.db')}\n`)
    for (const [name, content] of Object.entries(HARAKA_CONFIG)) writeFileSync(join(config, name), content)
    const asked = plugins === 'none' ? [] : ['helo.checks', 'access', 'limit', 'bounce', 'tarpit', 'accounts', 'quiet']
    if (certificate !== undefined) {
      asked.push('tls')
      writeFileSync(join(config, 'tls_cert.pem'), certificate.cert)
      writeFileSync(join(config, 'tls_key.pem'), certificate.key)
    }
    writeFileSync(join(config, 'plugins'), [...asked, 'rcpt_to.in_host_list', 'discard', ''].join('\n'))
    writeFileSync(join(config, 'smtp.ini'), `listen=127.0.0.1:${port}\nnodes=0\n`)
    writeFileSync(join(config, 'log.ini'), '[main]\nlevel=ERROR\n')
    writeFileSync(join(config, 'host_list'), 'local.example\n')
    writeFileSync(join(config, 'me'), 'haraka.example\n')
    const child = start(process.execPath, [join(cache, 'node_modules/Haraka/bin/haraka'), '-c', join(directory, 'haraka')], directory)
    await listening(port)
    return peerOf(child, port)
  }
}

/** A whole instance in a temporary directory, delivering into a Maildir; with a certificate, STARTTLS. Needs root. */
export const postfix = (certificate?: MadeCertificate): StartPeer => async () => {
  if (process.getuid?.() !== 0 || !existsSync('/etc/postfix/master.cf.proto')) return undefined
  const port = await freePort()
  const directory = await temporaryDirectory()
  const at = (name: string): string => join(directory, name)
  execFileSync('chmod', ['755', directory])
  for (const name of ['etc', 'spool', 'data', 'mail']) mkdirSync(at(name))
  execFileSync('chown', ['postfix', at('data')])
  execFileSync('chown', ['nobody', at('mail')])
  const id = (flag: string): string => execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }).trim()
  writeFileSync(at('etc/main.cf'), `compatibility_level = 3.6
queue_directory = ${at('spool')}
data_directory = ${at('data')}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = local.example
virtual_mailbox_base = ${at('mail')}
virtual_mailbox_maps = inline:{x@local.example=x/}
virtual_uid_maps = static:${id('-u')}
virtual_gid_maps = static:${id('-g')}
virtual_minimum_uid = 1
maillog_file = ${at('log')}
maillog_file_prefixes = ${directory}
smtpd_client_connection_count_limit = 0
alias_maps =
${certificate === undefined ? '' : `smtpd_tls_security_level = may\nsmtpd_tls_chain_files = ${at('etc/tls.pem')}\n`}`)
  if (certificate !== undefined) writeFileSync(at('etc/tls.pem'), `${certificate.key}${certificate.cert}`, { mode: 0o600 })
  const master = readFileSync('/etc/postfix/master.cf.proto', 'utf8')
    .replace(/^smtp +inet .*/m, `${port} inet n - n - - smtpd`)
    .replace(/^([a-z]+ +(?:unix|unix-dgram) +\S+ +\S+ +)y /gm, '$1n ')
  writeFileSync(at('etc/master.cf'), master)
  const child = start('/usr/sbin/postfix', ['-c', at('etc'), 'start-fg'], '/')
  await listening(port)
  return {
    ...peerOf(child, port),
    async stop() {
      execFileSync('/usr/sbin/postfix', ['-c', at('etc'), 'stop'], { stdio: 'ignore' })
      await once(child, 'close')
    },
  }
}

function start(program: string, args: readonly string[], cwd: string): ChildProcess {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: cwd, TZ: 'UTC' } })
  started.add(child)
  child.once('close', () => started.delete(child))
  child.stderr.resume()
  return child
}

function peerOf(child: ChildProcess, port: number): Peer {
  child.stdout?.resume()
  return {
    port, pid: child.pid!,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      const impatience = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await closed
      clearTimeout(impatience)
    },
  }
}

function asRoot(args: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? args : []
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const socket = connect(port, '127.0.0.1')
    const greeted = await new Promise<boolean>((resolve) => {
      socket.once('data', () => resolve(true)).once('close', () => resolve(false)).on('error', () => {})
    })
    socket.destroy()
    if (greeted) return
    await pause(100)
  }
  throw new Error(`nobody greets on port ${port}`)
}
