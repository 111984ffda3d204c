/**
 * The certificates of one listener, read and checked, ready for handshakes. They are read with each generation, by whomever the server
 * has become by then: what works at start works at every reload.
 */
import { constants, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Problem } from '../../config/problem.ts'
import type { CertificatePair, TlsOptions } from '../../protocol/qmail/stunnel.ts'
import { asciiLower } from '../../protocol/text.ts'
import { CIPHERS, curves } from './defaults.ts'
import { useTickets, type TicketSecret } from './tickets.ts'

export interface Certificates {
  /** For clients that ask for no name. */
  readonly standard: SecureContext
  /** For clients that ask for this one (RFC 6066 3), in ASCII. */
  forName(name: string): SecureContext
  /** What is asked of clients' certificates. */
  readonly verify: TlsOptions['verify']
  /** Tickets of handshakes from now on; those of another secret lead to a whole handshake. */
  useTickets(secret: TicketSecret): void
}

export interface LoadedCertificates {
  /** Undefined when there is an error among the problems. */
  readonly certificates: Certificates | undefined
  readonly problems: readonly Problem[]
  /** What was read, absolute: an edit there is worth another load. */
  readonly files: readonly string[]
}

/** Where the options were written, for problems: `control/smtpconfig-stunnel`, or the settings file. */
export interface Source {
  readonly home: string
  readonly file: string
}

interface Loaded {
  readonly names: readonly string[]
  readonly context: SecureContext
}

const DAY = 24 * 60 * 60 * 1000
const SOON_DAYS = 14

/** Never rejects. */
export async function loadCertificates(options: TlsOptions, source: Source, now: number): Promise<LoadedCertificates> {
  const problems: Problem[] = []
  const files = [...new Set([...options.pairs.flatMap(({ cert, key }) => [cert, key]), ...options.caFile === undefined ? [] : [options.caFile]])]
    .map((path) => resolve(source.home, path))
  if (options.pairs.length === 0) problems.push(error(source, undefined, 'no certificate is named', 'write cert = FILE and key = FILE in it, or copy what "helios init" writes into a new home'))
  if (options.verify !== undefined && options.verify > 0 && options.caFile === undefined) {
    problems.push(error(source, undefined, `verify = ${options.verify} has nothing to check with`, 'write CAfile = FILE: whose certificates are right'))
  }
  const ca = options.caFile === undefined ? undefined : await readPem(options.caFile, 'CAfile', source, undefined, problems)
  const loaded: Loaded[] = []
  for (const pair of options.pairs) {
    const one = await loadPair(pair, { options, ca, source, now, problems })
    if (one !== undefined) loaded.push(one)
  }
  const failed = loaded.length === 0 || problems.some(({ severity }) => severity === 'error')
  return { certificates: failed ? undefined : choose(loaded, options.verify, JSON.stringify([options, ca])), problems, files }
}

/** The first whose names have it, then the first with a wildcard for it (RFC 6125 6.4.3: one label), then the standard one. */
function choose(loaded: readonly Loaded[], verify: TlsOptions['verify'], policy: string): Certificates {
  const standard = loaded[0]!.context
  const named = (name: string): SecureContext | undefined => loaded.find(({ names }) => names.includes(name))?.context
  return {
    standard, verify,
    forName: (asked) => {
      const name = asciiLower(asked)
      return named(name) ?? named(name.replace(/^[^.]+/, '*')) ?? standard
    },
    useTickets: (secret) => { for (const { context } of loaded) useTickets(context, secret, policy) },
  }
}

interface Around {
  readonly options: TlsOptions
  readonly ca: string | undefined
  readonly source: Source
  readonly now: number
  readonly problems: Problem[]
}

async function loadPair(pair: CertificatePair, { options, ca, source, now, problems }: Around): Promise<Loaded | undefined> {
  const add = (reason: string, mend: string, severity: Problem['severity'] = 'error'): undefined => {
    problems.push({ ...error(source, pair.line, reason, mend), severity })
    return undefined
  }
  const cert = await readPem(pair.cert, 'certificate', source, pair.line, problems)
  const key = await readPem(pair.key, 'private key', source, pair.line, problems)
  if (cert === undefined || key === undefined) return undefined
  const parsed = attempt(() => new X509Certificate(cert))
  if (parsed instanceof Error) return add(`${pair.cert} holds no certificate in PEM`, 'it begins with "-----BEGIN CERTIFICATE-----"; the chain follows in the same file')
  const secret: KeyObject | Error = attempt(() => createPrivateKey(key))
  if (secret instanceof Error) {
    return /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m.test(key)
      ? add(`the private key in ${pair.key} is locked with a passphrase, which a server cannot type`, 'store it without: openssl pkey -in FILE -out FILE')
      : add(`${pair.key} holds no private key in PEM`, pair.key === pair.cert ? 'name its file: key = FILE' : 'it begins with "-----BEGIN PRIVATE KEY-----" or the like')
  }
  if (!parsed.checkPrivateKey(secret)) return add(`the key in ${pair.key} is not that of the certificate in ${pair.cert}`, 'each cert = FILE has its own key = FILE below it')
  lookAtDates(parsed, pair.cert, now, add)
  const { mode } = await stat(resolve(source.home, pair.key))
  if ((mode & 0o004) !== 0) add(`every user of this machine can read the private key in ${pair.key}`, `chmod o-r ${resolve(source.home, pair.key)}`, 'warning')
  const context = attempt(() => createSecureContext({
    cert, key, ...(ca === undefined ? {} : { ca }),
    minVersion: options.minVersion ?? 'TLSv1.2', maxVersion: options.maxVersion ?? 'TLSv1.3',
    ciphers: options.ciphers ?? CIPHERS, ecdhCurve: curves(), dhparam: 'auto',
    // The client knows what its own processor is good at; renegotiation lets one client cost many handshakes.
    honorCipherOrder: false, secureOptions: constants.SSL_OP_NO_RENEGOTIATION, sessionIdContext: 'helios',
  }))
  if (context instanceof Error) return add(`${pair.cert} cannot be used: ${context.message}`, 'correct the certificate, its key, or the line "ciphers"')
  return { names: namesOf(parsed), context }
}

function lookAtDates(certificate: X509Certificate, path: string, now: number, add: (reason: string, mend: string, severity: 'warning') => void): void {
  const { validFromDate, validToDate } = certificate
  const renew = 'put a newer certificate in its place; it counts without a restart'
  if (validFromDate.getTime() > now) add(`the certificate in ${path} is valid only from ${validFromDate.toISOString()} on`, 'check the clock of this machine', 'warning')
  if (validToDate.getTime() <= now) add(`the certificate in ${path} has expired on ${validToDate.toISOString()}`, renew, 'warning')
  else if (validToDate.getTime() - now < SOON_DAYS * DAY) add(`the certificate in ${path} expires on ${validToDate.toISOString()}`, renew, 'warning')
}

/** The host names of a certificate, in lower case; its common name where it has no others. */
function namesOf(certificate: X509Certificate): readonly string[] {
  const alternative = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"\s]+)/g)].map((match) => asciiLower(match[1]!))
  const common = /^CN=(\S+)$/m.exec(certificate.subject)?.[1]
  return alternative.length > 0 || common === undefined ? alternative : [asciiLower(common)]
}

async function readPem(path: string, what: string, source: Source, line: number | undefined, problems: Problem[]): Promise<string | undefined> {
  try {
    return await readFile(resolve(source.home, path), 'latin1')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : message
    const mend = code === 'EACCES' ? 'let the user the server runs as read it (chgrp, chmod 640): it reads certificates after it has become that user'
      : 'name a file that is there; relative names are relative to the home'
    problems.push(error(source, line, `the ${what} ${path} cannot be read: ${reason}`, mend))
    return undefined
  }
}

function attempt<T>(work: () => T): T | Error {
  try {
    return work()
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause))
  }
}

function error({ file }: Source, line: number | undefined, reason: string, mend: string): Problem {
  return { severity: 'error', file, ...(line === undefined ? {} : { line }), reason, mend }
}
