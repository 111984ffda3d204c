/** AUTH (RFC 4954): the exchange with the client, the check, the lines of `[auth]`, and what a login changes (spp-protocol 12.1). */
import { randomBytes } from 'node:crypto'
import { decodeBase64, encodeBase64 } from '../../protocol/sasl/base64.ts'
import type { Exchange, Secret, Step } from '../../protocol/sasl/exchange.ts'
import { beginExchange, MECHANISMS, type Mechanism } from '../../protocol/sasl/mechanisms.ts'
import { networkOf, printNetworkOf } from '../../protocol/network.ts'
import type { Account } from '../plugin/world.ts'
import type { Dialogue } from './dialogue.ts'
import type { Sieges, Throttle, Try } from './login-throttle.ts'
import { reply, replyAndClose, type Reply } from './reply.ts'

/** Who knows the accounts. */
export interface Authenticator {
  /** Checks a name and a password, in the same time whether there is such a user or not. Never rejects. */
  login(name: string, password: string): Promise<
    | { readonly outcome: 'accepted'; readonly account: Account }
    | { readonly outcome: 'refused' }
    | { readonly outcome: 'unavailable'; readonly reason: string }>
  /** What is kept of the password of somebody, where more can be done with it than to compare. Rejects where nobody answers. */
  secret(name: string): Promise<{ readonly account: Account; readonly secret: Secret } | undefined>
  /** Whose name that is: the same text for all that lead to one account, whether it is there or not; undefined for what can be nobody's. */
  identity(name: string): string | undefined
  /** The address of the account that the name leads to; undefined where there is none. Rejects where nobody answers. */
  addressOf(name: string): Promise<string | undefined>
}

/** What a listener offers of AUTH. */
export interface AuthOffer {
  /** `tls`: once TLS is on. */
  readonly when: 'tls' | 'always'
  readonly mechanisms: readonly Mechanism[]
  /** Nobody sends mail here without: MAIL is refused before. */
  readonly required: boolean
  readonly accounts: Authenticator
  readonly throttle: Throttle
  /** Bytes that stay the same for the life of the server. */
  readonly pepper: Uint8Array
  /** For the log. `account` where the login was right. */
  readonly told: (login: { readonly ok: boolean; readonly method: string; readonly account?: string; readonly reason?: string }) => void
  /** Likewise, of many failures. `name` is what the client says, which nobody may read. */
  readonly besieged: (network: string, name: string, sieges: Sieges) => void
}

/** Failures after which the connection ends. */
const MOST_FAILURES = 3
/** A failure is answered this long after the response at the earliest, whoever was asked for: milliseconds. */
const FLOOR_MS = 1000
/** Bytes of a line in an exchange, its line end included (RFC 4954 4). */
export const AUTH_LINE = 12_288 + 2

const FREE: Try = { wait: 0, right: () => {}, wrong: () => {}, undo: () => {} }

const UNAVAILABLE = '454 the password cannot be checked now, come back later (#4.7.0)'

/** The exchange of one dialogue. */
export class AuthState {
  exchange: { readonly mechanism: Mechanism; readonly exchange: Exchange } | undefined
  failures = 0
  /** Of this exchange, from when an account was asked for until it is known how that ends. */
  attempt: Try | undefined
  account: Account | undefined

  settle(how: 'right' | 'wrong' | 'undo'): void {
    this.attempt?.[how]()
    this.attempt = undefined
  }

  /** What was begun and is not settled has failed. */
  end(): void {
    this.exchange = undefined
    this.settle('wrong')
    this.account = undefined
  }
}

/** The line of EHLO; undefined where nothing is offered now. */
export function authOffered({ offers: { auth }, session }: Dialogue): string | undefined {
  if (auth === undefined || session.auth !== undefined || (auth.when === 'tls' && session.tls === undefined)) return undefined
  return `AUTH ${auth.mechanisms.join(' ')}`
}

/** The refusal of MAIL where a login comes first (RFC 6409 4.3). A network that may relay has shown otherwise who it is. */
export function loginFirst({ offers: { auth, starttls }, session }: Dialogue): string | undefined {
  if (auth === undefined || !auth.required || session.auth !== undefined || session.relayClient) return undefined
  const tlsFirst = auth.when === 'tls' && session.tls === undefined && starttls
  return tlsFirst ? '530 must issue a STARTTLS command first (#5.7.0)' : '530 authentication required (#5.7.0)'
}

export function auth(dialogue: Dialogue, argument: string): Reply | Promise<Reply> {
  const { session, offers: { auth: offer } } = dialogue
  const refuse = (text: string, why = 'built-in: AUTH'): Reply => dialogue.refuse(text, why)
  if (offer === undefined) return refuse('502 unimplemented (#5.5.1)', 'built-in: unknown command')
  if (session.auth !== undefined) return refuse("503 you're already authenticated (#5.5.1)")
  if (session.open) return refuse('503 no auth during mail transaction (#5.5.1)')
  if (offer.when === 'tls' && session.tls === undefined) return refuse('538 encryption is required before AUTH (#5.7.11)')
  const [word = '', initial, ...more] = argument.split(/ +/).filter((part) => part !== '')
  if (word === '' || more.length > 0) return refuse('501 AUTH needs a mechanism, and takes one response at most (#5.5.4)')
  const mechanism = MECHANISMS.find((known) => known === word.replace(/[a-z]/g, (letter) => letter.toUpperCase()))
  if (mechanism === undefined || !offer.mechanisms.includes(mechanism)) return refuse('504 auth type unimplemented (#5.5.4)')
  const exchange = beginExchange(mechanism, { nonce: randomBytes(18).toString('base64url'), pepper: offer.pepper, host: dialogue.policy.me, now: dialogue.now() })
  dialogue.auth.exchange = { mechanism, exchange }
  if (initial === undefined) return challenge(dialogue, exchange.opening ?? '')
  // A challenge comes before a response where the server begins. Clients that give their name with AUTH LOGIN are many.
  if (exchange.opening !== undefined && mechanism !== 'LOGIN') return ended(dialogue, '501 this mechanism begins with my challenge (#5.5.2)')
  return respond(dialogue, initial === '=' ? '' : initial)
}

/** A line of the client's in the middle of an exchange. */
export function authLine(dialogue: Dialogue, line: string): Reply | Promise<Reply> {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line
  dialogue.trace.add({ event: 'command', line: text === '*' || text === '' ? text : `[${text.length} characters hidden]` })
  return text === '*' ? ended(dialogue, '501 auth exchange canceled (#5.0.0)') : respond(dialogue, text)
}

function respond(dialogue: Dialogue, text: string): Reply | Promise<Reply> {
  const response = decodeBase64(text)
  if (response === undefined) return ended(dialogue, '501 this is no base64 (#5.5.2)')
  return take(dialogue, dialogue.auth.exchange!.exchange.next(response))
}

function take(dialogue: Dialogue, step: Step): Reply | Promise<Reply> {
  switch (step.kind) {
    case 'challenge': return challenge(dialogue, step.text)
    case 'malformed': return ended(dialogue, '501 malformed auth input (#5.5.4)')
    default: return tried(dialogue, step)
  }
}

/** The step that asks for an account: its network, or the account, waits for its turn, and the answer takes its time. */
async function tried(dialogue: Dialogue, step: Exclude<Step, { readonly kind: 'challenge' | 'malformed' }>): Promise<Reply> {
  const offer = dialogue.offers.auth!
  const since = performance.now()
  // The second half of an exchange: the first has waited.
  if (step.kind === 'right' || step.kind === 'wrong') return judge(dialogue, step.kind === 'right' ? dialogue.auth.account : undefined, step.name, since)
  dialogue.auth.attempt ??= await begin(dialogue, step.name)
  const { wait } = dialogue.auth.attempt
  if (wait > 0) dialogue.trace.add({ event: 'fact', plugin: 'AUTH', question: 'how long this login waits, after others that failed', answer: `${wait / 1000} s`, ms: 0 })
  if (!await dialogue.pause(wait)) return ended(dialogue, UNAVAILABLE)
  if (step.kind === 'password') {
    const result = await offer.accounts.login(step.name, step.password)
    if (result.outcome === 'unavailable') return unavailable(dialogue, result.reason)
    return judge(dialogue, result.outcome === 'accepted' ? result.account : undefined, step.name, since)
  }
  let known: Awaited<ReturnType<Authenticator['secret']>>
  try {
    known = await offer.accounts.secret(step.name)
  } catch (cause) {
    return unavailable(dialogue, cause instanceof Error ? cause.message : String(cause))
  }
  dialogue.auth.account = known?.account
  const next = step.found(known?.secret)
  if (next.kind === 'right' || next.kind === 'wrong') return judge(dialogue, next.kind === 'right' ? known?.account : undefined, step.name, since)
  return take(dialogue, next)
}

async function begin({ session, offers }: Dialogue, name: string): Promise<Try> {
  // A network that may relay is the operator's own, such as a webmail server with all its users. One from which somebody logged in lately is not.
  if (session.relayClient && !session.relayByLogin) return FREE
  const { limits: { ipv4Network, ipv6Network } } = session
  const { throttle, accounts, besieged } = offers.auth!
  const attempt = await throttle.begin({ network: networkOf(session.client.ip, ipv4Network, ipv6Network), account: accounts.identity(name) })
  if (attempt.sieges !== undefined) besieged(printNetworkOf(session.client.ip, ipv4Network, ipv6Network), name, attempt.sieges)
  return attempt
}

async function judge(dialogue: Dialogue, account: Account | undefined, name: string, since: number): Promise<Reply> {
  const { auth: state, offers } = dialogue
  const { mechanism } = state.exchange!
  if (account !== undefined) {
    state.settle('right')
    offers.auth!.told({ ok: true, method: mechanism, account: `${account.login}@${account.domain}` })
    return loggedIn(dialogue, account, name, mechanism)
  }
  state.failures += 1
  state.settle('wrong')
  offers.auth!.told({ ok: false, method: mechanism })
  await dialogue.pause(Math.max(0, FLOOR_MS - (performance.now() - since)))
  state.end()
  if (state.failures < MOST_FAILURES) return dialogue.refuse('535 authentication failed (#5.7.8)', 'built-in: AUTH')
  return dialogue.say(replyAndClose('421 too many failed logins (#4.7.0)'), `built-in: ${MOST_FAILURES} failed logins`)
}

/** The lines of `[auth]` have the last word; only then relaying is granted. */
async function loggedIn(dialogue: Dialogue, account: Account, name: string, mechanism: Mechanism): Promise<Reply> {
  const { session } = dialogue
  const method = mechanism.toLowerCase()
  dialogue.auth.end()
  session.env['SMTPAUTHMETHOD'] = method
  session.env['SMTPAUTHUSER'] = name
  session.auth = { user: `${account.login}@${account.domain}`, method }
  const verdict = await dialogue.ask('auth')
  if (verdict.kind === 'refuse' || verdict.kind === 'hang-up') {
    session.auth = undefined
    // The original leaves them set, and fools plugins that look for them (spp-protocol 12.1).
    if (!session.compat) {
      delete session.env['SMTPAUTHMETHOD']
      delete session.env['SMTPAUTHUSER']
    }
  } else {
    session.grantRelay(name)
  }
  return dialogue.conclude(verdict, () => dialogue.say(reply(...verdict.replies, '235 ok, go ahead (#2.0.0)')))
}

function unavailable(dialogue: Dialogue, reason: string): Reply {
  dialogue.offers.auth!.told({ ok: false, method: dialogue.auth.exchange!.mechanism, reason })
  // Not the client's fault.
  dialogue.auth.settle('undo')
  return ended(dialogue, UNAVAILABLE)
}

function ended(dialogue: Dialogue, text: string): Reply {
  dialogue.auth.end()
  return dialogue.refuse(text, 'built-in: AUTH')
}

/** What it says is part of the exchange, and for nobody's eyes. */
function challenge(dialogue: Dialogue, text: string): Reply {
  dialogue.trace.add({ event: 'reply', text: text === '' ? '334 ' : `334 [${text.length} characters hidden]` })
  return reply(`334 ${encodeBase64(text)}`)
}
