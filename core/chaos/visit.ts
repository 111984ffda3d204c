/** One session of the matrix: up to its stage, then a farewell that shows whether client and server are still in step. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from './client.ts'
import { STAGES, type Stage } from './fault.ts'

/** What the client says of itself. */
export interface Guise {
  readonly helo: string
  readonly from: string
  readonly to: string
}

export interface Visit {
  /** Of each stage up to the one asked for; fewer where one refused before. */
  readonly replies: Readonly<Partial<Record<Stage, readonly string[]>>>
  /** From the question of the last stage to its reply. */
  readonly ms: number
  /** What was wrong with the conversation itself: no reply, more than one, no farewell. */
  readonly trouble?: string
}

export interface VisitOptions {
  readonly port: number
  readonly address: string
  readonly guise: Guise
  readonly stage: Stage
  readonly lingerMs?: number | undefined
}

const CONTENT = 'Subject: chaos\r\n\r\nA message of the matrix.\r\n.\r\n'

/** Never rejects. */
export async function visit({ port, address, guise, stage, lingerMs }: VisitOptions): Promise<Visit> {
  const replies: Partial<Record<Stage, readonly string[]>> = {}
  let ms = 0
  let client: Client | undefined
  try {
    for (const at of STAGES.slice(0, STAGES.indexOf(stage) + 1)) {
      const asked = performance.now()
      client ??= await Client.connect(port, address)
      if (at === 'message') client.send(CONTENT)
      const reply = replies[at] = at === 'connection' || at === 'message' ? await client.reply() : await client.ask(question(at, guise))
      ms = performance.now() - asked
      if (at !== stage && codeOf(reply) >= 400) break
    }
    return { replies, ms, ...await farewell(client!, replies, lingerMs) }
  } catch (error) {
    return { replies, ms, trouble: error instanceof Error ? error.message : String(error) }
  } finally {
    client?.leave()
  }
}

function question(stage: Exclude<Stage, 'connection' | 'message'>, { helo, from, to }: Guise): string {
  switch (stage) {
    case 'helo': return `EHLO ${helo}`
    case 'mail': return `MAIL FROM:<${from}>`
    case 'rcpt': return `RCPT TO:<${to}>`
    case 'data': return 'DATA'
  }
}

async function farewell(client: Client, replies: Visit['replies'], lingerMs: number | undefined): Promise<{ readonly trouble?: string }> {
  // The server waits for a message: it gets one.
  if (replies.message === undefined && codeOf(replies.data ?? []) === 354) {
    client.send(CONTENT)
    await client.reply()
  }
  if (lingerMs !== undefined) await pause(lingerMs)
  if (client.unread !== '') return { trouble: `more came behind the reply: ${shown(client.unread)}` }
  const bye = (await client.ask('QUIT')).join('\n')
  if (!/^221( |$)/.test(bye)) return { trouble: `QUIT was answered ${shown(bye)}` }
  const rest = await client.rest()
  return rest === '' ? {} : { trouble: `more came behind the farewell: ${shown(rest)}` }
}

/** The code of a reply; 0 where there is none. */
export function codeOf(reply: readonly string[]): number {
  return Number(/^[0-9]{3}/.exec(reply.at(-1) ?? '')?.[0] ?? 0)
}

export function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
