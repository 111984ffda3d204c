/**
 * The end of a spool file. The content comes first, then the envelope as JSON, then 24 bytes:
 *
 *     "HELIOSQ1"   content bytes (8, big endian)   envelope bytes (4)   CRC-32 of both lengths and the envelope (4)
 *
 * A file that was cut anywhere has no such end, so half a message is never taken for a whole one.
 */
import { crc32 } from 'node:zlib'
import type { Envelope } from './types.ts'
import type { OpenFile } from './file-system.ts'
import { HeliosError } from '../error.ts'

const MAGIC = Buffer.from('HELIOSQ1', 'latin1')
const LENGTHS = 12
const FOOTER = MAGIC.length + LENGTHS + 4
/** One read of this size gets the whole trailer of an ordinary message. */
const TAIL = 8192

export interface Trailer {
  readonly contentLength: number
  readonly envelope: Envelope
}

/** What follows `contentLength` bytes of content. Lone surrogates of Text survive as JSON escapes. */
export function printTrailer(trailer: Trailer): Buffer {
  const envelope = Buffer.from(JSON.stringify(trailer.envelope), 'utf8')
  const footer = Buffer.alloc(FOOTER)
  MAGIC.copy(footer)
  footer.writeBigUInt64BE(BigInt(trailer.contentLength), MAGIC.length)
  footer.writeUInt32BE(envelope.length, MAGIC.length + 8)
  footer.writeUInt32BE(checksum(footer, envelope), MAGIC.length + LENGTHS)
  return Buffer.concat([envelope, footer])
}

/** Reads the trailer of an open spool file of `size` bytes. Rejects with the system's error, or with HeliosError `spool-file-corrupt`. */
export async function readTrailer(file: OpenFile, size: number): Promise<Trailer> {
  let tail = await readTail(file, size, TAIL)
  const footer = parseFooter(tail, size)
  const needed = footer.envelopeLength + FOOTER
  if (needed > tail.length) tail = await readTail(file, size, needed)
  const envelope = tail.subarray(tail.length - needed, tail.length - FOOTER)
  if (checksum(tail.subarray(tail.length - FOOTER), envelope) !== footer.checksum) throw corrupt('the checksum of its envelope is wrong')
  return { contentLength: footer.contentLength, envelope: parseEnvelope(envelope.toString('utf8')) }
}

/** Parses the trailer at the end of a spool file that is in memory as a whole. Throws HeliosError `spool-file-corrupt`. */
export function parseSpoolFile(bytes: Buffer): Trailer {
  const footer = parseFooter(bytes, bytes.length)
  const envelope = bytes.subarray(footer.contentLength, footer.contentLength + footer.envelopeLength)
  if (checksum(bytes.subarray(bytes.length - FOOTER), envelope) !== footer.checksum) throw corrupt('the checksum of its envelope is wrong')
  return { contentLength: footer.contentLength, envelope: parseEnvelope(envelope.toString('utf8')) }
}

async function readTail(file: OpenFile, size: number, wanted: number): Promise<Buffer> {
  const tail = Buffer.allocUnsafe(Math.min(size, wanted))
  const got = await file.read(tail, size - tail.length)
  return tail.subarray(0, got)
}

function parseFooter(tail: Buffer, size: number): { contentLength: number; envelopeLength: number; checksum: number } {
  if (tail.length < FOOTER) throw corrupt('it is too short')
  const footer = tail.subarray(tail.length - FOOTER)
  if (!footer.subarray(0, MAGIC.length).equals(MAGIC)) throw corrupt('its end is missing')
  const contentLength = Number(footer.readBigUInt64BE(MAGIC.length))
  const envelopeLength = footer.readUInt32BE(MAGIC.length + 8)
  if (contentLength + envelopeLength + FOOTER !== size) throw corrupt('its length is not the one written at its end')
  return { contentLength, envelopeLength, checksum: footer.readUInt32BE(MAGIC.length + LENGTHS) }
}

function checksum(footer: Buffer, envelope: Uint8Array): number {
  return crc32(envelope, crc32(footer.subarray(MAGIC.length, MAGIC.length + LENGTHS)))
}

function parseEnvelope(json: string): Envelope {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw corrupt('its envelope is not JSON')
  }
  if (!isEnvelope(value)) throw corrupt('its envelope lacks a sender, recipients or a date')
  return value
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false
  const { reversePath, recipients, env, sessionId, receivedAt, parameters, edits } = value as Partial<Record<keyof Envelope, unknown>>
  return typeof reversePath === 'string' && typeof sessionId === 'string' && typeof receivedAt === 'number'
    && Array.isArray(recipients) && recipients.every((recipient) => typeof recipient === 'string')
    && typeof env === 'object' && env !== null && typeof parameters === 'object' && parameters !== null && Array.isArray(edits)
}

function corrupt(reason: string): HeliosError {
  return new HeliosError('spool-file-corrupt', `this is not a whole message: ${reason}`, {
    fault: 'system', mend: 'look at the file, and at the disk it came from; restore it from a backup or delete it',
  })
}
