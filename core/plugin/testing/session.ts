import type { Hook, Session } from '../plugin.ts'

/** What a test says about its session; everything else gets a default that fits the hook. */
export type SessionFields = Partial<Session>
/** Variables on top of what the session itself implies; `undefined` unsets one of those. */
export type Environment = Readonly<Record<string, string | undefined>>

const RECIPIENT = 'user@local.example'
const SENDER = 'sender@far.example'

/**
 * A session as it stands when `hook` is asked: a client at 192.0.2.1 that said
 * `client.far.example`, and from MAIL on one message from `sender@far.example` to
 * `user@local.example`. The environment is derived from the fields (spp-protocol 8), and `env` has the last word.
 */
export function testSession(hook: Hook, fields: SessionFields = {}, env: Environment = {}): Session {
  const bare = { ...defaults(hook), ...fields }
  const asked = bare.recipients.length + (bare.recipient === undefined ? 0 : 1)
  const session = { recipientsAsked: asked, ...bare }
  return { ...session, env: withoutUnset({ ...environment(hook, session), ...fields.env, ...env }) }
}

function defaults(hook: Hook): Omit<Session, 'env' | 'recipientsAsked'> {
  const asksAboutRecipient = hook === 'rcpt' || hook === 'pass' || hook === 'deliver'
  return {
    id: 'test-1',
    client: { ip: '192.0.2.1', port: 40000, host: undefined },
    helo: hook === 'connection' ? undefined : 'client.far.example',
    reversePath: hook === 'connection' || hook === 'helo' || hook === 'auth' ? undefined : SENDER,
    recipients: hook === 'data' || hook === 'message' ? [RECIPIENT] : [],
    recipient: asksAboutRecipient ? RECIPIENT : undefined,
    recipientAllowed: true,
    relayClient: false,
    logins: [],
    auth: hook === 'auth' ? { user: RECIPIENT, method: 'plain' } : undefined,
    tls: undefined,
  }
}

function environment(hook: Hook, session: Omit<Session, 'env'>): Record<string, string | undefined> {
  return {
    PATH: '/usr/bin:/bin',
    PROTO: 'TCP',
    TCPLOCALIP: '192.0.2.25',
    TCPLOCALPORT: '25',
    TCPREMOTEIP: session.client.ip,
    TCPREMOTEPORT: String(session.client.port),
    TCPREMOTEHOST: session.client.host,
    RELAYCLIENT: session.relayClient ? '' : undefined,
    SMTPAUTHUSER: session.auth?.user,
    SMTPAUTHMETHOD: session.auth?.method,
    SMTPHELOHOST: session.helo,
    SMTPMAILFROM: session.reversePath,
    ...recipientVariables(hook, session),
  }
}

/** After the last RCPT its variables stand as that RCPT left them (spp-protocol 8.2), so `SMTPRCPTCOUNT` lags by one. */
function recipientVariables(hook: Hook, session: Omit<Session, 'env'>): Record<string, string | undefined> {
  const recipient = session.recipient ?? session.recipients.at(-1)
  if (recipient === undefined) return {}
  const accepted = session.recipients.length
  const count = session.recipient === undefined ? accepted - 1 : hook === 'pass' ? accepted + 1 : accepted
  return {
    SMTPRCPTTO: recipient,
    SMTPRCPTCOUNT: String(count),
    SMTPRCPTCOUNTALL: String(session.recipientsAsked),
    SMTPRCPTHOSTSOK: session.recipientAllowed || session.relayClient ? '1' : '0',
  }
}

function withoutUnset(env: Record<string, string | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined))
}
