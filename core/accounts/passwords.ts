/** Passwords: new ones are hashed with scrypt, older forms of the column still fit (passwords/schemes.ts). All work is done in threads. */
import { randomInt } from 'node:crypto'
import { doJob } from './passwords/pool.ts'
import type { NewScheme } from './passwords/texts.ts'

/** No characters that look alike: no 0 o 1 l i. */
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz'

/** The text for the password column. Rejects with WorldUnavailable where too much is to be hashed at once. */
export async function hashPassword(password: string, scheme: NewScheme = 'scrypt'): Promise<string> {
  return (await doJob({ kind: 'hash', password, scheme })).hash!
}

/** The text for the column of somebody who wants APOP or CRAM-MD5, which need the password itself. */
export function keepClear(password: string): string {
  return `{CLEAR}${password}`
}

/**
 * Does the password fit what the column holds? A form we do not know, an empty column and no account at all (undefined) fit
 * nothing, after the same work. Rejects with WorldUnavailable where too many ask at once.
 */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  return (await doJob({ kind: 'verify', password, stored: stored ?? undefined })).fits === true
}

/** A new password of 16 random characters (79 bits) in four groups, readable aloud. */
export function generatePassword(): string {
  const group = (): string => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return Array.from({ length: 4 }, group).join('-')
}
