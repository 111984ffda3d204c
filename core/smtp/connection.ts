/**
 * The one file that knows smtp-server. The library listens, does TLS and closes sockets; the parser, the start
 * of a session, its time-out and its end are ours. Each override says why. A contract test in test/smtp holds
 * what we lean on, and package.json pins the version exactly.
 */
import type { Socket } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { inNetworks, type Network } from '../../protocol/network.ts'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import type { Speaker } from '../../protocol/smtp/xclient.ts'
import { readProxied } from './proxied.ts'
import type { Port, Talk } from './talk.ts'

export interface Peer {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  /** The proxy that speaks for this client. */
  readonly via?: string
  /** Where the connection itself came from, and what was said there of the client, when XCLIENT has changed the addresses. */
  readonly origin?: string
  readonly speaker?: Speaker
}

/**
 * Makes the talk of one accepted connection, or undefined when access rules refuse it (it is then closed
 * without a word). May take its time: nothing of the client's is read meanwhile.
 */
export type Admit = (peer: Peer, port: Port) => Promise<Talk | undefined>

export interface EngineOptions {
  readonly admit: Admit
  /** Idle seconds after which a client is told 451 and closed. */
  readonly timeoutSeconds: number
  /** Networks whose connections begin with a PROXY header. */
  readonly proxies?: readonly Network[]
  /** Told of a proxy without a usable header. */
  readonly unproxied?: (via: string, fault: string) => void
  readonly failed: (what: string, cause: unknown) => void
}

const LONGEST_TIMER = 2 ** 31 - 1
/** For the PROXY header, which a proxy sends at once. */
const PROXY_MS = 10_000

/** A listener: `listen` and `close` are the library's. */
export class Engine extends SMTPServer {
  readonly #admit: Admit
  readonly #failed: EngineOptions['failed']
  readonly #proxies: readonly Network[]
  readonly #unproxied: EngineOptions['unproxied']
  #closing = false
  #finished: Promise<void> | undefined
  readonly #sweep: NodeJS.Timeout

  constructor(options: EngineOptions) {
    // allowHalfOpen: a client that sends everything and half-closes still gets its replies. It is an option of
    // net.createServer, to which the library hands its own.
    const library: SMTPServerOptions & { allowHalfOpen: boolean } = {
      disabledCommands: ['STARTTLS', 'AUTH'], disableReverseLookup: true, logger: false, allowHalfOpen: true,
      socketTimeout: options.timeoutSeconds * 1000,
    }
    super(library)
    this.#admit = options.admit
    this.#failed = options.failed
    this.#proxies = options.proxies ?? []
    this.#unproxied = options.unproxied
    // Without a listener one garbage handshake would end the process.
    this.on('error', () => {})
    // One timer for all: what has lasted too long is found about a second later.
    this.#sweep = setInterval(() => this.#tick(), 1000).unref()
  }

  #tick(): void {
    const now = performance.now()
    for (const connection of this.connections) if (connection instanceof Connection) connection.talk?.tick(now)
  }

  /** Idle time of connections from now on. */
  setTimeoutSeconds(seconds: number): void {
    // Node warns about more than a timer holds.
    this.options.socketTimeout = Math.min(seconds * 1000, LONGEST_TIMER)
  }

  /** The library's own question knows single addresses only. Where the answer is yes, it sees to sockets that end meanwhile. */
  override _expectsProxyHeader(socket: Socket): boolean {
    return inNetworks(this.#proxies, socket.remoteAddress ?? '')
  }

  /** Both versions, to the letter, and addresses of both sides; the library reads version 1, and less strictly. Before any TLS. */
  override _handleProxy(socket: Socket, done: Parameters<SMTPServer['_handleProxy']>[1]): void {
    if (!this._expectsProxyHeader(socket)) return super._handleProxy(socket, done)
    const via = socket.remoteAddress ?? ''
    void readProxied(socket, PROXY_MS).then((proxied) => {
      if ('addresses' in proxied) return done(null, { id: '', ...proxied.addresses })
      if (proxied.fault !== undefined) this.#unproxied?.(via, proxied.fault)
      socket.destroy()
      done(new Error(proxied.fault))
    })
  }

  /** No factory upstream: the class of a connection is named here. */
  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    if (this.#closing) {
      socket.destroy()
      return
    }
    const connection = new Connection(this, socket, options ?? {})
    connection.admit = this.#admit
    connection.failed = this.#failed
    connection.stopping = () => this.#closing
    if (options?.remoteAddress !== undefined) connection.via = unmapIPv4(socket.remoteAddress ?? '')
    this.connections.add(connection)
    connection.on('error', () => {})
    connection.init()
  }

  /**
   * Stops accepting; idle sessions hear 421 at once, busy ones after what they do. Resolves when the last is gone, or
   * after `boundMs` with what is left ended. Again: waits for the same end.
   */
  finish(boundMs: number): Promise<void> {
    this.#finished ??= new Promise((resolve) => {
      clearInterval(this.#sweep)
      const bound = setTimeout(() => {
        for (const connection of this.connections) connection._socket.destroy()
      }, boundMs)
      this.#closing = true
      // The library would say 421 in the middle of a reply when its own bound ends: ours comes first.
      this.options.closeTimeout = boundMs + 60_000
      this.close(() => {
        clearTimeout(bound)
        resolve()
      })
      for (const connection of this.connections) if (connection instanceof Connection) connection.talk?.shutdown()
    })
    return this.#finished
  }

  get count(): number {
    return this.connections.size
  }
}

class Connection extends SMTPConnection implements Port {
  // `declare`: a field would be wiped after the base constructor, which already made our parser.
  declare talk: Talk | undefined
  declare admit: Admit
  declare failed: EngineOptions['failed']
  declare stopping: () => boolean
  declare via: string | undefined
  declare peer: Peer

  /** Ours in place of the library's: nothing of its parser or command handlers ever runs. */
  override _createParser(): SMTPStream {
    return new Intake(this)
  }

  /** No 100 ms, no reverse lookup, no hooks of the library: access, then our greeting. */
  override init(): void {
    const { remoteAddress, remotePort, localAddress, localPort } = this
    this.peer = { remoteAddress, remotePort, localAddress, localPort, ...(this.via === undefined ? {} : { via: this.via }) }
    this.#welcome(() => {
      this._socket.once('end', () => this.talk?.inputEnded())
      this._setListeners(() => {})
    })
    // Until then the library listens to nothing: an early end must not stay unseen.
    this._socket.once('close', () => this._onClose())
    this._socket.on('error', (error) => this._onError(error))
  }

  /** As if another client had connected: rules, limits and greeting once more. */
  restart(speaker: Speaker): void {
    const { peer, talk } = this
    this.talk = undefined
    talk?.gone('XCLIENT: somebody else is spoken for')
    this.peer = {
      ...peer, origin: peer.origin ?? peer.remoteAddress, speaker: { ...peer.speaker, ...speaker },
      remoteAddress: speaker.address ?? peer.remoteAddress, remotePort: speaker.port ?? peer.remotePort,
      localAddress: speaker.destinationAddress ?? peer.localAddress, localPort: speaker.destinationPort ?? peer.localPort,
    }
    // A client that has ended its side meanwhile has nobody to tell that.
    this.#welcome(() => { if (this._socket.readableEnded) this.talk?.end() })
  }

  #welcome(begun: () => void): void {
    this.admit(this.peer, this).then((talk) => {
      if (talk === undefined || this._closed) {
        talk?.gone('left before the greeting')
        // One that was told why it is sent away is being closed already.
        if (!this._closing) this._socket.destroy()
        return
      }
      this.talk = talk
      talk.begin()
      // The stop came while it was decided whether the client may be here.
      if (this.stopping()) talk.shutdown()
      begun()
    }).catch((cause: unknown) => {
      this.failed('a connection could not be taken', cause)
      this._socket.destroy()
    })
  }

  /** qmail's words; a plugin or the spool at work is no idle client. */
  override _onTimeout(): void {
    if (this._closing) this._socket.destroy()
    else if (this.talk?.busy === true) this._armTimeout()
    else this.talk?.timeout()
  }

  /** The end of a connection, however it came. */
  override _onClose(): void {
    const talk = this.talk
    this.talk = undefined
    super._onClose()
    talk?.gone('connection closed')
  }

  write(bytes: Buffer): boolean {
    // While a handshake runs, _socket is the raw one: nothing may be written into it.
    if (this._upgrading || this._socket.destroyed || !this._socket.writable) return true
    return this._socket.write(bytes)
  }

  early(): boolean {
    return this._socket.readableLength > 0
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this._socket.once('close', resolve)
      this._whenWritable(() => {
        this._socket.off('close', resolve)
        resolve()
      })
    })
  }
}

/** The library's stream type with only our reading of it. */
class Intake extends SMTPStream {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super()
    this.#connection = connection
    this.on('finish', () => connection.talk?.end())
  }

  /** One chunk at a time: the next is read when this one is served. Bytes after close or STARTTLS are dropped. */
  override _write(chunk: Buffer, _encoding: BufferEncoding, next: (error?: Error | null) => void): void {
    const talk = this.#connection.talk
    if (this.isClosed || talk === undefined) return next()
    void talk.receive(chunk).then(() => next())
  }
}
