/**
 * What a password column may hold, and does a password fit it? Runs in a worker thread, for each of these takes its time.
 *
 * | text | scheme |
 * |---|---|
 * | `$scrypt$ln=…,r=…,p=…$salt$hash` | scrypt (RFC 7914), what Helios writes |
 * | `$2a$ $2b$ $2y$` | bcrypt |
 * | `$6$ $5$` | SHA-512 and SHA-256 crypt |
 * | `$1$` | MD5 crypt |
 * | 13 characters | the traditional crypt(3) |
 * | `{SCRAM-SHA-256}iterations,salt,StoredKey,ServerKey` | the keys of SCRAM (RFC 5802), as Dovecot writes them, for those who chose it |
 * | `{CLEAR}text` | clear text, for those who chose it: APOP and CRAM-MD5 need it |
 *
 * `{CRYPT}` before a crypt text is passed over, as other programs write it. Everything else fits nothing.
 */
import { createHash, randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { compareSync } from 'bcryptjs'
import { encrypt } from 'unixcrypt'
import { desCrypt } from './des.ts'
import { md5Crypt } from './md5.ts'
import { SCRAM_ITERATIONS, SCRAM_SALT_BYTES, scramKeys } from '../../../protocol/sasl/scram-keys.ts'
import { CLEAR, COST, parseScram, parseScrypt, plainCrypt, printScram, type NewScheme, type Scrypt } from './texts.ts'

const SALT_BYTES = 16
const HASH_BYTES = 32

/** Bytes of a password that crypt(3) takes (libxcrypt's CRYPT_MAX_PASSPHRASE_SIZE). */
const CRYPT_LONGEST = 512

/** The text for the column. */
export function hashSync(password: string, scheme: NewScheme): string {
  if (scheme === 'scram') return printScram(scramKeys(password, randomBytes(SCRAM_SALT_BYTES), SCRAM_ITERATIONS))
  const salt = randomBytes(SALT_BYTES)
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${unpadded(salt)}$${unpadded(derive(password, { ...COST, salt, hash: Buffer.alloc(HASH_BYTES) }))}`
}

/**
 * Does it fit? A text we do not know, an empty column and no account at all (undefined) fit nothing. All of them, and the older schemes,
 * cost a scrypt of ours at least: the time tells nobody which logins exist.
 */
export function verifySync(password: string, stored: string | undefined): boolean {
  const scrypt = stored === undefined ? undefined : parseScrypt(stored)
  if (scrypt !== undefined) return timingSafeEqual(derive(password, scrypt), scrypt.hash)
  derive(password, { ...COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) })
  return stored !== undefined && fitsOld(password, plainCrypt(stored))
}

function fitsOld(password: string, stored: string): boolean {
  const scram = parseScram(stored)
  if (scram !== undefined) return timingSafeEqual(scramKeys(password, scram.salt, scram.iterations).storedKey, scram.storedKey)
  const clear = CLEAR.exec(stored)
  if (clear !== null) return same(password, stored.slice(clear[0].length))
  // What the other programs hashed were the bytes as typed.
  const bytes = Buffer.from(password, 'utf8')
  if (/^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/.test(stored)) return compareSync(password, stored)
  const sha = /^\$[56]\$(?:rounds=\d{1,6}\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{43,86}$/.test(stored)
  // Each round goes through all of it.
  if (sha && bytes.length > CRYPT_LONGEST) return false
  if (sha) return same(encrypt(password, stored.slice(0, stored.lastIndexOf('$'))), stored)
  const md5 = /^\$1\$([^$]{0,8})\$[./0-9A-Za-z]{22}$/.exec(stored)
  if (md5 !== null) return same(md5Crypt(bytes, md5[1]!), stored)
  if (/^[./0-9A-Za-z]{13}$/.test(stored)) return same(desCrypt(bytes, stored) ?? '', stored)
  return false
}

/** Compared by their digests, which are of equal length. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

// A password typed on one system and on another must be the same bytes (RFC 8265 4.2.2).
function derive(password: string, { ln, r, p, salt, hash }: Scrypt): Buffer {
  const N = 2 ** ln
  return scryptSync(password.normalize('NFC'), salt, hash.length, { N, r, p, maxmem: 128 * N * r + 128 * r * p + 1024 * 1024 })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
