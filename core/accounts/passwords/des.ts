/**
 * The traditional crypt(3): 25 rounds of DES (FIPS 46-3) over a block of zeros, the password as key, 12 bits of salt that swap bits of
 * the expansion. Only to check old rows; 56 bits are no protection today.
 */

const IP = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
  57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
]
const FP = [
  40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
  36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
]
const E = [
  32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25,
  24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
]
const P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25]
const PC1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
]
const PC2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
  41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]
const SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
/** Four rows of sixteen, as the standard prints them, one hexadecimal digit each. */
const S = [
  'e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d',
  'f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9',
  'a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c',
  '7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e',
  '2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453',
  'c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d',
  '4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c',
  'd2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b',
].map((digits) => Uint8Array.from(digits, (digit) => parseInt(digit, 16)))
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** What crypt(3) makes of the password's bytes with this salt: 13 characters. Undefined for two characters that are no salt. */
export function desCrypt(password: Uint8Array, salt: string): string | undefined {
  const [first, second] = [ALPHABET.indexOf(salt[0] ?? '-'), ALPHABET.indexOf(salt[1] ?? '-')]
  if (first < 0 || second < 0) return undefined
  const keys = keySchedule(keyBits(password))
  const expansion = salted(first | second << 6)
  let block = new Uint8Array(64)
  for (let round = 0; round < 25; round += 1) block = encrypt(block, keys, expansion)
  return salt.slice(0, 2) + printed(block)
}

/** The low seven bits of each of the first eight bytes; a parity bit follows each. */
function keyBits(password: Uint8Array): Uint8Array {
  const bits = new Uint8Array(64)
  for (let byte = 0; byte < 8; byte += 1) {
    const value = password[byte] ?? 0
    // A NUL ends what a program in C sees.
    if (value === 0) break
    for (let bit = 0; bit < 7; bit += 1) bits[byte * 8 + bit] = value >> 6 - bit & 1
  }
  return bits
}

function keySchedule(key: Uint8Array): readonly Uint8Array[] {
  let halves = permuted(key, PC1)
  return SHIFTS.map((shift) => {
    const turned = new Uint8Array(56)
    for (let at = 0; at < 28; at += 1) {
      turned[at] = halves[(at + shift) % 28]!
      turned[at + 28] = halves[28 + (at + shift) % 28]!
    }
    halves = turned
    return permuted(halves, PC2)
  })
}

/** Bit n of the salt swaps the nth bits of the expansion's halves. */
function salted(salt: number): readonly number[] {
  const expansion = [...E]
  for (let bit = 0; bit < 12; bit += 1) {
    if ((salt >> bit & 1) === 0) continue
    const kept = expansion[bit]!
    expansion[bit] = expansion[bit + 24]!
    expansion[bit + 24] = kept
  }
  return expansion
}

function encrypt(block: Uint8Array, keys: readonly Uint8Array[], expansion: readonly number[]): Uint8Array<ArrayBuffer> {
  const start = permuted(block, IP)
  let [left, right] = [start.slice(0, 32), start.slice(32)]
  for (const key of keys) {
    const mixed = permuted(right, expansion).map((bit, at) => bit ^ key[at]!)
    const chosen = new Uint8Array(32)
    for (let box = 0; box < 8; box += 1) {
      const [a, b, c, d, e, f] = mixed.subarray(box * 6, box * 6 + 6) as unknown as readonly [number, number, number, number, number, number]
      const value = S[box]![(a << 1 | f) * 16 + (b << 3 | c << 2 | d << 1 | e)]!
      for (let bit = 0; bit < 4; bit += 1) chosen[box * 4 + bit] = value >> 3 - bit & 1
    }
    const next = permuted(chosen, P).map((bit, at) => bit ^ left[at]!)
    left = right
    right = next
  }
  const end = new Uint8Array(64)
  end.set(right)
  end.set(left, 32)
  return permuted(end, FP)
}

function permuted(bits: Uint8Array, table: readonly number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(table, (from) => bits[from - 1]!)
}

/** Six bits a character, the last one filled up with two zeros. */
function printed(block: Uint8Array): string {
  let text = ''
  for (let at = 0; at < 66; at += 6) {
    let value = 0
    for (let bit = 0; bit < 6; bit += 1) value = value << 1 | (block[at + bit] ?? 0)
    text += ALPHABET[value]!
  }
  return text
}
