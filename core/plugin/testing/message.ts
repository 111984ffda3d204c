import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, textOf } from '../../../protocol/text.ts'
import type { HeaderField, Message } from '../message.ts'

/** What a test without a message of its own gets. */
export const DEFAULT_MESSAGE = 'From: sender@far.example\nTo: user@local.example\nSubject: test\n\nHello.\n'

export interface TestMessage extends Message {
  /** Removes the file behind `file()`, when there is one. */
  dispose(): Promise<void>
}

/** A message held in memory, in queue form; `file()` writes a temporary file at the first call. */
export function testMessage(content: string | Uint8Array = DEFAULT_MESSAGE, id = '1790000000.1'): TestMessage {
  const bytes = typeof content === 'string' ? bytesOf(content) : content
  let folder: Promise<string> | undefined

  async function write(): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), 'helios-plugin-test-'))
    await writeFile(join(made, 'message'), bytes)
    return made
  }

  return {
    id,
    size: bytes.length,
    file: async () => join(await (folder ??= write()), 'message'),
    header: async () => headerOf(textOf(bytes)),
    // Small chunks, so that a plugin that expects the whole message in one is found out.
    content: async function* () {
      for (let at = 0; at < bytes.length; at += 64) yield bytes.subarray(at, at + 64)
    },
    dispose: async () => {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true })
    },
  }
}

function headerOf(text: string): readonly HeaderField[] {
  const header = text.startsWith('\n') ? '' : (text.split('\n\n', 1)[0] ?? '')
  return header
    .split(/\n(?![ \t])/)
    .map((field) => ({ field, colon: field.indexOf(':') }))
    .filter(({ colon }) => colon > 0)
    .map(({ field, colon }) => ({ name: field.slice(0, colon).trimEnd(), value: field.slice(colon + 1).replace(/\n$/, '') }))
}
