import type { Message } from './message.ts'

/** How large a header may be. */
export interface HeadBounds {
  readonly bytes: number
  readonly lines: number
}

/** Whether the header of a message, up to its empty line, keeps within bounds. Reads no more than it must. */
export async function headWithin(message: Message, { bytes, lines }: HeadBounds): Promise<boolean> {
  let length = 0
  let ends = 0
  // As if a line had ended before the first: a message may begin with the empty line.
  let atLineStart = true
  for await (const chunk of message.content()) {
    for (const byte of chunk) {
      if (byte === LF && atLineStart) return true
      atLineStart = byte === LF
      if (atLineStart) ends++
      if (++length > bytes || ends > lines) return false
    }
  }
  return true
}

const LF = 0x0a
