/** Refuses senders whose domain does not name the client (the Helios manual, chapter 2 section 4.2; RFC 7208). */
import { definePlugin, error, nodeResolver, orOff, set, type Command, type ControlFile } from '../../core/plugin/index.ts'
import { readLine } from '../../protocol/qmail/control.ts'
import { check, explain, passesLocally, type Resolver } from './check.ts'
import { printable, type Finding, type Question, type Result } from './finding.ts'
import { receivedSpf } from './header.ts'
import { engine, explanation, level, mechanisms } from './settings.ts'

/** The level from which on a result is refused. The manual calls temperror `error` and permerror `unknown`, as SPF once did. */
const REFUSED_FROM: Readonly<Record<Result, number>> = {
  pass: Infinity, fail: 1, softfail: 2, neutral: 3, none: 4, temperror: 5, permerror: 6,
}

const hostName = (about: string): ControlFile<string> => ({ about, parse: (content) => ({ value: readLine(content, ''), problems: [] }) })

export default definePlugin({
  name: 'spf',
  summary: 'Refuses senders whose domain does not permit the client to send for it (SPF).',
  settings: {
    SPF: orOff(level('what to refuse: 1 fail, 2 softfail too, 3 neutral too, 4 none too, 5 errors of DNS too, 6 broken policies too; 0 or unset: no look-up'), 0),
    SPFLOCALPOLICY: mechanisms('clients that may send for every domain'),
    SPFEXPLANATION: explanation('what a refused client is told when the domain itself explains nothing'),
    SPFENGINE: engine('what evaluates policies; unset: mailauth'),
  },
  control: { me: hostName('name of this host') },
  mail: async ({ session, settings, control, world, log }) => {
    const { SPF: strictness, SPFLOCALPOLICY: localPolicy } = settings
    if (strictness === undefined || strictness === 0) return undefined
    if (session.relayClient || session.auth !== undefined) return undefined
    const question: Question = {
      ip: session.client.ip, helo: session.helo?.trim() ?? '', sender: session.reversePath ?? '', receiver: control.me,
    }
    const resolver: Resolver = nodeResolver(world.dns)
    const theirs = settings.SPFENGINE === 'spf-check'
      ? await (await import('./other-engine.ts')).check(question, resolver)
      : await check(question, resolver)
    const ours = theirs.result === 'pass' || !localPolicy ? undefined : await passesLocally(question, theirs.domain, localPolicy, resolver)
    if (ours?.problem !== undefined) log.warn('SPFLOCALPOLICY could not be evaluated', { problem: ours.problem })
    if (ours?.result === 'pass') return [...receivedSpf(question, ours, true), set('SPFRESULT', 'pass')]
    if (strictness < REFUSED_FROM[theirs.result]) return [...receivedSpf(question, theirs, false), set('SPFRESULT', theirs.result)]
    log.info('sender refused by SPF', { result: theirs.result, domain: theirs.domain, ...(theirs.problem === undefined ? {} : { problem: theirs.problem }) })
    const own = theirs.result === 'fail' && theirs.explanation === undefined && settings.SPFEXPLANATION
      ? await explain(question, theirs.domain, settings.SPFEXPLANATION, resolver)
      : undefined
    return refusal(theirs, question, own)
  },
})

/** A reply is one line of at most 512 bytes (RFC 5321 4.5.3.1.5); codes as RFC 7208 section 8 and RFC 7372 have them. */
const LONGEST_NAME = 120
const LONGEST_EXPLANATION = 220

function refusal({ result, domain, explanation, problem }: Finding, { ip }: Question, own: string | undefined): Command {
  const name = printable(domain).slice(0, LONGEST_NAME)
  switch (result) {
    case 'temperror':
      return error(`451 sorry, I cannot look up now who may send for ${name} (#4.7.24)`)
    case 'permerror':
      return error(`550 sorry, the SPF policy of ${name} is broken${problem === undefined ? '' : `: ${problem.slice(0, LONGEST_NAME)}`} (#5.7.24)`)
    case 'none':
      return error(`550 sorry, ${name} does not say who may send for it (SPF none) (#5.7.23)`)
    default: {
      // RFC 7208 section 8.4: it must be plain whose words they are.
      const said = explanation === undefined ? own : `its owner explains: ${explanation}`
      const why = said === undefined ? '' : `: ${said.slice(0, LONGEST_EXPLANATION)}`
      return error(`550 sorry, ${ip} may not send for ${name} (SPF ${result})${why} (#5.7.23)`)
    }
  }
}
