/**
 * BDAT: content in counted chunks (RFC 3030). A chunk is always read to its end, whatever becomes of it: its bytes are never
 * commands. BINARYMIME is not offered: the queue holds lines, and could not give back what was none.
 */
import { ChunkDecoder } from '../../protocol/smtp/chunk-decoder.ts'
import { endOfData, open, refusalOf } from './data.ts'
import type { Dialogue } from './dialogue.ts'
import { reply, replyAndClose, type Chunk, type Reply } from './reply.ts'

/** One BDAT command: what may be refused is refused, once its bytes have come. */
export function bdat(dialogue: Dialogue, argument: string): Reply | Promise<Reply> {
  const [, digits, last] = /^([0-9]{1,15})(?: +(LAST))? *$/i.exec(argument) ?? []
  if (digits === undefined) {
    // Nobody knows where the next command begins.
    return dialogue.say(replyAndClose('501 BDAT needs a number of bytes, and LAST or nothing (#5.5.4)'), 'built-in: syntax')
  }
  const chunk: Chunk = { size: Number(digits), last: last !== undefined }
  if (dialogue.chunks !== undefined) return read(chunk)
  const { session } = dialogue
  if (!session.open) return refused(dialogue, chunk, dialogue.refuse('503 MAIL first (#5.5.1)', 'built-in: order'))
  if (session.recipients.length === 0) return refused(dialogue, chunk, dialogue.refuse('503 RCPT first (#5.5.1)', 'built-in: order'))
  const pending = dialogue.pending('LD')
  if (pending !== undefined) return refused(dialogue, chunk, pending)
  return dialogue.after(dialogue.ask('data'), (verdict) => {
    if (verdict.kind === 'refuse') return refused(dialogue, chunk, dialogue.conclude(verdict, () => reply()) as Reply)
    return dialogue.conclude(verdict, () => begin(dialogue, chunk))
  })
}

async function begin(dialogue: Dialogue, chunk: Chunk): Promise<Reply> {
  const refusal = await open(dialogue)
  if (refusal !== undefined) return refused(dialogue, chunk, refusal)
  dialogue.chunks = new ChunkDecoder()
  return read(chunk)
}

function read(chunk: Chunk): Reply {
  return { text: '', next: 'chunk', chunk }
}

/** The transaction is over: were it open, the next chunk on its way would be taken for the first of the message. */
function refused({ session }: Dialogue, chunk: Chunk, answer: Reply): Reply {
  session.closeTransaction()
  return read({ ...chunk, answer })
}

/** Bytes of a chunk, or undefined where nothing waits. They are a gift. */
export function chunkContent({ chunks, receiving }: Dialogue, { answer }: Chunk, bytes: Buffer): Promise<void> | void {
  if (answer !== undefined || chunks === undefined || receiving === undefined) return
  const content = chunks.decode(bytes)
  if (content.length > 0) return receiving.content(content)
}

/** All bytes of the chunk have come. Never rejects. */
export async function endOfChunk(dialogue: Dialogue, { size, last, answer }: Chunk): Promise<Reply> {
  if (answer !== undefined) return answer
  const { chunks, receiving } = dialogue
  if (chunks === undefined || receiving === undefined) return dialogue.refuse('503 MAIL first (#5.5.1)', 'built-in: order')
  if (last) {
    const rest = chunks.end()
    if (rest.length > 0) await receiving.content(rest)
  }
  // The client may have left meanwhile.
  if (dialogue.receiving === undefined) return dialogue.refuse('503 MAIL first (#5.5.1)', 'built-in: order')
  if (!last && receiving.trouble === undefined && refusalOf(dialogue, receiving, chunks) === undefined) {
    return dialogue.say(reply(`250 ${size} bytes received`))
  }
  dialogue.chunks = undefined
  return endOfData(dialogue, chunks)
}

/** What other commands mean while chunks are missing; undefined: what they always mean. */
export function betweenChunks(dialogue: Dialogue, verb: string): Reply | undefined {
  if (dialogue.chunks === undefined) return undefined
  if (verb === 'RSET' || verb === 'HELO' || verb === 'EHLO') {
    dialogue.chunks = undefined
    void dialogue.receiving?.abandon()
    dialogue.receiving = undefined
    return undefined
  }
  return ['BDAT', 'NOOP', 'VRFY', 'HELP', 'QUIT'].includes(verb)
    ? undefined
    : dialogue.refuse('503 a message is under way: go on with BDAT, or RSET (#5.5.1)', 'built-in: order')
}
