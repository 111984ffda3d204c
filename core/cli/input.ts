/** Standard input as a text. */
import { textOf } from '../../protocol/text.ts'
import { HeliosError } from '../error.ts'
import type { Io } from './command.ts'

/** More than any text an operator means; a whole disk piped in by mistake must not fill the memory. */
const LONGEST = 16 * 1024 * 1024

/** All of it; at a terminal `what` is asked for first. Rejects with HeliosError `bad-input` for more than 16 MiB. */
export async function readInput(io: Io, what: string): Promise<string> {
  if (io.stdin.isTTY) io.ask(`${what}, and then Ctrl-D on a line of its own:\n`)
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of io.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > LONGEST) throw new HeliosError('bad-input', `more than ${LONGEST} bytes came on standard input`, { fault: 'operator', mend: 'send a text' })
  }
  return textOf(Buffer.concat(chunks))
}
