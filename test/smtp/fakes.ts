/** A dialogue without a server around it: policy, spool and trace in memory. */
import { DEFAULT_LIMITS, type Limits } from '../../config/limits.ts'
import type { HookRequest, Line, RunResult } from '../../core/host/types.ts'
import type { Spool, SpoolWriter } from '../../core/message/spool-types.ts'
import type { Envelope } from '../../core/message/types.ts'
import type { Hook } from '../../core/plugin/plugin.ts'
import { Dialogue, type Offers } from '../../core/smtp/dialogue.ts'
import type { Policy } from '../../core/smtp/policy.ts'
import { SmtpSession } from '../../core/smtp/session.ts'
import type { SessionTrace } from '../../core/trace/types.ts'
import { copyOfEnvironment } from '../../protocol/spp/environment.ts'

export interface Stored {
  readonly envelope: Envelope
  /** latin1. */
  readonly content: string
}

export class FakeSpool implements Spool {
  readonly stored: Stored[] = []
  created = 0
  aborted = 0
  /** Thrown where a message begins, or is promised. */
  createFails: Error | undefined
  commitFails: Error | undefined

  create(): SpoolWriter {
    if (this.createFails !== undefined) throw this.createFails
    const chunks: Buffer[] = []
    let over = false
    this.created++
    return {
      id: `id${this.created}`,
      get size() { return chunks.reduce((sum, chunk) => sum + chunk.length, 0) },
      write: (chunk) => { chunks.push(Buffer.from(chunk)) },
      message: () => { throw new Error('no line of these tests reads the message') },
      commit: async (envelope) => {
        if (over) throw new Error('the message was over before')
        if (this.commitFails !== undefined) throw this.commitFails
        over = true
        this.stored.push({ envelope, content: Buffer.concat(chunks).toString('latin1') })
      },
      abort: async () => {
        if (!over) this.aborted++
        over = true
      },
    }
  }
}

export type Run = (request: HookRequest) => RunResult | Promise<RunResult>

export interface FakeOptions {
  readonly compat?: boolean
  /** What each hook's lines answer. */
  readonly lines?: Partial<Record<Hook, readonly Run[]>>
  readonly env?: Readonly<Record<string, string>>
  readonly databytes?: number
  /** `DEFAULT_LIMITS` for the server's own. */
  readonly limits?: Partial<Limits>
  readonly offers?: Offers
  readonly relayByLogin?: boolean
}

export interface Fake {
  readonly dialogue: Dialogue
  readonly spool: FakeSpool
  /** Trouble that was neither the client's nor a plugin's. */
  readonly troubles: unknown[]
}

const trace: SessionTrace = { id: 'test', add: () => {}, flush: () => {} }

export function fakeDialogue({ compat = false, lines = {}, env = {}, databytes = 0, limits = {}, offers, relayByLogin = false }: FakeOptions = {}): Fake {
  const spool = new FakeSpool()
  const troubles: unknown[] = []
  const chains = new Map(Object.entries({ deliver: [nothing], ...lines }).map(([hook, runs]) => [hook, runs.map((run) => fakeLine(hook as Hook, run))]))
  const policy: Policy = {
    generation: 1, greeting: 'test.example', me: 'test.example', localiphost: 'test.example', envnoathost: 'test.example', databytes,
    lines: (hook) => chains.get(hook) ?? [],
    rcpthosts: (address) => !address.includes('@') || address.endsWith('@local.example'), domainsFrom: 'control/rcpthosts',
    senderListed: (address) => address === 'bad@sender.example',
    isOwnIp: (ip) => ip === '127.0.0.1',
  }
  const session = new SmtpSession({
    id: 'test', service: 'smtp', compat, client: { ip: '127.0.0.1', port: 1, host: undefined }, env: copyOfEnvironment({ TCPREMOTEIP: '127.0.0.1', ...env }), relayByLogin,
    // As for test/harness/home.ts.
    limits: { ...DEFAULT_LIMITS, errors: 0, junkCommands: 0, earlyTalkers: 'note', pipelining: 'note', ...limits },
  })
  const dialogue = new Dialogue({ session, policy, spool, trace, now: Date.now, ...(offers === undefined ? {} : { offers }), failed: (_what, cause) => { troubles.push(cause) } })
  return { dialogue, spool, troubles }
}

const nothing: Run = () => ({ commands: [] })

function fakeLine(hook: Hook, run: Run): Line {
  return { hook, text: 'fake', file: 'control/smtpplugins', number: 1, options: {}, runtime: 'inline', name: 'fake', run }
}
