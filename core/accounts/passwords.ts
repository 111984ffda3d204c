/**
 * Passwords: hashed with scrypt (RFC 7914), which every Node has built in, and written as a PHC string
 * `$scrypt$ln=15,r=8,p=1$salt$hash`. Hashing and checking run in the thread pool.
 */
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt)

/** 32 MiB and some 60 ms a guess. */
const COST = { ln: 15, r: 8, p: 1 }
const SALT_BYTES = 16
const HASH_BYTES = 32
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** No characters that look alike: no 0 o 1 l i. */
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz'

/** The text for the password column. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(normalise(password), salt, HASH_BYTES, parameters(COST))
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${unpadded(salt)}$${unpadded(hash)}`
}

/**
 * Does the password fit what the column holds? A form we do not know, an empty column and no account at all
 * (undefined) fit nothing, after the same work as a wrong password: the time tells no one which logins exist.
 */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const known = parse(stored ?? '')
  const { cost, salt, hash } = known ?? { cost: COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) }
  const derived = await derive(normalise(password), salt, hash.length, parameters(cost))
  return timingSafeEqual(derived, hash) && known !== undefined
}

/** A new password of 16 random characters (79 bits) in four groups, readable aloud. */
export function generatePassword(): string {
  const group = (): string => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return Array.from({ length: 4 }, group).join('-')
}

// A password typed on one system and on another must be the same bytes (RFC 8265 4.2.2).
function normalise(password: string): string {
  return password.normalize('NFC')
}

function parameters({ ln, r, p }: { readonly ln: number; readonly r: number; readonly p: number }) {
  const N = 2 ** ln
  return { N, r, p, maxmem: 128 * N * r + 128 * r * p + 1024 * 1024 }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

function parse(stored: string) {
  const parts = PHC.exec(stored)
  if (parts === null) return undefined
  const cost = { ln: Number(parts[1]), r: Number(parts[2]), p: Number(parts[3]) }
  // A row with absurd parameters must not eat the machine's memory at each login.
  if (cost.ln < 1 || cost.ln > 20 || cost.r < 1 || cost.r > 32 || cost.p < 1 || cost.p > 16) return undefined
  return { cost, salt: Buffer.from(parts[4]!, 'base64'), hash: Buffer.from(parts[5]!, 'base64') }
}
