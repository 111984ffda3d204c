/** Poul-Henning Kamp's MD5 crypt, `$1$salt$hash`: a thousand rounds of MD5. Only to check old rows. */
import { createHash } from 'node:crypto'

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The order in which the sixteen bytes are printed, three and three. */
const ORDER = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] as const

/** The whole text for a password. @param salt at most eight characters, without `$` */
export function md5Crypt(password: Uint8Array, salt: string): string {
  const saltBytes = Buffer.from(salt, 'latin1')
  const md5 = (...parts: readonly Uint8Array[]): Buffer => {
    const hash = createHash('md5')
    for (const part of parts) hash.update(part)
    return hash.digest()
  }
  const inner = md5(password, saltBytes, password)
  const first: Uint8Array[] = [password, Buffer.from('$1$'), saltBytes]
  for (let left = password.length; left > 0; left -= 16) first.push(inner.subarray(0, Math.min(16, left)))
  // The original meant another byte here than the NUL, and everybody has followed it.
  for (let bits = password.length; bits > 0; bits >>= 1) first.push((bits & 1) === 1 ? Buffer.of(0) : password.subarray(0, 1))
  let digest = md5(...first)
  for (let round = 0; round < 1000; round += 1) {
    const parts: Uint8Array[] = [round % 2 === 1 ? password : digest]
    if (round % 3 !== 0) parts.push(saltBytes)
    if (round % 7 !== 0) parts.push(password)
    parts.push(round % 2 === 1 ? digest : password)
    digest = md5(...parts)
  }
  let text = ''
  for (const [a, b, c] of ORDER) text += printed(digest[a]! << 16 | digest[b]! << 8 | digest[c]!, 4)
  return `$1$${salt}$${text}${printed(digest[11]!, 2)}`
}

function printed(value: number, characters: number): string {
  return Array.from({ length: characters }, (_, at) => ALPHABET[value >> 6 * at & 63]!).join('')
}
