/** Keys as every store keeps them: bytes, and not too many of them. */
import { createHash } from 'node:crypto'
import { bytesOf } from '../../../protocol/text.ts'

/** Longer keys are kept as their digest: a client chooses how long an address is. */
export const LONGEST_KEY = 200

export function keyOf(key: string): Buffer {
  const bytes = bytesOf(key)
  // No client can say a NUL, so that nobody makes a short key that is another's digest.
  return bytes.length <= LONGEST_KEY ? bytes : Buffer.concat([Buffer.of(0), createHash('sha256').update(bytes).digest()])
}
