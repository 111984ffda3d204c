/** A plugin for `[+deliver]` that keeps what it gets in a file: where thousands of messages are sent, a program for each is slow. */
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Delivered } from '../harness/delivered.ts'
import type { Home } from '../harness/home.ts'
import { queueEmpties } from '../harness/delivered.ts'

const FILE = 'kept.jsonl'

/** The list's line, and the plugin as a file of the home. It is trusted, so it may write files itself. */
export const KEEP_LINE = '@trusted plugins/keep.mjs'
export const KEEP_FILES = {
  'plugins/keep.mjs': `import { appendFileSync } from 'node:fs'
export default {
  name: 'keep',
  summary: 'Keeps every message in a file of the home.',
  deliver: async ({ session, message }) => {
    const chunks = []
    for await (const chunk of message.content()) chunks.push(chunk)
    const content = Buffer.concat(chunks).toString('latin1')
    const line = JSON.stringify({ sender: session.reversePath, recipient: session.recipient, content })
    appendFileSync(new URL('../${FILE}', import.meta.url), line + '\\n')
    return { kind: 'O' }
  },
}
`,
}

/** Everything delivered, once the queue is empty. */
export async function kept(home: Home): Promise<readonly Delivered[]> {
  await queueEmpties(home)
  await pause(0)
  const text = await readFile(home.at(FILE), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Delivered)
}
