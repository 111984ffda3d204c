/** The client of the matrix: says what it is told, and reads replies for a bounded time. */
import { connect, type Socket } from 'node:net'

/** Of a reply: far beyond every time-out of the matrix, so that only a hang meets it. */
const PATIENCE_MS = 45_000

/** What was not there: no connection, no reply, its end in the middle. */
export class NoReply extends Error {}

/** Texts are latin1: one character for each byte. */
export class Client {
  readonly #socket: Socket
  #unread = ''
  #ended = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#unread += text
      this.#wake?.()
    })
    const end = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('end', end).on('close', end)
    // An end without a word is an end.
    socket.on('error', () => {})
  }

  /** @param from the address to come from. Rejects with NoReply. */
  static connect(port: number, from: string): Promise<Client> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: from })
      socket.once('error', (error) => reject(new NoReply(`no connection: ${error.message}`)))
      socket.once('connect', () => resolve(new Client(socket)))
    })
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** The lines of the next reply without their ends. Rejects with NoReply. */
  async reply(): Promise<readonly string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.#line()
      lines.push(line)
      if (!/^[0-9]{3}-/.test(line)) return lines
    }
  }

  async ask(line: string): Promise<readonly string[]> {
    this.send(`${line}\r\n`)
    return this.reply()
  }

  /** Everything up to the end of the connection. Rejects with NoReply where that does not come. */
  async rest(): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS
    while (!this.#ended) await this.#more(deadline)
    return this.#unread
  }

  /** What has come and was not asked for. */
  get unread(): string {
    return this.#unread
  }

  leave(): void {
    this.#socket.destroy()
  }

  async #line(): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const end = this.#unread.indexOf('\n')
      if (end !== -1) {
        const line = this.#unread.slice(0, end)
        this.#unread = this.#unread.slice(end + 1)
        if (!line.endsWith('\r')) throw new NoReply(`a line ended in a bare LF: ${JSON.stringify(line.slice(0, 100))}`)
        return line.slice(0, -1)
      }
      if (this.#ended) throw new NoReply('the connection ended where a reply should be')
      await this.#more(deadline)
    }
  }

  async #more(deadline: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(false)
      timer = setTimeout(() => resolve(true), Math.max(deadline - performance.now(), 0))
    })
    clearTimeout(timer)
    this.#wake = undefined
    if (late) throw new NoReply(`no reply within ${PATIENCE_MS / 1000} s`)
  }
}
