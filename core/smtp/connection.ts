/**
 * The one file that knows smtp-server. The library listens, does TLS and closes sockets; the parser, the start
 * of a session, its time-out and its end are ours. Each override says why. A contract test in test/smtp holds
 * what we lean on, and package.json pins the version exactly.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { domainToASCII } from 'node:url'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { inNetworks, type Network } from '../../protocol/network.ts'
import type { ProxiedAddresses } from '../../protocol/proxy/header.ts'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import type { Speaker } from '../../protocol/smtp/xclient.ts'
import type { Certificates } from '../tls/certificates.ts'
import { factsOf } from '../tls/facts.ts'
import { handshakeFault } from '../tls/fault.ts'
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
  /** TLS from the first byte, once access rules admit the client. */
  readonly implicitTls?: boolean
  readonly failed: (what: string, cause: unknown) => void
}

const LONGEST_TIMER = 2 ** 31 - 1
/** For the PROXY header, which a proxy sends at once. */
const PROXY_MS = 10_000
/** A handshake is two round trips: what takes longer holds a socket for nothing. */
const HANDSHAKE_MS = 60_000

/** A listener: `listen` and `close` are the library's. */
export class Engine extends SMTPServer {
  readonly #admit: Admit
  readonly #failed: EngineOptions['failed']
  readonly #proxies: readonly Network[]
  readonly #unproxied: EngineOptions['unproxied']
  readonly #implicitTls: boolean
  #certificates: Certificates | undefined
  #closing = false
  #finished: Promise<void> | undefined
  readonly #sweep: NodeJS.Timeout

  constructor(options: EngineOptions) {
    // allowHalfOpen: a client that sends everything and half-closes still gets its replies. It is an option of
    // net.createServer, to which the library hands its own. Without a name it would ask the system for one at each connection.
    const library: SMTPServerOptions & { allowHalfOpen: boolean } = {
      name: 'helios',
      disabledCommands: ['STARTTLS', 'AUTH'], disableReverseLookup: true, logger: false, allowHalfOpen: true,
      socketTimeout: options.timeoutSeconds * 1000,
      SNICallback: (name, found) => found(null, this.#certificates?.forName(domainToASCII(name))),
    }
    super(library)
    // The library brings a certificate along whose key everybody knows: no handshake may ever get it.
    this.secureContext.clear()
    this.#admit = options.admit
    this.#failed = options.failed
    this.#proxies = options.proxies ?? []
    this.#unproxied = options.unproxied
    this.#implicitTls = options.implicitTls ?? false
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
    // The name is for the library's log, which is off; without one it draws two from the system's random bytes.
    if (!this._expectsProxyHeader(socket)) return done(null, { id: '-' })
    const via = socket.remoteAddress ?? ''
    void readProxied(socket, PROXY_MS).then((proxied) => {
      if ('addresses' in proxied) return done(null, { id: '-', ...unmapped(proxied.addresses) })
      if (proxied.fault !== undefined) this.#unproxied?.(via, proxied.fault)
      socket.destroy()
      done(new Error(proxied.fault))
    })
  }

  /** Certificates of handshakes from now on. */
  setCertificates(certificates: Certificates): void {
    this.#certificates = certificates
    this.secureContext.set('*', certificates.standard)
    // Options of each TLS socket that the library makes. Level 1 wants a right certificate only where one is shown: judged by `#secured`.
    this.options.requestCert = certificates.verify !== undefined
    this.options.rejectUnauthorized = certificates.verify === 2
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
    connection.implicitTls = this.#implicitTls
    connection.verify = () => this.#certificates?.verify
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
        for (const connection of this.connections) if (connection instanceof Connection) connection.abort('the server stops')
      }, boundMs)
      this.#closing = true
      // The library would say 421 in the middle of a reply when its own bound ends: ours comes first.
      this.options.closeTimeout = boundMs + 60_000
      this.close(() => {
        clearTimeout(bound)
        resolve()
      })
      for (const connection of this.connections) if (connection instanceof Connection) connection.shutdown()
    })
    return this.#finished
  }

  get count(): number {
    return this.connections.size
  }
}

/** The library cuts `::ffff:` off, whatever stands behind it. */
function unmapped(addresses: ProxiedAddresses | undefined): ProxiedAddresses | undefined {
  return addresses && { ...addresses, remoteAddress: unmapIPv4(addresses.remoteAddress), localAddress: unmapIPv4(addresses.localAddress) }
}

class Connection extends SMTPConnection implements Port {
  // `declare`: a field would be wiped after the base constructor, which already made our parser.
  declare talk: Talk | undefined
  declare admit: Admit
  declare failed: EngineOptions['failed']
  declare stopping: () => boolean
  declare via: string | undefined
  declare peer: Peer
  declare implicitTls: boolean
  declare verify: () => Certificates['verify']
  /** The TLS socket while its handshake runs: the library shows it in `_socket` only afterwards. */
  declare handshake: Socket | undefined
  declare handshakeFault: string | undefined

  /** Ours in place of the library's: nothing of its parser or command handlers ever runs. */
  override _createParser(): SMTPStream {
    return new Intake(this)
  }

  /** No 100 ms, no reverse lookup, no hooks of the library: access, then our greeting. */
  override init(): void {
    const { remoteAddress, remotePort, localAddress, localPort } = this
    this.peer = { remoteAddress, remotePort, localAddress, localPort, ...(this.via === undefined ? {} : { via: this.via }) }
    // The library would listen later, and an early end must not stay unseen.
    this._socket.once('close', () => this._onClose())
    this._socket.on('error', (error) => this._onError(error))
    this.#welcome(() => {
      this._armTimeout()
      this.#read()
    })
  }

  /** What a pipe into the intake does, with three listeners in place of its nine. */
  #read(): void {
    const { _socket: socket, _parser: intake } = this
    if (intake === false) return
    socket.on('data', (chunk: Buffer) => {
      if (!intake.write(chunk)) socket.pause()
    })
    intake.on('drain', () => socket.resume())
    const ended = (): void => {
      this.talk?.inputEnded()
      intake.end()
    }
    // A client that has left before it was let in ends nothing any more.
    if (socket.readableEnded) ended()
    else socket.once('end', ended)
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
      if (this.implicitTls) return this.#handshake((secure) => this.#begin(secure))
      this.#begin(talk)
      begun()
    }).catch((cause: unknown) => {
      this.failed('a connection could not be taken', cause)
      this._socket.destroy()
    })
  }

  #begin(talk: Talk): void {
    talk.begin()
    // The stop came while it was decided whether the client may be here, or in the handshake.
    if (this.stopping()) talk.shutdown()
  }

  startTls(): void {
    // The stop came while the client's STARTTLS waited for an answer: in a handshake nobody could tell it.
    if (this.stopping()) return this.close()
    this.#handshake((talk) => { if (this.stopping()) talk.shutdown() })
  }

  /** Hands the socket over to TLS. The library retires the parser, and with it whatever came in the clear behind STARTTLS. */
  #handshake(done: (talk: Talk) => void): void {
    if (this._parser !== false) this._parser.isClosed = true
    const begin = (): void => {
      if (this._closed || this._socket.destroyed) return
      const late = setTimeout(() => this.abort('it took too long'), HANDSHAKE_MS)
      late.unref()
      const raw = this._socket
      // What comes from here on is TLS, and nothing else may take it.
      if (raw.readableFlowing === true) raw.pause()
      this.upgrade(() => {}, () => this.#secured(done))
      this.handshake?.once('close', () => clearTimeout(late))
      this.handshake?.once('secure', () => clearTimeout(late))
      // Half open is for what comes after: a client that has ended its side can never finish a handshake, and would hold its place until
      // it is too late. The end shows on the TLS socket, or on the raw one if it came before there was another.
      const left = (): void => { if (this._upgrading) this.abort('the client left') }
      this.handshake?.once('end', left)
      raw.once('end', left)
      if (raw.readableEnded) left()
    }
    // What still waits to be written in the clear would break into the handshake.
    if (this._socket.writableLength === 0) begin()
    else this._socket.write('', begin)
  }

  #secured(done: (talk: Talk) => void): void {
    const { _socket: socket, talk } = this
    this.handshake = undefined
    if (talk === undefined || !(socket instanceof TLSSocket)) return
    const facts = factsOf(socket)
    if (this.verify() === 1 && facts.client?.verified === false) {
      this.handshakeFault = "the client's certificate is not right"
      socket.destroy()
      return
    }
    this.talk = talk.secured(facts)
    socket.once('end', () => this.talk?.inputEnded())
    done(this.talk)
  }

  /** The library hands each socket over here before its handshake: the only place where it shows the TLS socket. */
  override _armTimeout(socket?: Socket): void {
    if (socket instanceof TLSSocket) this.handshake = socket
    super._armTimeout(socket)
  }

  /** Ends a connection at once; in its handshake from above, for a TLS socket whose raw one is torn away crashes Node. */
  abort(why: string): void {
    const { handshake, _socket: socket } = this
    if (!this._upgrading || handshake === undefined) {
      socket.destroy()
      return
    }
    this.handshakeFault ??= why
    handshake.once('close', () => socket.destroy())
    handshake.destroy()
  }

  shutdown(): void {
    if (this._upgrading) this.abort('the server stops')
    else this.talk?.shutdown()
  }

  /**
   * The library ends our side and waits for the client's, so that a client that is still sending gets to read why it is sent away. One
   * that has said goodbye sends nothing, and is not waited for; but TLS has an end of its own, which it wants to see.
   */
  override close(goodbye = false): void {
    const { _socket: socket } = this
    if (this._upgrading) this.abort('the connection ends')
    else if (goodbye && socket.writableLength === 0 && socket.readableLength === 0 && !(socket instanceof TLSSocket)) socket.destroy()
    else super.close()
  }

  override _onError(error: Error & { code?: string; remoteAddress?: string }): void {
    if (this._upgrading) this.handshakeFault ??= handshakeFault(error)
    super._onError(error)
  }

  /** qmail's words; a plugin or the spool at work is no idle client. */
  override _onTimeout(): void {
    if (this._upgrading) this.abort('the client was silent')
    else if (this._closing) this._socket.destroy()
    else if (this.talk?.busy === true) this._armTimeout()
    else this.talk?.timeout()
  }

  /** The end of a connection, however it came. */
  override _onClose(): void {
    const talk = this.talk
    const inHandshake = this._upgrading
    this.talk = undefined
    super._onClose()
    talk?.gone(this.handshakeFault === undefined && !inHandshake ? 'connection closed' : `TLS handshake failed: ${this.handshakeFault ?? 'the client left'}`)
  }

  write(bytes: Buffer | string): boolean {
    // While a handshake runs, _socket is the raw one: nothing may be written into it.
    if (this._upgrading || this._socket.destroyed || !this._socket.writable) return true
    return this._socket.write(bytes, 'latin1')
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

/**
 * The library's stream type with only our reading of it: where a socket's bytes go, and what the library pipes a TLS socket into. `write`
 * and `end` are the whole of it, for a Writable's own ones cost more for each chunk than most commands do.
 */
class Intake extends SMTPStream {
  readonly #connection: Connection
  /** A chunk is being served. */
  #serving: Promise<void> | undefined

  constructor(connection: Connection) {
    super()
    this.#connection = connection
    this.on('finish', () => { if (!this.isClosed) connection.talk?.end() })
  }

  /** One chunk at a time: the next is read when this one is served. Bytes after close or STARTTLS are dropped. */
  override write(chunk: Buffer): boolean {
    const talk = this.#connection.talk
    if (this.isClosed || talk === undefined) return true
    const serving = talk.receive(chunk)
    if (serving === undefined) return true
    this.#serving = serving.then(() => {
      this.#serving = undefined
      this.emit('drain')
    })
    return false
  }

  override end(): this {
    if (this.#serving === undefined) super.end()
    else void this.#serving.then(() => super.end())
    return this
  }
}
