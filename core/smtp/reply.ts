/** What the dialogue answers: whole lines of text, and what happens once they are sent. */
import type { Speaker } from '../../protocol/smtp/xclient.ts'

export interface Reply {
  /** CRLF-ended lines as Text, or the empty string. */
  readonly text: string
  readonly next: 'command' | 'data' | 'close' | 'restart' | 'chunk' | 'tls'
  /** What is read next, before anything is said. */
  readonly chunk?: Chunk
  /** The client has said that it has nothing more to say. */
  readonly goodbye?: true
  /** For whom a session begins anew. */
  readonly speaker?: Speaker
}

/** A chunk of BDAT. */
export interface Chunk {
  /** Bytes. */
  readonly size: number
  readonly last: boolean
  /** The reply to it, where that is certain before its bytes have come. */
  readonly answer?: Reply
}

/** A reply of these lines (without line ends), after which the next command is awaited. */
export function reply(...lines: readonly string[]): Reply {
  return { text: joined(lines), next: 'command' }
}

/** The same, and then the connection ends. No lines: silence. */
export function replyAndClose(...lines: readonly string[]): Reply {
  return { text: joined(lines), next: 'close' }
}

/** The answer to QUIT. */
export function replyToQuit(line: string): Reply {
  return { text: joined([line]), next: 'close', goodbye: true }
}

/** The 354 after which the client's data comes. */
export function replyAndRead(...lines: readonly string[]): Reply {
  return { text: joined(lines), next: 'data' }
}

/** The 220 after which the handshake comes (RFC 3207 4). */
export function replyAndSecure(...lines: readonly string[]): Reply {
  return { text: joined(lines), next: 'tls' }
}

function joined(lines: readonly string[]): string {
  if (lines.length === 1) return `${lines[0]}\r\n`
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`
}
