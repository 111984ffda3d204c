/** Where the server meets the programs that the broker starts for it: a socket in a directory of ours, and a token for each meeting. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Of `sockaddr_un.sun_path`, the closing NUL left out: 107 with Linux, 103 elsewhere. */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103
const NAME = 'broker.sock'
/** Whoever connects and does not say its token is not ours. */
const TOKEN_MS = 5000
const TOKEN_LIMIT = 64
const LF = 0x0a

export class Rendezvous {
  readonly path: string
  readonly #server: Server
  readonly #temporary: string | undefined
  readonly #expected = new Map<string, (socket: Socket) => void>()

  private constructor(path: string, temporary: string | undefined) {
    this.path = path
    this.#temporary = temporary
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#greet(socket))
  }

  /**
   * Listens in `directory`, made if need be; where its path is too long, or others may look into it, in a new directory
   * for temporary files. Rejects when the system does.
   */
  static async open(directory: string | undefined): Promise<Rendezvous> {
    const own = directory !== undefined && isOwn(directory)
    const temporary = own ? undefined : mkdtempSync(join(tmpdir(), 'helios-run-'))
    const rendezvous = new Rendezvous(join(own ? directory : temporary!, NAME), temporary)
    // What a server left that was killed.
    rmSync(rendezvous.path, { force: true })
    await rendezvous.#listen()
    return rendezvous
  }

  /** Waits for the one who says this token. @returns stops waiting */
  expect(token: string, arrived: (socket: Socket) => void): () => void {
    this.#expected.set(token, arrived)
    return () => void this.#expected.delete(token)
  }

  /** Sockets that have been handed over stay open. */
  close(): void {
    this.#server.close()
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => {
        this.close()
        reject(error)
      })
      this.#server.listen(this.path, () => {
        chmodSync(this.path, 0o600)
        // Out of descriptors, one meeting fails and its program is given up.
        this.#server.on('error', () => {})
        resolve()
      })
      this.#server.unref()
    })
  }

  #greet(socket: Socket): void {
    let said = Buffer.alloc(0)
    const hurry = setTimeout(() => socket.destroy(), TOKEN_MS)
    const read = (chunk: Buffer): void => {
      said = Buffer.concat([said, chunk])
      const end = said.indexOf(LF)
      if (end === -1 && said.length <= TOKEN_LIMIT) return
      socket.off('data', read)
      socket.pause()
      clearTimeout(hurry)
      const arrived = this.#claim(said.toString('latin1', 0, Math.max(end, 0)))
      if (arrived === undefined) return void socket.destroy()
      // The program may have spoken already.
      const rest = said.subarray(end + 1)
      if (rest.length > 0) socket.unshift(rest)
      arrived(socket)
    }
    socket.on('error', () => {})
    socket.once('close', () => clearTimeout(hurry))
    socket.on('data', read)
    socket.resume()
  }

  /** A token serves once. */
  #claim(token: string): ((socket: Socket) => void) | undefined {
    const arrived = this.#expected.get(token)
    this.#expected.delete(token)
    return arrived
  }
}

function isOwn(directory: string): boolean {
  if (Buffer.byteLength(join(directory, NAME)) > LONGEST_PATH) return false
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return (statSync(directory).mode & 0o077) === 0
  } catch {
    return false
  }
}
