/** From an accepted connection to the talk that serves it: generation, access rules, environment, dialogue. */
import { randomUUID } from 'node:crypto'
import { limitsOf, type Limits } from '../../config/limits.ts'
import type { ListenerSettings } from '../../config/settings.ts'
import type { Reloader } from '../host/reloader.ts'
import type { AccountFacts } from '../plugin/world.ts'
import type { Spool } from '../message/spool-types.ts'
import type { Admit } from '../smtp/connection.ts'
import type { AuthOffer } from '../smtp/auth.ts'
import { Dialogue } from '../smtp/dialogue.ts'
import { SmtpSession } from '../smtp/session.ts'
import { Talk } from '../smtp/talk.ts'
import type { Logger } from '../log.ts'
import type { TraceRecorder } from '../trace/types.ts'
import { inNetworks } from '../../protocol/network.ts'
import { unmapIPv4 } from '../../protocol/qmail/ip.ts'
import { access, type NameOf } from './access.ts'
import { startingLimits, type ConnectionCount } from './limits.ts'
import { loggedTrace } from './logged-trace.ts'
import { policyFor } from './policies.ts'
import { relayAfterLogin } from './relay-after-login.ts'
import type { RecipientFacts } from './recipients.ts'
import { tellSieges } from './sieges.ts'
import { speakFor, spokenFor } from './speaker.ts'

export interface SessionDeps {
  readonly reloader: Reloader
  readonly spool: Spool
  readonly trace: TraceRecorder
  readonly log: Logger
  readonly nameOf: NameOf
  readonly logins: Pick<AccountFacts, 'loginsFrom'>
  readonly accounts: RecipientFacts
  /** The address of the account that a name of a login leads to (`userOf` of the accounts). */
  readonly userOf: (name: string) => string
  readonly authentication: Pick<AuthOffer, 'accounts' | 'throttle' | 'pepper'>
  readonly limits: Limits
  readonly connections: ConnectionCount
  readonly failed: (what: string, cause: unknown) => void
}

export function admitTo(listener: ListenerSettings, deps: SessionDeps): Admit {
  const compat = listener.compat === 'qmail-spp'
  const starttls = listener.tls !== false && listener.tls.mode === 'starttls'
  return async (peer, port) => {
    const id = sessionId()
    const generation = await deps.reloader.latest()
    const granted = await access(peer, generation.control, deps.nameOf)
    const { speaker = {}, via = peer.origin } = peer
    const { env } = granted
    speakFor(env, speaker)
    const trace = loggedTrace(deps.trace.session(id), deps.log)
    const client = { ip: unmapIPv4(peer.remoteAddress), port: peer.remotePort, host: speaker.name === undefined ? granted.host : env['TCPREMOTEHOST'] }
    trace.add({
      event: 'connect', ip: client.ip, port: client.port, service: listener.service, generation: generation.number,
      ...(client.host === undefined ? {} : { host: client.host }), ...(granted.rule === undefined ? {} : { rule: granted.rule }),
      ...(via === undefined ? {} : { via }),
    })
    const ended = (reason: string, decidedBy: string): undefined => {
      deps.log.info({ session: id, ip: client.ip, reason: decidedBy }, reason)
      trace.add({ event: 'reply', text: reason, decidedBy })
      trace.add({ event: 'close', reason })
      trace.flush()
      return undefined
    }
    if (!granted.allow) return ended('connection denied', granted.rule ?? 'control/smtp-tcprules')
    const sendAway = (text: string, decidedBy: string): undefined => {
      port.write(Buffer.from(`${text}\r\n`))
      port.close()
      return ended(text, decidedBy)
    }
    const policy = policyFor(generation, env, compat, deps.accounts)
    if (policy === undefined) return sendAway('421 unable to read controls (#4.3.0)', 'the plugin list is missing')
    const relayByRule = env['RELAYCLIENT'] !== undefined
    const { logins, unknown } = await relayAfterLogin({ env, ip: client.ip, accounts: deps.logins, now: Date.now(), trace })
    if (logins.length > 0) deps.log.info({ session: id, ip: client.ip, logins }, 'relaying after a login from this address')
    const limits = startingLimits(deps.limits, client.ip, env)
    const release = await deps.connections.take(client.ip, limitsOf(env['LIMITS'], limits))
    if (release === 'network') return sendAway('421 too many connections from your network (#4.7.0)', 'built-in: limit connections')
    if (release === 'server') return sendAway('421 too many connections, come back later (#4.3.2)', 'built-in: limit allConnections')
    deps.log.info({ session: id, ip: client.ip, service: listener.service, generation: generation.number }, 'connect')
    const session = new SmtpSession({ id, service: listener.service, compat, client, env, limits, logins, relayByLogin: !relayByRule && logins.length > 0, relayUnknown: unknown })
    spokenFor(session, speaker, deps.userOf)
    const dialogue = new Dialogue({
      session, policy, spool: deps.spool, trace, now: Date.now,
      offers: { starttls, ...authOf(listener, deps, { session: id, ip: client.ip }) },
      xclient: inNetworks(listener.xclient, peer.origin ?? peer.remoteAddress),
      failed: (what, cause) => deps.failed(`session ${id}: ${what}`, cause), over: release,
    })
    return new Talk(port, dialogue)
  }
}

function authOf({ service, auth }: ListenerSettings, { log, authentication }: SessionDeps, who: { readonly session: string; readonly ip: string }): { readonly auth?: AuthOffer } {
  if (auth === false) return {}
  return {
    auth: {
      ...auth, ...authentication, required: service === 'submission',
      told: ({ ok, ...login }) => ok ? log.info({ ...who, ...login }, 'login') : log.warn({ ...who, ...login }, 'login failed'),
      besieged: (network, name, sieges) => void tellSieges(log, authentication.accounts, { who, network, name, sieges }),
    },
  }
}

/** 12 characters, sortable by time to the second, unique across processes for practical purposes. */
function sessionId(): string {
  // Node keeps random bytes at hand for these, while `randomBytes` asks the system each time.
  return Math.floor(Date.now() / 1000).toString(36) + randomUUID().slice(0, 6)
}
