/** What may stand in the settings file: keys, types, defaults. Everything wrong is named at once. */
import { resolve } from 'node:path'
import { isServerAddress } from '../protocol/dns/server-address.ts'
import { nearest } from '../protocol/nearest.ts'
import type { Network } from '../protocol/network.ts'
import { MECHANISMS, type Mechanism } from '../protocol/sasl/mechanisms.ts'
import { readTlsWord, type CertificatePair, type TlsOptions } from '../protocol/qmail/stunnel.ts'
import { DEFAULT_LIMITS, LIMIT_KEYS, readLimits } from './limits.ts'
import { readNetworks } from './networks.ts'
import type { Problem } from './problem.ts'
import type { DnsSettings, ListenerAuth, ListenerSettings, ListenerTls, Settings } from './settings.ts'

export const SETTINGS_FILES: readonly string[] = ['helios.config.json', 'helios.config.yaml', 'helios.config.yml']

const MIB = 1024 * 1024
/** Those that every stored password allows. */
const DEFAULT_MECHANISMS: readonly Mechanism[] = ['PLAIN', 'LOGIN']
const LISTENER: ListenerSettings = { service: 'smtp', host: '127.0.0.1', port: 2525, compat: false, tls: false, auth: { when: 'tls', mechanisms: DEFAULT_MECHANISMS }, proxy: [], xclient: [] }
const SUBMISSION_PORT = 2587

/** The settings without any file, but for the home. */
export const DEFAULTS: Omit<Settings, 'home' | 'file'> = {
  listeners: [LISTENER],
  user: undefined,
  workers: 1,
  stuckSeconds: 60,
  trace: { enabled: true, maxBytes: 64 * MIB, minFreeBytes: 256 * MIB },
  log: { level: 'info', pretty: 'auto' },
  dns: { servers: [], timeoutSeconds: 5, cacheBytes: 16 * MIB, questionsPerHook: 400, secondsPerHook: 60 },
  limits: DEFAULT_LIMITS,
  store: 'file',
  replyDialect: 'detect',
}

export interface SchemaOptions {
  readonly home: string | undefined
  /** What a relative `home` in the file is relative to. */
  readonly base?: string
  readonly file?: string
  /** The file's text, for the lines of problems. */
  readonly text?: string | undefined
}

/** Reads a parsed settings file; an empty file is `undefined`. Never throws. `home` is the file's own, absolute. */
export function readSettings(value: unknown, options: SchemaOptions): {
  readonly settings: Settings
  readonly home: string | undefined
  readonly problems: readonly Problem[]
} {
  const reader = new Reader(options.file ?? 'settings', options.text ?? '')
  const top = reader.object(value ?? {}, '', ['home', 'listeners', 'user', 'workers', 'stuckSeconds', 'trace', 'log', 'dns', 'limits', 'store', 'replyDialect'])
  const trace = reader.object(top['trace'] ?? {}, 'trace', ['enabled', 'maxBytes', 'minFreeBytes'])
  const log = reader.object(top['log'] ?? {}, 'log', ['level', 'pretty'])
  const ownHome = reader.text(top['home'], 'home')
  const home = ownHome === undefined ? undefined : resolve(options.base ?? '.', ownHome)
  const workers = readWorkers(top['workers'], reader)
  const settings: Settings = {
    home: options.home ?? home ?? '',
    listeners: readListeners(top['listeners'], reader),
    user: reader.text(top['user'], 'user'),
    workers,
    stuckSeconds: readStuckSeconds(top['stuckSeconds'], reader),
    trace: {
      enabled: reader.flag(trace['enabled'], 'trace.enabled') ?? DEFAULTS.trace.enabled,
      maxBytes: reader.count(trace['maxBytes'], 'trace.maxBytes') ?? DEFAULTS.trace.maxBytes,
      minFreeBytes: reader.count(trace['minFreeBytes'], 'trace.minFreeBytes') ?? DEFAULTS.trace.minFreeBytes,
    },
    log: {
      level: reader.oneOf(log['level'], 'log.level', ['debug', 'info', 'warn', 'error']) ?? DEFAULTS.log.level,
      pretty: reader.oneOf(log['pretty'], 'log.pretty', [true, false, 'auto']) ?? DEFAULTS.log.pretty,
    },
    dns: readDns(top['dns'], reader),
    limits: readLimits(reader.object(top['limits'] ?? {}, 'limits', LIMIT_KEYS), DEFAULTS.limits, (key, reason, mend) => {
      reader.problem(`limits.${key}`, reason, mend)
    }),
    store: readStore(top['store'], workers, reader),
    replyDialect: reader.oneOf(top['replyDialect'], 'replyDialect', ['detect', 'off']) ?? DEFAULTS.replyDialect,
    file: options.file,
  }
  return { settings, home, problems: reader.problems }
}

function readDns(value: unknown, reader: Reader): DnsSettings {
  const dns = reader.object(value ?? {}, 'dns', ['servers', 'timeoutSeconds', 'cacheBytes', 'questionsPerHook', 'secondsPerHook'])
  const servers = reader.texts(dns['servers'], 'dns.servers') ?? DEFAULTS.dns.servers
  for (const server of servers) {
    if (!isServerAddress(server)) reader.wrong('dns.servers', 'a list of addresses', server, '["192.0.2.53"], or with a port ["192.0.2.53:5353", "[2001:db8::53]:5353"]')
  }
  const number = (key: Exclude<keyof DnsSettings, 'servers'>, most: number): number => {
    const given = reader.count(dns[key], `dns.${key}`, most)
    if (given === 0 && key !== 'cacheBytes') reader.problem(`dns.${key}`, 'with 0 nothing could be asked', 'write 1 or more, or leave the key out')
    return given ?? DEFAULTS.dns[key]
  }
  return {
    servers, timeoutSeconds: number('timeoutSeconds', 60), cacheBytes: number('cacheBytes', 1024 * MIB),
    questionsPerHook: number('questionsPerHook', 10_000), secondsPerHook: number('secondsPerHook', 600),
  }
}

/** More than this helps nobody, and each has its own memory and programs. */
const MOST_WORKERS = 64

function readWorkers(value: unknown, reader: Reader): number {
  const count = reader.count(value, 'workers', MOST_WORKERS)
  if (count === 0) reader.problem('workers', 'somebody must serve sessions', 'write 1, or leave the key out')
  return count ?? DEFAULTS.workers
}

function readStore(value: unknown, workers: number, reader: Reader): Settings['store'] {
  const store = reader.oneOf(value, 'store', ['file', 'accounts', 'memory']) ?? DEFAULTS.store
  if (store === 'memory' && workers > 1) {
    reader.problem('store', `each of the ${workers} processes ("workers") would remember and count for itself`, 'write "file", which they share, or leave the key out')
  }
  return store
}

/** A process says something every two seconds. */
const LEAST_STUCK_SECONDS = 10

function readStuckSeconds(value: unknown, reader: Reader): number {
  const seconds = reader.count(value, 'stuckSeconds', 3600) ?? DEFAULTS.stuckSeconds
  if (seconds < LEAST_STUCK_SECONDS) {
    reader.problem('stuckSeconds', 'a busy process would be taken for stuck', `write ${LEAST_STUCK_SECONDS} or more, or leave the key out`)
  }
  return seconds
}

function readListeners(value: unknown, reader: Reader): readonly ListenerSettings[] {
  if (value === undefined) return DEFAULTS.listeners
  if (!Array.isArray(value) || value.length === 0) {
    reader.wrong(
      'listeners', 'a list of at least one listener', value, '"listeners": [{ "service": "smtp", "host": "127.0.0.1", "port": 2525 }]',
    )
    return DEFAULTS.listeners
  }
  const before = reader.problems.length
  const listeners = value.map((item: unknown, index) => readListener(item, `listeners[${index}]`, reader))
  // What stands in for a wrong value is not the operator's choice of a place.
  if (reader.problems.length > before) return listeners
  const places = new Map<string, number>()
  for (const [index, { host, port }] of listeners.entries()) {
    const place = `${host} port ${port}`
    const first = places.get(place)
    if (first === undefined) places.set(place, index)
    else if (port !== 0) reader.problem(
      `listeners[${index}]`, `${place} is taken by listeners[${first}] already`, 'give each listener its own host or port',
    )
  }
  return listeners
}

function readListener(value: unknown, path: string, reader: Reader): ListenerSettings {
  const item = reader.object(value, path, ['service', 'host', 'port', 'compat', 'tls', 'auth', 'proxy', 'xclient'])
  const networks = (key: string): readonly Network[] =>
    readNetworks(reader.texts(item[key], `${path}.${key}`) ?? [], (reason, mend) => reader.problem(`${path}.${key}`, reason, mend))
  const service = reader.oneOf(item['service'], `${path}.service`, ['smtp', 'submission']) ?? LISTENER.service
  return {
    service,
    proxy: networks('proxy'),
    xclient: networks('xclient'),
    tls: readTls(item['tls'], `${path}.tls`, reader),
    auth: readAuth(item['auth'], `${path}.auth`, item['compat'] === 'qmail-spp' && service === 'smtp', reader),
    host: reader.text(item['host'], `${path}.host`) ?? LISTENER.host,
    port: reader.count(item['port'], `${path}.port`, 65535) ?? (service === 'smtp' ? LISTENER.port : SUBMISSION_PORT),
    compat: reader.oneOf(item['compat'], `${path}.compat`, [false, 'qmail-spp']) ?? LISTENER.compat,
  }
}

/** The original has no AUTH, so compat mode has it only where it is asked for, or on a listener for nothing else. */
function readAuth(value: unknown, path: string, original: boolean, reader: Reader): ListenerAuth | false {
  if (value === undefined) return original ? false : { when: 'tls', mechanisms: DEFAULT_MECHANISMS }
  if (value === false) return false
  if (typeof value !== 'object' || value === null) {
    const when = reader.oneOf(value, path, [false, 'tls', 'always'])
    return typeof when === 'string' ? { when, mechanisms: DEFAULT_MECHANISMS } : false
  }
  const item = reader.object(value, path, ['when', 'mechanisms'])
  const when = reader.oneOf(item['when'], `${path}.when`, ['tls', 'always']) ?? 'tls'
  const named = reader.texts(item['mechanisms'], `${path}.mechanisms`)
  if (named?.length === 0) reader.problem(`${path}.mechanisms`, 'the list is empty', 'write "auth": false where nobody may log in')
  const mechanisms = named?.map((name) => reader.oneOf(name, `${path}.mechanisms`, MECHANISMS)).filter((each) => each !== undefined)
  return { when, mechanisms: [...new Set(mechanisms ?? DEFAULT_MECHANISMS)] }
}

const TLS_WORDS = ['CAfile', 'verify', 'sslVersion', 'ciphers'] as const
const TLS_EXAMPLE = '"starttls", true for TLS from the first byte, or { "mode": "starttls", "certificates": [{ "cert": "…", "key": "…" }] }'

function readTls(value: unknown, path: string, reader: Reader): ListenerTls | false {
  if (value === undefined || value === false) return false
  if (value === true || value === 'implicit') return { mode: 'implicit', options: undefined }
  if (value === 'starttls') return { mode: 'starttls', options: undefined }
  if (typeof value !== 'object') {
    reader.wrong(path, 'false, true, "implicit", "starttls" or an object', value, TLS_EXAMPLE)
    return false
  }
  const item = reader.object(value, path, ['mode', 'certificates', 'CAfile', 'verify', 'sslVersion', 'ciphers'])
  const mode = reader.oneOf(item['mode'], `${path}.mode`, ['implicit', 'starttls'])
  if (item['mode'] === undefined) reader.problem(path, 'an object here needs a "mode"', 'write "mode": "starttls" or "mode": "implicit"')
  const words = TLS_WORDS.filter((word) => item[word] !== undefined)
  if (item['certificates'] === undefined) {
    if (words.length > 0) reader.problem(
      `${path}.${words[0]!}`, 'this counts only beside "certificates"', 'name them here, or write this word in control/smtpconfig-stunnel',
    )
    return { mode: mode ?? 'starttls', options: undefined }
  }
  const read = words.map((word) => {
    const result = readTlsWord(word, String(item[word]))
    if ('value' in result) return result.value
    reader.problem(`${path}.${word}`, result.reason, result.mend)
    return {}
  })
  const pairs = readCertificates(item['certificates'], `${path}.certificates`, reader)
  return { mode: mode ?? 'starttls', options: Object.assign({ pairs }, ...read) as TlsOptions }
}

function readCertificates(value: unknown, path: string, reader: Reader): readonly CertificatePair[] {
  if (!Array.isArray(value) || value.length === 0) {
    reader.wrong(path, 'a list of at least one certificate', value, '[{ "cert": "tls/cert.pem", "key": "tls/key.pem" }]')
    return []
  }
  return value.flatMap((each: unknown, index) => {
    const item = reader.object(each, `${path}[${index}]`, ['cert', 'key'])
    const cert = reader.text(item['cert'], `${path}[${index}].cert`)
    const key = reader.text(item['key'], `${path}[${index}].key`) ?? cert
    if (item['cert'] === undefined) reader.problem(`${path}[${index}]`, 'a certificate needs "cert"', 'write "cert": "FILE"')
    return cert === undefined || key === undefined ? [] : [{ cert, key }]
  })
}

/** Reads values by type and collects what is wrong; each reader gives undefined for a key that is absent or wrong. */
class Reader {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #lines: readonly string[]

  constructor(file: string, text: string) {
    this.#file = file
    this.#lines = text.split('\n')
  }

  problem(path: string, reason: string, mend: string): void {
    const line = this.#line(path)
    this.problems.push({
      severity: 'error', file: this.#file, ...(line === undefined ? {} : { line }), reason: path === '' ? reason : `${path}: ${reason}`,
      mend,
    })
  }

  wrong(path: string, wanted: string, value: unknown, example: string): void {
    this.problem(path, `this must be ${wanted}, not ${JSON.stringify(value) ?? String(value)}`, `write ${example}`)
  }

  object(value: unknown, path: string, known: readonly string[]): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.wrong(path, 'an object with keys', value, `an object with the keys ${known.join(', ')}`)
      return {}
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      const meant = nearest(key, known)
      this.problem(
        path === '' ? key : `${path}.${key}`, `there is no such key${meant === undefined ? '' : `; did you mean "${meant}"?`}`,
        `the keys here are ${known.join(', ')}`,
      )
    }
    return value as Readonly<Record<string, unknown>>
  }

  text(value: unknown, path: string): string | undefined {
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value
    this.wrong(path, 'a text that is not empty', value, `"${path.split('.').at(-1)!}": "…", or leave the key out`)
    return undefined
  }

  texts(value: unknown, path: string): readonly string[] | undefined {
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    this.wrong(path, 'a list of texts', value, '["…"], or leave the key out')
    return undefined
  }

  flag(value: unknown, path: string): boolean | undefined {
    return this.oneOf(value, path, [true, false])
  }

  count(value: unknown, path: string, most = Number.MAX_SAFE_INTEGER): number | undefined {
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
    this.wrong(path, `a whole number from 0 to ${most}`, value, 'digits without quotes')
    return undefined
  }

  oneOf<const W extends string | boolean>(value: unknown, path: string, words: readonly W[]): W | undefined {
    if (value === undefined) return undefined
    const word = words.find((known) => known === value)
    if (word !== undefined) return word
    const meant = typeof value === 'string' ? nearest(value, words.filter((known) => typeof known === 'string')) : undefined
    this.problem(
      path,
      `this must be one of ${words.map((known) => JSON.stringify(known)).join(', ')}, not ${JSON.stringify(value) ?? String(value)}`
        + (meant === undefined ? '' : `; did you mean "${meant}"?`),
      'write one of these, or leave the key out',
    )
    return undefined
  }

  /** The line of a path's last key, where that key stands once only: a wrong line is worse than none. */
  #line(path: string): number | undefined {
    const key = /(?:^|\.)([A-Za-z0-9_$-]+)(?:\[\d+\])?$/.exec(path)?.[1]
    if (key === undefined) return undefined
    const lines = this.#lines.flatMap((text, index) => (hasKey(text, key) ? [index + 1] : []))
    return lines.length === 1 ? lines[0] : undefined
  }
}

function hasKey(text: string, key: string): boolean {
  const escaped = key.replace(/[$]/g, '\\$')
  return new RegExp(`(?:^|[\\s{,-])(?:"${escaped}"|'${escaped}'|${escaped})\\s*:`).test(text)
}
