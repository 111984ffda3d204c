/**
 * Asks one plugin one question, in a dialogue with nobody else in it: no server, no socket, no other plugin. What the
 * plugin can know is real (accounts, clock, control files, settings of the home); mail goes nowhere.
 */
import { isAscii } from '../../protocol/text.ts'
import type { Control } from '../../config/control.ts'
import type { Hook } from '../plugin/plugin.ts'
import { testMessage, DEFAULT_MESSAGE } from '../plugin/testing/message.ts'
import { access } from '../server/access.ts'
import { Dialogue } from '../smtp/dialogue.ts'
import { endOfData } from '../smtp/data.ts'
import type { Policy } from '../smtp/policy.ts'
import type { Reply } from '../smtp/reply.ts'
import { SmtpSession } from '../smtp/session.ts'
import type { SessionTrace } from '../trace/types.ts'
import { askChain, settle, type Settlement } from '../host/chain.ts'
import type { Line, RunResult } from '../host/types.ts'
import { answerLines } from './answer-lines.ts'
import { memorySpool } from './memory-spool.ts'

export interface Question {
  readonly hook: Hook
  readonly ip: string
  readonly helo: string
  readonly from: string
  /** All but the last were accepted before; the plugin is asked about the last. Without any there is one that may be written to. */
  readonly to: readonly string[]
  /** Variables on top of everything; they hold from the moment the plugin is asked, and those read at the start from the start. */
  readonly env: Readonly<Record<string, string>>
  /** In queue form. */
  readonly message?: Uint8Array
}

export interface FactAsked {
  readonly question: string
  readonly answer: string
  readonly ms: number
}

export interface Tried {
  /** Undefined when the dialogue did not get as far as the plugin. */
  readonly asked?: Asked
  /** What was said and refused before the plugin's turn. */
  readonly refusedBefore?: { readonly command: string; readonly reply: readonly string[] }
  /** Lines a client would read; empty where there is none. */
  readonly reply: readonly string[]
  /** The connection ends after the reply. */
  readonly closes: boolean
}

export interface Asked {
  readonly runtime: string
  readonly ms: number
  readonly answer: readonly string[]
  readonly verdict: Settlement['outcome']
  readonly fault?: { readonly kind: string; readonly detail: string }
  readonly exit?: number | string
  readonly facts: readonly FactAsked[]
}

/** Puts the question. Never rejects for what the plugin does. */
export async function tryLine(line: Line, question: Question, control: Control): Promise<Tried> {
  const watch = watched(line, question)
  const granted = await access({ remoteAddress: question.ip, remotePort: 40_000, localAddress: '127.0.0.1', localPort: 25 }, control,
    async () => question.env['TCPREMOTEHOST'])
  if (!granted.allow) return refused('a connection', [`${granted.rule ?? 'control/smtp-tcprules'} denies it`])
  const session = new SmtpSession({
    id: 'try', service: 'smtp', compat: false, env: Object.assign(granted.env, question.env),
    client: { ip: question.ip, port: 40_000, host: granted.host ?? question.env['TCPREMOTEHOST'] },
  })
  if (question.hook === 'deliver' || question.hook === 'auth') return { ...await askAlone(session, watch, question), ...watch.asked() }
  const spool = memorySpool()
  const dialogue = new Dialogue({
    session, policy: policyOf(control, watch, question), spool, trace: watch.trace, now: Date.now,
    failed: (_what, cause) => { throw cause },
  })
  try {
    return { ...await talk(dialogue, watch, question), ...watch.asked() }
  } finally {
    dialogue.leave('done')
    await spool.dispose()
  }
}

function refused(command: string, reply: readonly string[]): Tried {
  return { refusedBefore: { command, reply }, reply: [], closes: false }
}

/** The dialogue up to the question: one client, no detours. */
async function talk(dialogue: Dialogue, watch: Watched, question: Question): Promise<Tried> {
  for (const [hook, command] of commandsOf(question)) {
    const last = hook === question.hook
    watch.armed = last
    const reply = await (command === '' ? dialogue.greet() : dialogue.command(command))
    if (last) return { reply: linesOf(reply), closes: reply.next === 'close' }
    if (!/^[23]/.test(reply.text) || reply.next === 'close') return refused(command === '' ? 'the greeting' : command, linesOf(reply))
  }
  await dialogue.receiving!.content(question.message ?? Buffer.from(DEFAULT_MESSAGE))
  watch.armed = true
  const reply = await endOfData(dialogue, { bareLf: false, hops: 0 })
  return { reply: linesOf(reply), closes: reply.next === 'close' }
}

const SOMEBODY = 'user@local.example'

type Step = readonly [hook: Hook | undefined, command: string]

function commandsOf({ hook, helo, from, to: given }: Question): readonly Step[] {
  const to = given.length === 0 ? [SOMEBODY] : given
  const utf8 = [from, ...to].every(isAscii) ? '' : ' SMTPUTF8'
  const before = to.slice(0, -1).map((address): Step => [undefined, `RCPT TO:<${address}>`])
  return [
    ['connection', ''], ['helo', `EHLO ${helo}`], ['mail', `MAIL FROM:<${from}>${utf8}`], ...before,
    [hook === 'pass' ? 'pass' : 'rcpt', `RCPT TO:<${to.at(-1)!}>`], ['data', 'DATA'],
  ]
}

/** Hooks outside of a dialogue: a delivery has no client, and AUTH is not served. */
async function askAlone(session: SmtpSession, watch: Watched, question: Question): Promise<Tried> {
  const { hook, from, to } = question
  session.helo = session.env['SMTPHELOHOST'] = question.helo
  if (hook === 'deliver') {
    session.reversePath = session.env['SMTPMAILFROM'] = from
    session.recipient = session.env['SMTPRCPTTO'] = to.at(-1) ?? SOMEBODY
  } else {
    session.auth = { user: session.env['SMTPAUTHUSER'] ??= to.at(-1) ?? SOMEBODY, method: session.env['SMTPAUTHMETHOD'] ??= 'plain' }
  }
  const message = hook === 'deliver' ? testMessage(question.message) : undefined
  watch.armed = true
  try {
    const verdict = await askChain([watch.line], {
      hook, session, signal: new AbortController().signal, trace: watch.trace, ...(message === undefined ? {} : { message }),
    }, session, false)
    return { reply: hook === 'deliver' ? [] : verdict.replies, closes: verdict.kind === 'hang-up' }
  } finally {
    await message?.dispose()
  }
}

/** Every other decision is the built-in one; somebody would deliver. */
function policyOf(control: Control, watch: Watched, question: Question): Policy {
  return {
    generation: 0, me: control.me, greeting: control.smtpgreeting, localiphost: control.localiphost, envnoathost: control.envnoathost,
    databytes: control.databytes,
    lines: (asked) => (asked === question.hook && watch.armed ? [watch.line] : asked === 'deliver' ? [DELIVERS] : []),
    rcpthosts: (address) => question.to.length === 0 || control.rcpthosts(address), domainsFrom: 'control/rcpthosts', senderListed: (address) => control.badmailfrom(address),
    isOwnIp: (ip) => ip === '127.0.0.1',
  }
}

const DELIVERS: Line = {
  hook: 'deliver', text: 'somebody', file: '', number: 0, options: {}, runtime: 'inline', name: 'somebody', run: () => ({ commands: [] }),
}

interface Watched {
  /** The plugin's line, which keeps what it answers. */
  readonly line: Line
  readonly trace: SessionTrace
  /** It is the plugin's turn. */
  armed: boolean
  asked(): { readonly asked?: Asked }
}

function watched(line: Line, { hook, env }: Question): Watched {
  const facts: FactAsked[] = []
  // In shadow a line is asked and not obeyed; who tries it wants to know what it would do.
  const options = { ...line.options, shadow: false }
  let asked: Asked | undefined

  function keep(result: RunResult, since: number): RunResult {
    const { fault, outcome } = settle(obeyed, result, false)
    asked = {
      runtime: line.runtime, ms: tenths(performance.now() - since), answer: answerLines(result), verdict: outcome, facts,
      ...(fault === undefined ? {} : { fault }), ...(result.exit === undefined ? {} : { exit: result.exit }),
    }
    return result
  }

  const obeyed: Line = {
    hook: line.hook, text: line.text, file: line.file, number: line.number, options, runtime: line.runtime, name: line.name,
    async run(request) {
      if (request.session instanceof SmtpSession) pretend(request.session, hook, env)
      const since = performance.now()
      try {
        return keep(await line.run(request), since)
      } catch (cause) {
        return keep({ commands: [], fault: { kind: 'threw', detail: cause instanceof Error ? cause.message : String(cause) } }, since)
      }
    },
  }

  return {
    armed: false,
    line: obeyed,
    trace: {
      id: 'try', flush: () => undefined,
      add: (event) => {
        if (event.event === 'fact') facts.push({ question: event.question, answer: event.answer, ms: tenths(event.ms) })
      },
    },
    asked: () => (asked === undefined ? {} : { asked }),
  }
}

/** Variables that the dialogue has set meanwhile become what the question says, and counters follow them. */
function pretend(session: SmtpSession, hook: Hook, env: Question['env']): void {
  Object.assign(session.env, env)
  if (env['SMTPRCPTCOUNTALL'] !== undefined) session.recipientsAsked = Number(env['SMTPRCPTCOUNTALL']) || 0
  if (env['SMTPRCPTHOSTSOK'] !== undefined) session.recipientAllowed = env['SMTPRCPTHOSTSOK'] === '1'
  const count = Number(env['SMTPRCPTCOUNT'] ?? Number.NaN)
  if (hook !== 'rcpt' || !Number.isInteger(count) || count > 10_000) return
  while (session.recipients.length < count) session.recipients.push(`recipient${session.recipients.length + 1}@local.example`)
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}

function linesOf({ text }: Reply): readonly string[] {
  return text === '' ? [] : text.replace(/\r\n$/, '').split('\r\n')
}
