/**
 * A raw SMTP client for tests: it sends the bytes it is told to and hands back the bytes that came, so that it can say
 * what no polite client says. It shares no code with the server: a misunderstanding of ours must not be on both sides.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { setTimeout as pause } from 'node:timers/promises'

export interface ClientOptions {
  readonly host?: string
  /** The address to come from: on Linux the whole of 127.0.0.0/8 is loopback. */
  readonly from?: string
  /** TLS from the first byte. */
  readonly tls?: ConnectionOptions
}

/** How long anything may take before the test fails: far beyond what any of it needs, so that only a hang meets it. */
const PATIENCE_MS = 30_000

/** Strings are latin1: one character for each byte, both ways. */
export class SmtpClient {
  #socket: Socket
  #buffer = ''
  #ended = false
  #wake: (() => void) | undefined
  readonly #transcript: string[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    this.#listenTo(socket)
  }

  get socket(): Socket {
    return this.#socket
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#buffer += chunk.toString('latin1')
    this.#wake?.()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake?.()
  }

  #listenTo(socket: Socket): void {
    socket.on('data', this.#onData)
    for (const event of ['end', 'close'] as const) socket.on(event, this.#onEnd)
    // A reset is the end, too; what was expected and did not come says so.
    socket.on('error', (error) => this.#transcript.push(`! ${error.message}`))
  }

  /** Rejects when nobody listens. Half-open: the server's end does not end ours. */
  static async connect(port: number, options: ClientOptions = {}): Promise<SmtpClient> {
    const socket = connect({
      port, host: options.host ?? '127.0.0.1', allowHalfOpen: true, ...(options.from === undefined ? {} : { localAddress: options.from }),
    })
    await once(socket, 'connect', { signal: AbortSignal.timeout(PATIENCE_MS) })
    const client = new SmtpClient(socket)
    if (options.tls !== undefined) await client.secure(options.tls)
    return client
  }

  /** TLS from here on, as `startTls` does once the server has said 220. Certificates are looked at where `options` ask for it. Rejects when the handshake fails. */
  async secure(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.off('data', this.#onData)
    for (const event of ['end', 'close'] as const) this.#socket.off(event, this.#onEnd)
    this.#transcript.push('> (handshake)')
    if (this.#ended || this.#socket.destroyed) throw this.#failure('the connection ended before the handshake')
    const socket = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...options })
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(PATIENCE_MS) })
    this.#listenTo(socket)
    this.#socket = socket
    return socket
  }

  /** STARTTLS and the handshake. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const answer = await this.command('STARTTLS')
    if (answer !== '220 ready for tls') throw this.#failure(`STARTTLS was refused: ${answer}`)
    return this.secure(options)
  }

  /** All in one write. */
  send(bytes: string): void {
    this.#transcript.push(`> ${shown(bytes)}`)
    this.socket.write(bytes, 'latin1')
  }

  /** Each part in a write of its own, with time for the server to read it alone. */
  async sendParts(parts: readonly string[]): Promise<void> {
    for (const part of parts) {
      if (part === '') continue
      this.send(part)
      await pause(1)
    }
  }

  /** A write for each byte. */
  async sendBytewise(bytes: string): Promise<void> {
    for (const byte of bytes) {
      await new Promise((resolve) => this.socket.write(byte, 'latin1', resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#transcript.push(`> (byte by byte) ${shown(bytes)}`)
  }

  /** Two writes, cut in front of byte `at`. */
  sendSplit(bytes: string, at: number): Promise<void> {
    return this.sendParts([bytes.slice(0, at), bytes.slice(at)])
  }

  /** The next line with its line end. Rejects when the connection ends before, or nothing comes. */
  async line(): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      const lf = this.#buffer.indexOf('\n')
      if (lf >= 0) return this.#take(lf + 1)
      if (this.#ended) throw this.#failure('the connection ended where a reply should be')
      await this.#more(deadline)
    }
  }

  /** The lines of one reply, without CRLF, up to and with the one that has no hyphen behind its code. */
  async reply(): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      if (!line.endsWith('\r\n')) throw this.#failure(`a reply line ends in a bare LF: ${shown(line)}`)
      lines.push(line.slice(0, -2))
      if (!/^[0-9]{3}-/.test(line)) return lines
    }
  }

  /** Sends one command line and gives the last line of its reply. */
  async command(line: string): Promise<string> {
    this.send(`${line}\r\n`)
    return (await this.reply()).at(-1)!
  }

  /** Sends the lines in one write and gives the last line of each one's reply. */
  async commands(...lines: readonly string[]): Promise<string[]> {
    this.send(lines.map((line) => `${line}\r\n`).join(''))
    const replies: string[] = []
    while (replies.length < lines.length) replies.push((await this.reply()).at(-1)!)
    return replies
  }

  /** Everything up to the server's end of the connection. */
  async rest(): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS
    while (!this.#ended) await this.#more(deadline)
    return this.#take(this.#buffer.length)
  }

  /** Half-close: nothing more will be sent, replies are still read. */
  end(): void {
    this.#transcript.push('> (end)')
    this.socket.end()
  }

  /** Leaves without a word, and resolves once the connection is gone. */
  async leave(): Promise<void> {
    if (this.socket.closed) return
    const closed = once(this.socket, 'close')
    this.socket.destroy()
    await closed
  }

  /** Bytes that have come and were not asked for yet. */
  get unread(): string {
    return this.#buffer
  }

  get transcript(): string {
    return this.#transcript.join('\n')
  }

  #take(length: number): string {
    const taken = this.#buffer.slice(0, length)
    this.#buffer = this.#buffer.slice(length)
    if (taken !== '') this.#transcript.push(`< ${shown(taken)}`)
    return taken
  }

  async #more(deadline: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(false)
      timer = setTimeout(resolve, Math.max(0, deadline - Date.now()), true)
    })
    clearTimeout(timer)
    this.#wake = undefined
    if (late) throw this.#failure(`nothing came for ${PATIENCE_MS / 1000} s (unread: ${shown(this.#buffer)})`)
  }

  #failure(message: string): Error {
    return new Error(`${message}\n${this.transcript}`)
  }
}

/** For messages: escapes instead of control bytes, and not too much. */
export function shown(bytes: string): string {
  const text = JSON.stringify(bytes)
  return text.length > 400 ? `${text.slice(0, 300)}…${text.slice(-80)} (${bytes.length} bytes)` : text
}
