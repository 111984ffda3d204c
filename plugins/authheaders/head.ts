/** What of a message is put to mailauth. A client must not set it to work for minutes. */
import { linesWithin, type HeadBounds, type Message } from '../../core/plugin/index.ts'

/**
 * The host edits the first 256 KiB of a header: what a longer one holds could not be removed. mailauth's time grows with
 * the square of the lines: 5000 take it some tenths of a second, 100,000 a minute.
 */
export const BOUNDS: HeadBounds = { bytes: 240 * 1024, lines: 5000 }
/** Signatures of one message that are looked at: each costs a question and some arithmetic (RFC 6376 section 6.1 allows a limit). */
export const MOST_SIGNATURES = 10
/** A signature names the fields it covers, and each name is looked for in the whole header. Ordinary ones are a tenth of this. */
const LONGEST_SIGNATURE = 8 * 1024

/**
 * Of those, signatures of a part of the body (`l=`). Each with another length has mailauth work through the whole body once
 * more, and none of them counts as a proof.
 */
const MOST_PARTIAL = 2
/** Longest line of the body of a signed message. SMTP has 1000 bytes (RFC 5321 section 4.5.3.1.6); mailauth's time grows with the square. */
const LONGEST_LINE = 256 * 1024

/**
 * The message without signatures beyond MOST_SIGNATURES and MOST_PARTIAL, and without overlong ones. For a header within BOUNDS.
 * Where a signature is left, reading fails with `LineTooLong` at a line that makes it dear to check.
 */
export async function* withFewSignatures(message: Message): AsyncGenerator<Uint8Array> {
  const content = message.content()[Symbol.asyncIterator]()
  try {
    const head = await headOf(content)
    const few = fewSignatures(head.text)
    yield Buffer.from(few.text + head.more, 'latin1')
    const rest = { [Symbol.asyncIterator]: () => content }
    yield* few.signed ? linesWithin(rest, LONGEST_LINE) : rest
  } finally {
    await content.return?.()
  }
}

/** The header, each character a byte, and what came along behind it. */
async function headOf(content: AsyncIterator<Uint8Array>): Promise<{ readonly text: string; readonly more: string }> {
  let text = ''
  for (;;) {
    const { done, value } = await content.next()
    if (done === true) return { text, more: '' }
    text += Buffer.from(value).toString('latin1')
    const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n')
    if (end >= 0) return { text: text.slice(0, end), more: text.slice(end) }
  }
}

function fewSignatures(head: string): { readonly text: string; readonly signed: boolean } {
  let signatures = 0
  let partial = 0
  let signed = false
  const text = head.split(/\n(?![ \t])/).filter((field) => {
    if (!/^(?:DKIM-Signature|ARC-Message-Signature|ARC-Seal)[ \t]*:/i.test(field)) return true
    if (field.length > LONGEST_SIGNATURE) return false
    if (/^DKIM/i.test(field) && (++signatures > MOST_SIGNATURES || (PARTIAL.test(field) && ++partial > MOST_PARTIAL))) return false
    signed = true
    return true
  }).join('\n')
  return { text, signed }
}

const PARTIAL = /[:;]\s*l\s*=/i
