/** What of a message's header is put to mailauth. A client must not set it to work for minutes. */
import type { HeadBounds, Message } from '../../core/plugin/index.ts'

/**
 * The host edits the first 256 KiB of a header: what a longer one holds could not be removed. mailauth's time grows with
 * the square of the lines: 5000 take it some tenths of a second, 100,000 a minute.
 */
export const BOUNDS: HeadBounds = { bytes: 240 * 1024, lines: 5000 }
/** Signatures of one message that are looked at: each costs a question and some arithmetic (RFC 6376 section 6.1 allows a limit). */
export const MOST_SIGNATURES = 10
/** A signature names the fields it covers, and each name is looked for in the whole header. Ordinary ones are a tenth of this. */
const LONGEST_SIGNATURE = 8 * 1024

/** The message without signatures beyond MOST_SIGNATURES, and without overlong ones. For a header within BOUNDS. */
export async function* withFewSignatures(message: Message): AsyncGenerator<Uint8Array> {
  let head: string | undefined = ''
  for await (const chunk of message.content()) {
    if (head === undefined) {
      yield chunk
      continue
    }
    // Each character is one byte.
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
  return head.split(/\n(?![ \t])/).filter((field) => {
    if (!/^(?:DKIM-Signature|ARC-Message-Signature|ARC-Seal)[ \t]*:/i.test(field)) return true
    return field.length <= LONGEST_SIGNATURE && (!/^DKIM/i.test(field) || signatures++ < MOST_SIGNATURES)
  }).join('\n')
}
