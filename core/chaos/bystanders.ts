/** Clients that have nothing to do with any fault, through a sandboxed plugin that works: a wrong answer shows that a fault spreads. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from './client.ts'
import { PLACE } from './cell.ts'

/** What bystanders met. */
export interface Pace {
  readonly sessions: number
  readonly answers: number
  /** What was said instead of the right answer, the first ones. */
  readonly wrong: readonly string[]
  readonly wrongCount: number
  /** Milliseconds of an answer: the middle one, and the one that 99 of 100 keep below. */
  readonly p50: number
  readonly p99: number
}

const NAME = `${PLACE}/bystander.ts`
const GREETING = 'bystanders are welcome'
const QUESTIONS = 5
/** Between two sessions of one bystander: they are there to be disturbed, not to disturb. */
const PAUSE_MS = 20
/** One in so many sessions sends a message. */
const MESSAGE_EVERY = 8
const MOST_SHOWN = 5

/** Answers with the recipient it was asked about, so that an answer that belongs to another session is seen. */
export const BYSTANDER_PLUGIN = {
  name: NAME,
  content: `import { definePlugin, error, print } from 'helios-mail/plugin'

export default definePlugin({
  name: 'chaos-bystander',
  summary: 'Made by helios chaos to answer right.',
  helo: () => print('250-${GREETING}'),
  rcpt: ({ session }) => session.recipient?.startsWith('refuse-') ? error('550 ' + session.recipient) : undefined,
  message: () => undefined,
})
`,
}

export const BYSTANDER_LIST = `[helo]\n${NAME}\n[rcpt]\n${NAME}\n[+message]\n${NAME}\n[+deliver]\n:cat >/dev/null; echo O\n`

export interface BystanderOptions {
  readonly port: number
  readonly address: string
  /** A recipient the server takes. */
  readonly to: string
  /** At the same time. */
  readonly count: number
}

export class Bystanders {
  readonly #options: BystanderOptions
  readonly #clients: Promise<void>
  #stopped = false
  #sessions = 0
  #questions = 0
  #times: number[] = []
  #wrong: string[] = []
  #wrongCount = 0

  /** They begin at once. */
  constructor(options: BystanderOptions) {
    this.#options = options
    this.#clients = Promise.all(Array.from({ length: options.count }, () => this.#walk())).then(() => undefined)
  }

  /** What they met since the last time, and on they go. */
  take(): Pace {
    const times = this.#times.sort((a, b) => a - b)
    const at = (share: number): number => Math.round((times[Math.min(Math.floor(times.length * share), times.length - 1)] ?? 0) * 10) / 10
    const pace: Pace = {
      sessions: this.#sessions, answers: times.length, wrong: this.#wrong, wrongCount: this.#wrongCount, p50: at(0.5), p99: at(0.99),
    }
    this.#sessions = 0
    this.#times = []
    this.#wrong = []
    this.#wrongCount = 0
    return pace
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#clients
  }

  async #walk(): Promise<void> {
    while (!this.#stopped) {
      await this.#session().catch((error: unknown) => this.#note(error instanceof Error ? error.message : String(error)))
      this.#sessions++
      await pause(PAUSE_MS)
    }
  }

  async #session(): Promise<void> {
    const { port, address, to } = this.#options
    const domain = to.slice(to.lastIndexOf('@') + 1)
    const client = await Client.connect(port, address)
    try {
      this.#expect(await client.reply(), /^220 /)
      this.#expect(await this.#timed(() => client.ask('EHLO bystander.example')), new RegExp(`^250-${GREETING}\n250`))
      for (let question = 0; question < QUESTIONS; question++) {
        const recipient = `refuse-${++this.#questions}@${domain}`
        this.#expect(await client.ask('MAIL FROM:<bystander@chaos.example>'), /^250 /)
        const reply = await this.#timed(() => client.ask(`RCPT TO:<${recipient}>`))
        if (reply.join('\n') !== `550 ${recipient}`) this.#note(`RCPT TO:<${recipient}> was answered ${reply.join('/')}`)
      }
      if (this.#sessions % MESSAGE_EVERY === 0) await this.#message(client, to)
      this.#expect(await client.ask('QUIT'), /^221 /)
    } finally {
      client.leave()
    }
  }

  async #message(client: Client, to: string): Promise<void> {
    this.#expect(await client.ask(`RCPT TO:<${to}>`), /^250 /)
    this.#expect(await client.ask('DATA'), /^354 /)
    client.send('Subject: bystander\r\n\r\nHere I am.\r\n.\r\n')
    this.#expect(await client.reply(), /^250 ok /)
  }

  async #timed<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now()
    const result = await work()
    this.#times.push(performance.now() - before)
    return result
  }

  #expect(reply: readonly string[], right: RegExp): void {
    if (!right.test(reply.join('\n'))) this.#note(`${reply.join('/')} where ${String(right)} is right`)
  }

  #note(wrong: string): void {
    this.#wrongCount++
    if (this.#wrong.length < MOST_SHOWN) this.#wrong.push(wrong)
  }
}
