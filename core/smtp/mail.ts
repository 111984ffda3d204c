/** MAIL (spp-protocol 7.3; RFC 5321 4.1.1.2). */
import { checkMailParameters, parseParameters } from '../../protocol/smtp/parameters.ts'
import { parsePath } from '../../protocol/smtp/path.ts'
import { loginFirst } from './auth.ts'
import type { Dialogue } from './dialogue.ts'
import { reply, type Reply } from './reply.ts'

const SYNTAX = '555 syntax error (#5.5.4)'

export function mail(dialogue: Dialogue, argument: string): Reply | Promise<Reply> {
  const { session } = dialogue
  const first = loginFirst(dialogue)
  if (first !== undefined) return dialogue.refuse(first, 'built-in: AUTH')
  const path = parsePath(argument)
  if (!path.ok) return dialogue.refuse(SYNTAX, 'built-in: syntax')
  const parameters = readParameters(dialogue, path.parameters)
  if (typeof parameters === 'string') return dialogue.refuse(parameters, 'built-in: parameters')
  const fault = dialogue.addressFault(path.address, parameters['SMTPUTF8'] === true)
  if (fault !== undefined) return dialogue.refuse(fault, 'built-in: address')
  const pending = dialogue.pending('LM')
  if (pending !== undefined) return pending
  session.resetCounters()
  const before = session.reversePath
  const headersBefore = session.transactionHeaders
  session.transactionHeaders = []
  session.reversePath = path.address
  if (!session.off) session.env['SMTPMAILFROM'] = path.address
  return dialogue.after(dialogue.ask('mail'), (verdict) => {
    const sender = session.reversePath ?? ''
    // A refused MAIL leaves an earlier transaction open, with its sender and recipients (vector 40).
    session.reversePath = before
    const headers = session.transactionHeaders
    session.transactionHeaders = headersBefore
    return dialogue.conclude(verdict, () => {
      if (verdict.kind === 'go-on') session.senderListed = dialogue.policy.senderListed(sender)
      session.closeTransaction()
      session.open = true
      session.reversePath = sender
      session.transactionHeaders = headers
      session.parameters = parameters
      return dialogue.say(reply(...verdict.replies, '250 ok'))
    })
  })
}

/** The parameters to keep, or the refusal. The original ignores whatever follows the path. */
function readParameters(dialogue: Dialogue, text: string): Record<string, string | true> | string {
  if (text === '' || dialogue.session.compat) return {}
  const parsed = parseParameters(text)
  if (!parsed.ok) return SYNTAX
  const checked = checkMailParameters(parsed.parameters, dialogue.limits())
  if (!checked.ok) return checked.reply
  const { body, smtputf8, requireTls, ret, envid } = checked.values
  const kept = { BODY: body, SMTPUTF8: smtputf8, REQUIRETLS: requireTls, RET: ret, ENVID: envid }
  return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string | true] => entry[1] !== undefined))
}
