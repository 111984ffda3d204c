/**
 * The limits of one session as it runs: how often a client may err, and how long it may take (docs/limits.md). Pure: the
 * clock comes from outside, in milliseconds that never go back.
 */
import type { Limits } from '../../config/limits.ts'

interface Limited {
  readonly limits: Limits
}

/** Commands that bring no mail. A MAIL counts when one is open already. */
const JUNK: ReadonlySet<string> = new Set(['NOOP', 'VRFY', 'HELP', 'RSET', 'HELO', 'EHLO'])

/**
 * Behind these the client must wait for the reply (RFC 2920 3.1, RFC 4954 4): it decides what may come next. NOOP, VRFY and
 * QUIT stand in that list too, but what is sent behind them cannot be taken for anything else.
 */
const SYNCHRONISES: ReadonlySet<string> = new Set(['HELO', 'EHLO', 'DATA', 'AUTH', 'XCLIENT'])

/** Counts what a client does wrong or in vain, from the start or the last accepted message on. */
export class Conduct {
  readonly #session: Limited
  #errors = 0
  #junk = 0

  /** @param session whose limits may change as it goes on */
  constructor(session: Limited) {
    this.#session = session
  }

  /** The words of a 421 in place of this command's reply, once there was too much. */
  tooMuch(verb: string, open: boolean): { readonly text: string; readonly limit: 'errors' | 'junkCommands' } | undefined {
    const { errors, junkCommands } = this.#session.limits
    if (errors > 0 && this.#errors >= errors) return { text: '421 too many errors (#4.7.0)', limit: 'errors' }
    if (!JUNK.has(verb) && !(verb === 'MAIL' && open)) return undefined
    this.#junk += 1
    if (junkCommands === 0 || this.#junk <= junkCommands) return undefined
    return { text: '421 too many commands without mail (#4.7.0)', limit: 'junkCommands' }
  }

  /** Takes note of a reply's text, of one or more lines. */
  answered(text: string): void {
    // The last line decides: those before may be a plugin's.
    const line = text.lastIndexOf('\n', text.length - 2) + 1
    if (text[line] === '4' || text[line] === '5') this.#errors += 1
  }

  /** A message was accepted. */
  mailed(): void {
    this.#errors = 0
    this.#junk = 0
  }
}

/** Whether the client may have sent more before it read the reply to this command. */
export function mayPipeline(verb: string, extended: boolean): boolean {
  return verb === 'QUIT' || verb === 'STARTTLS' || (extended && !SYNCHRONISES.has(verb))
}

/** How much time the client has left. It runs only while we wait for the client. */
export class Pace {
  readonly #session: Limited
  #deadline = Infinity
  #data = false

  /** @param session whose limits may change as it goes on */
  constructor(session: Limited) {
    this.#session = session
  }

  /** A reply is on its way and the client's next command, or its reading, awaited: it has until then for all of it. */
  command(now: number): void {
    this.#data = false
    this.#deadline = after(now, this.#session.limits.commandSeconds)
  }

  /** The content of a message is awaited. */
  content(now: number): void {
    this.#data = true
    this.#deadline = after(now, this.#session.limits.dataSeconds)
  }

  /** Content has come: each byte gives the time it may take, but never more than a pause that is allowed. */
  received(bytes: number, now: number): void {
    const { dataRate, dataSeconds } = this.#session.limits
    if (!this.#data) return
    const most = after(now, dataSeconds)
    this.#deadline = dataRate === 0 ? most : Math.min(most, this.#deadline + bytes * 1000 / dataRate)
  }

  /** Time that went by while we, and not the client, were at work. */
  worked(milliseconds: number): void {
    if (this.#data) this.#deadline += milliseconds
  }

  overdue(now: number): 'commandSeconds' | 'dataRate' | undefined {
    if (now <= this.#deadline) return undefined
    return this.#data ? 'dataRate' : 'commandSeconds'
  }
}

const after = (now: number, seconds: number): number => (seconds === 0 ? Infinity : now + seconds * 1000)
