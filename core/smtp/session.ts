/**
 * One SMTP connection: its environment, identity and current transaction, and what plugins' commands
 * change of it. No sockets here. What a plugin sees of it is the `Session` interface; spec: spp-protocol 8, 9.
 */
import { COMPAT_LIMITS, DEFAULT_LIMITS, limitsOf, type Limits } from '../../config/limits.ts'
import { copyOfEnvironment } from '../../protocol/spp/environment.ts'
import type { SppState } from '../host/chain.ts'
import type { Hook, Session } from '../plugin/plugin.ts'
import { TLS_VARIABLES, type TlsVariables } from '../tls/facts.ts'
import { Deferred } from './deferred.ts'

export interface SessionStart {
  readonly id: string
  readonly service: string
  readonly compat: boolean
  readonly client: Session['client']
  /** Everything the environment begins with: PATH, smtpconfig, tcprules, TCP*. The session's own from here on: `copyOfEnvironment` makes it. */
  readonly env: Record<string, string>
  /** Without LIMITS; those of a compat listener are the original's in any case. */
  readonly limits?: Limits
  /** Accounts whose recent login from this address counts; they are why RELAYCLIENT is set where no rule sets it. */
  readonly logins?: readonly string[]
  /** Such a login alone is why: that says who somebody at this address is, and not that the network is the operator's own. */
  readonly relayByLogin?: boolean
  /** Whether a recent login permits relaying could not be found out. */
  readonly relayUnknown?: boolean
}

/** What the host reads once, when a connection begins (spp-protocol 2.1, 8.3). */
const HOST_VARIABLES = [
  'RELAYCLIENT', 'SPPCONFFILE', 'NOSPP', 'TCPREMOTEIP', 'TCPREMOTEPORT', 'TCPREMOTEHOST', 'TCPREMOTEINFO', 'TCPLOCALIP', 'TCPLOCALHOST',
] as const

export class SmtpSession implements Session, SppState {
  readonly id: string
  readonly service: string
  readonly compat: boolean
  readonly client: Session['client']
  readonly env: Record<string, string>
  /** The variables the host itself goes by, as they were at the start. */
  readonly start: Readonly<Partial<Record<typeof HOST_VARIABLES[number], string>>>
  /** RELAYCLIENT as it was at the start: a plugin's `S` cannot turn relaying on (spp-protocol 8.3). */
  relaySuffix: string | undefined
  relayClient: boolean
  readonly databytesVariable: string | undefined
  off: boolean
  readonly #baseLimits: Limits
  #limits: Limits
  #limitsVariable: string | undefined

  helo: string | undefined
  extended = false
  auth: Session['auth']
  readonly logins: readonly string[]
  readonly relayByLogin: boolean
  readonly relayUnknown: boolean
  tls: Session['tls']

  reversePath: string | undefined
  recipients: string[] = []
  /** What RCPT said of each of them, and says of the one being asked about: NOTIFY, ORCPT. */
  recipientParameters: Readonly<Record<string, string>>[] = []
  ofRecipient: Readonly<Record<string, string>> = {}
  recipient: string | undefined
  recipientAllowed = false
  recipientsAsked = 0
  /** Accepted recipients as SMTPRCPTCOUNT counts them: reset by MAIL even when that MAIL is refused. */
  recipientsCounted = 0
  open = false
  parameters: Record<string, string | true> = {}
  senderListed = false

  /** Header lines for the next message: of hooks before MAIL, which are about the connection; in compat mode of all hooks. */
  headers: string[] = []
  /** Those of MAIL and later. What was said of one sender never stands in the message of another. */
  transactionHeaders: string[] = []
  deferred = { LM: new Deferred(), LR: new Deferred(), LD: new Deferred() }
  #greeted: Pick<SmtpSession, 'off' | 'headers' | 'deferred'> & { readonly env: Readonly<Record<string, string>> } | undefined

  constructor(start: SessionStart) {
    this.id = start.id
    this.service = start.service
    this.compat = start.compat
    this.client = start.client
    this.logins = start.logins ?? []
    this.relayByLogin = start.relayByLogin === true
    this.relayUnknown = start.relayUnknown === true
    this.env = start.env
    this.start = hostVariables(start.env)
    this.relaySuffix = start.env['RELAYCLIENT']
    this.relayClient = this.relaySuffix !== undefined
    this.databytesVariable = start.env['DATABYTES']
    this.off = start.env['NOSPP'] !== undefined
    this.#baseLimits = start.compat ? COMPAT_LIMITS : start.limits ?? DEFAULT_LIMITS
    this.#limits = this.#baseLimits
  }

  /** The limits in force: LIMITS may be a plugin's, set in the middle of the session. */
  get limits(): Limits {
    const variable = this.env['LIMITS']
    if (variable === this.#limitsVariable) return this.#limits
    this.#limitsVariable = variable
    this.#limits = limitsOf(variable, this.#baseLimits)
    return this.#limits
  }

  /** Keeps what the greeting left, where STARTTLS may have to go back to it. */
  remember(): void {
    this.#greeted = { env: copyOfEnvironment(this.env), off: this.off, headers: [...this.headers], deferred: copies(this.deferred) }
  }

  /**
   * TLS is on: all that the client said before is unknown again, and what plugins made of it. What was decided of its address
   * when it connected stays.
   */
  secure(tls: NonNullable<Session['tls']>, variables: TlsVariables): void {
    if (this.#greeted !== undefined) {
      const { env, off, headers, deferred } = this.#greeted
      for (const name of Object.keys(this.env)) delete this.env[name]
      Object.assign(this.env, env)
      this.off = off
      this.clearPending()
      this.headers = headers
      this.deferred = deferred
      this.#greeted = undefined
    }
    this.helo = undefined
    this.extended = false
    this.auth = undefined
    this.relaySuffix = this.start.RELAYCLIENT
    this.relayClient = this.relaySuffix !== undefined
    this.senderListed = false
    this.closeTransaction()
    this.tls = tls
    for (const name of TLS_VARIABLES) delete this.env[name]
    Object.assign(this.env, variables)
  }

  /** Who has logged in may send to everywhere, from here to the end of the session (spp-protocol 12.1). */
  grantRelay(name: string): void {
    this.env['TCPREMOTEINFO'] = name
    this.env['RELAYCLIENT'] = ''
    this.relaySuffix = ''
    this.relayClient = true
  }

  setVariable(name: string, value: string): void {
    this.env[name] = value
  }

  unsetVariable(name: string): void {
    delete this.env[name]
  }

  addHeader(hook: Hook, text: string): void {
    const ofConnection = this.compat || hook === 'connection' || hook === 'helo' || hook === 'auth'
    const lines = ofConnection ? this.headers : this.transactionHeaders
    lines.push(text)
  }

  deferError(kind: 'LM' | 'LR' | 'LD', text: string): void {
    this.deferred[kind].add(text)
  }

  changeAddress(hook: 'mail' | 'rcpt', address: string): void {
    // The environment copy ends at a NUL, the address itself does not (spp-protocol 4).
    const copy = address.split('\0', 1)[0]!
    if (hook === 'mail') {
      this.reversePath = address
      this.env['SMTPMAILFROM'] = copy
    } else {
      this.recipient = address
      this.env['SMTPRCPTTO'] = copy
    }
  }

  resetCounters(): void {
    this.recipientsAsked = 0
    this.recipientsCounted = 0
  }

  /** What RSET and an accepted DATA clear; `S`, `U`, `A` and the SMTP variables stay (spp-protocol 7.6, 9). */
  clearPending(): void {
    this.headers = []
    this.transactionHeaders = []
    this.deferred.LM.clear()
    this.deferred.LR.clear()
    this.deferred.LD.clear()
    this.resetCounters()
  }

  closeTransaction(): void {
    this.open = false
    this.reversePath = undefined
    this.recipients = []
    this.recipientParameters = []
    this.recipient = undefined
    this.parameters = {}
  }
}

function hostVariables(env: Readonly<Record<string, string>>): SmtpSession['start'] {
  const found: Partial<Record<typeof HOST_VARIABLES[number], string>> = {}
  for (const name of HOST_VARIABLES) if (env[name] !== undefined) found[name] = env[name]
  return found
}

function copies({ LM, LR, LD }: SmtpSession['deferred']): SmtpSession['deferred'] {
  return { LM: LM.copy(), LR: LR.copy(), LD: LD.copy() }
}
