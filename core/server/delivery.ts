/** One recipient of a queued message before the lines of `[+deliver]`. */
import { domainOf } from '../../protocol/smtp/path.ts'
import { copyOfEnvironment } from '../../protocol/spp/environment.ts'
import { askChain, type SppState } from '../host/chain.ts'
import type { Generation } from '../host/generation.ts'
import type { Verdict } from '../host/types.ts'
import type { Envelope } from '../message/types.ts'
import type { Message } from '../plugin/message.ts'
import type { Session } from '../plugin/plugin.ts'
import type { DeliveryResult } from '../queue/types.ts'
import { decidedBy } from '../smtp/dialogue.ts'
import type { TraceRecorder } from '../trace/types.ts'
import type { Logger } from '../log.ts'
import { loggedTrace } from './logged-trace.ts'
import { policyFor } from './policies.ts'

export interface DelivererOptions {
  readonly generation: () => Generation
  readonly trace: TraceRecorder
  readonly log: Logger
}

/** `O` delivered, `E4…` later, `E5…` failed, nobody: later. Never rejects for a plugin's fault. */
export function deliverer({ generation, trace, log }: DelivererOptions) {
  return async (message: Message, envelope: Envelope, address: string, signal: AbortSignal): Promise<DeliveryResult> => {
    const policy = policyFor(generation(), envelope.start ?? envelope.env, false)
    if (policy === undefined) return { status: 'later', text: 'the plugin list is missing (#4.3.0)' }
    const recipient = domainOf(address) === undefined ? `${address}@${policy.envnoathost}` : address
    const recording = loggedTrace(trace.session(envelope.sessionId), log)
    const session = storedSession(envelope, recipient)
    const verdict = await askChain(policy.lines('deliver'), { hook: 'deliver', session, message, signal, trace: recording }, stateOf(session.env), false)
    recording.flush()
    return resultOf(verdict)
  }
}

function resultOf(verdict: Verdict): DeliveryResult {
  const by = decidedBy(verdict)
  const decided = by === undefined ? {} : { decidedBy: by }
  const text = verdict.replies.join('/')
  if (verdict.kind === 'skip-checks') return { status: 'delivered', text, ...decided }
  if (verdict.kind === 'go-on') return { status: 'later', text: 'nobody in [+deliver] took it (#4.3.0)' }
  if (verdict.kind === 'refuse' && verdict.replies.at(-1)?.startsWith('5') === true) return { status: 'failed', text, ...decided }
  return { status: 'later', text: text === '' ? 'the line gave no reason (#4.3.0)' : text, ...decided }
}

/** The session as it was when the message was accepted. */
function storedSession(envelope: Envelope, recipient: string): Session & { readonly env: Record<string, string> } {
  const env = copyOfEnvironment(envelope.env)
  const start = envelope.start ?? env
  return {
    id: envelope.sessionId, env,
    client: { ip: start['TCPREMOTEIP'] ?? '', port: Number(start['TCPREMOTEPORT'] ?? 0), host: start['TCPREMOTEHOST'] },
    helo: env['SMTPHELOHOST'], reversePath: envelope.reversePath, recipients: envelope.recipients, recipient,
    recipientsAsked: envelope.recipients.length, recipientAllowed: true, relayClient: start['RELAYCLIENT'] !== undefined,
    auth: env['SMTPAUTHUSER'] === undefined ? undefined : { user: env['SMTPAUTHUSER'], method: env['SMTPAUTHMETHOD'] ?? '' },
    logins: [], tls: undefined,
  }
}

/** Variables hold for the rest of this delivery; what belongs to a client's session has no meaning here. */
function stateOf(env: Record<string, string>): SppState {
  return {
    off: false,
    setVariable: (name, value) => { env[name] = value },
    unsetVariable: (name) => { delete env[name] },
    addHeader: () => {}, deferError: () => {}, changeAddress: () => {},
  }
}
