/**
 * Reads a cdb, the constant database of qmail's compiled control files: 256 pairs (position, slots) of
 * 32-bit little-endian numbers, records, then 256 hash tables of pairs (hash, position). The file comes
 * from outside, so every offset is checked: a damaged file finds nothing, and a cycle ends.
 */
import { bytesOf } from '../text.ts'

const HEADER = 2048

export interface Cdb {
  /** The value of the first record with this key. Never throws. */
  get(key: string): Uint8Array | undefined
  has(key: string): boolean
}

/** Opens the bytes of a cdb; undefined when they cannot be one (too short, or a table outside the file). */
export function openCdb(bytes: Uint8Array): Cdb | undefined {
  if (bytes.length < HEADER) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < HEADER; at += 8) {
    const position = view.getUint32(at, true)
    const slots = view.getUint32(at + 4, true)
    if (slots > 0 && (position < HEADER || position + slots * 8 > bytes.length)) return undefined
  }
  const get = (key: string): Uint8Array | undefined => find(bytes, view, bytesOf(key))
  return { get, has: (key) => get(key) !== undefined }
}

function find(bytes: Uint8Array, view: DataView, key: Uint8Array): Uint8Array | undefined {
  const hash = cdbHash(key)
  const table = view.getUint32((hash & 255) * 8, true)
  const slots = view.getUint32((hash & 255) * 8 + 4, true)
  for (let step = 0; step < slots; step++) {
    const slot = table + (((hash >>> 8) + step) % slots) * 8
    const position = view.getUint32(slot + 4, true)
    if (position === 0) return undefined
    if (view.getUint32(slot, true) !== hash) continue
    const value = recordValue(bytes, view, position, key)
    if (value !== undefined) return value
  }
  return undefined
}

function recordValue(bytes: Uint8Array, view: DataView, position: number, key: Uint8Array): Uint8Array | undefined {
  if (position + 8 > bytes.length) return undefined
  const keyEnd = position + 8 + view.getUint32(position, true)
  const valueEnd = keyEnd + view.getUint32(position + 4, true)
  if (valueEnd > bytes.length || keyEnd - position - 8 !== key.length) return undefined
  return Buffer.compare(bytes.subarray(position + 8, keyEnd), key) === 0 ? bytes.subarray(keyEnd, valueEnd) : undefined
}

function cdbHash(key: Uint8Array): number {
  let hash = 5381
  for (const byte of key) hash = (((hash << 5) + hash) ^ byte) >>> 0
  return hash
}
