/**
 * Slows down who guesses passwords: the networks that try, and the accounts that are tried, from wherever. Each try counts as a failure until it
 * proves right, so that many at once gain nothing, and waits before the password is looked at, so that a client that hangs up early
 * learns nothing. Nobody is refused, whatever others do: the longest wait is one that mail clients bear, and an account's failures do not
 * slow down the networks that its owner logged in from before. In memory: a restart forgets.
 */

/** Seconds after which failures are forgotten where nothing more was tried. */
const FORGOTTEN_S = 15 * 60
const LONGEST_S = 20
/** Failures that cost nothing. A network's are its client's own; an account is tried by several devices with an old password, too. */
const FREE = { network: 1, account: 10 } as const
/**
 * Failures of one network or one account from which on they are told of; then ten times as many, and so on. Fewer may be mistyped. Tries
 * under way make others wait, but are not told of: an office that begins its day logs in many times at once, and rightly.
 */
const TOLD_FROM = 10
/** Networks and accounts in memory; the one that was tried longest ago makes room. */
const MOST = 10_000
/** Networks of one account that are known, and the seconds since the last login from there. */
const MOST_KNOWN = 8
const KNOWN_S = 30 * 86_400

/** What is tried. */
export interface Guess {
  readonly network: string
  /** The same text for every spelling of an account's name; undefined for a name that can be nobody's. */
  readonly account: string | undefined
}

/** A try as it was counted. */
export interface Counted extends Guess {
  /** It counts against the account, for nobody has logged in to it from this network. */
  readonly stranger: boolean
}

/** Many failures of one network, or of one account from networks that are strangers to it. */
export interface Siege {
  readonly failures: number
  /** Milliseconds since the first try of them. */
  readonly lasted: number
}

/** What is to be told with this try, and never again. */
export interface Sieges {
  readonly network?: Siege
  readonly account?: Siege
}

export interface Try {
  /** Milliseconds to wait before the password is looked at. */
  readonly wait: number
  readonly sieges?: Sieges
  /** The password was right: the try does not count, and its network is known. */
  right(): void
  /** It was wrong, or the client gave up: the try is a failure for certain. */
  wrong(): void
  /** It was never looked at: the try does not count. */
  undo(): void
}

/** Where tries are counted: here, or in another process. */
export interface Throttle {
  begin(guess: Guess): Try | Promise<Try>
}

export class LoginThrottle implements Throttle {
  readonly #networks: Failures
  readonly #accounts: Failures
  /** Accounts, and when somebody logged in from which network. */
  readonly #known = new Map<string, Map<string, number>>()
  readonly #now: () => number

  /** @param now milliseconds that never go back */
  constructor(now: () => number) {
    this.#now = now
    this.#networks = new Failures(now, FREE.network)
    this.#accounts = new Failures(now, FREE.account)
  }

  begin(guess: Guess): Try {
    const { counted, ...taken } = this.count(guess)
    return { ...taken, right: () => this.right(counted), wrong: () => this.wrong(counted), undo: () => this.undo(counted) }
  }

  /** Nothing for the failures that are free, then 1, 2, 4, … seconds. */
  count(guess: Guess): Pick<Try, 'wait' | 'sieges'> & { readonly counted: Counted } {
    const stranger = guess.account !== undefined && !this.#knows(guess.account, guess.network)
    const network = this.#networks.begin(guess.network)
    const account = stranger ? this.#accounts.begin(guess.account) : NOTHING
    const sieges = { ...network.siege && { network: network.siege }, ...account.siege && { account: account.siege } }
    return { wait: Math.max(network.wait, account.wait), counted: { ...guess, stranger }, ...Object.keys(sieges).length > 0 && { sieges } }
  }

  right(counted: Counted): void {
    this.undo(counted)
    const { network, account } = counted
    if (account === undefined) return
    const networks = this.#known.get(account) ?? new Map<string, number>()
    keepNewest(networks, network, this.#now(), MOST_KNOWN)
    keepNewest(this.#known, account, networks, MOST)
  }

  /** It is no longer under way. */
  wrong({ network, account, stranger }: Counted): void {
    this.#networks.wrong(network)
    if (account !== undefined && stranger) this.#accounts.wrong(account)
  }

  /** One try less. */
  undo({ network, account, stranger }: Counted): void {
    this.#networks.undo(network)
    if (account !== undefined && stranger) this.#accounts.undo(account)
  }

  /** Networks and accounts with failures, or tries under way. */
  get size(): { readonly networks: number; readonly accounts: number; readonly known: number } {
    return { networks: this.#networks.size, accounts: this.#accounts.size, known: this.#known.size }
  }

  #knows(account: string, network: string): boolean {
    const at = this.#known.get(account)?.get(network)
    return at !== undefined && this.#now() - at <= KNOWN_S * 1000
  }
}

interface Entry {
  /** Failures, and tries under way. */
  tries: number
  failures: number
  /** Of the first try, and of the last. */
  readonly since: number
  readonly at: number
  /** Failures at which the next siege is told of. */
  readonly tellAt: number
}

interface Begun {
  readonly wait: number
  readonly siege?: Siege
}

const NOTHING: Begun = { wait: 0 }

class Failures {
  readonly #entries = new Map<string, Entry>()
  readonly #now: () => number
  readonly #free: number

  constructor(now: () => number, free: number) {
    this.#now = now
    this.#free = free
  }

  /** Counts one more; milliseconds to wait for those before it. */
  begin(key: string): Begun {
    const now = this.#now()
    const before = this.#entries.get(key)
    const { tries, failures, since, tellAt } = before === undefined || now - before.at > FORGOTTEN_S * 1000 ? { tries: 0, failures: 0, since: now, tellAt: TOLD_FROM } : before
    // Many may have proved wrong since the last.
    let tellNext = tellAt
    while (failures >= tellNext) tellNext *= 10
    keepNewest(this.#entries, key, { tries: tries + 1, failures, since, at: now, tellAt: tellNext }, MOST)
    const wait = tries < this.#free ? 0 : Math.min(2 ** (tries - this.#free), LONGEST_S) * 1000
    return tellNext > tellAt ? { wait, siege: { failures, lasted: now - since } } : { wait }
  }

  wrong(key: string): void {
    const entry = this.#entries.get(key)
    // The try may be older than what is remembered.
    if (entry !== undefined) entry.failures = Math.min(entry.failures + 1, entry.tries)
  }

  undo(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.tries -= 1
    if (entry.tries <= 0) this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }
}

/** Sets an entry as the newest, and drops the oldest of too many. */
function keepNewest<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > most) map.delete(map.keys().next().value!)
}
