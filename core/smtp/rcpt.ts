/** RCPT (spp-protocol 7.4; RFC 5321 4.1.1.3), `pass`, and whether anybody would deliver. */
import { checkRcptParameters, parseParameters } from '../../protocol/smtp/parameters.ts'
import { domainOf, parsePath } from '../../protocol/smtp/path.ts'
import type { HookRequest, Line, Verdict } from '../host/types.ts'
import type { Dialogue } from './dialogue.ts'
import type { RecipientRefusal } from './policy.ts'
import type { SmtpSession } from './session.ts'
import { reply, type Reply } from './reply.ts'

const SYNTAX = '555 syntax error (#5.5.4)'
/** A bound on memory where the limit is none. */
const MOST_RECIPIENTS = 10_000

/** Recipients that one message may have in this session. */
export function recipientLimit({ limits }: SmtpSession): number {
  return limits.recipients || MOST_RECIPIENTS
}

export function rcpt(dialogue: Dialogue, argument: string): Reply | Promise<Reply> {
  const { session, policy } = dialogue
  if (!session.open) return dialogue.refuse('503 MAIL first (#5.5.1)', 'built-in: order')
  if (session.recipients.length >= recipientLimit(session)) {
    return dialogue.refuse('452 too many recipients (#4.5.3)', 'built-in: limit recipients')
  }
  const path = parsePath(argument, policy)
  if (!path.ok) return dialogue.refuse(SYNTAX, 'built-in: syntax')
  const parameters = readParameters(dialogue, path.parameters)
  if (typeof parameters === 'string') return dialogue.refuse(parameters, 'built-in: parameters')
  const fault = dialogue.addressFault(path.address, session.parameters['SMTPUTF8'] === true)
  if (fault !== undefined) return dialogue.refuse(fault, 'built-in: parameters')
  if (session.senderListed) {
    return dialogue.refuse('553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)', 'built-in: control/badmailfrom')
  }
  const { address } = path
  session.ofRecipient = parameters
  return dialogue.after(session.relayClient || policy.rcpthosts(address), (allowed) => typeof allowed === 'object'
    ? dialogue.refuse('451 sorry, whether mail for that domain is taken here is not known now (#4.3.0)', `built-in: ${policy.domainsFrom}: ${allowed.unknown}`)
    : asked(dialogue, address, allowed))
}

function asked(dialogue: Dialogue, address: string, allowed: boolean): Reply | Promise<Reply> {
  const { session } = dialogue
  const pending = dialogue.pending('LR')
  if (pending !== undefined) return pending
  session.env['SMTPRCPTCOUNT'] = String(session.recipientsCounted)
  session.recipientsAsked += 1
  session.env['SMTPRCPTCOUNTALL'] = String(session.recipientsAsked)
  session.env['SMTPRCPTHOSTSOK'] = allowed ? '1' : '0'
  session.recipientAllowed = allowed
  session.recipient = address
  if (!session.off) session.env['SMTPRCPTTO'] = address
  return dialogue.after(dialogue.ask('rcpt'), (verdict) =>
    dialogue.conclude(verdict, () => checked(dialogue, verdict, allowed)))
}

function checked(dialogue: Dialogue, verdict: Verdict, allowed: boolean): Reply | Promise<Reply> {
  const { session } = dialogue
  if (session.relaySuffix !== undefined) session.recipient = `${session.recipient}${session.relaySuffix}`
  else if (verdict.kind === 'go-on' && !allowed) {
    if (session.relayUnknown) {
      return dialogue.say(reply(...verdict.replies, '451 sorry, whether you may send there is not known now (#4.3.0)'), 'built-in: AUTHEXPIRE')
    }
    return dialogue.say(reply(...verdict.replies, "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
      `built-in: ${dialogue.policy.domainsFrom}`)
  }
  return dialogue.after(somebodyDelivers(dialogue), (taker) => {
    if (taker === 'nobody') {
      return dialogue.say(reply(...verdict.replies, '550 sorry, nobody here delivers mail for that domain (#5.1.2)'),
        'built-in: no line of [+deliver] takes the domain')
    }
    if (taker === 'unknown') {
      return dialogue.say(reply(...verdict.replies, '451 sorry, who delivers for that domain is not known now (#4.3.0)'),
        'built-in: a line of [+deliver] could not say whether it takes the domain')
    }
    return dialogue.after(refusalOf(dialogue), (refusal) => refusal === undefined
      ? pass(dialogue, verdict.replies)
      : dialogue.say(reply(...verdict.replies, refusal.reply), `built-in: allowed_recipients_from_db${refusal.reason === undefined ? '' : `: ${refusal.reason}`}`))
  })
}

function refusalOf({ policy, session }: Dialogue): RecipientRefusal | undefined | Promise<RecipientRefusal | undefined> {
  return policy.recipientRefusal?.(session.recipient ?? '')
}

function pass(dialogue: Dialogue, before: readonly string[]): Reply | Promise<Reply> {
  const { session } = dialogue
  const accept = (replies: readonly string[]): Reply => {
    session.recipients.push(session.recipient ?? '')
    session.recipientParameters.push(session.ofRecipient)
    return dialogue.say(reply(...before, ...replies, '250 ok'))
  }
  session.recipientsCounted += 1
  if (dialogue.policy.lines('pass').length === 0 || session.off) return accept([])
  session.env['SMTPRCPTCOUNT'] = String(session.recipientsCounted)
  return dialogue.after(dialogue.ask('pass'), (verdict) => {
    if (verdict.kind === 'refuse' || verdict.kind === 'hang-up') session.recipientsCounted -= 1
    return dialogue.conclude({ ...verdict, replies: [...before, ...verdict.replies] }, () => accept(verdict.replies))
  })
}

/** Where nobody in `[+deliver]` would take a domain, its mail is refused and not collected. */
function somebodyDelivers(dialogue: Dialogue): Taker | Promise<Taker> {
  const { session, policy } = dialogue
  const domain = domainOf(session.recipient ?? '') ?? policy.envnoathost
  return firstTaker(policy.lines('deliver'), dialogue.request('deliver'), domain)
}

type Taker = 'somebody' | 'nobody' | 'unknown'

function firstTaker(lines: readonly Line[], request: HookRequest, domain: string): Taker | Promise<Taker> {
  if (lines.length === 0) return 'nobody'
  if (lines.some((line) => line.takes === undefined && line.options.shadow !== true)) return 'somebody'
  return askedEach(lines, 0, request, domain, false)
}

/** Those from this line on. Answers at once when no line waits. */
function askedEach(lines: readonly Line[], from: number, request: HookRequest, domain: string, failed: boolean): Taker | Promise<Taker> {
  let unknown = failed
  for (let index = from; index < lines.length; index++) {
    const line = lines[index]!
    if (line.takes === undefined || line.options.shadow === true) continue
    try {
      const takes = line.takes(request, domain)
      if (takes instanceof Promise) {
        const next = (unsure: boolean): Taker | Promise<Taker> => askedEach(lines, index + 1, request, domain, unsure)
        return takes.then((late) => late ? 'somebody' : next(unknown), () => next(true))
      }
      if (takes) return 'somebody'
    } catch {
      unknown = true
    }
  }
  return unknown ? 'unknown' : 'nobody'
}

/** The parameters to keep, or the refusal. */
function readParameters(dialogue: Dialogue, text: string): Readonly<Record<string, string>> | string {
  if (text === '' || dialogue.session.compat) return {}
  const parsed = parseParameters(text)
  if (!parsed.ok) return SYNTAX
  const checked = checkRcptParameters(parsed.parameters, dialogue.limits())
  if (!checked.ok) return checked.reply
  const { notify, orcpt } = checked.values
  return { ...(notify === undefined ? {} : { NOTIFY: notify }), ...(orcpt === undefined ? {} : { ORCPT: orcpt }) }
}
