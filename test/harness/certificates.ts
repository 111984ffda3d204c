/** Certificates for tests: made here and now, each with a key of its own. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { selfSignedCertificate } from '../../protocol/x509/self-signed.ts'
import type { HomeFiles } from './home.ts'

const DAY = 24 * 60 * 60 * 1000

export interface MadeCertificate {
  readonly cert: string
  readonly key: string
}

export function makeCertificate(names: readonly [string, ...string[]], days: { readonly from?: number; readonly to?: number } = {}): MadeCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const at = (offset: number): Date => new Date(Date.now() + offset * DAY)
  const cert = selfSignedCertificate({ names, publicKey, privateKey, serial: randomBytes(8), from: at(days.from ?? -1), to: at(days.to ?? 365) })
  return { cert, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) }
}

/** As files of a home: `tls/NAME.pem` and `tls/NAME.key`. */
export function certificateFiles(certificates: Readonly<Record<string, MadeCertificate>>): HomeFiles {
  return Object.fromEntries(Object.entries(certificates).flatMap(([name, { cert, key }]) => [
    [`tls/${name}.pem`, cert], [`tls/${name}.key`, { content: key, mode: 0o600 }],
  ]))
}

/** A home's files with one certificate for test.example. */
export function tlsFiles(): HomeFiles {
  return { 'control/smtpconfig-stunnel': 'cert = tls/test.pem\nkey = tls/test.key\n', ...certificateFiles({ test: makeCertificate(['test.example']) }) }
}
