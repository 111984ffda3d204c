/**
 * What is spoken where nobody says otherwise: TLS 1.2 and 1.3 with the cipher suites and groups of Mozilla's "intermediate"
 * recommendation (guidelines 5.7, https://ssl-config.mozilla.org/guidelines/5.7.json), which leaves out what is broken and no client that is in use.
 */
import { createSecureContext } from 'node:tls'

const TLS_1_3 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
const TLS_1_2 = [
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305',
  'DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-GCM-SHA384', 'DHE-RSA-CHACHA20-POLY1305',
]

export const CIPHERS = [...TLS_1_3, ...TLS_1_2].join(':')

const GROUPS = 'X25519:prime256v1:secp384r1'
/** The one that quantum computers do not break goes first, where this Node's OpenSSL has it. */
const WITH_ML_KEM = `X25519MLKEM768:${GROUPS}`

let known: string | undefined

export function curves(): string {
  known ??= supported(WITH_ML_KEM) ? WITH_ML_KEM : GROUPS
  return known
}

function supported(groups: string): boolean {
  try {
    createSecureContext({ ecdhCurve: groups })
    return true
  } catch {
    return false
  }
}
