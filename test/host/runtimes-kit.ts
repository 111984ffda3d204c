/** Requests for lines, without a dialogue around them. */
import type { Hook, Session } from '../../core/plugin/plugin.ts'
import type { Message } from '../../core/plugin/message.ts'
import type { HookRequest } from '../../core/host/types.ts'
import type { NewTraceEvent } from '../../core/trace/types.ts'
import { parsePluginList, type ListEntry } from '../../protocol/spp/list.ts'
import { ENV } from './children-kit.ts'

/** The one entry of a list written out, such as `[helo]` and a line. */
export function entryOf(section: string, line: string): ListEntry {
  const { entries } = parsePluginList(`[${section}]\n${line}\n`)
  return entries[0]!
}

export interface TestRequest extends HookRequest {
  readonly events: readonly NewTraceEvent[]
}

export function requestOf(hook: Hook, given: {
  readonly env?: Readonly<Record<string, string>>
  readonly session?: Partial<Session>
  readonly message?: Message
  readonly signal?: AbortSignal
} = {}): TestRequest {
  const events: NewTraceEvent[] = []
  const session: Session = {
    id: 's1', env: { ...ENV, ...given.env }, client: { ip: '192.0.2.1', port: 4000, host: undefined }, helo: 'client.example',
    reversePath: 'a@b.example', recipients: [], recipient: 'u@local.example', recipientsAsked: 1, recipientAllowed: true,
    relayClient: false, auth: undefined, logins: [], tls: undefined, ...given.session,
  }
  return {
    hook, session, signal: given.signal ?? new AbortController().signal, events,
    trace: { id: 's1', add: (event) => void events.push(event), flush: () => undefined },
    ...(given.message === undefined ? {} : { message: given.message }),
  }
}
