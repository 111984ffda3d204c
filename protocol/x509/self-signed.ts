/**
 * A certificate that vouches for itself (RFC 5280): what a new home has until its operator gets one from an authority. Between mail
 * servers it is as good as any other, for they do not check (RFC 7435); people's mail programs do, and ask.
 */
import { createHash, sign, type KeyObject } from 'node:crypto'
import { bits, flag, integer, objectId, octets, sequence, setOf, tagged, time, utf8 } from './der.ts'

export interface SelfSigned {
  /** Host names; the first is the subject. */
  readonly names: readonly [string, ...string[]]
  /** An elliptic-curve pair (P-256). */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly from: Date
  readonly to: Date
  /** Up to 20 bytes, at random. */
  readonly serial: Uint8Array
}

const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'))
const COMMON_NAME = '2.5.4.3'
/** Longest common name (RFC 5280 appendix A, ub-common-name). Clients look at the alternative names only. */
const LONGEST = 64

/** The certificate in PEM. */
export function selfSignedCertificate({ names, privateKey, publicKey, from, to, serial }: SelfSigned): string {
  const subject = sequence(setOf(sequence(objectId(COMMON_NAME), utf8(names[0].slice(0, LONGEST)))))
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const content = sequence(
    tagged(0xa0, integer(Buffer.of(2))), integer(serial), ECDSA_SHA256, subject, sequence(time(from), time(to)), subject, key,
    tagged(0xa3, sequence(...extensions(names, key))),
  )
  const certificate = sequence(content, ECDSA_SHA256, bits(sign('sha256', content, privateKey)))
  const base64 = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
}

function extensions(names: readonly string[], key: Buffer): Buffer[] {
  return [
    // A certificate of a host and no authority: a client told to trust it trusts nothing else that its key signs. No key usage: OpenSSL
    // takes a certificate for its own issuer only where it may sign certificates.
    extension('2.5.29.19', true, sequence()),
    // A mail server is a server to some and a client to others.
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'), objectId('1.3.6.1.5.5.7.3.2'))),
    extension('2.5.29.17', false, sequence(...names.map((name) => tagged(0x82, Buffer.from(name, 'latin1'))))),
    extension('2.5.29.14', false, octets(createHash('sha1').update(key).digest())),
  ]
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [flag(true)] : []), octets(value))
}
