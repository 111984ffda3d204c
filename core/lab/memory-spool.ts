/** A spool that promises nothing: a message held in memory until the answer is known. */
import type { Spool, SpoolWriter } from '../message/spool-types.ts'
import { testMessage, type TestMessage } from '../plugin/testing/message.ts'

export interface MemorySpool extends Spool {
  /** Removes the files that plugins asked for. */
  dispose(): Promise<void>
}

export function memorySpool(): MemorySpool {
  const messages: TestMessage[] = []
  return {
    create(): SpoolWriter {
      const chunks: Buffer[] = []
      return {
        id: 'nowhere',
        get size() { return chunks.reduce((sum, chunk) => sum + chunk.length, 0) },
        write: (chunk) => { chunks.push(Buffer.from(chunk)) },
        message: () => {
          const message = testMessage(Buffer.concat(chunks), 'nowhere')
          messages.push(message)
          return message
        },
        commit: async () => undefined,
        abort: async () => undefined,
      }
    },
    async dispose() {
      for (const message of messages) await message.dispose()
    },
  }
}
