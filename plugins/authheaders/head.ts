/** The header of a message, bounded, and the rest behind it. */
import type { Message } from '../../core/plugin/index.ts'

/** The host edits the first 256 KiB of a header; what a longer one holds could not be removed. */
export const LONGEST_HEAD = 240 * 1024
/** Signatures of one message that are looked at: each costs a question and some arithmetic (RFC 6376 section 6.1 allows a limit). */
export const MOST_SIGNATURES = 10

/** False when the header does not end within LONGEST_HEAD bytes. */
export async function headIsBounded(message: Message): Promise<boolean> {
  if (message.size <= LONGEST_HEAD) return true
  let seen = ''
  for await (const chunk of message.content()) {
    // Each character is one byte; where the header ends is ASCII.
    seen += Buffer.from(chunk).toString('latin1')
    if (seen.startsWith('\n') || seen.includes('\n\n')) return seen.indexOf('\n\n') < LONGEST_HEAD
    if (seen.length >= LONGEST_HEAD) return false
  }
  return seen.length < LONGEST_HEAD
}

/** The message without the signatures beyond MOST_SIGNATURES. For a header that is bounded. */
export async function* withFewSignatures(message: Message): AsyncGenerator<Uint8Array> {
  let head: string | undefined = ''
  for await (const chunk of message.content()) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head += Buffer.from(chunk).toString('latin1')
    const end = head.startsWith('\n') ? 0 : head.indexOf('\n\n')
    if (end < 0) continue
    yield Buffer.from(fewSignatures(head.slice(0, end)) + head.slice(end), 'latin1')
    head = undefined
  }
  if (head !== undefined) yield Buffer.from(fewSignatures(head), 'latin1')
}

function fewSignatures(head: string): string {
  let signatures = 0
  return head.split(/\n(?![ \t])/).filter((field) => !/^DKIM-Signature[ \t]*:/i.test(field) || signatures++ < MOST_SIGNATURES).join('\n')
}
