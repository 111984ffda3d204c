/**
 * A server at work for a long time: messages at a steady rate, a reload every while, and a plugin in the list that fails
 * in every way it can. What was promised must arrive, no session may hang, and memory may not creep.
 */
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { residentMiB } from '../bench/cost.ts'
import type { SmtpClient } from '../client/smtp-client.ts'
import { makeHome } from './home.ts'
import { isQueueEmpty } from './delivered.ts'
import { startServer } from './server.ts'

export interface SoakOptions {
  readonly seconds: number
  /** Messages a second. */
  readonly rate: number
  readonly reloadSeconds: number
  readonly progress?: (line: string) => void
}

export interface SoakReport {
  readonly sent: number
  /** Answered 250. */
  readonly promised: number
  readonly delivered: number
  /** Answered 250 and in no Maildir. */
  readonly lost: readonly number[]
  /** Replies that no list of this test makes. */
  readonly wrong: readonly string[]
  /** Sessions that had not ended some time after their last command. */
  readonly stuck: number
  readonly reloads: number
  /** Resident memory of the server, each second. */
  readonly memory: readonly { readonly second: number; readonly mib: number }[]
  /** Growth by the line of least squares through the later two thirds, MiB in ten minutes. */
  readonly slope: number
}

/** Throws, loops, waits for ever, or is right, as the number in the sender tells it. */
const FAULTY = (edit: number): string => `import { definePlugin } from 'helios-mail/plugin'
// edit ${edit}
export default definePlugin({
  name: 'faulty', summary: 'Fails in every way.',
  mail: ({ session }) => {
    const n = Number(/^a([0-9]+)@/.exec(session.reversePath ?? '')?.[1] ?? 0)
    if (n % 50 === 0) for (;;);
    if (n % 20 === 0) throw new Error('chaos')
    if (n % 33 === 0) return new Promise(() => {})
    return undefined
  },
})
`
const LIST = '[mail]\n@timeout=500ms,onerror=open plugins/faulty.ts\n[rcpt]\n@timeout=2s,onerror=open :[ "${SMTPMAILFROM%7@far.example}" = "$SMTPMAILFROM" ] || kill -9 $$\nmaxrcpts\n[+deliver]\nmaildir\n'
const STUCK_MS = 60_000
const CLEAN_EVERY = 1000

export async function soak({ seconds, rate, reloadSeconds, progress = () => {} }: SoakOptions): Promise<SoakReport> {
  const home = await makeHome({ 'control/smtpplugins': LIST, 'plugins/faulty.ts': FAULTY(0), 'control/rcpthosts': 'example.test\n' },
    // All come from one address, and say hello and more at once.
    { limits: { connections: 0, pipelining: 'note' } })
  execFileSync(process.execPath, [join(import.meta.dirname, '..', '..', 'core/cli/helios.js'), '--home', home.path, 'user', 'add', 'u@example.test'], {
    input: 'soaked password\n', stdio: ['pipe', 'ignore', 'inherit'],
  })
  const server = await startServer(home)
  const maildir = home.at('mail/example.test/u/Maildir/new')
  const promised = new Set<number>()
  const arrived = new Set<number>()
  const wrong = new Set<string>()
  const memory: { second: number; mib: number }[] = []
  let sent = 0
  let open = 0
  let reloads = 0

  async function one(id: number): Promise<void> {
    open++
    let client: SmtpClient | undefined
    try {
      client = await server.connect()
      await client.reply()
      const replies = await client.commands('EHLO soak.example', `MAIL FROM:<a${id}@far.example>`, 'RCPT TO:<u@example.test>')
      if (replies.some((reply) => !reply.startsWith('250'))) wrong.add(replies.join(' / '))
      const data = await client.command('DATA')
      if (data.startsWith('354')) {
        client.send(`X-Number: ${id}\r\n\r\n${'soaked\r\n'.repeat(1 + id % 500)}.\r\n`)
        const [last] = await client.reply()
        if (last!.startsWith('250')) promised.add(id)
        else wrong.add(last!)
      } else wrong.add(data)
      await client.command('QUIT')
    } catch (cause) {
      wrong.add(cause instanceof Error ? cause.message.split('\n')[0]! : String(cause))
    } finally {
      await client?.leave()
      open--
    }
  }

  /** What has arrived is counted and taken away, as a reader of mail would. */
  async function collect(): Promise<void> {
    for (const name of await readdir(maildir).catch(() => [])) {
      const path = join(maildir, name)
      arrived.add(Number(/^X-Number: (\d+)$/m.exec(await readFile(path, 'latin1'))?.[1]))
      await rm(path)
    }
  }

  const begun = performance.now()
  const elapsed = (): number => (performance.now() - begun) / 1000
  let collecting: Promise<void> = Promise.resolve()
  while (elapsed() < seconds) {
    const due = Math.floor(elapsed() * rate)
    while (sent < due) {
      sent++
      void one(sent)
      if (sent % CLEAN_EVERY === 0) collecting = collecting.then(collect)
    }
    if (elapsed() > (reloads + 1) * reloadSeconds) {
      reloads++
      await home.write('plugins/faulty.ts', FAULTY(reloads))
      progress(`${Math.round(elapsed())} s: ${sent} sent, ${promised.size} promised, ${open} open, ${residentMiB(server.pid).toFixed(1)} MiB`)
    }
    const second = Math.floor(elapsed())
    if (memory.at(-1)?.second !== second) memory.push({ second, mib: residentMiB(server.pid) })
    await pause(20)
  }
  const last = performance.now() + STUCK_MS
  while (open > 0 && performance.now() < last) await pause(50)
  while (!await isQueueEmpty(home) && performance.now() < last) await pause(50)
  await collecting
  await collect()
  const { code } = await server.stop()
  if (code !== 0) wrong.add(`the server ended with ${code}`)
  const lost = [...promised].filter((id) => !arrived.has(id))
  return { sent, promised: promised.size, delivered: arrived.size, lost, wrong: [...wrong], stuck: open, reloads, memory, slope: slopeOf(memory) }
}

/** MiB in ten minutes. */
function slopeOf(all: readonly { readonly second: number; readonly mib: number }[]): number {
  const points = all.slice(Math.floor(all.length / 3))
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(points.map(({ second }) => second))
  const y = mean(points.map(({ mib }) => mib))
  const over = points.reduce((sum, { second, mib }) => sum + (second - x) * (mib - y), 0)
  const under = points.reduce((sum, { second }) => sum + (second - x) ** 2, 0)
  return under === 0 ? 0 : over / under * 600
}
